/* foreign_names.h: class names in the metadata of files that are not ours. Internal to src/train. */
#ifndef YT_FOREIGN_NAMES_H
#define YT_FOREIGN_NAMES_H

#include <cjson/cJSON.h>

/* A JSON array of texts made from a list or map of names, in JSON or as Python prints it: {0: 'person', 1: "don't"}.
 * NULL: it is neither, or there is no memory. Release with cJSON_Delete. */
cJSON *yti_foreign_names(const char *text);

#endif
