/* detect_options.h: the options by which trained weights are run, one row each: of the programs' command lines and of
 * the public API.
 */
#ifndef YT_INFER_DETECT_OPTIONS_H
#define YT_INFER_DETECT_OPTIONS_H

#include "base/option.h"
#include "eval/metrics.h"

extern const char *const yti_nms_words[]; /* by yti_nms, NULL-terminated */

/* Rows of an option table, in groups. conf: the default confidence. */
/* clang-format off */
#define YTI_MODEL_ROW                                                                                                  \
    {"model", 0, YT_OPTION_TEXT, NULL, 0, 0, NULL, "YAML", "Model",                                                    \
     "model YAML, for weights that carry none"}

#define YTI_NMS_ROW                                                                                                    \
    {"nms", 0, YT_OPTION_CHOICE, "auto", 0, 0, yti_nms_words, "BOOL", "Model",                                         \
     "which branch of a two-branch head, such as YOLO26's, is used: false: the one-to-one branch, which gives one "    \
     "box per object; true, auto: the one-to-many branch and non-maximum suppression"}

#define YTI_DETECTION_ROWS(conf)                                                                                       \
    {"conf", 0, YT_OPTION_DOUBLE, conf, 0, 1, NULL, NULL, "Detection", "keep boxes with a confidence above this"},     \
    {"iou", 0, YT_OPTION_DOUBLE, "0.7", 0, 1, NULL, NULL, "Detection",                                                 \
     "NMS: drop a box whose IoU with a better one of its class is above this"},                                        \
    {"agnostic", 0, YT_OPTION_FLAG, NULL, 0, 0, NULL, NULL, "Detection",                                               \
     "NMS across classes: a box suppresses those of every class"},                                                     \
    {"imgsz", 's', YT_OPTION_INT, "auto", 32, 8192, NULL, "PX", "Detection",                                           \
     "long side of the network's input; auto: what the weights were trained at"},                                      \
    {"max-det", 0, YT_OPTION_INT, "300", 1, 100000, NULL, NULL, "Detection",                                           \
     "keep at most this many boxes per image"},                                                                        \
    {"rect", 0, YT_OPTION_FLAG, "true", 0, 0, NULL, NULL, "Detection",                                                 \
     "pad images as little as possible; --no-rect pads them to squares"}

#define YTI_CLASSES_ROW                                                                                                \
    {"classes", 0, YT_OPTION_TEXT, NULL, 0, 0, NULL, "LIST", "Detection",                                              \
     "keep only these classes: numbers or names, separated by commas"}

#define YTI_THREADS_ROW                                                                                                \
    {"threads", 't', YT_OPTION_INT, "auto", 1, 1024, NULL, NULL, "Machine", "processor cores to use; auto: all"}
/* clang-format on */

/* What a value of nms means. */
yti_nms yti_nms_of(const yti_option_value *value);

/* threads, where auto means every core this process may use. */
int yti_threads_of(const yti_option_value *value);

#endif
