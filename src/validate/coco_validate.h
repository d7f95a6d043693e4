/* coco_validate.h: COCO's evaluation of a validation, in pixels of the original images, and its results file.
 *
 *     yti_coco_validation *coco;
 *     YT_TRY(yti_coco_validation_create(&split, n_classes, NULL, NULL, &coco, err));
 *     yti_validate_options options = {.conf = 0.001f, .iou = 0.7f, .max_det = 300, .threads = threads,
 *                                    .image = yti_coco_validation_image, .image_context = coco};
 *     yti_validator *validator;
 *     yti_validation result;
 *     YT_TRY(yti_validator_create(model, loader, &options, &validator, err));
 *     YT_TRY(yti_validator_run(validator, &model->state, &result, err));
 *     double numbers[YT_COCO_NUMBERS];
 *     YT_TRY(yti_coco_validation_finish(coco, numbers, err));
 *     yti_validator_destroy(validator);
 *     yti_coco_validation_destroy(coco);
 */
#ifndef YT_COCO_VALIDATE_H
#define YT_COCO_VALIDATE_H

#include "data/index/dataset.h"
#include "eval/coco_results.h"
#include "validate/validate.h"

typedef struct yti_coco_validation yti_coco_validation;

/* Borrows split and category_ids. results_path NULL: no file is written. category_ids: see yti_coco_results_open.
 * The evaluated boxes and scores are rounded as in the file, whether there is one or not. */
yt_status yti_coco_validation_create(const yti_split *split, int n_classes, const char *results_path,
                                     const int64_t *category_ids, yti_coco_validation **out, yt_err *err);

/* The hook of yti_validate_options; the context is a yti_coco_validation. */
yt_status yti_coco_validation_image(void *context, const yti_validated_image *image, yt_err *err);

/* The twelve numbers; completes the file. Once. */
yt_status yti_coco_validation_finish(yti_coco_validation *validation, double numbers[YT_COCO_NUMBERS], yt_err *err);

/* Why the images are numbered from 1 instead of having ids of their own, for a message; NULL: they have. */
const char *yti_coco_validation_note(const yti_coco_validation *validation);

/* The truth of the split as a COCO file with the same ids, so that COCO's own tools can judge the results file. For
 * label files: what was read from a COCO file is there already. */
yt_status yti_coco_validation_write_truth(const yti_coco_validation *validation, const char *const *names,
                                          int n_classes, const char *path, yt_err *err);

/* How many detections the finished file lacks, because the truth has no category for their class. */
int64_t yti_coco_validation_dropped(const yti_coco_validation *validation);

/* An unfinished file is dropped. NULL is fine. */
void yti_coco_validation_destroy(yti_coco_validation *validation);

#endif
