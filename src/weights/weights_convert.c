/* weights_convert.c: any file of weights as a safetensors file that holds them alone: a checkpoint loses its optimizer,
 * live weights and progress and keeps its moving average; a .pt file keeps every bit.
 */
#include "base/finite.h"
#include "weights/weights_file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Entries to write; names and most values are lent, converted values are owned. */
typedef struct conversion {
    yti_st_entry *entries;
    uint16_t **halves; /* by entry; NULL: as it was */
    size_t count;
    yti_conversion report;
} conversion;

static void free_conversion(conversion *c) {
    for (size_t i = 0; c->halves && i < c->count; i++) free(c->halves[i]);
    free(c->halves);
    free(c->entries);
}

/* What a checkpoint holds beside weights when it has no moving average to tell them apart. */
static bool is_weight(const yti_st_entry *entry, const char *prefix) {
    return strncmp(entry->name, prefix, strlen(prefix)) == 0 && strncmp(entry->name, "optim.", 6) != 0;
}

/* A NaN or infinity that was there before is kept. */
static void note_bad(conversion *c, const yti_st_entry *entry, const float *values) {
    if (yti_all_finite(values, entry->count)) return;
    if (!c->report.n_bad++) snprintf(c->report.first_bad, sizeof c->report.first_bad, "%.120s", entry->name);
}

/* An infinity would become a number like any other. */
static yt_status refuse_infinite(const yti_st_entry *entry, const float *values, yt_err *err) {
    size_t infinite = 0;
    for (size_t i = 0; i < entry->count; i++) infinite += isinf(values[i]) != 0;
    if (!infinite) return YT_OK;
    return yt_fail(err, YT_ERR_NON_FINITE, "%zu of the %zu values of tensor %s are infinite, which --half would hide",
                   infinite, entry->count, entry->name);
}

static yt_status make_half(conversion *c, yti_st_entry *entry, const float *values, yt_err *err) {
    YT_TRY(refuse_infinite(entry, values, err));
    uint16_t *half = malloc(entry->count * sizeof *half + 1);
    if (!half) return yt_fail(err, YT_ERR_NO_MEMORY, "no memory to convert tensor %s", entry->name);
    c->halves[entry - c->entries] = half;
    yti_half_convert(entry->name, values, entry->count, half, &c->report.loss);
    entry->type = YT_ST_F16;
    entry->data = half;
    entry->bytes = entry->count * sizeof *half;
    return YT_OK;
}

static yt_status convert_tensor(conversion *c, yti_st_entry *entry, bool half, yt_err *err) {
    if (!yti_st_is_float(entry->type)) return YT_OK;
    float *values = malloc(entry->count * sizeof *values + 1);
    if (!values) return yt_fail(err, YT_ERR_NO_MEMORY, "no memory to convert tensor %s", entry->name);
    yti_st_to_float(entry, values);
    note_bad(c, entry, values);
    yt_status status = half ? make_half(c, entry, values, err) : YT_OK;
    free(values);
    return status;
}

static yt_status choose_tensors(conversion *c, const yti_st_file *file, bool half, yt_err *err) {
    const char *prefix = yti_weights_prefix(file);
    c->entries = calloc(file->n_entries + 1, sizeof *c->entries);
    c->halves = calloc(file->n_entries + 1, sizeof *c->halves);
    if (!c->entries || !c->halves) return yti_no_memory(err, "a list of %zu tensors", file->n_entries);
    for (size_t i = 0; i < file->n_entries; i++) {
        if (!is_weight(&file->entries[i], prefix)) continue;
        yti_st_entry *entry = &c->entries[c->count++];
        *entry = file->entries[i];
        entry->name += strlen(prefix);
        YT_TRY(convert_tensor(c, entry, half, err));
    }
    return YT_OK;
}

/* The description, and the one pair that readers of the format look for. */
static yt_status choose_metadata(yti_metadata *metadata, const yti_st_file *file, yt_err *err) {
    bool has_format = yti_st_metadata(file, "format") != NULL;
    if (!has_format) YT_TRY(yti_metadata_add(metadata, "format", "pt", err));
    const char *license = yti_metadata_license(file);
    if (license && !yti_st_metadata(file, "base_license"))
        YT_TRY(yti_metadata_add(metadata, "base_license", license, err));
    for (size_t i = 0; i < file->n_metadata; i++)
        if (yti_metadata_is_description(file->metadata_keys[i]))
            YT_TRY(yti_metadata_add(metadata, file->metadata_keys[i], file->metadata_values[i], err));
    return YT_OK;
}

yt_status yti_weights_convert(const char *path, const char *target, bool half, yti_conversion *report, yt_err *err) {
    yti_weights_file weights;
    conversion c = {0};
    yti_metadata metadata = {0};
    YT_TRY(yti_weights_load(path, &weights, err));
    yt_status status = yti_name_file(choose_tensors(&c, &weights.file, half, err), path, err);
    if (status == YT_OK && !c.count) status = yt_fail(err, YT_ERR_MISMATCH, "%s: holds no weights", path);
    if (status == YT_OK) status = choose_metadata(&metadata, &weights.file, err);
    if (status == YT_OK)
        status = yti_st_save(target, c.entries, c.count, (const char *const *)metadata.keys,
                             (const char *const *)metadata.values, metadata.count, err);
    if (status == YT_OK && report) {
        const char *license = yti_metadata_license(&weights.file);
        c.report.n_tensors = c.count;
        snprintf(c.report.base_license, sizeof c.report.base_license, "%.512s", license ? license : "");
        *report = c.report;
    }
    yti_metadata_free(&metadata);
    free_conversion(&c);
    yti_weights_free(&weights);
    return status;
}
