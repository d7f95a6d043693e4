/* yaml.c: libyaml's events built into a tree of nodes. The only user of libyaml.
 *
 * Nodes, texts and arrays lie in an arena that the document owns. While a collection is open its children wait on one
 * stack; when it closes they move to an array of the exact size. An alias is the node of its anchor once more, not a
 * copy; but whoever walks the tree meets it every time, so what it stands for is counted as if it were written out, in
 * nodes and in depth, and both are bounded. Tags other than !!str are refused, and so is the merge key <<, which would
 * be one more way to mean something else than what is written.
 */
#include "base/yaml.h"

#include "base/arena.h"
#include "base/file.h"
#include "base/number.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

enum { MAX_BYTES = 16 << 20, MAX_DEPTH = 64, MAX_NODES = 2000000, MAX_ANCHORS = 1000 };

/* A value with a name, and what it would be written out. */
typedef struct anchor {
    char *name;
    const yti_yaml_node *node;
    size_t nodes; /* with those below it */
    int height;   /* levels of lists and maps in it */
} anchor;

typedef struct builder {
    yaml_parser_t parser;
    const char *name; /* of the file, for messages */
    const char *text;
    size_t length;
    yt_err *err;
    yti_arena arena;
    const yti_yaml_node **stack; /* children of the collections that are open */
    size_t stack_used, stack_capacity;
    size_t nodes; /* so far, aliases written out */
    int deepest;  /* level reached since it was set */
    anchor *anchors;
    size_t n_anchors;
} builder;

static const char BACKSLASH[] =
    "; in double quotes a backslash begins an escape: write / in paths, or use single quotes";

/* Memory that lives as long as the document; NULL: none left, err is filled. */
static void *take(builder *b, size_t bytes) {
    void *place = yti_arena_take(&b->arena, bytes);
    if (!place) yt_fail(b->err, YT_ERR_NO_MEMORY, "%s: no memory for the document", b->name);
    return place;
}

static yt_status push(builder *b, const yti_yaml_node *node) {
    if (b->stack_used == b->stack_capacity) {
        size_t capacity = b->stack_capacity ? 2 * b->stack_capacity : 64; /* bounded by MAX_NODES */
        const yti_yaml_node **grown = realloc(b->stack, capacity * sizeof(*grown));
        if (!grown) return yt_fail(b->err, YT_ERR_NO_MEMORY, "%s: no memory for the document", b->name);
        b->stack = grown;
        b->stack_capacity = capacity;
    }
    b->stack[b->stack_used++] = node;
    return YT_OK;
}

/* Line of a byte offset; libyaml gives only an offset for bytes that are no UTF-8. */
static size_t line_at(const builder *b, size_t offset) {
    size_t line = 1;
    for (size_t i = 0; i < offset && i < b->length; i++) line += b->text[i] == '\n';
    return line;
}

static yt_status parser_failure(const builder *b) {
    const yaml_parser_t *parser = &b->parser;
    const char *problem = parser->problem ? parser->problem : "not YAML";
    switch (parser->error) {
    case YAML_MEMORY_ERROR:
        return yt_fail(b->err, YT_ERR_NO_MEMORY, "%s: no memory to parse it", b->name);
    case YAML_READER_ERROR:
        return yti_fail_at(b->err, YT_ERR_SYNTAX, b->name, line_at(b, parser->problem_offset),
                           "%s; a YAML file is UTF-8 text", problem);
    default:
        return yti_fail_at(b->err, YT_ERR_SYNTAX, b->name, parser->problem_mark.line + 1, "%s%s%s%s", problem,
                           parser->context ? " " : "", parser->context ? parser->context : "",
                           parser->context && strstr(parser->context, "quoted scalar") && strstr(problem, "xpected hex")
                               ? BACKSLASH
                           : strstr(problem, "escape") ? BACKSLASH
                                                       : "");
    }
}

static yt_status next_event(builder *b, yaml_event_t *event) {
    if (yaml_parser_parse(&b->parser, event)) return YT_OK;
    return parser_failure(b);
}

/* Refuses what could make a document mean more than it says. */
static yt_status check_tag(const builder *b, size_t line, const yaml_char_t *tag) {
    if (tag && strcmp((const char *)tag, YAML_STR_TAG) != 0)
        return yti_fail_at(b->err, YT_ERR_SYNTAX, b->name, line, "tags (%s) are not supported; write the plain value",
                           (const char *)tag);
    return YT_OK;
}

static yti_yaml_node *new_node(builder *b, yti_yaml_kind kind, size_t line) {
    if (++b->nodes > MAX_NODES) {
        yti_fail_at(b->err, YT_ERR_SYNTAX, b->name, line, "more than %d values in one document", MAX_NODES);
        return NULL;
    }
    yti_yaml_node *node = take(b, sizeof *node);
    if (node) *node = (yti_yaml_node){.kind = kind, .line = line};
    return node;
}

/* `name` NULL: there is none to keep. */
static yt_status keep_anchor(builder *b, const yaml_char_t *name, const yti_yaml_node *node, size_t nodes, int height) {
    if (!name) return YT_OK;
    if (b->n_anchors == MAX_ANCHORS)
        return yti_fail_at(b->err, YT_ERR_SYNTAX, b->name, node->line, "more than %d anchors in one document",
                           MAX_ANCHORS);
    size_t bytes = strlen((const char *)name) + 1;
    anchor *grown = realloc(b->anchors, (b->n_anchors + 1) * sizeof *grown);
    if (grown) b->anchors = grown;
    char *copy = grown ? take(b, bytes) : NULL;
    if (!copy) return yt_fail(b->err, YT_ERR_NO_MEMORY, "%s: no memory for the document", b->name);
    memcpy(copy, name, bytes);
    grown[b->n_anchors++] = (anchor){copy, node, nodes, height};
    return YT_OK;
}

static yt_status build_scalar(builder *b, const yaml_event_t *event) {
    size_t line = event->start_mark.line + 1, length = event->data.scalar.length;
    YT_TRY(check_tag(b, line, event->data.scalar.tag));
    if (memchr(event->data.scalar.value, 0, length))
        return yti_fail_at(b->err, YT_ERR_SYNTAX, b->name, line, "a text must not contain a NUL character");
    yti_yaml_node *node = new_node(b, YT_YAML_SCALAR, line);
    char *text = node ? take(b, length + 1) : NULL;
    if (!text) return b->nodes > MAX_NODES ? YT_ERR_SYNTAX : YT_ERR_NO_MEMORY;
    memcpy(text, event->data.scalar.value, length);
    text[length] = '\0';
    node->text = text;
    node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE || event->data.scalar.tag;
    YT_TRY(keep_anchor(b, event->data.scalar.anchor, node, 1, 0));
    return push(b, node);
}

/* The value of the last anchor of that name, once more. */
static yt_status build_alias(builder *b, const yaml_event_t *event, int depth) {
    const char *name = (const char *)event->data.alias.anchor;
    size_t line = event->start_mark.line + 1, i = b->n_anchors;
    while (i > 0 && strcmp(b->anchors[i - 1].name, name) != 0) i--;
    if (i == 0)
        return yti_fail_at(b->err, YT_ERR_SYNTAX, b->name, line,
                           "*%.60s stands for nothing: there is no finished &%.60s before it", name, name);
    const anchor *found = &b->anchors[i - 1];
    if (found->nodes > MAX_NODES - b->nodes)
        return yti_fail_at(b->err, YT_ERR_SYNTAX, b->name, line,
                           "more than %d values in one document, aliases written out", MAX_NODES);
    b->nodes += found->nodes;
    int deepest = depth + found->height;
    if (deepest > MAX_DEPTH)
        return yti_fail_at(b->err, YT_ERR_SYNTAX, b->name, line, "nested deeper than %d levels", MAX_DEPTH);
    if (deepest > b->deepest) b->deepest = deepest;
    return push(b, found->node);
}

static int compare_keys(const void *a, const void *b) {
    const yti_yaml_node *const *left = a, *const *right = b;
    int order = strcmp((*left)->text, (*right)->text);
    if (order) return order;
    return ((*left)->line > (*right)->line) - ((*left)->line < (*right)->line);
}

/* By sorting: a hostile map may have a million keys. */
static yt_status refuse_duplicates(const builder *b, const yti_yaml_node *map) {
    if (map->count < 2) return YT_OK;
    const yti_yaml_node **sorted = malloc(map->count * sizeof(*sorted));
    if (!sorted) return yt_fail(b->err, YT_ERR_NO_MEMORY, "%s: no memory to check its keys", b->name);
    memcpy(sorted, map->keys, map->count * sizeof(*sorted));
    qsort(sorted, map->count, sizeof(*sorted), compare_keys);
    yt_status status = YT_OK;
    for (size_t i = 1; i < map->count && status == YT_OK; i++)
        if (strcmp(sorted[i - 1]->text, sorted[i]->text) == 0)
            status = yti_fail_at(b->err, YT_ERR_SYNTAX, b->name, sorted[i]->line,
                                 "key '%.100s' was already given in line %zu", sorted[i]->text, sorted[i - 1]->line);
    free(sorted);
    return status;
}

static yt_status close_list(builder *b, yti_yaml_node *node, size_t base) {
    node->count = b->stack_used - base;
    node->items = take(b, node->count * sizeof(*node->items));
    if (!node->items) return YT_ERR_NO_MEMORY;
    if (node->count) memcpy(node->items, b->stack + base, node->count * sizeof(*node->items));
    return YT_OK;
}

static yt_status close_map(builder *b, yti_yaml_node *node, size_t base) {
    node->count = (b->stack_used - base) / 2;
    node->keys = take(b, node->count * sizeof(*node->keys));
    node->items = take(b, node->count * sizeof(*node->items));
    if (!node->keys || !node->items) return YT_ERR_NO_MEMORY;
    for (size_t i = 0; i < node->count; i++) {
        node->keys[i] = b->stack[base + 2 * i];
        node->items[i] = b->stack[base + 2 * i + 1];
        if (node->keys[i]->kind != YT_YAML_SCALAR)
            return yti_fail_at(b->err, YT_ERR_SYNTAX, b->name, node->keys[i]->line,
                               "a key must be a plain word, not a list or map");
        if (!node->keys[i]->quoted && strcmp(node->keys[i]->text, "<<") == 0)
            return yti_fail_at(b->err, YT_ERR_SYNTAX, b->name, node->keys[i]->line,
                               "the merge key << is not supported; write the values out");
    }
    return refuse_duplicates(b, node);
}

static yt_status build_value(builder *b, const yaml_event_t *event, int depth);

/* Builds the children up to the closing event and pushes the finished collection. */
static yt_status build_collection(builder *b, const yaml_event_t *event, int depth) {
    bool is_map = event->type == YAML_MAPPING_START_EVENT;
    size_t line = event->start_mark.line + 1, base = b->stack_used;
    const yaml_char_t *name = is_map ? event->data.mapping_start.anchor : event->data.sequence_start.anchor;
    const size_t nodes_before = b->nodes;
    const int deepest_before = b->deepest;
    YT_TRY(check_tag(b, line, is_map ? event->data.mapping_start.tag : event->data.sequence_start.tag));
    if (depth > MAX_DEPTH)
        return yti_fail_at(b->err, YT_ERR_SYNTAX, b->name, line, "nested deeper than %d levels", MAX_DEPTH);
    yti_yaml_node *node = new_node(b, is_map ? YT_YAML_MAP : YT_YAML_LIST, line);
    if (!node) return b->nodes > MAX_NODES ? YT_ERR_SYNTAX : YT_ERR_NO_MEMORY;
    b->deepest = depth;
    for (bool open = true; open;) {
        yaml_event_t child;
        YT_TRY(next_event(b, &child));
        open = child.type != YAML_MAPPING_END_EVENT && child.type != YAML_SEQUENCE_END_EVENT;
        yt_status status = open ? build_value(b, &child, depth) : YT_OK;
        yaml_event_delete(&child);
        if (status != YT_OK) return status;
    }
    YT_TRY(is_map ? close_map(b, node, base) : close_list(b, node, base));
    b->stack_used = base;
    YT_TRY(keep_anchor(b, name, node, b->nodes - nodes_before, b->deepest - depth + 1));
    if (deepest_before > b->deepest) b->deepest = deepest_before;
    return push(b, node);
}

static yt_status build_value(builder *b, const yaml_event_t *event, int depth) {
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return build_scalar(b, event);
    case YAML_MAPPING_START_EVENT:
    case YAML_SEQUENCE_START_EVENT:
        return build_collection(b, event, depth + 1);
    default:
        return build_alias(b, event, depth);
    }
}

/* The whole stream: start, at most one document, end. Leaves the root, if any, on the stack. */
static yt_status build_document(builder *b) {
    for (bool open = true; open;) {
        yaml_event_t event;
        YT_TRY(next_event(b, &event));
        yt_status status = YT_OK;
        size_t line = event.start_mark.line + 1;
        switch (event.type) {
        case YAML_STREAM_END_EVENT:
            open = false;
            break;
        case YAML_STREAM_START_EVENT:
        case YAML_DOCUMENT_END_EVENT:
            break;
        case YAML_DOCUMENT_START_EVENT:
            if (b->stack_used)
                status = yti_fail_at(b->err, YT_ERR_SYNTAX, b->name, line, "a second document; one is expected");
            break;
        default:
            status = build_value(b, &event, 0);
        }
        yaml_event_delete(&event);
        if (status != YT_OK) return status;
    }
    return YT_OK;
}

/* An empty file, or one of comments only, is an empty map. */
static const yti_yaml_node *root_of(builder *b) {
    if (b->stack_used && !(b->stack[0]->kind == YT_YAML_SCALAR && !b->stack[0]->quoted && !*b->stack[0]->text))
        return b->stack[0];
    return new_node(b, YT_YAML_MAP, 1);
}

yt_status yti_yaml_parse(const char *name, const char *text, size_t length, yti_yaml *out, yt_err *err) {
    *out = (yti_yaml){0};
    if (length > MAX_BYTES)
        return yt_fail(err, YT_ERR_SYNTAX, "%s: has %zu bytes; a YAML file may have %d", name, length, MAX_BYTES);
    builder b = {.name = name, .text = text, .length = length, .err = err};
    if (!yaml_parser_initialize(&b.parser)) return yt_fail(err, YT_ERR_NO_MEMORY, "%s: no memory to parse it", name);
    yaml_parser_set_input_string(&b.parser, (const unsigned char *)text, length);
    yt_status status = build_document(&b);
    yaml_parser_delete(&b.parser);
    size_t name_bytes = strlen(name) + 1;
    yti_yaml built = {0};
    if (status == YT_OK) {
        built.root = root_of(&b);
        built.path = malloc(name_bytes);
        if (!built.root || !built.path) status = yt_fail(err, YT_ERR_NO_MEMORY, "%s: no memory for the document", name);
    }
    free(b.stack);
    free(b.anchors);
    if (status != YT_OK) {
        free(built.path);
        yti_arena_free(&b.arena);
        return status;
    }
    memcpy(built.path, name, name_bytes);
    built.storage = b.arena.chunks;
    *out = built;
    return YT_OK;
}

yt_status yti_yaml_load(const char *path, yti_yaml *out, yt_err *err) {
    *out = (yti_yaml){0};
    char *text;
    size_t length;
    YT_TRY(yti_file_read(path, MAX_BYTES, &text, &length, err));
    yt_status status = yti_yaml_parse(path, text, length, out, err);
    free(text);
    return status;
}

void yti_yaml_free(yti_yaml *yaml) {
    if (!yaml) return;
    yti_arena_free(&(yti_arena){yaml->storage});
    free(yaml->path);
    *yaml = (yti_yaml){0};
}

const yti_yaml_node *yti_yaml_find(const yti_yaml_node *node, const char *key) {
    if (!node || node->kind != YT_YAML_MAP) return NULL;
    for (size_t i = 0; i < node->count; i++)
        if (strcmp(node->keys[i]->text, key) == 0) return node->items[i];
    return NULL;
}

static bool is_plain(const yti_yaml_node *node) {
    return node && node->kind == YT_YAML_SCALAR && !node->quoted;
}

static bool is_one_of(const char *text, const char *const *words) {
    for (; *words; words++)
        if (strcmp(text, *words) == 0) return true;
    return false;
}

bool yti_yaml_is_null(const yti_yaml_node *node) {
    static const char *const words[] = {"", "~", "null", "Null", "NULL", "None", NULL};
    return is_plain(node) && is_one_of(node->text, words);
}

bool yti_yaml_bool(const yti_yaml_node *node, bool *out) {
    static const char *const yes[] = {"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON", NULL};
    static const char *const no[] = {"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF", NULL};
    if (!is_plain(node)) return false;
    bool is_yes = is_one_of(node->text, yes);
    if (!is_yes && !is_one_of(node->text, no)) return false;
    *out = is_yes;
    return true;
}

bool yti_yaml_int(const yti_yaml_node *node, int64_t *out) {
    if (!is_plain(node)) return false;
    const char *digits = node->text;
    bool negative = *digits == '-';
    if (*digits == '-' || *digits == '+') digits++;
    if (!*digits) return false;
    int64_t value = 0; /* built downwards, since the range reaches one further there */
    for (; *digits; digits++) {
        if (*digits < '0' || *digits > '9') return false;
        if (__builtin_mul_overflow(value, 10, &value) || __builtin_sub_overflow(value, *digits - '0', &value))
            return false;
    }
    if (!negative && __builtin_sub_overflow((int64_t)0, value, &value)) return false;
    *out = value;
    return true;
}

bool yti_yaml_double(const yti_yaml_node *node, double *out) {
    return is_plain(node) && yti_parse_decimal(node->text, strlen(node->text), out);
}
