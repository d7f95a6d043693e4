/* validate.h: measure trained weights on a split of a dataset: precision, recall, average precision.
 *
 *     status = yt_validate_options_create(&options, &err);
 *     if (status == YT_OK) status = yt_validation_run(argv[1], argv[2], options, &validation, &err);
 *     all = yt_validation_all(validation);
 *     printf("mAP50-95 %.3f, mAP50 %.3f\n", all->map50_95, all->map50);
 *
 * (examples/validate.c.)
 *
 * Threads: options and results belong to one thread at a time; any number of validations may run at once.
 */
#ifndef YOLOTRAIN_VALIDATE_H
#define YOLOTRAIN_VALIDATE_H

#include "yolotrain/option.h"
#include "yolotrain/status.h"

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- options ---- */

/* What is measured and how, by name: those of the program yoloval, with its ranges and defaults. */
typedef struct yt_validate_options yt_validate_options;

/* All options at their defaults. Released with yt_validate_options_destroy. NO_MEMORY. */
YT_API yt_status yt_validate_options_create(yt_validate_options **out, yt_err *err);
YT_API void yt_validate_options_destroy(yt_validate_options *options); /* NULL is fine */

/* "split", "test". The value is copied. ARGUMENT: there is no such option, or the value is not one of its; the options
 * are as before. NO_MEMORY. */
YT_API yt_status yt_validate_options_set(yt_validate_options *options, const char *name, const char *value,
                                         yt_err *err);

/* The value as text, as set or the default; NULL: no such option, or one without a value. Lent until it is set anew. */
YT_API const char *yt_validate_options_get(const yt_validate_options *options, const char *name);

/* The row of option `index`, from 0; NULL: there are no more. Thread-safe; cannot fail. */
YT_API const yt_option *yt_validate_option(size_t index);

/* Receives what is wrong with the dataset and what is worth knowing, one line at a time, during yt_validation_run with
 * these options. NULL: nobody does. */
typedef void (*yt_validate_message_fn)(void *context, const char *text);
YT_API void yt_validate_options_on_message(yt_validate_options *options, yt_validate_message_fn fn, void *context);

/* ---- results ---- */

/* Of one class, or of all. Precision and recall are those at the confidence of the best mean F1. The library may give
 * it more fields at its end. */
typedef struct yt_metrics {
    int images, objects;      /* images with an object, of `all` every image; ground-truth boxes */
    double precision, recall; /* 0 to 1, like the next two */
    double map50, map50_95;   /* average precision at IoU 0.5, and its mean over 0.5, 0.55, ... 0.95 */
} yt_metrics;

typedef struct yt_validation yt_validation;

/* Measures weights on the split of a dataset YAML. options NULL: the defaults. Writes no file. Released with
 * yt_validation_destroy.
 * IO, SYNTAX, MODEL: of the files; DATA: the dataset is unusable, or nothing is there to measure; MISMATCH: the classes
 * of the weights are not those of the dataset; NON_FINITE: the network gives NaN or infinity; ARGUMENT: the options do
 * not suit weights or data; NO_MEMORY. */
YT_API yt_status yt_validation_run(const char *weights, const char *data, const yt_validate_options *options,
                                   yt_validation **out, yt_err *err);
YT_API void yt_validation_destroy(yt_validation *validation); /* NULL is fine */

/* None of these can fail; what they return is lent until the validation is destroyed. */

/* Means over the classes with ground truth. */
YT_API const yt_metrics *yt_validation_all(const yt_validation *validation);

/* Number of classes judged; the name of one, UTF-8, and its metrics, NULL: there is no such class. A class with objects
 * 0 has no metrics: they are 0. */
YT_API int yt_validation_classes(const yt_validation *validation);
YT_API const char *yt_validation_class_name(const yt_validation *validation, int class_id);
YT_API const yt_metrics *yt_validation_class(const yt_validation *validation, int class_id);

/* COCO's twelve numbers by pycocotools' rules, in its order: AP, AP50, AP75, AP of small, medium and large objects, AR
 * of 1, 10 and 100 boxes, AR of small, medium and large objects; -1: there is none of that kind. [12] */
YT_API const double *yt_validation_coco(const yt_validation *validation);

/* Seconds that it took, decoding the images included. */
YT_API double yt_validation_seconds(const yt_validation *validation);

#ifdef __cplusplus
}
#endif

#endif
