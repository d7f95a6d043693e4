/* trained.h: trained weights made ready to run: the file read, the branch of the head chosen, the network fused.
 *
 *     yti_open_options options = YT_OPEN_DEFAULTS;
 *     yti_trained *trained;
 *     YT_TRY(yti_trained_open("best.safetensors", &options, &trained, err));
 *     puts(trained->names.names[0]);
 *     yti_trained_close(trained);
 *
 * What is opened does not change any more, so any number of threads may run it, each with a yti_model_view.
 */
#ifndef YT_INFER_TRAINED_H
#define YT_INFER_TRAINED_H

#include "eval/metrics.h"
#include "weights/weights.h"

#include <stdatomic.h>

typedef struct yti_open_options {
    const char *model;              /* model YAML, for weights that carry none; NULL: none */
    const char *const *search_dirs; /* of yti_weights_open */
    yti_nms nms;                    /* which branch of a head with two; one that the head does not have is an error */
    bool both_branches;             /* keep the other one, too */
} yti_open_options;

#define YT_OPEN_DEFAULTS ((yti_open_options){.nms = YT_NMS_AUTO})

/* Read-only, but for the graph of the model, which one thread at a time may plan and run. */
typedef struct yti_trained {
    atomic_int owners;
    yti_model *model;      /* fused for inference */
    yti_class_names names; /* as many as the model has classes */
    int imgsz;             /* what it was trained at */
    bool one_to_one;       /* the branch that was chosen */
} yti_trained;

/* ARGUMENT: nms is false and the head has no such branch; MISMATCH, NON_FINITE, SYNTAX, IO, NO_MEMORY as
 * yti_weights_open. */
yt_status yti_trained_open(const char *path, const yti_open_options *options, yti_trained **out, yt_err *err);

/* One made of its parts, of which it becomes the owner: names is empty then. On failure nothing has changed. */
yt_status yti_trained_of(yti_model *fused, yti_class_names *names, int imgsz, bool one_to_one, yti_trained **out,
                         yt_err *err);

/* One more owner, each of which closes it once. Thread-safe. */
yti_trained *yti_trained_share(yti_trained *trained);
void yti_trained_close(yti_trained *trained); /* NULL is fine */

/* Whether detections come from the one-to-one branch. ARGUMENT: nms is false and the head has no such branch. */
yt_status yti_choose_branch(const yti_model *model, yti_nms nms, bool *one_to_one, yt_err *err);

#endif
