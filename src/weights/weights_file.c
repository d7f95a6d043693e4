/* weights_file.c: one view of weights for all formats. A .pt or ONNX file is translated once, here, into named tensors
 * and the metadata by which our own files describe themselves, so that nobody else needs to know of it.
 */
#include "weights/weights_file.h"

#include "base/presence.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_NAME = 512 };

static yt_status load_pt(const char *path, yti_weights_file *out, yt_err *err) {
    YT_TRY(yti_pt_open(path, &out->pt, err));
    YT_TRY(yti_metadata_describe_pt(&out->metadata, &out->pt, path, err));
    out->file = (yti_st_file){.n_entries = out->pt.n_tensors,
                              .entries = out->pt.tensors,
                              .n_metadata = out->metadata.count,
                              .metadata_keys = out->metadata.keys,
                              .metadata_values = out->metadata.values};
    return YT_OK;
}

static yt_status load_onnx(const char *path, yti_weights_file *out, yt_err *err) {
    YT_TRY(yti_onnx_weights_open(path, &out->onnx, err));
    out->file = (yti_st_file){.n_entries = out->onnx.n_tensors,
                              .entries = out->onnx.tensors,
                              .n_metadata = out->onnx.n_metadata,
                              .metadata_keys = out->onnx.keys,
                              .metadata_values = out->onnx.values};
    return YT_OK;
}

/* What is often found under the name of weights, by its first bytes; "": unknown. */
static const char *other_kind(const char *path) {
    static const struct {
        const char *begin, *what;
    } kinds[] = {
        {"version https://git-lfs", "; it is a Git LFS pointer: run git lfs pull"},
        {"<!", "; it is a web page: the download has failed"},
        {"<html", "; it is a web page: the download has failed"},
        {"\x1f\x8b", "; it is compressed: unpack it with gunzip"},
        {"\x89HDF", "; it is an HDF5 file of Keras, and not of PyTorch"},
    };
    char head[32] = "";
    FILE *file = fopen(path, "rb");
    if (!file) return "";
    const size_t n = fread(head, 1, sizeof head - 1, file);
    fclose(file);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const size_t length = strlen(kinds[i].begin);
        if (n >= length && memcmp(head, kinds[i].begin, length) == 0) return kinds[i].what;
    }
    const char *dot = strrchr(path, '.');
    static const char *const exports[] = {".engine", ".tflite", ".torchscript", ".mlmodel"};
    for (size_t i = 0; dot && i < sizeof exports / sizeof *exports; i++)
        if (strcmp(dot, exports[i]) == 0) return "; it is an export for another program: name the .pt it was made from";
    return "";
}

static yt_status load_safetensors(const char *path, yti_weights_file *out, yt_err *err) {
    yt_status status = yti_st_load(path, &out->file, err);
    if (status != YT_ERR_SYNTAX || yti_st_probe(path)) return status;
    return yt_fail(err, YT_ERR_SYNTAX, "%s: is neither a safetensors, a .pt nor an ONNX file%s", path,
                   other_kind(path));
}

/* ---- names ---- */

/* What wrappers put before the names of a network's tensors: parallel training, torch.compile, the class around it. */
static const char *const wrappers[] = {"module.", "_orig_mod.", "model.", "ema.", "net."};

static bool is_numbered(const char *name) {
    return *name >= '0' && *name <= '9';
}

/* "model.0.conv.weight", as the reference trainer names what is in a network. */
static bool is_canonical(const char *name) {
    static const char word[] = "model.";
    return strncmp(name, word, sizeof word - 1) == 0 && is_numbered(name + sizeof word - 1);
}

/* Where in a name the canonical one begins, or, with *bare, its number without the word before it; NULL: nowhere. */
static const char *unwrapped(const char *name, bool *bare) {
    for (*bare = false;;) {
        if (is_canonical(name)) return name;
        if (is_numbered(name)) {
            *bare = true;
            return name;
        }
        size_t i = 0, n = sizeof wrappers / sizeof wrappers[0];
        while (i < n && strncmp(name, wrappers[i], strlen(wrappers[i])) != 0) i++;
        if (i == n) return NULL;
        name += strlen(wrappers[i]);
    }
}

/* Names as they are in Ultralytics files, where nothing in this file is called so but some things may be. */
static yt_status unwrap_names(yti_weights_file *weights, const char *path, yt_err *err) {
    enum { WORD = 6 /* model. */ };
    yti_st_file *file = &weights->file;
    size_t room = 1;
    bool bare;
    for (size_t i = 0; i < file->n_entries; i++) {
        const char *name = file->entries[i].name;
        if (is_canonical(name) || strncmp(name, "ema.model.", 10) == 0) return YT_OK;
        room += strlen(name) + WORD + 1;
    }
    char *at = weights->names = malloc(room), *end = at + room;
    if (!at) return yt_fail(err, YT_ERR_NO_MEMORY, "%s: no memory for its names", path);
    for (size_t i = 0; i < file->n_entries; i++) {
        const char *name = unwrapped(file->entries[i].name, &bare);
        if (!name) continue;
        const int length = snprintf(at, (size_t)(end - at), "%s%s", bare ? "model." : "", name);
        file->entries[i].name = at;
        at += length + 1;
    }
    return YT_OK;
}

yt_status yti_weights_load(const char *path, yti_weights_file *out, yt_err *err) {
    yti_weights_file weights = {0};
    yti_presence presence;
    YT_TRY(yti_look_at_file(path, &presence, err));
    if (presence == YTI_UNUSABLE) return YT_ERR_DATA; /* a pipe could not be looked at twice, and may never end */
    yt_status status = yti_pt_probe(path)     ? load_pt(path, &weights, err)
                       : yti_onnx_probe(path) ? load_onnx(path, &weights, err)
                                              : load_safetensors(path, &weights, err);
    if (status == YT_OK) status = unwrap_names(&weights, path, err);
    if (status == YT_OK)
        *out = weights;
    else
        yti_weights_free(&weights);
    return status;
}

void yti_weights_free(yti_weights_file *weights) {
    if (weights->file.storage) yti_st_free(&weights->file);
    yti_pt_free(&weights->pt);
    yti_metadata_free(&weights->metadata);
    yti_onnx_weights_free(&weights->onnx);
    free(weights->names);
    weights->names = NULL;
    weights->file = (yti_st_file){0};
}

const char *yti_weights_prefix(const yti_st_file *file) {
    static const char average[] = "ema.";
    for (size_t i = 0; i < file->n_entries; i++)
        if (strncmp(file->entries[i].name, average, sizeof average - 1) == 0) return average;
    return "";
}

const yti_st_entry *yti_weights_find(const yti_st_file *file, const char *prefix, const char *name) {
    char full[MAX_NAME];
    int length = snprintf(full, sizeof full, "%s%s", prefix, name);
    return length > 0 && (size_t)length < sizeof full ? yti_st_find(file, full) : NULL;
}

float *yti_weights_values(const yti_param_info *info, const yti_state *state) {
    return (yti_param_is_trainable(info) ? state->params : state->buffers) + info->offset;
}

static void shape_text(char *text, size_t room, int n_dims, const int64_t *dims) {
    size_t used = (size_t)snprintf(text, room, "[");
    for (int i = 0; i < n_dims && used < room; i++)
        used += (size_t)snprintf(text + used, room - used, "%s%lld", i ? ", " : "", (long long)dims[i]);
    if (used < room) snprintf(text + used, room - used, "]");
}

static bool same_shape(const yti_st_entry *entry, const yti_param_info *info) {
    bool same = entry->n_dims == info->n_dims && entry->count == info->count;
    for (int i = 0; same && i < info->n_dims; i++) same = entry->dims[i] == info->dims[i];
    return same;
}

bool yti_weights_differ(const yti_st_entry *entry, const yti_param_info *info, char *why, size_t room) {
    why[0] = '\0';
    if (!entry) {
        snprintf(why, room, "%.128s is not in the file", info->name);
        return true;
    }
    if (!same_shape(entry, info)) {
        char of_file[128], of_model[128];
        int64_t dims[4];
        for (int i = 0; i < info->n_dims; i++) dims[i] = info->dims[i];
        shape_text(of_file, sizeof of_file, entry->n_dims, entry->dims);
        shape_text(of_model, sizeof of_model, info->n_dims, dims);
        snprintf(why, room, "%.128s has shape %s in the file and %s in the model", info->name, of_file, of_model);
        return true;
    }
    if (!yti_st_is_float(entry->type)) {
        snprintf(why, room, "%.128s holds whole numbers in the file", info->name);
        return true;
    }
    return false;
}

yt_status yti_weights_pass_license(const yti_st_file *file, yti_model *model, yt_err *err) {
    const char *license = yti_metadata_license(file);
    char *copy = license ? strdup(license) : NULL;
    if (license && !copy) return yti_no_memory(err, "a licence");
    free(model->base_license);
    model->base_license = copy;
    return YT_OK;
}

yt_status yti_weights_copy(const yti_st_entry *entry, const yti_param_info *info, float *memory, yt_err *err) {
    float *file_order = malloc(info->count * sizeof *file_order + 1);
    if (!file_order) return yt_fail(err, YT_ERR_NO_MEMORY, "no memory to convert tensor %s", info->name);
    if (yti_st_to_float(entry, file_order)) yti_param_from_file_order(info, file_order, memory);
    free(file_order);
    return YT_OK;
}
