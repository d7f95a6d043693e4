/* coco_results.h: detections as a COCO results file, the predictions.json that COCO's own tools read (spec
 * training 5.6). Written box by box; the file appears under its name when it is complete.
 */
#ifndef YT_COCO_RESULTS_H
#define YT_COCO_RESULTS_H

#include "yt/coco_eval.h"

typedef struct yt_coco_results yt_coco_results;

/* category_ids: [n_classes], borrowed, -1: no such category, its detections are dropped; NULL: class + 1. */
yt_status yt_coco_results_open(const char *path, const int64_t *category_ids, yt_coco_results **out,
                               yt_err *err);

/* image_id -1: from the name of the picture, a number where it consists of digits, else the name without its
 * ending. */
yt_status yt_coco_results_add(yt_coco_results *results, const char *image_path, int64_t image_id,
                              const yt_coco_found *found, int n_found, yt_err *err);

/* How many detections were dropped so far. */
int64_t yt_coco_results_dropped(const yt_coco_results *results);

/* Completes the file. Takes the results, also on failure. */
yt_status yt_coco_results_commit(yt_coco_results *results, yt_err *err);

/* Leaves no file. NULL is fine. */
void yt_coco_results_discard(yt_coco_results *results);

/* Order of two pictures by their ids, as pycocotools sorts them; numbers come before words. */
int yt_coco_compare_images(const char *path_a, int64_t id_a, const char *path_b, int64_t id_b);

/* Category ids of COCO's 80 classes, which were numbered when there were 91. */
enum { YT_COCO_CLASSES = 80 };
const int64_t *yt_coco_category_ids(void); /* [YT_COCO_CLASSES] */

#endif
