/* pt_network.c: the network in a checkpoint (spec architecture 8.2 and 8.3): the root's `ema`, else its `model`.
 *
 * A pickled module is a record whose state maps `_parameters`, `_buffers` and `_modules`; walking them in order gives
 * the names and the order of a state dict. Files that hold a state dict itself, a plain map from names to tensors, are
 * read too, but say nothing else. Parts may be shared and circular, so depth and steps are bounded.
 */
#include "formats/pt_network.h"

#include "base/array.h"
#include "base/text.h"
#include "formats/safetensors_types.h"

#include <stdio.h>
#include <string.h>

enum {
    MAX_DEPTH = 32,      /* modules in modules; those of Ultralytics models nest 9 deep */
    MAX_STEPS = 1 << 24, /* looks at an item of a map; the largest Ultralytics model takes some 10^6 */
    MAX_TENSORS = 1 << 16,
    MAX_NAME = 256,
    MAX_CLASSES = 10000, /* as in a model YAML */
    MAX_DIGITS = 5,      /* of the number of a class */
    MAX_LICENSE = 512,
    MIN_IMGSZ = 32,
    MAX_IMGSZ = 65536
};

typedef struct walk {
    yti_pt_tensors *tensors;
    const char *name; /* of the file */
    yti_arena *arena;
    yti_pt_file *out;
    size_t capacity; /* of out->tensors */
    size_t steps;
    bool sppf_found;
    yt_err *err;
} walk;

/* ---- looking at records ---- */

static yti_pt_text class_of(const yti_pt_value *record) {
    const yti_pt_value *class = record && record->kind == YT_PT_RECORD ? record->record.class : NULL;
    return class && class->kind == YT_PT_GLOBAL ? class->global.name : (yti_pt_text){"", 0};
}

/* The attributes of an object; classes with slots pickle (attributes, slots). NULL: none. */
static const yti_pt_value *state_of(const yti_pt_value *record) {
    const yti_pt_value *state = record && record->kind == YT_PT_RECORD ? record->record.state : NULL;
    if (state && state->kind == YT_PT_TUPLE && state->items.count == 2) state = state->items.at[0];
    return state && state->kind == YT_PT_MAP ? state : NULL;
}

static yt_status step(walk *w, size_t count) {
    w->steps += count;
    if (w->steps <= MAX_STEPS) return YT_OK;
    return yt_fail(w->err, YT_ERR_SYNTAX, "%s: its network has more parts than any real one; the file is damaged",
                   w->name);
}

/* ---- tensors ---- */

static yt_status child_name(const walk *w, const char *prefix, const yti_pt_value *key, char out[MAX_NAME]) {
    bool good = key->kind == YT_PT_TEXT && key->text.length > 0;
    for (size_t i = 0; good && i < key->text.length; i++) good = (unsigned char)key->text.bytes[i] > 32;
    size_t used = strlen(prefix);
    if (!good || used + key->text.length + 2 > MAX_NAME)
        return yt_fail(w->err, YT_ERR_SYNTAX, "%s: below \"%s\" something has no name, or an impossible one", w->name,
                       prefix);
    memcpy(out, prefix, used);
    memcpy(out + used, key->text.bytes, key->text.length);
    out[used + key->text.length] = '\0';
    return YT_OK;
}

static yt_status add_tensor(walk *w, const char *name, const yti_pt_value *value) {
    if (value->kind != YT_PT_TENSOR) {
        yti_pt_text class = class_of(value);
        return yt_fail(w->err, YT_ERR_SYNTAX, "%s: %s should be a tensor but is %s%.*s", w->name, name,
                       class.length ? "made by " : "something else", (int)(class.length < 100 ? class.length : 100),
                       class.bytes);
    }
    yti_pt_file *out = w->out;
    if (out->n_tensors == MAX_TENSORS)
        return yt_fail(w->err, YT_ERR_SYNTAX, "%s: has more than %d tensors; this is no checkpoint", w->name,
                       MAX_TENSORS);
    yti_st_entry *grown = yti_grow(out->tensors, &w->capacity, out->n_tensors + 1, sizeof *grown);
    if (grown) out->tensors = grown;
    char *own_name = grown ? yti_arena_take(w->arena, strlen(name) + 1) : NULL;
    if (!own_name) return yt_fail(w->err, YT_ERR_NO_MEMORY, "%s: no memory for its tensors", w->name);
    strcpy(own_name, name);
    yti_st_entry *entry = &out->tensors[out->n_tensors];
    *entry = (yti_st_entry){.name = own_name};
    YT_TRY(yti_pt_tensors_read(w->tensors, value->tensor, entry, w->err));
    out->n_tensors++;
    return YT_OK;
}

static bool is_among(const yti_pt_value *set, const yti_pt_value *key) {
    for (size_t i = 0; set && set->kind == YT_PT_SET && i < set->items.count; i++) {
        const yti_pt_value *item = set->items.at[i];
        if (item->kind == YT_PT_TEXT && key->kind == YT_PT_TEXT && item->text.length == key->text.length &&
            memcmp(item->text.bytes, key->text.bytes, key->text.length) == 0)
            return true;
    }
    return false;
}

/* The tensors of `_parameters` or `_buffers`, without those that `left_out` names. */
static yt_status add_tensors(walk *w, const char *prefix, const yti_pt_value *map, const yti_pt_value *left_out) {
    for (size_t i = 0; map && map->kind == YT_PT_MAP && i + 1 < map->items.count; i += 2) {
        const yti_pt_value *key = map->items.at[i], *value = map->items.at[i + 1];
        YT_TRY(step(w, 1 + (left_out && left_out->kind == YT_PT_SET ? left_out->items.count : 0)));
        if (value->kind == YT_PT_NONE || is_among(left_out, key)) continue;
        char name[MAX_NAME];
        YT_TRY(child_name(w, prefix, key, name));
        YT_TRY(add_tensor(w, name, value));
    }
    return YT_OK;
}

/* ---- modules ---- */

/* Spec architecture 3.8: only the class of this one activation tells how the weights were trained. */
static void look_at_sppf(walk *w, const yti_pt_value *modules) {
    const yti_pt_value *parts = yti_pt_find(state_of(yti_pt_find(modules, "cv1")), "_modules");
    const yti_pt_value *activation = yti_pt_find(parts, "act");
    w->sppf_found = true;
    w->out->sppf_activation = activation && activation->kind == YT_PT_RECORD &&
                              !yti_pt_text_is(class_of(activation), "Identity");
}

static yt_status add_module(walk *w, const char *prefix, const yti_pt_value *module, int depth) {
    const yti_pt_value *state = state_of(module);
    if (depth > MAX_DEPTH)
        return yt_fail(w->err, YT_ERR_SYNTAX, "%s: its network nests deeper than %d modules at %s", w->name, MAX_DEPTH,
                       prefix);
    if (!state) return yt_fail(w->err, YT_ERR_SYNTAX, "%s: \"%s\" is no module of a network", w->name, prefix);
    YT_TRY(step(w, 4 * state->items.count + 1));
    YT_TRY(add_tensors(w, prefix, yti_pt_find(state, "_parameters"), NULL));
    YT_TRY(add_tensors(w, prefix, yti_pt_find(state, "_buffers"), yti_pt_find(state, "_non_persistent_buffers_set")));
    const yti_pt_value *modules = yti_pt_find(state, "_modules");
    if (!w->sppf_found && yti_pt_text_is(class_of(module), "SPPF")) look_at_sppf(w, modules);
    for (size_t i = 0; modules && modules->kind == YT_PT_MAP && i + 1 < modules->items.count; i += 2) {
        char name[MAX_NAME];
        YT_TRY(step(w, 1));
        if (modules->items.at[i + 1]->kind == YT_PT_NONE) continue;
        YT_TRY(child_name(w, prefix, modules->items.at[i], name));
        strcat(name, "."); /* child_name left room for it */
        YT_TRY(add_module(w, name, modules->items.at[i + 1], depth + 1));
    }
    return YT_OK;
}

/* A state dict as it is: what is no tensor (an epoch, a date) is left alone. */
static yt_status add_plain_map(walk *w, const yti_pt_value *map) {
    for (size_t i = 0; i + 1 < map->items.count; i += 2) {
        char name[MAX_NAME];
        if (map->items.at[i + 1]->kind != YT_PT_TENSOR) continue;
        YT_TRY(child_name(w, "", map->items.at[i], name));
        YT_TRY(add_tensor(w, name, map->items.at[i + 1]));
    }
    return YT_OK;
}

/* ---- what the network says about itself ---- */

/* A text as a C string in the arena; NULL: no memory. */
static char *own_text(walk *w, yti_pt_text text) {
    char *copy = yti_arena_take(w->arena, text.length + 1);
    if (!copy) return NULL;
    memcpy(copy, text.bytes, text.length);
    copy[text.length] = '\0';
    return copy;
}

static int int_of(const yti_pt_value *value, int low, int high) {
    return value && value->kind == YT_PT_INT && value->number >= low && value->number <= high ? (int)value->number : 0;
}

static yt_status read_yaml(walk *w, const yti_pt_value *yaml) {
    if (!yaml || yaml->kind != YT_PT_MAP) return YT_OK;
    YT_TRY(yti_pt_yaml_text(yaml, w->name, w->arena, &w->out->yaml, w->err));
    const yti_pt_value *scale = yti_pt_find(yaml, "scale"), *file = yti_pt_find(yaml, "yaml_file");
    if (scale && scale->kind == YT_PT_TEXT && scale->text.length == 1) w->out->scale = scale->text.bytes[0];
    w->out->n_classes = int_of(yti_pt_find(yaml, "nc"), 1, MAX_CLASSES);
    if (!file || file->kind != YT_PT_TEXT) return YT_OK;
    yti_pt_text base = file->text; /* Windows paths end up in checkpoints, too */
    for (size_t i = 0; i < file->text.length; i++)
        if (file->text.bytes[i] == '/' || file->text.bytes[i] == '\\')
            base = (yti_pt_text){file->text.bytes + i + 1, file->text.length - i - 1};
    if (base.length == 0 || memchr(base.bytes, 0, base.length)) return YT_OK;
    w->out->model_name = own_text(w, base);
    return w->out->model_name ? YT_OK : yt_fail(w->err, YT_ERR_NO_MEMORY, "%s: no memory to read it", w->name);
}

/* The class that pair or item i of `names` is for. */
static int64_t class_index(const yti_pt_value *names, size_t i) {
    if (names->kind == YT_PT_LIST) return (int64_t)i;
    const yti_pt_value *key = names->items.at[2 * i];
    if (key->kind == YT_PT_INT) return key->number;
    if (key->kind != YT_PT_TEXT || !key->text.length || key->text.length > MAX_DIGITS) return -1;
    int64_t number = 0; /* as JSON and some YAML keep it */
    for (size_t d = 0; d < key->text.length; d++) {
        const char digit = key->text.bytes[d];
        if (digit < '0' || digit > '9') return -1;
        number = 10 * number + (digit - '0');
    }
    return number;
}

/* A map from 0, 1, ... to texts, or a list of them. */
static yt_status read_names(walk *w, const yti_pt_value *names) {
    if (!names || (names->kind != YT_PT_MAP && names->kind != YT_PT_LIST)) return YT_OK;
    const bool pairs = names->kind == YT_PT_MAP;
    const size_t count = pairs ? names->items.count / 2 : names->items.count;
    char **list = count <= MAX_CLASSES ? yti_arena_take(w->arena, (count + 1) * sizeof *list) : NULL;
    if (!list)
        return yt_fail(w->err, count > MAX_CLASSES ? YT_ERR_SYNTAX : YT_ERR_NO_MEMORY,
                       "%s: %zu class names; at most %d are accepted", w->name, count, MAX_CLASSES);
    for (size_t i = 0; i < count; i++) list[i] = NULL;
    for (size_t i = 0; i < count; i++) {
        const yti_pt_value *value = names->items.at[pairs ? 2 * i + 1 : i];
        int64_t index = class_index(names, i);
        if (index < 0 || index >= (int64_t)count || list[index] || value->kind != YT_PT_TEXT ||
            memchr(value->text.bytes, 0, value->text.length))
            return yt_fail(w->err, YT_ERR_SYNTAX,
                           "%s: its class names are not one text for each of the numbers 0 to %zu", w->name, count - 1);
        list[index] = own_text(w, value->text);
        if (!list[index]) return yt_fail(w->err, YT_ERR_NO_MEMORY, "%s: no memory to read it", w->name);
    }
    w->out->names = list;
    w->out->n_names = count;
    return YT_OK;
}

/* The imgsz among the settings of a training: a side, or height and width. */
static int imgsz_of(const yti_pt_value *settings) {
    const yti_pt_value *map = settings && settings->kind == YT_PT_RECORD ? state_of(settings) : settings;
    const yti_pt_value *imgsz = yti_pt_find(map, "imgsz");
    if (!imgsz || (imgsz->kind != YT_PT_LIST && imgsz->kind != YT_PT_TUPLE)) return int_of(imgsz, MIN_IMGSZ, MAX_IMGSZ);
    int largest = 0;
    for (size_t i = 0; i < imgsz->items.count; i++) {
        int side = int_of(imgsz->items.at[i], MIN_IMGSZ, MAX_IMGSZ);
        if (side > largest) largest = side;
    }
    return largest;
}

static yt_status read_facts(walk *w, const yti_pt_value *root, const yti_pt_value *network) {
    const yti_pt_value *state = state_of(network);
    YT_TRY(read_yaml(w, yti_pt_find(state, "yaml")));
    YT_TRY(read_names(w, yti_pt_find(state, "names")));
    if (!w->out->n_classes) w->out->n_classes = int_of(yti_pt_find(state, "nc"), 1, MAX_CLASSES);
    w->out->imgsz = imgsz_of(yti_pt_find(root, "train_args"));
    if (!w->out->imgsz) w->out->imgsz = imgsz_of(yti_pt_find(state, "args"));
    return YT_OK;
}

/* ---- the checkpoint ---- */

/* Under the keys by which trainers file it, the moving average first; else the root itself. */
static const yti_pt_value *network_of(const yti_pt_value *root) {
    static const char *const keys[] = {"ema", "model", "state_dict", "model_state_dict"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        const yti_pt_value *value = yti_pt_find(root, keys[i]);
        if (value && (value->kind == YT_PT_MAP || value->kind == YT_PT_RECORD)) return value;
    }
    return root;
}

static yt_status read_license(walk *w, const yti_pt_value *root) {
    const yti_pt_value *license = yti_pt_find(root, "license");
    if (!license || license->kind != YT_PT_TEXT || !license->text.length || license->text.length > MAX_LICENSE ||
        memchr(license->text.bytes, 0, license->text.length) ||
        !yti_text_is_utf8(license->text.bytes, license->text.length))
        return YT_OK;
    w->out->license = own_text(w, license->text);
    return w->out->license ? YT_OK : yt_fail(w->err, YT_ERR_NO_MEMORY, "%s: no memory to read it", w->name);
}

yt_status yti_pt_read_network(const yti_pt_value *root, const char *name, yti_pt_tensors *tensors, yti_arena *arena,
                              yti_pt_file *out, yt_err *err) {
    walk w = {.tensors = tensors, .name = name, .arena = arena, .out = out, .err = err};
    out->sppf_activation = -1;
    YT_TRY(read_license(&w, root));
    const yti_pt_value *network = network_of(root);
    if (network->kind == YT_PT_MAP) {
        YT_TRY(add_plain_map(&w, network));
    } else if (yti_pt_find(state_of(network), "_modules")) {
        YT_TRY(add_module(&w, "", network, 0));
        YT_TRY(read_facts(&w, root, network));
    }
    if (!out->n_tensors)
        return yt_fail(err, YT_ERR_MISMATCH,
                       "%s: holds no network: neither a module under ema or model nor a map of tensors", name);
    return yti_st_check_names(name, out->tensors, out->n_tensors, err);
}
