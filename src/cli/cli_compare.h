/* cli_compare.h: yolotrain --compare: variants side by side, one line per run. */
#ifndef CLI_COMPARE_H
#define CLI_COMPARE_H

#include "study/study.h"

yt_status cli_compare(const yti_train_config *config, const char *variants, int seeds, const char *const *search_dirs,
                      yti_problem_sink problem, void *context, const yti_stop *stop, yt_err *err);

#endif
