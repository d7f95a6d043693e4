/* watchers.c: handing a run to its observers.
 *
 * Before a batch each observer says what it wants to see of it; what nobody wants is not computed. The time that goes
 * into those that want something is measured, so that a run can say what watching it has cost.
 */
#include "train/loop/training.h"
#include "base/cpu.h"

unsigned yti_watch_begin(yt_watchers *watchers, const yt_train_batch *batch) {
    unsigned all = 0;
    const double begin = yt_seconds();
    for (size_t i = 0; i < watchers->count; i++) {
        const yt_train_observer *o = &watchers->list[i];
        watchers->wanted[i] = o->wants ? o->wants(o->context, batch) : 0;
        all |= watchers->wanted[i];
    }
    watchers->seconds += yt_seconds() - begin;
    return all;
}

static void pass_forward(void *context, yt_value value, yt_tensor map) {
    yt_watchers *watchers = context;
    const double begin = yt_seconds();
    for (size_t i = 0; i < watchers->count; i++) {
        const yt_train_observer *o = &watchers->list[i];
        if (watchers->wanted[i] & YT_SEE_MAPS && o->forward) o->forward(o->context, value, map);
    }
    watchers->seconds += yt_seconds() - begin;
}

static void pass_backward(void *context, yt_value value, yt_tensor gradient) {
    yt_watchers *watchers = context;
    const double begin = yt_seconds();
    for (size_t i = 0; i < watchers->count; i++) {
        const yt_train_observer *o = &watchers->list[i];
        if (watchers->wanted[i] & YT_SEE_MAPS && o->backward) o->backward(o->context, value, gradient);
    }
    watchers->seconds += yt_seconds() - begin;
}

yt_graph_observer yti_watch_maps(yt_watchers *watchers) {
    return (yt_graph_observer){.forward = pass_forward, .backward = pass_backward, .context = watchers};
}

void yti_watch_part(yt_watchers *watchers, yt_flow_kind part, yt_value value, yt_tensor gradient) {
    for (size_t i = 0; i < watchers->count; i++) {
        const yt_train_observer *o = &watchers->list[i];
        if (watchers->wanted[i] & YT_SEE_PARTS && o->part) o->part(o->context, part, value, gradient);
    }
}

/* The time is counted only where an observer can want something. */
static void count_time(yt_watchers *watchers, const yt_train_observer *observer, double begin) {
    if (observer->wants) watchers->seconds += yt_seconds() - begin;
}

void yti_watch_batch(yt_watchers *watchers, const yt_train_batch *batch) {
    for (size_t i = 0; i < watchers->count; i++) {
        const yt_train_observer *o = &watchers->list[i];
        const double begin = yt_seconds();
        if (o->batch) o->batch(o->context, batch);
        count_time(watchers, o, begin);
    }
}

void yti_watch_update(yt_watchers *watchers, const yt_train_batch *batch) {
    for (size_t i = 0; i < watchers->count; i++) {
        const yt_train_observer *o = &watchers->list[i];
        const double begin = yt_seconds();
        if (o->update) o->update(o->context, batch);
        count_time(watchers, o, begin);
    }
}

void yti_watch_non_finite(const yt_watchers *watchers, const yt_non_finite *event) {
    for (size_t i = 0; i < watchers->count; i++)
        if (watchers->list[i].non_finite) watchers->list[i].non_finite(watchers->list[i].context, event);
}

void yti_watch_alarm(void *context, const char *text) {
    yt_watchers *watchers = context;
    for (size_t i = 0; i < watchers->count; i++)
        if (watchers->list[i].alarm) watchers->list[i].alarm(watchers->list[i].context, text);
}
