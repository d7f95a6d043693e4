/* Tests of src/train/observe/watchers.c: who is called, with what, and whose failure ends the run. */
#include "train/observe/watchers.h"

#include <criterion/criterion.h>
#include <string.h>

typedef struct seen {
    unsigned wants;
    int forwards, backwards, parts, batches, epochs, rollbacks;
    int64_t rolled_back_to;
    char alarm[32];
    yt_status status; /* of epoch */
} seen;

static unsigned begin_batch(void *context, const yti_train_batch *batch) {
    (void)batch;
    return ((seen *)context)->wants;
}

static void forward(void *context, yti_value value, yti_tensor map) {
    (void)value, (void)map;
    ((seen *)context)->forwards++;
}

static void backward(void *context, yti_value value, yti_tensor gradient) {
    (void)value, (void)gradient;
    ((seen *)context)->backwards++;
}

static void part(void *context, yti_flow_kind kind, yti_value value, yti_tensor gradient) {
    (void)kind, (void)value, (void)gradient;
    ((seen *)context)->parts++;
}

static void batch(void *context, const yti_train_batch *report) {
    (void)report;
    ((seen *)context)->batches++;
}

static void rolled_back(void *context, int64_t step) {
    ((seen *)context)->rollbacks++;
    ((seen *)context)->rolled_back_to = step;
}

static yt_status epoch(void *context, const yti_train_epoch *row, yt_err *err) {
    (void)row;
    seen *s = context;
    s->epochs++;
    return s->status == YT_OK ? YT_OK : yt_fail(err, s->status, "the disk is full");
}

static void alarm(void *context, const char *text) {
    snprintf(((seen *)context)->alarm, sizeof((seen *)context)->alarm, "%s", text);
}

static yti_train_observer observer_of(seen *context) {
    return (yti_train_observer){.begin_batch = begin_batch,
                                .forward = forward,
                                .backward = backward,
                                .batch = batch,
                                .part = part,
                                .rolled_back = rolled_back,
                                .epoch = epoch,
                                .alarm = alarm,
                                .context = context};
}

Test(watchers, each_is_shown_what_it_asked_for_and_no_more) {
    seen maps = {.wants = YT_WATCH_MAPS}, parts = {.wants = YT_WATCH_LOSS_PARTS}, nothing = {0};
    const yti_train_observer list[] = {observer_of(&maps), observer_of(&parts), observer_of(&nothing)};
    unsigned wanted[3];
    yti_watchers watchers = {.list = list, .count = 3, .wanted = wanted};
    const yti_train_batch report = {0};
    const yti_tensor tensor = {0};
    cr_assert_eq(yti_watch_begin(&watchers, &report), (unsigned)(YT_WATCH_MAPS | YT_WATCH_LOSS_PARTS));
    const yti_graph_observer graph = yti_watch_maps(&watchers);
    graph.forward(graph.context, 0, tensor);
    graph.backward(graph.context, 0, tensor);
    yti_watch_part(&watchers, YT_FLOW_BOX, 0, tensor);
    yti_watch_batch(&watchers, &report);
    cr_assert(maps.forwards == 1 && maps.backwards == 1 && maps.parts == 0);
    cr_assert(parts.forwards == 0 && parts.backwards == 0 && parts.parts == 1);
    cr_assert(nothing.forwards + nothing.backwards + nothing.parts == 0);
    cr_assert(maps.batches == 1 && parts.batches == 1 && nothing.batches == 1, "every batch is everybody's");
}

Test(watchers, an_observer_without_callbacks_is_left_alone) {
    const yti_train_observer empty = {0};
    unsigned wanted[1];
    yti_watchers watchers = {.list = &empty, .count = 1, .wanted = wanted};
    const yti_train_batch report = {0};
    const yti_train_epoch row = {0};
    cr_assert_eq(yti_watch_begin(&watchers, &report), 0u);
    yti_watch_batch(&watchers, &report);
    yti_watch_update(&watchers, &report);
    yti_watch_rolled_back(&watchers, 3);
    yti_watch_alarm(&watchers, "nothing");
    cr_assert_eq(yti_watch_epoch(&watchers, &row, NULL), YT_OK);
}

Test(watchers, the_first_failure_of_an_epoch_is_the_one_that_is_returned) {
    seen good = {0}, bad = {.status = YT_ERR_IO}, after = {0};
    const yti_train_observer list[] = {observer_of(&good), observer_of(&bad), observer_of(&after)};
    yti_watchers watchers = {.list = list, .count = 3};
    const yti_train_epoch row = {.epoch = 1};
    yt_err err;
    cr_assert_eq(yti_watch_epoch(&watchers, &row, &err), YT_ERR_IO);
    cr_assert_not_null(strstr(err.text, "the disk is full"));
    cr_assert(good.epochs == 1 && bad.epochs == 1 && after.epochs == 0);
}

Test(watchers, a_rollback_and_an_alarm_reach_all) {
    seen a = {0}, b = {0};
    const yti_train_observer list[] = {observer_of(&a), observer_of(&b)};
    yti_watchers watchers = {.list = list, .count = 2};
    yti_watch_rolled_back(&watchers, 40);
    yti_watch_alarm(&watchers, "nothing will be learned");
    cr_assert(a.rollbacks == 1 && b.rollbacks == 1 && a.rolled_back_to == 40 && b.rolled_back_to == 40);
    cr_assert_str_eq(a.alarm, "nothing will be learned");
    cr_assert_str_eq(b.alarm, "nothing will be learned");
}
