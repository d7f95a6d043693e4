/* cli_nms.h: --nms, which branch of a head with two is used, and its former name. */
#ifndef YT_CLI_NMS_H
#define YT_CLI_NMS_H

#include "cli/cli_options.h"
#include "eval/metrics.h"

/* clang-format off */
#define YT_CLI_NMS_ROW                                                                                       \
    {"nms", 0, YT_CLI_CHOICE, "auto", 0, 0, yt_cli_nms_words, "BOOL", "Model",                               \
     "of a head with two branches, as YOLO26's: false, the one-to-one branch, one box per object; true and " \
     "auto, the one-to-many branch and non-maximum suppression"}

#define YT_CLI_END2END_ROW                                                                                   \
    {"end2end", 0, YT_CLI_CHOICE, "auto", 0, 0, yt_cli_truths, "BOOL", "Model",                              \
     "the former name: true is --nms false, false is --nms auto"}
/* clang-format on */

extern const char *const yt_cli_nms_words[]; /* by yt_nms */
extern const char *const yt_cli_truths[];    /* false, true */

/* Translates a typed --end2end into --nms, and says so on stderr. Returns -1 to go on, or the exit code of a usage error:
 * both were typed and contradict each other. After yt_cli_parse. */
int yt_cli_settle_nms(yt_cli *cli);

yt_nms yt_cli_nms(const yt_cli *cli);

#endif
