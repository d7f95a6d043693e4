/* foreign_names.h: class names in the metadata of files that are not ours. Internal to src/weights. */
#ifndef YT_FOREIGN_NAMES_H
#define YT_FOREIGN_NAMES_H

#include "base/json.h"

/* A JSON array of texts made from a list or map of names, in JSON or as Python prints it: {0: 'person', 1: "don't"}.
 * NULL: it is neither, or there is no memory. Owned. */
yti_json *yti_foreign_names(const char *text);

#endif
