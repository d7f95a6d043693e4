/* cli_detector.h: what the programs share that run trained weights: the options for it, and where they are found. */
#ifndef CLI_DETECTOR_H
#define CLI_DETECTOR_H

#include "cli/cli_nms.h"
#include "cli/cli_options.h"
#include "infer/detect_options.h"

/* Where runs are written, and trained weights looked for. */
#define CLI_RUNS "runs/detect"

/* Rows of an option table: which weights, and which branch of their head. */
/* clang-format off */
#define CLI_MODEL_ROWS                                                                                                 \
    {"weights", 'w', YT_OPTION_TEXT, NULL, 0, 0, NULL, "FILE", "Model",                                                \
     "trained weights (.safetensors or .pt); else the newest best.safetensors under " CLI_RUNS},                       \
    YTI_MODEL_ROW,                                                                                                     \
    YTI_NMS_ROW,                                                                                                       \
    CLI_END2END_ROW
/* clang-format on */

/* The file of --weights, or else the newest best.safetensors of the runs under `runs`, saying on stderr which.
 * malloc'd. */
yt_status cli_find_weights(const cli_line *cli, const char *runs, char **out, yt_err *err);

#endif
