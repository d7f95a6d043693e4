/* search.h: where the programs and the library look for what is named without a folder: model YAMLs and the starter
 * dataset. */
#ifndef YT_API_SEARCH_H
#define YT_API_SEARCH_H

#include <stdbool.h>
#include <stddef.h>

enum { YTI_SEARCH_DIRS = 5 };

/* For models: the working folder, models/, models/ beside the program as built and as installed, and where this library
 * was to be installed. NULL-terminated. */
typedef struct yti_search {
    const char *dirs[YTI_SEARCH_DIRS + 1];
    char built[4096], installed[4096];
} yti_search;

void yti_search_init(yti_search *search);

/* Writes the path of a dataset that is named without a folder, is not in the working folder, and is in data/, or in
 * data/ beside the program as built or as installed. False: it is none of these, and path is untouched. */
bool yti_search_data(const char *name, char *path, size_t room);

#endif
