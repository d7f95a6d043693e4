/* replay.c: a kept step made once more, and whether it finds what the run found. */
#include "train/diagnose/replay.h"
#include "base/container.h"
#include "train/diagnose/search.h"
#include "train/diagnose/step_dump.h"
#include "train/step/step_memory.h"

#include <stdlib.h>
#include <string.h>

static yt_status make_step(const yti_loaded_dump *c, yti_loss *loss, int threads, yti_step *out, yt_err *err) {
    const yti_batch *batch = &c->batch;
    yti_step step = {.model = c->model, .loss = loss, .batch = batch, .waiting = c->waiting, .threads = threads};
    yti_shape_loss(&step, &c->config, c->at.epoch, c->at.epochs);
    YT_TRY(yti_loss_weigh_classes(loss, c->class_weights, c->model->n_classes, err));
    YT_TRY(yti_step_memory_check(c->model, batch->n, batch->h, batch->w, threads, yti_memory_available(), err));
    YT_TRY(yti_model_plan(c->model, YT_MODE_TRAIN, batch->n, batch->h, batch->w, threads, err));
    *out = step;
    return YT_OK;
}

static yt_status report(const yti_loaded_dump *c, yti_replay_result *out, yt_err *err) {
    const yti_step_story story = {.at = c->at,
                                  .noticed = c->noticed,
                                  .history = c->history,
                                  .images = (const char *const *)c->images,
                                  .n_images = c->n_images};
    char *bits = yti_finding_bits(&out->finding);
    out->report = yti_step_report(&story, &out->finding, c->model);
    bool good = bits && out->report;
    out->same = bits && strcmp(bits, c->finding_bits) == 0;
    free(bits);
    yti_finding_sentence(&out->finding, out->sentence, sizeof out->sentence);
    snprintf(out->expected, sizeof out->expected, "%.*s", (int)sizeof out->expected - 1, c->sentence);
    return good ? YT_OK : yti_no_memory(err, "the report of a step");
}

static yt_status replay(const yti_loaded_dump *c, int threads, yti_replay_result *out, yt_err *err) {
    yti_loss *loss = NULL;
    yti_step step;
    YT_TRY(yti_loss_create(&loss, err));
    yt_status status = make_step(c, loss, threads, &step, err);
    if (status == YT_OK) status = yti_find_non_finite(&step, &out->finding, err);
    if (status == YT_OK) status = report(c, out, err);
    yti_loss_destroy(loss);
    return status;
}

yt_status yti_replay(const char *path, int threads, yti_replay_result *out, yt_err *err) {
    yti_loaded_dump dump;
    yti_replay_result result = {0};
    YT_TRY(yti_step_dump_load(path, &dump, err));
    yt_err reason;
    yt_status status = replay(&dump, threads, &result, &reason);
    yti_step_dump_free(&dump);
    if (status != YT_OK) {
        yti_replay_free(&result);
        return yt_fail(err, status, "%s: %.900s", path, reason.text);
    }
    *out = result;
    return YT_OK;
}

void yti_replay_free(yti_replay_result *result) {
    free(result->report);
    result->report = NULL;
}
