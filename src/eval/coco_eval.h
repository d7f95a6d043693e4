/* coco_eval.h: the twelve numbers of COCO's detection evaluation (cocodataset.org, "Detection Evaluation"),
 * equal to those of pycocotools on the same boxes.
 *
 *     yt_coco_eval *eval;
 *     YT_TRY(yt_coco_eval_create(n_classes, &eval, err));
 *     YT_TRY(yt_coco_eval_add(eval, rank_of_its_id, found, n_found, truth, n_truth, err));  // for each image
 *     double numbers[YT_COCO_NUMBERS];
 *     YT_TRY(yt_coco_eval_compute(eval, numbers, err));
 *     yt_coco_eval_destroy(eval);
 */
#ifndef YT_COCO_EVAL_H
#define YT_COCO_EVAL_H

#include "eval/metrics.h"

#include <stdint.h>

/* name, what is averaged, index of the IoU threshold (-1: mean over all ten), area, detections per image and
 * class. The order and the names are COCO's. */
#define YT_COCO_MAP(X)                                                                                       \
    X(AP, PRECISION, -1, ALL, 100)                                                                           \
    X(AP50, PRECISION, 0, ALL, 100)                                                                          \
    X(AP75, PRECISION, 5, ALL, 100)                                                                          \
    X(APs, PRECISION, -1, SMALL, 100)                                                                        \
    X(APm, PRECISION, -1, MEDIUM, 100)                                                                       \
    X(APl, PRECISION, -1, LARGE, 100)                                                                        \
    X(AR1, RECALL, -1, ALL, 1)                                                                               \
    X(AR10, RECALL, -1, ALL, 10)                                                                             \
    X(AR100, RECALL, -1, ALL, 100)                                                                           \
    X(ARs, RECALL, -1, SMALL, 100)                                                                           \
    X(ARm, RECALL, -1, MEDIUM, 100)                                                                          \
    X(ARl, RECALL, -1, LARGE, 100)

typedef enum yt_coco_number {
#define YT_COCO_ENUM(name, ...) YT_COCO_##name,
    YT_COCO_MAP(YT_COCO_ENUM)
#undef YT_COCO_ENUM
        YT_COCO_NUMBERS
} yt_coco_number;

typedef enum yt_coco_kind { YT_COCO_PRECISION, YT_COCO_RECALL } yt_coco_kind;
typedef enum yt_coco_area {
    YT_COCO_ALL,
    YT_COCO_SMALL,  /* to 32 x 32 pixels */
    YT_COCO_MEDIUM, /* to 96 x 96 */
    YT_COCO_LARGE,
    YT_COCO_AREAS
} yt_coco_area;

/* A row of the table above. */
typedef struct yt_coco_row {
    const char *name; /* "AP50" */
    yt_coco_kind kind;
    int threshold;
    yt_coco_area area;
    int max_det;
} yt_coco_row;
const yt_coco_row *yt_coco_rows(void); /* [YT_COCO_NUMBERS] */

/* The line pycocotools prints for a number, without its newline. */
void yt_coco_format(yt_coco_number number, double value, char *text, size_t room);

/* Left, top and size, in pixels of the original image. */
typedef struct yt_coco_box {
    double x, y, w, h;
} yt_coco_box;

typedef struct yt_coco_found {
    yt_coco_box box;
    double score;
    int class_id;
} yt_coco_found;

typedef struct yt_coco_truth {
    yt_coco_box box;
    double area; /* of the object, which may be smaller than its box */
    int class_id;
    bool crowd; /* a region of many: found any number of times, counted never */
} yt_coco_truth;

/* A detection in pixels of the original image as results files have it: box to 3 decimals, score to 5. */
yt_coco_found yt_coco_rounded(const yt_detection *detection);

typedef struct yt_coco_eval yt_coco_eval;
yt_status yt_coco_eval_create(int n_classes, yt_coco_eval **out, yt_err *err);
void yt_coco_eval_destroy(yt_coco_eval *eval); /* NULL is fine */
void yt_coco_eval_reset(yt_coco_eval *eval);

/* One image; detections in any order. Images may come in any order too: among equal scores the lower `rank`
 * counts first (pycocotools: the smaller image id), then the order here. */
yt_status yt_coco_eval_add(yt_coco_eval *eval, int64_t rank, const yt_coco_found *found, int n_found,
                           const yt_coco_truth *truth, int n_truth, yt_err *err);

/* All numbers so far; -1 where there is no truth to find. */
yt_status yt_coco_eval_compute(yt_coco_eval *eval, double numbers[YT_COCO_NUMBERS], yt_err *err);

#endif
