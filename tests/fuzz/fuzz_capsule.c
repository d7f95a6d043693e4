/* fuzz_capsule.c: a step that a run kept because something in it was not finite: read, and where it is small made
 * again. */
#include "fuzz.h"
#include "train/diagnose/capsule.h"

#include <stdlib.h>

/* Larger steps are legal, and only slow. */
enum { MAX_PARAMS = 1 << 20, MAX_BYTES = 1 << 26 };

static bool is_small(const yti_loaded_capsule *capsule) {
    const yti_batch *batch = &capsule->batch;
    yt_err err = {.text = ""};
    size_t bytes;
    if (capsule->model->param_count > MAX_PARAMS) return false;
    if (fuzz_done(
            yti_graph_measure(capsule->model->graph, YT_MODE_TRAIN, batch->n, batch->h, batch->w, 1, &bytes, &err),
            &err))
        return false;
    return bytes <= MAX_BYTES;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    yt_err err = {.text = ""};
    yti_loaded_capsule capsule;
    char *path = fuzz_file(data, size);
    if (!fuzz_done(yti_capsule_load(path, &capsule, &err), &err)) {
        if (capsule.n_images < 1 || capsule.batch.n < 1) abort();
        const bool small = is_small(&capsule);
        yti_capsule_free(&capsule);
        yti_replay_result result;
        if (small && !fuzz_done(yti_replay(path, 1, &result, &err), &err)) {
            if (!result.report || !result.sentence[0]) abort();
            yti_replay_free(&result);
        }
    }
    free(path);
    return 0;
}
