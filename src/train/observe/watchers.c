/* watchers.c: handing a run to its observers.
 *
 * Before a batch each observer says what it wants to see of it; what nobody wants is not computed. The time that goes
 * into those that want something is measured, so that a run can say what watching it has cost.
 */
#include "train/observe/watchers.h"
#include "base/cpu.h"

unsigned yti_watch_begin(yti_watchers *watchers, const yti_train_batch *batch) {
    unsigned all = 0;
    const double begin = yti_seconds();
    for (size_t i = 0; i < watchers->count; i++) {
        const yti_train_observer *o = &watchers->list[i];
        watchers->wanted[i] = o->begin_batch ? o->begin_batch(o->context, batch) : 0;
        all |= watchers->wanted[i];
    }
    watchers->seconds += yti_seconds() - begin;
    return all;
}

static void pass_forward(void *context, yti_value value, yti_tensor map) {
    yti_watchers *watchers = context;
    const double begin = yti_seconds();
    for (size_t i = 0; i < watchers->count; i++) {
        const yti_train_observer *o = &watchers->list[i];
        if (watchers->wanted[i] & YT_WATCH_MAPS && o->forward) o->forward(o->context, value, map);
    }
    watchers->seconds += yti_seconds() - begin;
}

static void pass_backward(void *context, yti_value value, yti_tensor gradient) {
    yti_watchers *watchers = context;
    const double begin = yti_seconds();
    for (size_t i = 0; i < watchers->count; i++) {
        const yti_train_observer *o = &watchers->list[i];
        if (watchers->wanted[i] & YT_WATCH_MAPS && o->backward) o->backward(o->context, value, gradient);
    }
    watchers->seconds += yti_seconds() - begin;
}

yti_graph_observer yti_watch_maps(yti_watchers *watchers) {
    return (yti_graph_observer){.forward = pass_forward, .backward = pass_backward, .context = watchers};
}

void yti_watch_part(yti_watchers *watchers, yti_flow_kind part, yti_value value, yti_tensor gradient) {
    for (size_t i = 0; i < watchers->count; i++) {
        const yti_train_observer *o = &watchers->list[i];
        if (watchers->wanted[i] & YT_WATCH_LOSS_PARTS && o->part) o->part(o->context, part, value, gradient);
    }
}

/* Only of observers that may want something. */
static void count_time(yti_watchers *watchers, const yti_train_observer *observer, double begin) {
    if (observer->begin_batch) watchers->seconds += yti_seconds() - begin;
}

void yti_watch_batch(yti_watchers *watchers, const yti_train_batch *batch) {
    for (size_t i = 0; i < watchers->count; i++) {
        const yti_train_observer *o = &watchers->list[i];
        const double begin = yti_seconds();
        if (o->batch) o->batch(o->context, batch);
        count_time(watchers, o, begin);
    }
}

void yti_watch_update(yti_watchers *watchers, const yti_train_batch *batch) {
    for (size_t i = 0; i < watchers->count; i++) {
        const yti_train_observer *o = &watchers->list[i];
        const double begin = yti_seconds();
        if (o->update) o->update(o->context, batch);
        count_time(watchers, o, begin);
    }
}

yt_status yti_watch_start(yti_watchers *watchers, const yti_train_info *info, yt_err *err) {
    for (size_t i = 0; i < watchers->count; i++) {
        const yti_train_observer *o = &watchers->list[i];
        if (o->start) YT_TRY(o->start(o->context, info, err));
    }
    return YT_OK;
}

yt_status yti_watch_validated(void *context, const yti_validated_image *image, yt_err *err) {
    const yti_watchers *watchers = context;
    for (size_t i = 0; i < watchers->count; i++) {
        const yti_train_observer *o = &watchers->list[i];
        if (o->validated) YT_TRY(o->validated(o->context, image, err));
    }
    return YT_OK;
}

yt_status yti_watch_epoch(yti_watchers *watchers, const yti_train_epoch *epoch, yt_err *err) {
    for (size_t i = 0; i < watchers->count; i++) {
        const yti_train_observer *o = &watchers->list[i];
        if (o->epoch) YT_TRY(o->epoch(o->context, epoch, err));
    }
    return YT_OK;
}

void yti_watch_finish(yti_watchers *watchers, const yti_train_summary *summary) {
    for (size_t i = 0; i < watchers->count; i++)
        if (watchers->list[i].finish) watchers->list[i].finish(watchers->list[i].context, summary);
}

void yti_watch_non_finite(const yti_watchers *watchers, const yti_non_finite *event) {
    for (size_t i = 0; i < watchers->count; i++)
        if (watchers->list[i].non_finite) watchers->list[i].non_finite(watchers->list[i].context, event);
}

void yti_watch_rolled_back(const yti_watchers *watchers, int64_t step) {
    for (size_t i = 0; i < watchers->count; i++)
        if (watchers->list[i].rolled_back) watchers->list[i].rolled_back(watchers->list[i].context, step);
}

void yti_watch_alarm(void *context, const char *text) {
    yti_watchers *watchers = context;
    for (size_t i = 0; i < watchers->count; i++)
        if (watchers->list[i].alarm) watchers->list[i].alarm(watchers->list[i].context, text);
}
