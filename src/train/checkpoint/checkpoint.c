/* checkpoint.c: a training run written down after an epoch, so that it can continue as if it had never stopped.
 *
 *   <name>                       live weights and statistics; a checkpoint reads as a weights file
 *   ema.<name>                   their moving average
 *   optim.<state>.<name>         moments of the optimizer
 *   optim.gradient.<name>        gradients waiting for their update, where an epoch ended between two updates
 *   metadata settings, progress  JSON objects; data: which it was trained on (data_print.c)
 *
 * Random numbers need no state: they are named by seed, epoch and position.
 */
#include "train/checkpoint/checkpoint.h"
#include "base/rng.h"
#include "train/checkpoint/data_print.h"
#include "train/settings/settings_json.h"

#include <stdlib.h>
#include <string.h>

/* ---- progress as JSON: one row per field ---- */

typedef enum field_type {
    FIELD_INT,
    FIELD_INT64,
    FIELD_REAL,
    FIELD_LOSS,
    FIELD_HASH
} field_type; /* LOSS: NAN is null */

typedef struct field {
    const char *name;
    field_type type;
    size_t offset;
    bool may_be_absent; /* younger than the first files, and then as in a run that never met it */
} field;

#define FIELD(type, member)                                                                                            \
    { #member, type, offsetof(yti_progress, member), false }
#define YOUNGER_FIELD(type, member)                                                                                    \
    { #member, type, offsetof(yti_progress, member), true }
static const field fields[] = {
    FIELD(FIELD_INT, epochs_done),
    FIELD(FIELD_INT64, iterations),
    FIELD(FIELD_INT64, last_step),
    FIELD(FIELD_INT64, updates),
    FIELD(FIELD_REAL, best_fitness),
    FIELD(FIELD_INT, best_epoch),
    FIELD(FIELD_INT, improved_epoch),
    FIELD(FIELD_INT, closed_epoch),
    FIELD(FIELD_INT, last.epoch),
    FIELD(FIELD_REAL, last.seconds),
    FIELD(FIELD_LOSS, last.val_loss[0]),
    FIELD(FIELD_LOSS, last.val_loss[1]),
    FIELD(FIELD_LOSS, last.val_loss[2]),
    FIELD(FIELD_REAL, last.precision),
    FIELD(FIELD_REAL, last.recall),
    FIELD(FIELD_REAL, last.ap50),
    FIELD(FIELD_REAL, last.ap),
    FIELD(FIELD_HASH, last.weights_hash),
    YOUNGER_FIELD(FIELD_INT64, skips),
    YOUNGER_FIELD(FIELD_INT, skips_in_row),
    YOUNGER_FIELD(FIELD_INT, rollbacks),
    YOUNGER_FIELD(FIELD_REAL, rate_factor),
    YOUNGER_FIELD(FIELD_REAL, last.other.precision),
    YOUNGER_FIELD(FIELD_REAL, last.other.recall),
    YOUNGER_FIELD(FIELD_REAL, last.other.ap50),
    YOUNGER_FIELD(FIELD_REAL, last.other.ap),
};
#undef FIELD
#undef YOUNGER_FIELD
enum { N_FIELDS = sizeof fields / sizeof fields[0] };
_Static_assert(YT_LOSS_TERMS == 3, "the list of fields names every loss term");

static void put_field(yti_json_writer *w, const yti_progress *progress, const field *f) {
    const void *value = (const char *)progress + f->offset;
    switch (f->type) {
    case FIELD_INT:
        yti_json_number(w, f->name, *(const int *)value);
        break;
    case FIELD_INT64:
        yti_json_number(w, f->name, (double)*(const int64_t *)value);
        break;
    case FIELD_LOSS:
    case FIELD_REAL:
        yti_json_number(w, f->name, *(const double *)value);
        break;
    case FIELD_HASH:
        yti_json_hash(w, f->name, *(const uint64_t *)value);
        break;
    }
}

static bool get_field(const yti_json *json, yti_progress *progress, const field *f) {
    const yti_json *item = yti_json_get(json, f->name);
    void *value = (char *)progress + f->offset;
    const char *text;
    int64_t whole;
    if (!item && f->may_be_absent) return true;
    switch (f->type) {
    case FIELD_HASH:
        text = yti_json_as_text(item);
        if (text) *(uint64_t *)value = strtoull(text, NULL, 16);
        return text != NULL;
    case FIELD_LOSS:
        if (yti_json_is_null(item)) {
            *(double *)value = (double)NAN;
            return true;
        }
        return yti_json_as_number(item, value) && isfinite(*(double *)value);
    case FIELD_REAL:
        return yti_json_as_number(item, value) && isfinite(*(double *)value);
    case FIELD_INT:
        if (!yti_json_as_whole(item, -1, INT32_MAX, &whole)) return false;
        *(int *)value = (int)whole;
        return true;
    case FIELD_INT64:
        return yti_json_as_whole(item, -1, 9007199254740992.0, value);
    }
    return false;
}

/* ---- writing ---- */

static yt_status add_arrays(yti_entry_list *list, const yti_run_parts *parts, const yti_progress *progress,
                            yt_err *err) {
    const yti_model *model = parts->model;
    int64_t steps = progress->iterations;
    YT_TRY(yti_entries_add_state(list, "", model, &model->state, steps, err));
    YT_TRY(yti_entries_add_state(list, "ema.", model, &parts->average.state, steps, err));
    const char *name;
    float *array;
    for (int i = 0; yti_optimizer_state(parts->optimizer, i, &name, &array); i++) {
        char prefix[64];
        snprintf(prefix, sizeof prefix, "optim.%s.", name);
        YT_TRY(yti_entries_add_params(list, prefix, model, array, err));
    }
    if (yti_gradients_wait(progress))
        YT_TRY(yti_entries_add_params(list, "optim.gradient.", model, model->state.grads, err));
    return YT_OK;
}

yt_status yti_checkpoint_fill(const yti_run_view *run, yti_saved_file *file, yt_err *err) {
    yti_metadata *metadata = &file->metadata;
    YT_TRY(add_arrays(&file->entries, run->parts, run->progress, err));
    YT_TRY(yti_metadata_describe(metadata, run->parts->model, &run->data->names, run->config->imgsz, err));
    yti_json_writer w = {0};
    yti_settings_write(&w, NULL, run->config, NULL);
    YT_TRY(yti_metadata_add_json(metadata, "settings", &w, err));
    yti_data_write(&w, run->data);
    YT_TRY(yti_metadata_add_json(metadata, "data", &w, err));
    yti_json_object(&w, NULL);
    for (int i = 0; i < N_FIELDS; i++) put_field(&w, run->progress, &fields[i]);
    return yti_metadata_add_json(metadata, "progress", &w, err);
}

/* ---- reading ---- */

yt_status yti_checkpoint_progress(const yti_st_file *file, const char *path, yti_progress *progress, yt_err *err) {
    yti_json *json = NULL;
    YT_TRY(yti_resume_json(file, path, "progress", &json, err));
    yti_progress read = {.rate_factor = 1};
    yt_status status = YT_OK;
    for (int i = 0; status == YT_OK && i < N_FIELDS; i++)
        if (!get_field(json, &read, &fields[i]))
            status = yt_fail(err, YT_ERR_SYNTAX, "%s: its progress has no right %s", path, fields[i].name);
    yti_json_free(json);
    if (status == YT_OK && (read.epochs_done < 0 || read.iterations < 0 || read.updates < 0 ||
                            read.last_step >= (read.iterations > 0 ? read.iterations : 1) || read.skips_in_row < 0 ||
                            !(read.rate_factor > 0 && read.rate_factor <= 1)))
        status = yt_fail(err, YT_ERR_SYNTAX, "%s: its progress contradicts itself; the file is damaged", path);
    if (status == YT_OK) *progress = read;
    return status;
}

static yt_status read_arrays(const yti_st_file *file, yti_run_parts *parts, const yti_progress *progress, yt_err *err) {
    const yti_model *model = parts->model;
    YT_TRY(yti_weights_read(file, "", model, &model->state, err));
    YT_TRY(yti_weights_read(file, "ema.", model, &parts->average.state, err));
    const char *name;
    float *array;
    for (int i = 0; yti_optimizer_state(parts->optimizer, i, &name, &array); i++) {
        char prefix[64];
        snprintf(prefix, sizeof prefix, "optim.%s.", name);
        YT_TRY(yti_weights_read_params(file, prefix, model, array, err));
    }
    if (yti_gradients_wait(progress))
        YT_TRY(yti_weights_read_params(file, "optim.gradient.", model, model->state.grads, err));
    return YT_OK;
}

yt_status yti_checkpoint_arrays(const yti_st_file *file, const char *path, yti_run_parts *parts,
                                const yti_progress *progress, yt_err *err) {
    yt_err reason;
    yt_status status = read_arrays(file, parts, progress, &reason);
    if (status != YT_OK) return yt_fail(err, status, "%s: %.900s", path, reason.text);
    const uint64_t hash = yti_hash64_floats(parts->model->state.params, parts->model->param_count);
    if (progress->epochs_done > 0 && hash != progress->last.weights_hash)
        return yt_fail(err, YT_ERR_SYNTAX,
                       "%s: its weights are not those of its last epoch (their hash is %016llx, not "
                       "%016llx); the file is "
                       "damaged",
                       path, (unsigned long long)hash, (unsigned long long)progress->last.weights_hash);
    yti_optimizer_set_steps(parts->optimizer, progress->updates);
    return YT_OK;
}
