/* pt_yaml.c: the model description of a checkpoint, a tree of pickled values, as YAML text like Ultralytics files: a
 * line per key, and under backbone and head a line per row.
 *
 * Values may be shared and circular, so depth and length are bounded.
 */
#include "base/number.h"
#include "formats/pt_values.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MAX_DEPTH = 16, MAX_BYTES = 1 << 20 /* what a model YAML may have */ };

typedef struct writer {
    char *text; /* NULL on the first pass, which only counts */
    size_t used;
    const char *where;
    yt_err *err;
} writer;

static yt_status put(writer *w, const char *bytes, size_t count) {
    if (count > MAX_BYTES - w->used)
        return yt_fail(w->err, YT_ERR_SYNTAX, "%s: its model description has more than %d letters", w->where,
                       MAX_BYTES);
    if (w->text) memcpy(w->text + w->used, bytes, count);
    w->used += count;
    return YT_OK;
}

static yt_status put_word(writer *w, const char *word) {
    return put(w, word, strlen(word));
}

/* Whether a text means itself in YAML without quotes: module names, keys, "None", "nearest". */
static bool is_plain(yti_pt_text text) {
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_", others[] = "0123456789.-";
    if (text.length == 0 || !memchr(letters, text.bytes[0], sizeof letters - 1)) return false;
    for (size_t i = 1; i < text.length; i++)
        if (!memchr(letters, text.bytes[i], sizeof letters - 1) && !memchr(others, text.bytes[i], sizeof others - 1))
            return false;
    return true;
}

static yt_status put_text(writer *w, yti_pt_text text) {
    if (is_plain(text)) return put(w, text.bytes, text.length);
    YT_TRY(put_word(w, "\""));
    for (size_t i = 0; i < text.length; i++) {
        unsigned char letter = (unsigned char)text.bytes[i];
        char escaped[8] = {(char)letter};
        if (letter == '"' || letter == '\\')
            snprintf(escaped, sizeof escaped, "\\%c", letter);
        else if (letter < 32 || letter == 127)
            snprintf(escaped, sizeof escaped, "\\x%02x", letter);
        YT_TRY(put_word(w, escaped));
    }
    return put_word(w, "\"");
}

/* The shortest form that reads back as the same number. */
static yt_status put_real(writer *w, double real) {
    char text[40];
    if (!isfinite(real)) return put_word(w, isnan(real) ? ".nan" : real > 0 ? ".inf" : "-.inf");
    for (int digits = 15; digits <= 17; digits++) {
        double read;
        snprintf(text, sizeof text, "%.*g", digits, real);
        if (yti_parse_decimal(text, strlen(text), &read) && read == real) break;
    }
    if (!strpbrk(text, ".e")) strcat(text, ".0");
    return put_word(w, text);
}

static yt_status put_value(writer *w, const yti_pt_value *value, int depth);

static yt_status put_list(writer *w, const yti_pt_items *items, int depth) {
    YT_TRY(put_word(w, "["));
    for (size_t i = 0; i < items->count; i++) {
        if (i) YT_TRY(put_word(w, ", "));
        YT_TRY(put_value(w, items->at[i], depth + 1));
    }
    return put_word(w, "]");
}

static yt_status put_map(writer *w, const yti_pt_items *items, int depth) {
    YT_TRY(put_word(w, "{"));
    for (size_t i = 0; i + 1 < items->count; i += 2) {
        if (i) YT_TRY(put_word(w, ", "));
        YT_TRY(put_value(w, items->at[i], depth + 1));
        YT_TRY(put_word(w, ": "));
        YT_TRY(put_value(w, items->at[i + 1], depth + 1));
    }
    return put_word(w, "}");
}

static yt_status put_value(writer *w, const yti_pt_value *value, int depth) {
    char number[32];
    if (depth > MAX_DEPTH)
        return yt_fail(w->err, YT_ERR_SYNTAX, "%s: its model description nests deeper than %d levels", w->where,
                       MAX_DEPTH);
    switch (value->kind) {
    case YT_PT_NONE:
        return put_word(w, "null");
    case YT_PT_BOOL:
        return put_word(w, value->number ? "True" : "False");
    case YT_PT_INT:
        snprintf(number, sizeof number, "%lld", (long long)value->number);
        return put_word(w, number);
    case YT_PT_REAL:
        return put_real(w, value->real);
    case YT_PT_TEXT:
        return put_text(w, value->text);
    case YT_PT_LIST:
    case YT_PT_TUPLE:
        return put_list(w, &value->items, depth);
    case YT_PT_MAP:
        return put_map(w, &value->items, depth);
    default:
        return yt_fail(w->err, YT_ERR_SYNTAX,
                       "%s: its model description holds something that is no number, text, list or map", w->where);
    }
}

/* "backbone:" and a line per row. */
static yt_status put_rows(writer *w, const yti_pt_items *rows) {
    for (size_t i = 0; i < rows->count; i++) {
        YT_TRY(put_word(w, "\n  - "));
        YT_TRY(put_value(w, rows->at[i], 1));
    }
    return put_word(w, rows->count ? "\n" : " []\n");
}

static bool has_rows(const yti_pt_value *key, const yti_pt_value *value) {
    return value->kind == YT_PT_LIST && key->kind == YT_PT_TEXT &&
           (yti_pt_text_is(key->text, "backbone") || yti_pt_text_is(key->text, "head"));
}

static yt_status put_document(writer *w, const yti_pt_value *map) {
    for (size_t i = 0; i + 1 < map->items.count; i += 2) {
        const yti_pt_value *key = map->items.at[i], *value = map->items.at[i + 1];
        YT_TRY(put_value(w, key, 1));
        YT_TRY(put_word(w, ":"));
        if (has_rows(key, value)) {
            YT_TRY(put_rows(w, &value->items));
            continue;
        }
        YT_TRY(put_word(w, " "));
        YT_TRY(put_value(w, value, 1));
        YT_TRY(put_word(w, "\n"));
    }
    return YT_OK;
}

yt_status yti_pt_yaml_text(const yti_pt_value *map, const char *where, yti_arena *arena, char **out, yt_err *err) {
    writer count = {.where = where, .err = err};
    YT_TRY(put_document(&count, map));
    writer fill = {.text = yti_arena_take(arena, count.used + 1), .where = where, .err = err};
    if (!fill.text) return yt_fail(err, YT_ERR_NO_MEMORY, "%s: no memory for its model description", where);
    YT_TRY(put_document(&fill, map));
    fill.text[fill.used] = '\0';
    *out = fill.text;
    return YT_OK;
}
