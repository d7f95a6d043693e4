/* weights.c: moving a model's state, exactly, between memory and files. How a file describes its own model is in
 * weights_metadata.c, what fine-tuning takes from another model's file in weights_transfer.c.
 */
#include "base/finite.h"
#include "weights/weights_network.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 64, MAX_NAME = 512 };

/* ---- writing ---- */

/* A new entry, for lent data or, where lent is NULL, with *room for its own. Name and room are one block that begins
 * with the name, so that freeing the name frees both. */
static yt_status new_entry(yti_entry_list *list, const char *prefix, const char *name, yti_st_type type, size_t count,
                           const void *lent, void **room, yt_err *err) {
    size_t head = strlen(prefix) + strlen(name) + 1, bytes = 0;
    head = (head + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : 256;
        yti_st_entry *grown = realloc(list->entries, capacity * sizeof *grown);
        if (!grown) return yti_no_memory(err, "a list of %zu tensors", capacity);
        list->entries = grown;
        list->capacity = capacity;
    }
    size_t width = type == YT_ST_I64 ? sizeof(int64_t) : sizeof(float);
    bool fits = !__builtin_mul_overflow(count, width, &bytes);
    char *block = fits ? malloc(head + (lent ? 0 : bytes) + 1) : NULL;
    if (!block) return yti_no_memory(err, "tensor %s%s", prefix, name);
    snprintf(block, head, "%s%s", prefix, name);
    *room = block + head;
    list->entries[list->count++] = (yti_st_entry){
        .name = block, .type = type, .count = count, .data = lent ? lent : *room, .bytes = bytes};
    return YT_OK;
}

yt_status yti_entries_lend(yti_entry_list *list, const yti_st_entry *lent, yt_err *err) {
    void *room;
    YT_TRY(new_entry(list, "", lent->name, lent->type, 0, lent->data, &room, err));
    yti_st_entry *entry = &list->entries[list->count - 1];
    char *name = entry->name;
    *entry = *lent;
    entry->name = name;
    return YT_OK;
}

static void to_file_order(const void *info, const void *values, void *out) {
    yti_param_to_file_order(info, values, out);
}

/* Statistics are copied, for they move with every batch. */
static yt_status add_tensor(yti_entry_list *list, const char *prefix, const yti_param_info *info, const float *values,
                            yt_err *err) {
    const bool lent = yti_param_is_trainable(info);
    void *room = NULL;
    YT_TRY(new_entry(list, prefix, info->name, YT_ST_F32, info->count, lent ? values : NULL, &room, err));
    yti_st_entry *entry = &list->entries[list->count - 1];
    entry->n_dims = info->n_dims;
    for (int i = 0; i < info->n_dims; i++) entry->dims[i] = info->dims[i];
    if (lent)
        entry->convert = to_file_order, entry->context = info;
    else
        yti_param_to_file_order(info, values, room);
    return YT_OK;
}

/* The reference trainer counts the batches each normalisation has seen, after its running variance. */
static yt_status add_counter(yti_entry_list *list, const char *prefix, const char *variance_name, int64_t steps,
                             yt_err *err) {
    static const char suffix[] = ".running_var";
    size_t length = strlen(variance_name), stem = length - (sizeof suffix - 1);
    if (length < sizeof suffix || strcmp(variance_name + stem, suffix) != 0) return YT_OK;
    char name[MAX_NAME];
    snprintf(name, sizeof name, "%.*s.num_batches_tracked", (int)stem, variance_name);
    void *room = NULL;
    YT_TRY(new_entry(list, prefix, name, YT_ST_I64, 1, NULL, &room, err));
    memcpy(room, &steps, sizeof steps);
    return YT_OK;
}

yt_status yti_entries_add_state(yti_entry_list *list, const char *prefix, const yti_model *model,
                                const yti_state *state, int64_t steps, yt_err *err) {
    for (int i = 0; i < model->n_params; i++) {
        const yti_param_info *info = &model->params[i];
        YT_TRY(add_tensor(list, prefix, info, yti_weights_values(info, state), err));
        if (info->kind == YT_PARAM_BUFFER) YT_TRY(add_counter(list, prefix, info->name, steps, err));
    }
    return YT_OK;
}

yt_status yti_entries_add_params(yti_entry_list *list, const char *prefix, const yti_model *model, const float *block,
                                 yt_err *err) {
    for (int i = 0; i < model->n_params; i++) {
        const yti_param_info *info = &model->params[i];
        if (yti_param_is_trainable(info)) YT_TRY(add_tensor(list, prefix, info, block + info->offset, err));
    }
    return YT_OK;
}

void yti_entries_free(yti_entry_list *list) {
    for (size_t i = 0; i < list->count; i++) free(list->entries[i].name);
    free(list->entries);
    *list = (yti_entry_list){0};
}

/* ---- reading ---- */

static yt_status read_tensor(const yti_st_file *file, const char *prefix, const yti_param_info *info, float *memory,
                             yt_err *err) {
    const yti_st_entry *entry = yti_weights_find(file, prefix, info->name);
    char why[512];
    if (!entry && info->kind == YT_PARAM_CONSTANT) {
        yti_param_fill_constant(info, memory);
        return YT_OK;
    }
    if (yti_weights_differ(entry, info, why, sizeof why))
        return yt_fail(err, YT_ERR_MISMATCH, "these weights are not of this model: tensor %s%s", prefix, why);
    return yti_weights_copy(entry, info, memory, err);
}

yt_status yti_weights_read(const yti_st_file *file, const char *prefix, const yti_model *model, const yti_state *state,
                           yt_err *err) {
    for (int i = 0; i < model->n_params; i++) {
        const yti_param_info *info = &model->params[i];
        YT_TRY(read_tensor(file, prefix, info, yti_weights_values(info, state), err));
    }
    return YT_OK;
}

yt_status yti_weights_read_params(const yti_st_file *file, const char *prefix, const yti_model *model, float *block,
                                  yt_err *err) {
    for (int i = 0; i < model->n_params; i++) {
        const yti_param_info *info = &model->params[i];
        if (yti_param_is_trainable(info)) YT_TRY(read_tensor(file, prefix, info, block + info->offset, err));
    }
    return YT_OK;
}

/* Weights that no detection can come from: NaN compares with nothing, so there would be no box and no word. */
static yt_status check_finite(const yti_model *model, const yti_state *state, yt_err *err) {
    const yti_param_info *first = NULL;
    int bad = 0;
    for (int i = 0; i < model->n_params; i++) {
        const yti_param_info *info = &model->params[i];
        if (yti_all_finite(yti_weights_values(info, state), info->count)) continue;
        if (!bad++) first = info;
    }
    if (!bad) return YT_OK;
    return yt_fail(err, YT_ERR_NON_FINITE,
                   "tensor %s%s NaN or infinity; a training that went wrong leaves such weights; "
                   "take those of an earlier epoch",
                   first->name, bad > 1 ? " and others hold" : " holds");
}

/* As yti_weights_read, but a large file and the model are not both in memory. The tensors of a .pt file may share
 * theirs. */
static yt_status take_weights(const yti_st_file *file, yti_model *model, yt_err *err) {
    const char *prefix = yti_weights_prefix(file);
    for (int i = 0; i < model->n_params; i++) {
        const yti_param_info *info = &model->params[i];
        YT_TRY(read_tensor(file, prefix, info, yti_weights_values(info, &model->state), err));
        const yti_st_entry *entry = yti_weights_find(file, prefix, info->name);
        if (file->storage && entry) yti_st_release(entry);
    }
    return YT_OK;
}

static yt_status open_file(const yti_st_file *file, const char *path, const char *model_path,
                           const char *const *search_dirs, yti_model **model, yti_class_names *names, int *imgsz,
                           yt_err *err) {
    yti_model *built = NULL;
    yti_class_names found = {0};
    YT_TRY(yti_network_build(file, path, model_path, search_dirs, &built, err));
    yt_status status = yti_name_file(take_weights(file, built, err), path, err);
    if (status == YT_OK) status = yti_name_file(check_finite(built, &built->state, err), path, err);
    if (status == YT_OK) status = yti_metadata_names(file, path, built->n_classes, &found, err);
    if (status != YT_OK) {
        yti_model_destroy(built);
        return status;
    }
    *model = built;
    *names = found;
    *imgsz = yti_metadata_imgsz(file);
    return YT_OK;
}

yt_status yti_weights_open(const char *path, const char *model_path, const char *const *search_dirs, yti_model **model,
                           yti_class_names *names, int *imgsz, yt_err *err) {
    yti_weights_file weights;
    YT_TRY(yti_weights_load(path, &weights, err));
    yt_status status = open_file(&weights.file, path, model_path, search_dirs, model, names, imgsz, err);
    yti_weights_free(&weights);
    return status;
}
