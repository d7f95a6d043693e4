/* gradient_files.c: what a sampled step has shown, in three files.
 *
 * gradients.csv, in long form, one row per number:
 *   step,epoch,layer,name,kind,stat,value
 * step is the number of batches done before that one (0: at initialisation), epoch counts from 1 as in results.csv,
 * layer is the row of the model YAML, name a parameter, the module of a row or the path of a block in it; kind and stat
 * are words of the tables in flow.h. Numbers that are not known are left out.
 *
 * gradients.jsonl: one object per step: the same numbers, with the histograms of log2 of the magnitudes:
 *   {"from": -12, "counts": [3, 5]}  three between 2^-12 and 2^-11, five between 2^-11 and 2^-10
 *
 * events.out.tfevents.gradients: the curves and histograms for TensorBoard.
 */
#include "train/gradient_log/gradient_files.h"
#include "base/csv_log.h"
#include "base/file.h"

#include <cjson/cJSON.h>

#include <stdlib.h>
#include <string.h>

/* Those that are curves in TensorBoard. */
static const yti_flow_stat curves[] = {YT_FLOW_STAT_RMS, YT_FLOW_STAT_RATIO, YT_FLOW_STAT_SPREAD,
                                       YT_FLOW_STAT_SATURATED};

/* NAN: this kind does not have it, or it is not known. */
static double value_of(const yti_flow_record *r, yti_flow_stat stat) {
    return yti_flow_has(r->kind, stat) ? yti_flow_value(&r->stats, stat) : (double)NAN;
}

static yt_status no_memory(yt_err *err) {
    return yt_fail(err, YT_ERR_NO_MEMORY, "no memory to log gradients");
}

/* ---- gradients.csv ---- */

static yt_status write_csv(yti_gradient_files *files, const yti_flow_step *step, yt_err *err) {
    for (size_t i = 0; i < step->count; i++) {
        const yti_flow_record *r = &step->records[i];
        for (int s = 0; s < YT_FLOW_STATS; s++) {
            const double value = value_of(r, (yti_flow_stat)s);
            if (!isnan(value))
                fprintf(files->csv, "%lld,%d,%d,%s,%s,%s,%.6g\n", (long long)step->batch.step, step->batch.epoch + 1,
                        r->row, r->name, yti_flow_kind_word(r->kind), yti_flow_stat_word((yti_flow_stat)s), value);
        }
    }
    return yti_csv_flush(files->csv, files->csv_path, err);
}

/* ---- gradients.jsonl ---- */

/* Six digits, as in the table. */
static bool add_number(cJSON *object, const char *key, double value) {
    char text[32];
    snprintf(text, sizeof text, "%.6g", value);
    return cJSON_AddRawToObject(object, key, text) != NULL;
}

static bool add_histogram(cJSON *object, const yti_flow_stats *stats) {
    int first = 0, last = YT_FLOW_BINS - 1;
    while (last >= 0 && stats->histogram[last] == 0) last--;
    if (last < 0) return true; /* zeros only */
    while (stats->histogram[first] == 0) first++;
    cJSON *histogram = cJSON_AddObjectToObject(object, "log2_histogram");
    cJSON *counts = NULL;
    bool ok = histogram && add_number(histogram, "from", YT_FLOW_LOWEST + first - 1) &&
              (counts = cJSON_AddArrayToObject(histogram, "counts")) != NULL;
    for (int i = first; ok && i <= last; i++)
        ok = cJSON_AddItemToArray(counts, cJSON_CreateNumber((double)stats->histogram[i]));
    return ok;
}

static bool add_record(cJSON *array, const yti_flow_record *r) {
    cJSON *object = cJSON_CreateObject();
    if (!object || !cJSON_AddItemToArray(array, object)) return false;
    bool ok = cJSON_AddNumberToObject(object, "layer", r->row) && cJSON_AddStringToObject(object, "name", r->name) &&
              cJSON_AddStringToObject(object, "kind", yti_flow_kind_word(r->kind));
    for (int s = 0; ok && s < YT_FLOW_STATS; s++) {
        const double value = value_of(r, (yti_flow_stat)s);
        if (!isnan(value)) ok = add_number(object, yti_flow_stat_word((yti_flow_stat)s), value);
    }
    return ok && (r->kind == YT_FLOW_UPDATE || add_histogram(object, &r->stats));
}

static bool add_batch(cJSON *object, const yti_gradient_files *files, const yti_flow_step *step) {
    const yti_train_batch *batch = &step->batch;
    bool ok = cJSON_AddNumberToObject(object, "step", (double)batch->step) && /* first: yti_lines_open */
              cJSON_AddNumberToObject(object, "epoch", batch->epoch + 1) &&
              cJSON_AddNumberToObject(object, "batch", batch->batch);
    for (int i = 0; step->complete && ok && i < YT_LOSS_TERMS; i++)
        ok = add_number(object, files->info->loss_names[i], batch->own_loss[i]);
    return ok && (!step->complete || !batch->updates || add_number(object, "gradient_norm", batch->gradient_norm));
}

static yt_status write_json(yti_gradient_files *files, const yti_flow_step *step, yt_err *err) {
    cJSON *object = cJSON_CreateObject(), *records = NULL;
    bool ok = object && add_batch(object, files, step) && (records = cJSON_AddArrayToObject(object, "records")) != NULL;
    for (size_t i = 0; ok && i < step->count; i++) ok = add_record(records, &step->records[i]);
    char *text = ok ? cJSON_PrintUnformatted(object) : NULL;
    cJSON_Delete(object);
    if (!text) return no_memory(err);
    fprintf(files->json, "%s\n", text);
    cJSON_free(text);
    return yti_csv_flush(files->json, files->json_path, err);
}

/* ---- events ---- */

static void make_tag(char *tag, size_t room, const yti_flow_record *r, const char *what) {
    const char *kind = yti_flow_kind_word(r->kind);
    snprintf(tag, room, "%s/%s/%02d %s", kind, what, r->row, r->name);
}

static yt_status write_events(yti_gradient_files *files, const yti_flow_step *step, yt_err *err) {
    char tag[256];
    for (size_t i = 0; i < step->count; i++) {
        const yti_flow_record *r = &step->records[i];
        for (size_t c = 0; c < sizeof curves / sizeof curves[0]; c++) {
            const double value = value_of(r, curves[c]);
            make_tag(tag, sizeof tag, r, yti_flow_stat_word(curves[c]));
            if (!isnan(value)) yti_event_file_scalar(files->events, tag, value);
        }
        if (r->kind > YT_FLOW_ACTIVATION) continue; /* no histograms of the parts of the loss */
        make_tag(tag, sizeof tag, r, "log2");
        yti_event_file_histogram(files->events, tag, &r->stats);
    }
    return yti_event_file_end(files->events, step->batch.step, err);
}

/* ---- all ---- */

static yt_status open_events(yti_gradient_files *files, int64_t first_step, yt_err *err) {
    char *path = yti_path_join(files->info->folder, "events.out.tfevents.gradients");
    if (!path) return no_memory(err);
    const yt_status status = yti_event_file_open(path, first_step, &files->events, err);
    free(path);
    return status;
}

yt_status yti_gradient_files_open(yti_gradient_files *files, const yti_train_info *info, int64_t first_step,
                                  yt_err *err) {
    yti_gradient_files_close(files);
    files->info = info;
    files->csv_path = yti_path_join(info->folder, "gradients.csv");
    files->json_path = yti_path_join(info->folder, "gradients.jsonl");
    if (!files->csv_path || !files->json_path) return no_memory(err);
    YT_TRY(yti_csv_open(files->csv_path, "step,epoch,layer,name,kind,stat,value", first_step, &files->csv, err));
    YT_TRY(yti_lines_open(files->json_path, "{\"step\":", first_step, &files->json, err));
    return open_events(files, first_step, err);
}

yt_status yti_gradient_files_write(yti_gradient_files *files, const yti_flow_step *step, yt_err *err) {
    YT_TRY(write_csv(files, step, err));
    YT_TRY(write_json(files, step, err));
    return write_events(files, step, err);
}

void yti_gradient_files_close(yti_gradient_files *files) {
    if (files->csv) fclose(files->csv); /* every step was flushed and checked, here and below */
    if (files->json) fclose(files->json);
    yti_event_file_close(files->events);
    free(files->csv_path);
    free(files->json_path);
    *files = (yti_gradient_files){.info = NULL};
}
