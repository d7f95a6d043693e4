/* train.h: training a detector: one run, and the hook by which anything watches it.
 *
 *     yti_train_config config;
 *     yti_train_config_defaults(&config);
 *     YT_TRY(yti_train_config_set(&config, "data", "coco8.yaml", YT_SOURCE_TYPED, err));
 *     yti_training *training;
 *     YT_TRY(yti_train_prepare(&config, NULL, NULL, NULL, &training, err)); // checks everything, writes nothing
 *     YT_TRY(yti_train_run(training, &observer, 1, NULL, err)); // makes the run folder and trains
 *     yti_train_destroy(training);
 */
#ifndef YT_TRAIN_H
#define YT_TRAIN_H

#include "base/stop.h"
#include "train/observe/observer.h"

typedef struct yti_training yti_training;

/* Reads dataset and model, resolves the settings, checks that memory suffices, makes loaders and optimizer. Nothing
 * is written. search_dirs: where model names are looked for, NULL-terminated or NULL. problem receives what is wrong
 * with the dataset. With config->resume the run continues from that checkpoint. */
yt_status yti_train_prepare(const yti_train_config *config, const char *const *search_dirs, yti_problem_sink problem,
                            void *context, yti_training **out, yt_err *err);
const yti_train_info *yti_train_describe(const yti_training *training);

/* Makes the run folder (args.yaml, results.csv, weights/) and trains. *stop, when not NULL, becoming non-zero ends
 * the run after the current batch with YT_ERR_STOPPED; the last checkpoint is that of the last finished epoch. */
yt_status yti_train_run(yti_training *training, const yti_train_observer *observers, size_t n_observers,
                        const yti_stop *stop, yt_err *err);
void yti_train_destroy(yti_training *training);

#endif
