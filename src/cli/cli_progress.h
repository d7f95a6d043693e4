/* cli_progress.h: what a person sees of a training run: an observer that writes to stderr, and the table of results on
 * stdout.
 */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include "train/loop/train.h"

typedef struct cli_progress {
    bool live; /* stderr is a terminal: the line of the current epoch is rewritten */
    const yti_train_info *info;
    double begin, last_draw; /* yti_seconds */
    int batches_done;        /* since begin */
    int drawn;               /* letters of the live line on the screen */
    bool reported;           /* a value that is not finite */
} cli_progress;

/* An observer that draws into *progress, which must outlive it. */
yti_train_observer cli_progress_observer(cli_progress *progress);

/* The lines before a run: machine, model, data, memory and every automatic choice. */
yt_status cli_print_plan(const yti_train_info *info, const char *version, yt_err *err);

#endif
