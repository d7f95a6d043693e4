/* pt_values.h: what a restricted pickle can build. Internal to src/formats.
 *
 * Values lie in an arena and refer to each other freely, as the pickle's memo lets them: shared, and also in circles,
 * so whoever walks them bounds depth and steps. Texts point into the pickle's bytes and have no NUL.
 */
#ifndef YT_PT_VALUES_H
#define YT_PT_VALUES_H

#include "base/arena.h"
#include "formats/safetensors.h"

typedef enum yti_pt_kind {
    YT_PT_NONE,
    YT_PT_BOOL,
    YT_PT_INT,
    YT_PT_REAL,
    YT_PT_TEXT,
    YT_PT_TUPLE,
    YT_PT_LIST,
    YT_PT_SET,
    YT_PT_MAP,
    YT_PT_GLOBAL,  /* a class or function by name; only ever a label */
    YT_PT_STORAGE, /* the bytes of a member of the archive */
    YT_PT_TENSOR,  /* a view of a storage */
    YT_PT_RECORD   /* an object of any class: class, arguments, state */
} yti_pt_kind;

typedef struct yti_pt_value yti_pt_value;

typedef struct yti_pt_text {
    const char *bytes;
    size_t length;
} yti_pt_text;

typedef struct yti_pt_items {
    yti_pt_value **at; /* of a map: key, value, key, value, ... */
    size_t count, capacity;
} yti_pt_items;

typedef struct yti_pt_storage {
    yti_pt_text type;   /* "HalfStorage" */
    yti_pt_text key;    /* the member data/<key> */
    bool known;         /* whether type is one of the next line's */
    yti_st_type number; /* of its elements */
    int64_t count;
} yti_pt_storage;

typedef struct yti_pt_tensor {
    const yti_pt_storage *storage;
    int64_t offset; /* in elements, as the strides */
    int n_dims;
    int64_t dims[YT_ST_MAX_DIMS], strides[YT_ST_MAX_DIMS]; /* not negative; nothing else is checked */
} yti_pt_tensor;

struct yti_pt_value {
    yti_pt_kind kind;
    union {
        int64_t number; /* INT; BOOL: 0 or 1 */
        double real;
        yti_pt_text text;
        yti_pt_items items; /* TUPLE, LIST, SET, MAP */
        struct {
            yti_pt_text module, name;
        } global;
        yti_pt_storage *storage;
        yti_pt_tensor *tensor;
        struct {
            const yti_pt_value *class; /* what was called, usually a GLOBAL */
            const yti_pt_value *state; /* NULL: none */
        } record;
    };
};

/* Runs a pickle; its value and everything below lie in the arena, texts in `data`. `where` is what messages begin
 * with. */
yt_status yti_pt_unpickle(const char *data, size_t size, const char *where, yti_arena *arena, const yti_pt_value **out,
                          yt_err *err);

bool yti_pt_text_is(yti_pt_text text, const char *word);

/* The value of a text key; the last of several, as in Python. NULL: none, or `map` is NULL or no map. */
const yti_pt_value *yti_pt_find(const yti_pt_value *map, const char *key);

/* A value that is a model description (spec architecture 1), as YAML text in the arena. */
yt_status yti_pt_yaml_text(const yti_pt_value *map, const char *where, yti_arena *arena, char **out, yt_err *err);

#endif
