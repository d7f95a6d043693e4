/* assign.h: which anchors learn which boxes (internal to src/loss; tests look inside). */
#ifndef YT_LOSS_ASSIGN_H
#define YT_LOSS_ASSIGN_H

#include "loss/loss.h"
#include "tensor/box.h"

/* One foreground anchor and the box it was given. An anchor occurs at most once. */
typedef struct yti_match {
    int image, level, pixel;    /* pixel = y*w + x in the level's map */
    int anchor;                 /* index over all levels of the image */
    int target;                 /* index into the targets */
    double overlap;             /* max(0, CIoU) of target and prediction, in pixels */
    double align;               /* p(class of the target)^0.5 * overlap^6 */
    double score;               /* what the class logit shall reach; weight of the anchor in the box terms */
    double box_term, side_term; /* filled in by yolo_loss.c: box, and dfl or l1, before division by T */
} yti_match;

/* The result and the memory it lives in. Start with {0}; the memory is kept and reused from call to call. */
typedef struct yti_assignment {
    int count;
    yti_match *matches; /* [count] grouped by image in ascending order */
    yt_xyxy *boxes;     /* [targets->count] in pixels of the network input */
    void *block;
    size_t block_bytes;
} yti_assignment;

/* Task-aligned assignment, see assign.c. head and targets have been checked. Fails for want of memory only; the
 * assignment is then empty. */
yt_status yti_assign(yti_assignment *out, const yti_head *head, const yti_targets *targets, yti_assigner rule,
                     int threads, yt_err *err);
void yti_assignment_deinit(yti_assignment *assignment);

#endif
