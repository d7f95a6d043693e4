/* step_report.c: where a step stands in its run, by what it was noticed, the finding, the steps before, the images. */
#include "train/diagnose/step_report.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* One line each, without what a terminal would act on. */
static void print_images(const char *const *images, int n, FILE *out) {
    for (int i = 0; i < n; i++) {
        fputs(i ? "            " : "  images    ", out);
        for (const char *c = images[i]; *c; c++) fputc(yti_text_is_control(*c) ? '?' : *c, out);
        fputc('\n', out);
    }
}

char *yti_step_report(const yti_step_story *story, const yti_finding *finding, const yti_model *model) {
    const yti_step_place *at = &story->at;
    yti_text_stream stream;
    if (!yti_text_open(&stream)) return NULL;
    FILE *out = stream.out;
    fprintf(out, "epoch %d, batch %d of %d, step %" PRId64 ":\n", at->epoch + 1, at->batch + 1, at->batches, at->step);
    fprintf(out, "  noticed   %s\n", story->noticed);
    yti_finding_print(finding, model, out);
    fputs(story->history, out);
    print_images(story->images, story->n_images, out);
    return yti_text_close(&stream);
}
