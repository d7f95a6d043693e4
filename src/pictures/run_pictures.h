/* run_pictures.h: what a run sees and finds, as images in its folder: train_batch0.jpg to 2, the first batches as the
 * network gets them, and three more once mosaics are closed, named by their step; val_batch0_labels.jpg and _pred.jpg
 * to 2, the first images of validation with their truth and with what is found in them. Sixteen images on a sheet. A
 * part of yolotrain, not of the library.
 *
 *     yti_train_observer observer;
 *     YT_TRY(yti_run_pictures_create(NULL, NULL, &observer, err));
 *     // ... yti_train_run with it ...
 *     yti_run_pictures_destroy(&observer);
 */
#ifndef YT_RUN_PICTURES_H
#define YT_RUN_PICTURES_H

#include "train/observe/observer.h"

/* An image that cannot be written is reported once, and does not end the run. problem may be NULL. */
yt_status yti_run_pictures_create(yti_problem_sink problem, void *context, yti_train_observer *out, yt_err *err);
void yti_run_pictures_destroy(yti_train_observer *observer); /* context NULL is fine */

#endif
