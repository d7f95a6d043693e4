/* fuzz_step_dump.c: a step that a run kept because something in it was not finite: read, and where it is small made
 * again. */
#include "fuzz.h"
#include "train/diagnose/replay.h"
#include "train/diagnose/step_dump.h"

#include <stdlib.h>

/* Larger steps are legal, and only slow. */
enum { MAX_PARAMS = 1 << 20, MAX_BYTES = 1 << 26 };

static bool is_small(const yti_loaded_dump *dump) {
    const yti_batch *batch = &dump->batch;
    yt_err err = {.text = ""};
    size_t bytes;
    if (dump->model->param_count > MAX_PARAMS) return false;
    if (fuzz_done(yti_graph_measure(dump->model->graph, YT_MODE_TRAIN, batch->n, batch->h, batch->w, 1, &bytes, &err),
                  &err))
        return false;
    return bytes <= MAX_BYTES;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    yt_err err = {.text = ""};
    yti_loaded_dump dump;
    char *path = fuzz_file(data, size);
    if (!fuzz_done(yti_step_dump_load(path, &dump, &err), &err)) {
        if (dump.n_images < 1 || dump.batch.n < 1) abort();
        const bool small = is_small(&dump);
        yti_step_dump_free(&dump);
        yti_replay_result result;
        if (small && !fuzz_done(yti_replay(path, 1, &result, &err), &err)) {
            if (!result.report || !result.sentence[0]) abort();
            yti_replay_free(&result);
        }
    }
    free(path);
    return 0;
}
