/* yaml.h: a YAML document as a tree of nodes that know their line. The only user of libyaml is yaml.c.
 *
 * The document owns all nodes and texts. An alias is the same node as its anchor; written out, aliases count towards
 * the bounds on values and depth, so that a hostile document cannot expand without bound. Refused are merge keys (<<),
 * more than one document, nesting deeper than 64 and duplicate keys. An empty file is an empty map.
 */
#ifndef YT_YAML_H
#define YT_YAML_H

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum yti_yaml_kind { YT_YAML_SCALAR, YT_YAML_LIST, YT_YAML_MAP } yti_yaml_kind;

typedef struct yti_yaml_node yti_yaml_node;
struct yti_yaml_node {
    yti_yaml_kind kind;
    size_t line;                 /* 1-based, in the file */
    bool quoted;                 /* scalar: written in quotes, hence a string whatever it looks like */
    const char *text;            /* scalar: the text, else NULL */
    size_t count;                /* list: items; map: pairs */
    const yti_yaml_node **items; /* list items, or map values */
    const yti_yaml_node **keys;  /* map keys (scalars) */
};

typedef struct yti_yaml {
    char *path; /* as given, for messages */
    const yti_yaml_node *root;
    void *storage;
} yti_yaml;

/* Reads a file, or a text that calls itself `name` in messages. On failure *out is empty. Release with
 * yti_yaml_free. */
yt_status yti_yaml_load(const char *path, yti_yaml *out, yt_err *err);
yt_status yti_yaml_parse(const char *name, const char *text, size_t length, yti_yaml *out, yt_err *err);
void yti_yaml_free(yti_yaml *yaml);

/* Value of a key of a map, or NULL (also when node is not a map). */
const yti_yaml_node *yti_yaml_find(const yti_yaml_node *node, const char *key);

/* Scalars, YAML 1.1 core words. Each returns false (and leaves *out) when the node is not such a scalar. null: empty
 * plain scalar, ~, null, Null, NULL, None. bool: true/false/True/False/TRUE/FALSE/yes/no/on/off. */
bool yti_yaml_is_null(const yti_yaml_node *node);
bool yti_yaml_bool(const yti_yaml_node *node, bool *out);
bool yti_yaml_int(const yti_yaml_node *node, int64_t *out);   /* decimal integer, whole text, no overflow */
bool yti_yaml_double(const yti_yaml_node *node, double *out); /* also integers; finite only */

#endif
