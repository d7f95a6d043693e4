/* step_dump.h: a training step in a file. Internal to src/train. */
#ifndef YT_STEP_DUMP_H
#define YT_STEP_DUMP_H

#include "train/diagnose/step_report.h"
#include "train/step/step_loss.h"
#include "weights/weights_metadata.h"

typedef struct yti_step_dump {
    const yti_step_story *story;
    const yti_train_config *config;
    const yti_class_names *names;
    const yti_step *step;
    float *buffers;             /* running statistics before the step */
    const float *class_weights; /* [names->count]; NULL: all 1 */
    const yti_finding *finding;
} yti_step_dump;

/* The name of a dump in the run folder. */
#define YTI_STEP_DUMP_NAME "non-finite.safetensors"

/* Writes it; all is lent. */
yt_status yti_step_dump_save(const char *path, const yti_step_dump *dump, yt_err *err);

/* A dump read back. All is owned. */
typedef struct yti_loaded_dump {
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
} yti_loaded_dump;

/* Believes nothing that the file says before it was checked. */
yt_status yti_step_dump_load(const char *path, yti_loaded_dump *out, yt_err *err);
void yti_step_dump_free(yti_loaded_dump *dump);

#endif
