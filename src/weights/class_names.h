/* class_names.h: when two names of classes are one, and the classes of weights among those of a data set. */
#ifndef YT_TRAIN_CLASS_NAMES_H
#define YT_TRAIN_CLASS_NAMES_H

#include "base/status.h"

#include <stdbool.h>

/* yti_text_compare_names. */
bool yti_same_class_name(const char *a, const char *b);

/* "7", or "class_7" as we write it: a number in the place of a name. */
bool yti_is_placeholder(const char *name);

/* Which class of a data set each class of weights is: by name; by number where names are the same in place, one side
 * has none or a name stands twice. map: [n_weights], -1: the set has no such class. note: what is worth knowing
 * about it, else empty. MISMATCH: there is no way to match them. */
yt_status yti_match_classes(const char *const *weights, int n_weights, const char *const *set, int n_set, int *map,
                            char *note, size_t room, yt_err *err);

#endif
