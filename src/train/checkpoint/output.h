/* output.h: where a run writes its weights, and the files of its last epoch. Internal to src/train. */
#ifndef YT_OUTPUT_H
#define YT_OUTPUT_H

#include "base/folder.h"
#include "train/checkpoint/checkpoint.h"

typedef struct yti_output {
    char *folder, *last_path, *best_path; /* of the run; of weights/last.safetensors and best.safetensors in it */
    yti_lock lock;                        /* of the folder, from when it is written to */
    yti_saver saver;                      /* of the epoch before */
    bool has_checkpoint;                  /* last_path was begun by this process */
} yti_output;

void yti_output_init(yti_output *output);
void yti_output_deinit(yti_output *output);

/* The folder of the run, which is taken, and locked for this process. */
yt_status yti_output_open(yti_output *output, char *folder, yt_err *err);

/* Begins to write an epoch's files: best, where it is the best, the one that --save-period keeps, last. They are
 * written while the next epoch is trained to its first update; where gradients wait for an update they are written on
 * return. */
yt_status yti_output_save(yti_output *output, const yti_run_view *run, yt_err *err);

/* Before parameters, average or moments change: waits until the files of the last epoch are written. Where they are
 * not, that epoch is not done: progress goes back by one. */
yt_status yti_output_finish(yti_output *output, yti_progress *progress, yt_err *err);

#endif
