/* cli_search.h: where the programs look for what is named without a folder: model YAMLs and the starter dataset. */
#ifndef CLI_SEARCH_H
#define CLI_SEARCH_H

#include <stdbool.h>
#include <stddef.h>

enum { CLI_SEARCH_DIRS = 4 };

/* For models: the working folder, models/, and models/ beside the program as built and as installed. NULL-terminated.
 */
typedef struct cli_search {
    const char *dirs[CLI_SEARCH_DIRS + 1];
    char built[4096], installed[4096];
} cli_search;

void cli_search_init(cli_search *search);

/* Writes the path of a dataset that is named without a folder, is not in the working folder, and is in data/, or in
 * data/ beside the program as built or as installed. False: it is none of these, and path is untouched. */
bool cli_search_data(const char *name, char *path, size_t room);

#endif
