/* coco_results.h: detections as a COCO results file, the predictions.json that COCO's own tools read (spec training
 * 5.6). Written box by box; the file appears under its name when it is complete.
 */
#ifndef YT_COCO_RESULTS_H
#define YT_COCO_RESULTS_H

#include "eval/coco_eval.h"

typedef struct yti_coco_results yti_coco_results;

/* category_ids: [n_classes], borrowed, -1: no such category, its detections are dropped; NULL: class + 1. */
yt_status yti_coco_results_open(const char *path, const int64_t *category_ids, yti_coco_results **out, yt_err *err);

/* One image; the name of its file stands beside its id. */
yt_status yti_coco_results_add(yti_coco_results *results, const char *image_path, int64_t image_id,
                               const yti_coco_found *found, int n_found, yt_err *err);

/* How many detections were dropped so far. */
int64_t yti_coco_results_dropped(const yti_coco_results *results);

/* Completes the file. Takes the results, also on failure. */
yt_status yti_coco_results_commit(yti_coco_results *results, yt_err *err);

/* Leaves no file. NULL is fine. */
void yti_coco_results_discard(yti_coco_results *results);

/* Category ids of COCO's 80 classes, which were numbered when there were 91. */
enum { YT_COCO_CLASSES = 80 };
const int64_t *yti_coco_category_ids(void); /* [YT_COCO_CLASSES] */

#endif
