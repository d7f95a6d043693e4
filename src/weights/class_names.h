/* class_names.h: when two names of classes are one. */
#ifndef YT_TRAIN_CLASS_NAMES_H
#define YT_TRAIN_CLASS_NAMES_H

#include <stdbool.h>

/* yt_text_compare_names. */
bool yti_same_class_name(const char *a, const char *b);

/* "7", or "class_7" as we write it: a number in the place of a name. */
bool yti_is_placeholder(const char *name);

#endif
