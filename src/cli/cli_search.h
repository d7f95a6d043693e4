/* cli_search.h: where the programs look for model YAMLs that are named without a folder. */
#ifndef CLI_SEARCH_H
#define CLI_SEARCH_H

enum { CLI_SEARCH_DIRS = 4 };

/* The working folder, models/, and models/ beside the program as built and as installed. NULL-terminated. */
typedef struct cli_search {
    const char *dirs[CLI_SEARCH_DIRS + 1];
    char built[4096], installed[4096];
} cli_search;

void cli_search_init(cli_search *search);

#endif
