/* replay.h: a step that was kept, made again.
 *
 * What a step was made of, with the gradients of earlier batches that waited for the same update, lies in the run
 * folder as non-finite.safetensors (step_dump.h), from which yti_replay makes it again, with the same bits for any
 * number of threads. A run that begins or continues in the folder removes it.
 *
 *     yti_replay_result result;
 *     YT_TRY(yti_replay("runs/detect/train/non-finite.safetensors", threads, &result, err));
 *     fputs(result.report, stdout);
 *     yti_replay_free(&result);
 */
#ifndef YT_REPLAY_H
#define YT_REPLAY_H

#include "train/diagnose/finding.h"

typedef struct yti_replay_result {
    yti_finding finding;
    bool same;          /* as in the run, to the last bit */
    char expected[512]; /* what was found in the run, in a sentence */
    char sentence[512]; /* what is found now */
    char *report;       /* owned */
} yti_replay_result;

/* Makes the kept step once more. A finding is no failure of it. */
yt_status yti_replay(const char *path, int threads, yti_replay_result *out, yt_err *err);
void yti_replay_free(yti_replay_result *result);

#endif
