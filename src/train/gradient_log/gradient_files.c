/* gradient_files.c: what a sampled step has shown, in three files.
 *
 * gradients.csv: one row per number (gradients/gradient_table.h).
 *
 * gradients.jsonl: one object per step: the same numbers, with the histograms of log2 of the magnitudes:
 *   {"from": -12, "counts": [3, 5]}  three between 2^-12 and 2^-11, five between 2^-11 and 2^-10
 *
 * events.out.tfevents.gradients: the curves and histograms for TensorBoard.
 */
#include "train/gradient_log/gradient_files.h"
#include "base/csv_log.h"
#include "base/file.h"
#include "base/json.h"
#include "gradients/gradient_table.h"

#include <math.h>
#include <stdlib.h>

/* Those that are curves in TensorBoard. */
static const yti_flow_stat curves[] = {YT_FLOW_STAT_RMS, YT_FLOW_STAT_RATIO, YT_FLOW_STAT_SPREAD,
                                       YT_FLOW_STAT_SATURATED};

/* NAN: this kind does not have it, or it is not known. */
static double value_of(const yti_flow_record *r, yti_flow_stat stat) {
    return yti_flow_has(r->kind, stat) ? yti_flow_value(&r->stats, stat) : (double)NAN;
}

/* ---- gradients.csv ---- */

static yt_status write_csv(yti_gradient_files *files, const yti_flow_step *step, yt_err *err) {
    for (size_t i = 0; i < step->count; i++) {
        const yti_flow_record *r = &step->records[i];
        for (int s = 0; s < YT_FLOW_STATS; s++) {
            const double value = value_of(r, (yti_flow_stat)s);
            const yti_gradient_row row = {step->batch.step, step->batch.epoch + 1, r->row, r->name,
                                          r->kind,          (yti_flow_stat)s,      value};
            if (!isnan(value)) yti_gradient_row_write(&row, files->csv);
        }
    }
    return yti_csv_log_flush(files->csv, files->csv_path, err);
}

/* ---- gradients.jsonl ---- */

static void put_histogram(yti_json_writer *w, const yti_flow_stats *stats) {
    int first = 0, last = YT_FLOW_BINS - 1;
    while (last >= 0 && stats->histogram[last] == 0) last--;
    if (last < 0) return; /* zeros only */
    while (stats->histogram[first] == 0) first++;
    yti_json_object(w, "log2_histogram");
    yti_json_number6(w, "from", YT_FLOW_LOWEST + first - 1);
    yti_json_array(w, "counts");
    for (int i = first; i <= last; i++) yti_json_number(w, NULL, (double)stats->histogram[i]);
    yti_json_end(w);
    yti_json_end(w);
}

static void put_record(yti_json_writer *w, const yti_flow_record *r) {
    yti_json_object(w, NULL);
    yti_json_number(w, "layer", r->row);
    yti_json_text(w, "name", r->name);
    yti_json_text(w, "kind", yti_flow_kind_word(r->kind));
    for (int s = 0; s < YT_FLOW_STATS; s++) {
        const double value = value_of(r, (yti_flow_stat)s);
        if (!isnan(value)) yti_json_number6(w, yti_flow_stat_word((yti_flow_stat)s), value);
    }
    if (r->kind != YT_FLOW_UPDATE) put_histogram(w, &r->stats);
    yti_json_end(w);
}

#define LINE_START "{\"step\":" /* by which a line is known when the file is cut back */

static void put_batch(yti_json_writer *w, const yti_gradient_files *files, const yti_flow_step *step) {
    const yti_train_batch *batch = &step->batch;
    yti_json_number(w, "step", (double)batch->step);
    yti_json_number(w, "epoch", batch->epoch + 1);
    yti_json_number(w, "batch", batch->batch);
    for (int i = 0; step->complete && i < YT_LOSS_TERMS; i++)
        yti_json_number6(w, files->info->loss_names[i], batch->own_loss[i]);
    if (step->complete && batch->updates) yti_json_number6(w, "gradient_norm", batch->gradient_norm);
}

static yt_status write_json(yti_gradient_files *files, const yti_flow_step *step, yt_err *err) {
    yti_json_writer w = {0};
    yti_json_object(&w, NULL);
    put_batch(&w, files, step);
    yti_json_array(&w, "records");
    for (size_t i = 0; i < step->count; i++) put_record(&w, &step->records[i]);
    char *text = yti_json_finish(&w, YTI_JSON_ON_ONE_LINE);
    if (!text) return yti_no_memory(err, "the log of gradients");
    fprintf(files->json, "%s\n", text);
    free(text);
    return yti_csv_log_flush(files->json, files->json_path, err);
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
    if (!path) return yti_no_memory(err, "the log of gradients");
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
    if (!files->csv_path || !files->json_path) return yti_no_memory(err, "the log of gradients");
    YT_TRY(yti_csv_log_open(files->csv_path, yti_gradient_table_header(), first_step, &files->csv, err));
    YT_TRY(yti_lines_log_open(files->json_path, LINE_START, first_step, &files->json, err));
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
