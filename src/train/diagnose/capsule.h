/* capsule.h: a training step in a file. Internal to src/train. */
#ifndef YT_CAPSULE_H
#define YT_CAPSULE_H

#include "train/diagnose/finite.h"
#include "train/loop/train.h"
#include "weights/weights_metadata.h"

typedef struct yti_capsule {
    const yti_step_story *story;
    const yti_train_config *config;
    const yti_class_names *names;
    const yti_step *step;
    float *buffers;             /* running statistics before the step */
    const float *class_weights; /* [names->count]; NULL: all 1 */
    const yti_finding *finding;
} yti_capsule;

/* The capsule's name in the run folder. */
#define YTI_CAPSULE_NAME "non-finite.safetensors"

/* Writes it; all is lent. */
yt_status yti_capsule_save(const char *path, const yti_capsule *capsule, yt_err *err);

/* A capsule read back. All is owned. */
typedef struct yti_loaded_capsule {
    yti_step_place at;
    yti_train_config config;
    yti_model *model; /* in the state before the step, frozen as it was */
    yti_batch batch;
    float *waiting; /* [model->param_count] gradients of earlier batches; NULL: none */
    float *class_weights;
    char *finding_bits, *sentence, *noticed, *history;
    int n_images;
    char **images; /* [n_images] */
    uint8_t *rgb;
    int *target_image, *target_class;
    yti_cxcywh *target_boxes;
} yti_loaded_capsule;

/* Believes nothing that the file says before it was checked. */
yt_status yti_capsule_load(const char *path, yti_loaded_capsule *out, yt_err *err);
void yti_capsule_free(yti_loaded_capsule *capsule);

#endif
