/* gradient_log.c: how gradients flow, sampled along training: what is measured when.
 *
 * At steps 0 (initialisation) and 1 and at every N-th: activations and dL/dx at every row of the model and at every
 * block inside one; with the update that follows the weights' gradients before it and the size of the change. (Of
 * several batches to an update a later one makes it; where the epoch or the next sample comes first it is left out.)
 * Steps 0 and 1 and every 10 N-th: dL/dx by term of the loss and by level of the head. Between them nothing is watched,
 * so that those steps cost nothing. Measured with YOLO26n, 320 px, batch 4: a sample costs 0.3 steps, the parts 4.2; at
 * N = 100 that is 0.7 % of training, and 9 steps at the beginning. What one step has shown goes into the files
 * (gradient_files.c) before the next begins.
 *
 *   state        callback                              next         what is done
 *   any          begin_batch of a sampled step         SAMPLING     the sample before it is written
 *   IDLE         begin_batch of another step           IDLE         the same
 *   SAMPLING     batch                                 WEIGHTS_DUE  its losses are kept; maps came in before
 *   SAMPLING     batch that is skipped                 IDLE         its maps are dropped
 *   WEIGHTS_DUE  batch that updates, this or a later   UPDATE_DUE   gradients of the weights are measured
 *   WEIGHTS_DUE  batch that is skipped                 IDLE         gradients that waited are gone
 *   UPDATE_DUE   update                                IDLE         the change of the weights is measured
 *   any          epoch                                 IDLE         written: all before a checkpoint is on disk
 *   any          rolled_back                           IDLE         the sample is dropped, the files are cut back
 *   any          finish                                             written; still SAMPLING: without losses
 */
#include "train/gradient_log/gradient_log.h"
#include "ops/ops.h"
#include "gradients/alarms.h"
#include "train/gradient_log/gradient_files.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_STEPS = 2, PARTS_EVERY = 10 /* samples */ };

/* A map that is watched: the output of a row, or of a block inside one. */
typedef struct point {
    const char *name;
    int row; /* -1: the node is not watched */
    bool inside;
    yti_activation_kind act;                    /* IDENTITY where the map is not fresh from an activation function */
    unsigned raised_by_map, raised_by_gradient; /* alarms */
} point;

typedef enum phase { IDLE, SAMPLING, WEIGHTS_DUE, UPDATE_DUE } phase;

typedef struct gradient_log {
    const yti_train_info *info;
    const yti_model *model;
    int every, threads;
    point *points; /* by node of the graph */
    yti_flow_step step;
    size_t capacity;  /* of step.records */
    unsigned *raised; /* [n_params] alarms of weights */
    yti_alarm_spread alarms;
    float *before; /* [param_count] weights before an update */
    phase state;
    yti_gradient_files files;
    yt_status status; /* of writing, until an epoch can report it */
    yt_err err;
    yti_problem_sink alarm;
    void *alarm_context;
} gradient_log;

/* ---- where ---- */

/* After a shortcut or another operation the values do not show what the activation function gave. */
static yti_activation_kind activation_of(const yti_graph *graph, yti_value value) {
    const void *attr;
    int n_sources;
    if (yti_graph_op(graph, value, &attr, &n_sources) != &yti_op_norm_act || n_sources != 1) return YT_ACT_IDENTITY;
    return ((const yti_norm_act_attr *)attr)->act.kind;
}

static void watch(gradient_log *log, yti_value value, int row, const char *name, bool inside) {
    if (value < 0 || log->points[value].row >= 0) return;
    log->points[value] = (point){
        .name = name, .row = row, .inside = inside, .act = activation_of(log->model->graph, value)};
}

static bool is_weight(const yti_param_info *info) {
    return info->kind == YT_PARAM_WEIGHT && !info->frozen;
}

static yt_status find_points(gradient_log *log, yt_err *err) {
    const yti_model *model = log->model;
    const int nodes = yti_graph_nodes(model->graph);
    const size_t maps = (size_t)model->n_rows + (size_t)model->n_blocks,
                 parts = (size_t)YT_LOSS_TERMS + (size_t)model->n_levels;
    log->capacity = 2 * maps + 2 * (size_t)model->n_params + parts * (size_t)model->n_rows;
    log->points = malloc(((size_t)nodes + 1) * sizeof *log->points);
    log->before = malloc((model->param_count + 1) * sizeof *log->before);
    log->step.records = malloc((log->capacity + 1) * sizeof *log->step.records);
    log->raised = calloc((size_t)model->n_params + 1, sizeof *log->raised);
    log->alarms.sorted = malloc(((size_t)model->n_rows + 1) * sizeof *log->alarms.sorted);
    if (!log->points || !log->before || !log->step.records || !log->raised || !log->alarms.sorted)
        return yt_fail(err, YT_ERR_NO_MEMORY, "no memory to log gradients");
    for (int i = 0; i < nodes; i++) log->points[i].row = -1;
    for (int i = 0; i < model->n_rows; i++) watch(log, model->rows[i].output, i, model->rows[i].module, false);
    for (int i = 0; i < model->n_blocks; i++)
        watch(log, model->blocks[i].output, model->blocks[i].row, model->blocks[i].name, true);
    return YT_OK;
}

/* ---- what ---- */

static void note(gradient_log *log, yti_flow_record record) {
    if (log->step.count < log->capacity) log->step.records[log->step.count++] = record;
}

static void note_map(gradient_log *log, point *at, yti_flow_kind kind, yti_flow_stats stats) {
    unsigned *raised = kind == YT_FLOW_ACTIVATION ? &at->raised_by_map : &at->raised_by_gradient;
    note(log, (yti_flow_record){at->row, at->name, kind, stats, at->act, raised});
}

static void note_weight(gradient_log *log, int i, yti_flow_kind kind, yti_flow_stats stats) {
    const yti_param_info *info = &log->model->params[i];
    note(log, (yti_flow_record){info->row, info->name, kind, stats, YT_ACT_IDENTITY, &log->raised[i]});
}

static void forward(void *context, yti_value value, yti_tensor map) {
    gradient_log *log = context;
    point *at = &log->points[value];
    if (at->row < 0 || !map.data) return;
    yti_flow_stats stats = yti_flow_measure(map, log->threads);
    stats.saturated = yti_flow_saturated(at->act, map, log->threads);
    note_map(log, at, YT_FLOW_ACTIVATION, stats);
}

static void backward(void *context, yti_value value, yti_tensor gradient) {
    gradient_log *log = context;
    point *at = &log->points[value];
    if (at->row < 0 || !gradient.data) return;
    const yti_flow_kind kind = at->inside ? YT_FLOW_BLOCK_GRADIENT : YT_FLOW_ACTIVATION_GRADIENT;
    note_map(log, at, kind, yti_flow_measure(gradient, log->threads));
}

static void part(void *context, yti_flow_kind kind, yti_value value, yti_tensor gradient) {
    gradient_log *log = context;
    point *at = &log->points[value];
    if (at->row < 0 || at->inside || !gradient.data) return;
    note_map(log, at, kind, yti_flow_measure(gradient, log->threads));
}

static void measure_weights(gradient_log *log, const yti_train_batch *report) {
    const yti_state *state = &log->model->state;
    log->step.batch.updates = true;
    log->step.batch.gradient_norm = report->gradient_norm;
    memcpy(log->before, state->params, log->model->param_count * sizeof *log->before);
    for (int i = 0; i < log->model->n_params; i++) {
        const yti_param_info *info = &log->model->params[i];
        if (!is_weight(info)) continue;
        const yti_tensor gradient = yti_tensor_of(state->grads + info->offset, 1, 1, (int)info->count, 1);
        note_weight(log, i, YT_FLOW_WEIGHT, yti_flow_measure(gradient, log->threads));
    }
}

/* With several batches to an update the weights' part follows batches after the maps', under the same step. */
static void batch(void *context, const yti_train_batch *report) {
    gradient_log *log = context;
    if (report->skipped) {
        if (log->state == SAMPLING) log->step.count = 0; /* what is not finite says nothing about gradient flow */
        log->state = IDLE;
        return;
    }
    if (log->state == SAMPLING) {
        log->step.batch = *report;
        log->state = WEIGHTS_DUE;
    }
    if (log->state == WEIGHTS_DUE && report->updates) {
        measure_weights(log, report);
        log->state = UPDATE_DUE;
    }
}

static void update(void *context, const yti_train_batch *report) {
    gradient_log *log = context;
    (void)report;
    if (log->state != UPDATE_DUE) return;
    log->state = IDLE;
    for (int i = 0; i < log->model->n_params; i++) {
        const yti_param_info *info = &log->model->params[i];
        if (!is_weight(info)) continue;
        yti_flow_stats stats = {.saturated = (double)NAN};
        stats.ratio = yti_flow_update_ratio(log->before + info->offset, log->model->state.params + info->offset,
                                            info->count, log->threads);
        note_weight(log, i, YT_FLOW_UPDATE, stats);
    }
}

/* ---- when ---- */

static void raise_alarms(gradient_log *log) {
    const yti_train_batch *batch = &log->step.batch;
    const yti_flow_sample sample = {.step = batch->step,
                                    .warms_up = batch->warms_up,
                                    .norm = batch->updates ? batch->gradient_norm : (double)NAN,
                                    .records = log->step.records,
                                    .count = log->step.count};
    yti_raise_alarms(&log->alarms, &sample, log->alarm, log->alarm_context);
}

/* The step that a run ended in has no losses; what was wrong with it is reported elsewhere. */
static void write_step(gradient_log *log) {
    if (log->step.count == 0) return;
    log->step.complete = log->state != SAMPLING;
    if (log->step.complete) raise_alarms(log);
    if (log->status == YT_OK) log->status = yti_gradient_files_write(&log->files, &log->step, &log->err);
    log->step.count = 0;
}

static void rolled_back(void *context, int64_t step) {
    gradient_log *log = context;
    log->step.count = 0;
    log->state = IDLE;
    if (log->status == YT_OK) log->status = yti_gradient_files_open(&log->files, log->info, step, &log->err);
}

static unsigned begin_batch(void *context, const yti_train_batch *report) {
    gradient_log *log = context;
    const bool first = report->step < FIRST_STEPS, sampled = first || report->step % log->every == 0;
    if (sampled || log->state == IDLE) write_step(log);
    if (!sampled) return 0;
    log->step.batch = *report;
    log->state = SAMPLING;
    const bool parts = first || report->step % ((int64_t)PARTS_EVERY * log->every) == 0;
    return YT_WATCH_MAPS | (parts ? YT_WATCH_LOSS_PARTS : 0);
}

static yt_status start(void *context, const yti_train_info *info, yt_err *err) {
    gradient_log *log = context;
    log->info = info;
    log->model = info->model;
    log->threads = info->config->threads;
    log->every = info->config->log_gradients;
    YT_TRY(find_points(log, err));
    return yti_gradient_files_open(&log->files, info, info->first_step, err);
}

static yt_status epoch(void *context, const yti_train_epoch *report, yt_err *err) {
    gradient_log *log = context;
    (void)report;
    write_step(log);
    log->state = IDLE;
    if (log->status != YT_OK && err) *err = log->err;
    return log->status;
}

/* A run that ends within an epoch. */
static void finish(void *context, const yti_train_summary *summary) {
    gradient_log *log = context;
    (void)summary;
    write_step(log);
    if (log->status != YT_OK && log->alarm) log->alarm(log->alarm_context, log->err.text);
}

yt_status yti_gradient_log_create(yti_problem_sink alarm, void *alarm_context, yti_train_observer *out, yt_err *err) {
    gradient_log *log = calloc(1, sizeof *log);
    if (!log) return yt_fail(err, YT_ERR_NO_MEMORY, "no memory to log gradients");
    log->alarm = alarm;
    log->alarm_context = alarm_context;
    *out = (yti_train_observer){.start = start,
                                .begin_batch = begin_batch,
                                .forward = forward,
                                .backward = backward,
                                .batch = batch,
                                .part = part,
                                .update = update,
                                .rolled_back = rolled_back,
                                .epoch = epoch,
                                .finish = finish,
                                .context = log};
    return YT_OK;
}

void yti_gradient_log_destroy(yti_train_observer *observer) {
    gradient_log *log = observer->context;
    if (!log) return;
    yti_gradient_files_close(&log->files);
    free(log->points);
    free(log->raised);
    free(log->alarms.sorted);
    free(log->before);
    free(log->step.records);
    free(log);
    observer->context = NULL;
}
