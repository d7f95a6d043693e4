/* weights_transfer.c: what fine-tuning takes from the weights of another model (spec architecture 8.6): tensors of
 * equal name and shape, the overlapping block of the first convolution, and class rows by class name.
 */
#include "weights/class_names.h"
#include "weights/weights_network.h"
#include "weights/weights_unfold.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_GROUPS = 4, GROUP_PARTS = 3 /* model.23.cv3 */, MAX_GROUP = 48 };

/* Tensors that were not taken, by the beginning of their names. */
typedef struct group {
    char name[MAX_GROUP];
    int count;
} group;

typedef struct transfer {
    const yti_st_file *file;
    const char *prefix;
    yti_model *model;
    int *source_of; /* by class of the model: the file's class of the same name, -1: none. NULL: by place */
    int n_source;   /* classes of the file; with source_of */
    group groups[MAX_GROUPS];
    int n_groups, others;
    yti_transfer_report report;
} transfer;

/* ---- class names ---- */

static bool are_real(const yti_class_names *names) {
    for (int i = 0; i < names->count; i++)
        if (!yti_is_placeholder(names->names[i])) return true;
    return false;
}

/* Fills source_of where classes are to be matched by name: both sides have names, some are equal, and their order or
 * number is not the same. */
static yt_status match_classes(transfer *t, const yti_class_names *source, const yti_class_names *target, yt_err *err) {
    if (!are_real(source) || !are_real(target)) return YT_OK;
    int *source_of = malloc((size_t)target->count * sizeof *source_of);
    if (!source_of) return yt_fail(err, YT_ERR_NO_MEMORY, "no memory to compare class names");
    bool same_place = source->count == target->count;
    int found = 0;
    for (int i = 0; i < target->count; i++) {
        int k = 0;
        while (k < source->count && !yti_same_class_name(source->names[k], target->names[i])) k++;
        source_of[i] = k < source->count ? k : -1;
        found += k < source->count;
        same_place &= k == i;
    }
    if (found == 0 || same_place) {
        free(source_of);
        return YT_OK;
    }
    t->source_of = source_of;
    t->n_source = source->count;
    t->report.classes = found;
    return YT_OK;
}

/* The last class layer of a level: "model.23.cv3.0.2.weight", "model.23.one2one_cv3.2.2.bias". */
static bool is_class_row(const char *name) {
    int row, level, used = 0;
    if (sscanf(name, "model.%d.%n", &row, &used) != 1 || !used) return false;
    name += used;
    if (strncmp(name, "one2one_", 8) == 0) name += 8;
    used = 0;
    return sscanf(name, "cv3.%d.2.%n", &level, &used) == 1 && used &&
           (strcmp(name + used, "weight") == 0 || strcmp(name + used, "bias") == 0);
}

/* ---- parts of tensors ---- */

/* Calls for both tensors in the order of files: `from` the file's values, `to` the model's, to be changed. */
typedef void part_copy(const transfer *t, const yti_st_entry *entry, const yti_param_info *info, const float *from,
                       float *to);

static yt_status copy_part(const transfer *t, const yti_st_entry *entry, const yti_param_info *info, part_copy *copy,
                           yt_err *err) {
    float *memory = yti_weights_values(info, &t->model->state);
    float *from = malloc(entry->count * sizeof *from + 1), *to = malloc(info->count * sizeof *to + 1);
    yt_status status = YT_OK;
    if (from && to && yti_st_to_float(entry, from)) {
        yti_param_to_file_order(info, memory, to);
        copy(t, entry, info, from, to);
        yti_param_from_file_order(info, to, memory);
    } else {
        status = yt_fail(err, YT_ERR_NO_MEMORY, "no memory to convert tensor %s", info->name);
    }
    free(from);
    free(to);
    return status;
}

static void copy_class_rows(const transfer *t, const yti_st_entry *entry, const yti_param_info *info, const float *from,
                            float *to) {
    (void)entry;
    size_t row = info->count / (size_t)info->dims[0];
    for (int i = 0; i < info->dims[0]; i++)
        if (t->source_of[i] >= 0) memcpy(to + (size_t)i * row, from + (size_t)t->source_of[i] * row, row * sizeof *to);
}

/* The leading channels that both convolutions have. */
static void copy_overlap(const transfer *t, const yti_st_entry *entry, const yti_param_info *info, const float *from,
                         float *to) {
    (void)t;
    const size_t taps = (size_t)info->dims[2] * (size_t)info->dims[3];
    const size_t from_in = (size_t)entry->dims[1], to_in = (size_t)info->dims[1];
    const size_t from_out = (size_t)entry->dims[0], to_out = (size_t)info->dims[0];
    const size_t n_out = from_out < to_out ? from_out : to_out, n_in = from_in < to_in ? from_in : to_in;
    for (size_t o = 0; o < n_out; o++)
        memcpy(to + o * to_in * taps, from + o * from_in * taps, n_in * taps * sizeof *to);
}

/* Equal but for dims[0], which is the file's number of classes. */
static bool fits_by_class(const transfer *t, const yti_st_entry *entry, const yti_param_info *info) {
    bool fits = yti_st_is_float(entry->type) && entry->n_dims == info->n_dims && info->n_dims > 0 &&
                entry->dims[0] == t->n_source && info->dims[0] == t->model->n_classes;
    for (int i = 1; fits && i < info->n_dims; i++) fits = entry->dims[i] == info->dims[i];
    return fits;
}

static bool overlaps(const yti_st_entry *entry, const yti_param_info *info) {
    return strcmp(info->name, "model.0.conv.weight") == 0 && yti_st_is_float(entry->type) && entry->n_dims == 4 &&
           info->n_dims == 4 && entry->dims[2] == info->dims[2] && entry->dims[3] == info->dims[3] && entry->count > 0;
}

/* ---- the transfer ---- */

static void count_miss(transfer *t, const char *name, const char *why) {
    size_t length = 0;
    for (int parts = 0; name[length] && length < MAX_GROUP - 1; length++)
        if (name[length] == '.' && ++parts == GROUP_PARTS) break;
    if (!t->report.first_miss[0]) snprintf(t->report.first_miss, sizeof t->report.first_miss, "%s", why);
    int g = 0;
    while (g < t->n_groups && (strncmp(t->groups[g].name, name, length) != 0 || t->groups[g].name[length] != '\0')) g++;
    if (g == MAX_GROUPS) {
        t->others++;
        return;
    }
    if (g == t->n_groups) snprintf(t->groups[t->n_groups++].name, MAX_GROUP, "%.*s", (int)length, name);
    t->groups[g].count++;
}

static void list_misses(transfer *t) {
    char *text = t->report.missed;
    size_t room = sizeof t->report.missed, used = 0;
    for (int g = 0; g < t->n_groups && used < room; g++)
        used += (size_t)snprintf(text + used, room - used, "%s%s (%d)", g ? ", " : "", t->groups[g].name,
                                 t->groups[g].count);
    if (t->others && used < room) snprintf(text + used, room - used, ", others (%d)", t->others);
}

static void mark_row(transfer *t, int row) {
    if (row / 8 < (int)sizeof t->report.missed_rows) t->report.missed_rows[row / 8] |= (unsigned char)(1u << row % 8);
}

static yt_status transfer_tensor(transfer *t, const yti_param_info *info, yt_err *err) {
    const yti_st_entry *entry = yti_weights_find(t->file, t->prefix, info->name);
    char why[sizeof t->report.first_miss];
    const bool differs = yti_weights_differ(entry, info, why, sizeof why);
    if (t->source_of && is_class_row(info->name)) {
        if (entry && fits_by_class(t, entry, info)) {
            mark_row(t, info->row);
            t->report.partial++;
            return copy_part(t, entry, info, copy_class_rows, err);
        }
        if (!differs) snprintf(why, sizeof why, "%.128s has rows for other classes", info->name);
    } else if (!differs) {
        t->report.matched++;
        return yti_weights_copy(entry, info, yti_weights_values(info, &t->model->state), err);
    } else if (entry && overlaps(entry, info)) {
        mark_row(t, info->row);
        t->report.partial++;
        return copy_part(t, entry, info, copy_overlap, err);
    }
    mark_row(t, info->row);
    count_miss(t, info->name, why);
    return YT_OK;
}

static yt_status transfer_all(transfer *t, const char *path, const yti_class_names *names, yt_err *err) {
    yti_class_names source = {0};
    yt_status status = YT_OK;
    if (names && names->count == t->model->n_classes) status = yti_metadata_own_names(t->file, path, &source, err);
    if (status == YT_OK && source.count) status = match_classes(t, &source, names, err);
    for (int i = 0; status == YT_OK && i < t->model->n_params; i++)
        status = transfer_tensor(t, &t->model->params[i], err);
    list_misses(t);
    yti_class_names_free(&source);
    return status;
}

yt_status yti_weights_transfer(const char *path, yti_model *model, const yti_class_names *names,
                               yti_transfer_report *report, yt_err *err) {
    yti_weights_file weights;
    yti_unfolded unfolded = {0};
    YT_TRY(yti_weights_load(path, &weights, err));
    transfer t = {.file = &weights.file,
                  .prefix = yti_weights_prefix(&weights.file),
                  .model = model,
                  .report = {.total = model->n_params}};
    yt_status status = yti_network_is_folded(&weights.file, path, &t.report.folded, err);
    if (status == YT_OK && t.report.folded) {
        status = yti_weights_unfold(&weights.file, &unfolded, err);
        t.file = &unfolded.file;
    }
    if (status == YT_OK) status = yti_name_file(transfer_all(&t, path, names, err), path, err);
    if (status == YT_OK && t.report.matched + t.report.partial) status = yti_weights_pass_license(t.file, model, err);
    if (status == YT_OK) *report = t.report;
    free(t.source_of);
    yti_unfolded_free(&unfolded);
    yti_weights_free(&weights);
    return status;
}
