/* cli_detector.h: what the programs share that run trained weights: the options for it, and the opening. */
#ifndef CLI_DETECTOR_H
#define CLI_DETECTOR_H

#include "cli/cli_nms.h"
#include "cli/cli_options.h"
#include "weights/weights.h"

/* Where runs are written, and trained weights looked for. */
#define CLI_RUNS "runs/detect"

/* Rows of an option table: which weights, and how boxes are chosen. */
/* clang-format off */
#define CLI_MODEL_ROWS                                                                                    \
    {"weights", 'w', YT_OPTION_TEXT, NULL, 0, 0, NULL, "FILE", "Model",                                       \
     "trained weights (.safetensors or .pt); else the newest best.safetensors under " CLI_RUNS},          \
    {"model", 0, YT_OPTION_TEXT, NULL, 0, 0, NULL, "YAML", "Model",                                           \
     "model YAML, for weights that carry none"},                                                      \
    CLI_NMS_ROW,                                                                                          \
    CLI_END2END_ROW

#define CLI_DETECTION_ROWS(conf)                                                                          \
    {"conf", 0, YT_OPTION_DOUBLE, conf, 0, 1, NULL, NULL, "Detection", "keep boxes with a higher score"},       \
    {"iou", 0, YT_OPTION_DOUBLE, "0.7", 0, 1, NULL, NULL, "Detection",                                          \
     "drop a box that overlaps a better one of its class by more than this (not used with --nms false)"},                 \
    {"agnostic", 0, YT_OPTION_FLAG, NULL, 0, 0, NULL, NULL, "Detection",                                        \
     "let a box suppress worse ones of every class"},                                                            \
    {"imgsz", 's', YT_OPTION_INT, "auto", 32, 8192, NULL, "PX", "Detection",                                    \
     "long side of the network's input; auto: what the weights were trained at"},                            \
    {"max-det", 0, YT_OPTION_INT, "300", 1, 100000, NULL, NULL, "Detection",                                    \
     "keep at most this many boxes per image"},                                                              \
    {"rect", 0, YT_OPTION_FLAG, "true", 0, 0, NULL, NULL, "Detection",                                          \
     "pad images as little as possible; --no-rect pads them to squares"}
/* clang-format on */

/* A model with its weights, fused for inference, and what the file says about them. */
typedef struct cli_trained {
    yti_model *model;
    yti_class_names names; /* as many as the model has classes */
    int imgsz;             /* --imgsz, or what it was trained at */
} cli_trained;

/* Opens the weights of --weights, or else the newest best.safetensors of the runs under `runs`, saying on stderr
 * which; --model replaces the file's own model description. Of a head with two branches the fused model has the one
 * that --nms says, or both. Release with cli_close_weights. */
yt_status cli_open_weights(const cli_line *cli, const char *runs, bool both_branches, cli_trained *out, yt_err *err);
void cli_close_weights(cli_trained *trained);

#endif
