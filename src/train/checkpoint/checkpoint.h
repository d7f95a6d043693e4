/* checkpoint.h: a run written down after an epoch, so that it can continue as if it had never stopped. Internal to
 * src/train.
 */
#ifndef YT_CHECKPOINT_H
#define YT_CHECKPOINT_H

#include "train/checkpoint/saver.h"
#include "train/parts/run_view.h"

/* Live weights, average, optimizer, pending gradients, settings, data and progress. The file is lent all but the
 * statistics. */
yt_status yti_checkpoint_fill(const yti_run_view *run, yti_saved_file *file, yt_err *err);

/* How far the run was; SYNTAX where the file is damaged, MISMATCH where it is no checkpoint. The settings are read by
 * yti_settings_read. */
yt_status yti_checkpoint_progress(const yti_st_file *file, const char *path, yti_progress *progress, yt_err *err);

/* The arrays, once model, optimizer and average exist; progress is that of the file. */
yt_status yti_checkpoint_arrays(const yti_st_file *file, const char *path, yti_run_parts *parts,
                                const yti_progress *progress, yt_err *err);

#endif
