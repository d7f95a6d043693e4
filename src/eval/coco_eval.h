/* coco_eval.h: the twelve numbers of COCO's detection evaluation (cocodataset.org, "Detection Evaluation"), equal to
 * those of pycocotools on the same boxes.
 *
 *     yti_coco_eval *eval;
 *     YT_TRY(yti_coco_eval_create(n_classes, &eval, err));
 *     YT_TRY(yti_coco_eval_add(eval, rank_of_its_id, found, n_found, truth, n_truth, err));  // for each image
 *     double numbers[YT_COCO_NUMBERS];
 *     YT_TRY(yti_coco_eval_compute(eval, numbers, err));
 *     yti_coco_eval_destroy(eval);
 */
#ifndef YT_COCO_EVAL_H
#define YT_COCO_EVAL_H

#include "eval/metrics.h"

#include <stdint.h>

/* name, what is averaged, index of the IoU threshold (-1: mean over all ten), area, detections per image and class.
 * The order and the names are COCO's. */
#define YT_COCO_MAP(X)                                                                                                 \
    X(AP, PRECISION, -1, ALL, 100)                                                                                     \
    X(AP50, PRECISION, 0, ALL, 100)                                                                                    \
    X(AP75, PRECISION, 5, ALL, 100)                                                                                    \
    X(APs, PRECISION, -1, SMALL, 100)                                                                                  \
    X(APm, PRECISION, -1, MEDIUM, 100)                                                                                 \
    X(APl, PRECISION, -1, LARGE, 100)                                                                                  \
    X(AR1, RECALL, -1, ALL, 1)                                                                                         \
    X(AR10, RECALL, -1, ALL, 10)                                                                                       \
    X(AR100, RECALL, -1, ALL, 100)                                                                                     \
    X(ARs, RECALL, -1, SMALL, 100)                                                                                     \
    X(ARm, RECALL, -1, MEDIUM, 100)                                                                                    \
    X(ARl, RECALL, -1, LARGE, 100)

typedef enum yti_coco_number {
#define YT_COCO_ENUM(name, ...) YT_COCO_##name,
    YT_COCO_MAP(YT_COCO_ENUM)
#undef YT_COCO_ENUM
        YT_COCO_NUMBERS
} yti_coco_number;

typedef enum yti_coco_kind { YT_COCO_PRECISION, YT_COCO_RECALL } yti_coco_kind;
typedef enum yti_coco_area {
    YT_COCO_ALL,
    YT_COCO_SMALL,  /* to 32 x 32 pixels */
    YT_COCO_MEDIUM, /* to 96 x 96 */
    YT_COCO_LARGE,
    YT_COCO_AREAS
} yti_coco_area;

/* A row of the table above. */
typedef struct yti_coco_row {
    const char *name; /* "AP50" */
    yti_coco_kind kind;
    int threshold;
    yti_coco_area area;
    int max_det;
} yti_coco_row;
const yti_coco_row *yti_coco_rows(void); /* [YT_COCO_NUMBERS] */

/* The line pycocotools prints for a number, without its newline. */
void yti_coco_format(yti_coco_number number, double value, char *text, size_t room);

/* Left, top and size, in pixels of the original image. */
typedef struct yti_coco_box {
    double x, y, w, h;
} yti_coco_box;

typedef struct yti_coco_found {
    yti_coco_box box;
    double score;
    int class_id;
} yti_coco_found;

typedef struct yti_coco_truth {
    yti_coco_box box;
    double area; /* of the object, which may be smaller than its box */
    int class_id;
    bool crowd; /* a region of many: found any number of times, counted never */
} yti_coco_truth;

/* A detection in pixels of the original image as results files have it: box to 3 decimals, score to 5. */
yti_coco_found yti_coco_rounded(const yt_detection *detection);

typedef struct yti_coco_eval yti_coco_eval;
yt_status yti_coco_eval_create(int n_classes, yti_coco_eval **out, yt_err *err);
void yti_coco_eval_destroy(yti_coco_eval *eval); /* NULL is fine */
void yti_coco_eval_reset(yti_coco_eval *eval);

/* One image; detections in any order. Images may come in any order too: among equal scores the lower `rank` counts
 * first (pycocotools: the smaller image id), then the order here. ARGUMENT: a class outside [0, n_classes), or a number
 * that is not finite; then, and for NO_MEMORY, the image is not counted. */
yt_status yti_coco_eval_add(yti_coco_eval *eval, int64_t rank, const yti_coco_found *found, int n_found,
                            const yti_coco_truth *truth, int n_truth, yt_err *err);

/* All numbers so far; -1 where there is no truth to find. */
yt_status yti_coco_eval_compute(yti_coco_eval *eval, double numbers[YT_COCO_NUMBERS], yt_err *err);

#endif
