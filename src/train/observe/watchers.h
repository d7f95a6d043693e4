/* watchers.h: the observers of a run, called together. Internal to src/train. */
#ifndef YT_WATCHERS_H
#define YT_WATCHERS_H

#include "train/observe/observer.h"

/* The list of observers of a run. */
typedef struct yti_watchers {
    const yti_train_observer *list;
    size_t count;
    unsigned *wanted; /* by each of them, of this batch */
    double seconds;   /* spent for those that ask for something */
} yti_watchers;

/* Tells each that a batch begins; returns what any of them is to be shown of it. */
unsigned yti_watch_begin(yti_watchers *watchers, const yti_train_batch *batch);

/* Passes maps and their gradients on to those that wanted them. */
yti_graph_observer yti_watch_maps(yti_watchers *watchers);
void yti_watch_part(yti_watchers *watchers, yti_flow_kind part, yti_value value, yti_tensor gradient);
void yti_watch_batch(yti_watchers *watchers, const yti_train_batch *batch);
void yti_watch_non_finite(const yti_watchers *watchers, const yti_non_finite *event);
void yti_watch_update(yti_watchers *watchers, const yti_train_batch *batch);
void yti_watch_rolled_back(const yti_watchers *watchers, int64_t step);
yt_status yti_watch_start(yti_watchers *watchers, const yti_train_info *info, yt_err *err);

/* The hook of a validation: context is a yti_watchers. */
yt_status yti_watch_validated(void *context, const yti_validated_image *image, yt_err *err);
yt_status yti_watch_epoch(yti_watchers *watchers, const yti_train_epoch *epoch, yt_err *err);
void yti_watch_finish(yti_watchers *watchers, const yti_train_summary *summary);

/* A yti_problem_sink: context is a yti_watchers. */
void yti_watch_alarm(void *context, const char *text);

#endif
