/* json.c: see json.h. The only user of cJSON.
 *
 * A writer makes a tree and prints it at the end: half of a value is then never written, and the layout is cJSON's own.
 */
#include "base/json.h"
#include "base/file.h"
#include "base/number.h"
#include "base/text.h"

#include <assert.h>
#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- writing ---- */

/* Puts an item where the writer is; drops it where that fails. */
static bool put(yti_json_writer *w, const char *key, cJSON *item) {
    assert(w->depth > 0 || !w->root); /* one value is the whole */
    cJSON *parent = w->depth > 0 ? w->open[w->depth - 1] : NULL;
    if (w->failed || !item)
        w->failed = true;
    else if (!parent)
        w->root = item;
    else if (cJSON_IsObject(parent))
        w->failed = !cJSON_AddItemToObject(parent, key, item);
    else
        w->failed = !cJSON_AddItemToArray(parent, item);
    if (w->failed) cJSON_Delete(item);
    return !w->failed;
}

/* Counted when something failed, too, so that ends still fit beginnings. */
static void open_item(yti_json_writer *w, const char *key, cJSON *item) {
    assert(w->depth < YTI_JSON_DEPTH);
    const bool done = put(w, key, item);
    w->open[w->depth++] = done ? item : NULL;
}

void yti_json_object(yti_json_writer *w, const char *key) {
    open_item(w, key, cJSON_CreateObject());
}

void yti_json_array(yti_json_writer *w, const char *key) {
    open_item(w, key, cJSON_CreateArray());
}

void yti_json_end(yti_json_writer *w) {
    assert(w->depth > 0);
    w->depth--;
}

void yti_json_text(yti_json_writer *w, const char *key, const char *text) {
    put(w, key, cJSON_CreateString(text));
}

void yti_json_bool(yti_json_writer *w, const char *key, bool value) {
    put(w, key, cJSON_CreateBool(value));
}

void yti_json_null(yti_json_writer *w, const char *key) {
    put(w, key, cJSON_CreateNull());
}

void yti_json_number(yti_json_writer *w, const char *key, double value) {
    put(w, key, isfinite(value) ? cJSON_CreateNumber(value) : cJSON_CreateNull());
}

void yti_json_number6(yti_json_writer *w, const char *key, double value) {
    char text[YTI_DECIMAL];
    put(w, key, cJSON_CreateRaw(yti_decimal(value, 6, text)));
}

void yti_json_hash(yti_json_writer *w, const char *key, uint64_t hash) {
    char text[32];
    snprintf(text, sizeof text, "%016llx", (unsigned long long)hash);
    yti_json_text(w, key, text);
}

char *yti_json_finish(yti_json_writer *w, yti_json_layout layout) {
    const bool good = w->root && !w->failed;
    char *text = !good ? NULL : layout == YTI_JSON_INDENTED ? cJSON_Print(w->root) : cJSON_PrintUnformatted(w->root);
    yti_json_discard(w);
    return text;
}

yti_json *yti_json_tree(yti_json_writer *w) {
    yti_json *tree = w->failed ? NULL : w->root;
    if (tree) w->root = NULL;
    yti_json_discard(w);
    return tree;
}

yt_status yti_json_save(yti_json_writer *w, const char *path, yt_err *err) {
    char *text = yti_json_finish(w, YTI_JSON_INDENTED);
    if (!text) return yt_fail(err, YT_ERR_NO_MEMORY, "%s: no memory", path);
    yti_file_writer file;
    yt_status status = yti_file_writer_open(path, &file, err);
    if (status == YT_OK) {
        fprintf(file.stream, "%s\n", text);
        status = yti_file_writer_commit(&file, err);
    }
    free(text);
    return status;
}

void yti_json_discard(yti_json_writer *w) {
    cJSON_Delete(w->root);
    *w = (yti_json_writer){0};
}

char *yti_json_quoted(const char *text) {
    char *copy = yti_text_to_utf8(text);
    yti_json_writer w = {0};
    put(&w, NULL, copy ? cJSON_CreateString(copy) : NULL);
    free(copy);
    return yti_json_finish(&w, YTI_JSON_ON_ONE_LINE);
}

/* ---- reading ---- */

yti_json *yti_json_parse(const char *text, size_t length, const char **end) {
    return cJSON_ParseWithLengthOpts(text, length, end, false);
}

yti_json *yti_json_parse_all(const char *text) {
    const char *end;
    yti_json *tree = yti_json_parse(text, strlen(text), &end);
    while (tree && *end && strchr(" \t\r\n", *end)) end++;
    if (!tree || *end == '\0') return tree;
    yti_json_free(tree);
    return NULL;
}

void yti_json_free(yti_json *tree) {
    cJSON_Delete(tree);
}

bool yti_json_is_object(const yti_json *item) {
    return cJSON_IsObject(item);
}

bool yti_json_is_array(const yti_json *item) {
    return cJSON_IsArray(item);
}

bool yti_json_is_null(const yti_json *item) {
    return cJSON_IsNull(item);
}

bool yti_json_is_bool(const yti_json *item) {
    return cJSON_IsBool(item);
}

bool yti_json_is_true(const yti_json *item) {
    return cJSON_IsTrue(item);
}

const yti_json *yti_json_get(const yti_json *object, const char *key) {
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

const yti_json *yti_json_first(const yti_json *item) {
    return item ? item->child : NULL;
}

const yti_json *yti_json_next(const yti_json *item) {
    return item ? item->next : NULL;
}

char *yti_json_key(const yti_json *item) {
    return item ? item->string : NULL;
}

int yti_json_count(const yti_json *item) {
    return cJSON_GetArraySize(item);
}

char *yti_json_as_text(const yti_json *item) {
    return cJSON_GetStringValue(item);
}

bool yti_json_as_number(const yti_json *item, double *out) {
    if (!cJSON_IsNumber(item)) return false;
    *out = item->valuedouble;
    return true;
}

bool yti_json_as_whole(const yti_json *item, double low, double high, int64_t *out) {
    double value;
    if (!yti_json_as_number(item, &value) || !(value >= low && value <= high) || value != floor(value)) return false;
    *out = (int64_t)value;
    return true;
}
