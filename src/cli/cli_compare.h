/* cli_compare.h: yolotrain --compare: variants side by side, one line per run. */
#ifndef YT_CLI_COMPARE_H
#define YT_CLI_COMPARE_H

#include "study/compare.h"

yt_status yt_cli_compare(const yt_train_config *config, const char *variants, int seeds,
                         const char *const *search_dirs, yt_problem_sink problem, void *context,
                         const volatile sig_atomic_t *stop, yt_err *err);

#endif
