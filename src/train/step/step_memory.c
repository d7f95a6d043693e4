/* step_memory.c: what a training step needs, against what there is, before it is made. */
#include "train/step/step_memory.h"

yt_status yti_fail_memory(int batch, int side, size_t needed, size_t available, const char *advice, yt_err *err) {
    const double mib = 1048576;
    return yt_fail(err, YT_ERR_NO_MEMORY, "batch %d at %d pixels needs %.0f MiB and %.0f MiB are free: %s", batch, side,
                   (double)needed / mib, (double)available / mib, advice);
}

yt_status yti_step_memory_check(const yti_model *model, int n, int h, int w, int threads, size_t available,
                                yt_err *err) {
    size_t bytes;
    YT_TRY(yti_graph_measure(model->graph, YT_MODE_TRAIN, n, h, w, threads, &bytes, err));
    if (available == 0 || bytes <= available) return YT_OK;
    return yti_fail_memory(n, h > w ? h : w, bytes, available, "a step needs the memory of the run it is from", err);
}
