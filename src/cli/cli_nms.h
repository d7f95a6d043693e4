/* cli_nms.h: --nms, which branch of a head with two is used, and its former name. */
#ifndef CLI_NMS_H
#define CLI_NMS_H

#include "cli/cli_options.h"
#include "eval/metrics.h"

/* clang-format off */
#define CLI_END2END_ROW                                                                                   \
    {"end2end", 0, YT_OPTION_CHOICE, "auto", 0, 0, cli_truths, "BOOL", "Model",                              \
     "former name of --nms: true is --nms false, false is --nms auto"}
/* clang-format on */

extern const char *const cli_truths[]; /* false, true */

/* Translates a typed --end2end into --nms, and says so on stderr. Returns -1 to continue, or the exit code of a usage
 * error: both were typed and contradict each other. After cli_parse. */
int cli_settle_nms(cli_line *cli);

#endif
