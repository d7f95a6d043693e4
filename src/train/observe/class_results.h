/* class_results.h: the observer that writes results_per_class.csv: after every validation a row for each class that the
 * validation images have, with the numbers of the branch that chooses the best weights. Internal to src/train.
 */
#ifndef YT_CLASS_RESULTS_H
#define YT_CLASS_RESULTS_H

#include "train/observe/observer.h"

yt_status yti_class_results_create(yti_train_observer *out, yt_err *err);
void yti_class_results_destroy(yti_train_observer *observer); /* context NULL is fine */

#endif
