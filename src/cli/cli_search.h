/* cli_search.h: where the programs look for model YAMLs that are named without a folder. */
#ifndef YT_CLI_SEARCH_H
#define YT_CLI_SEARCH_H

enum { YT_CLI_SEARCH_DIRS = 4 };

/* The working folder, models/, and models/ beside the program as built and as installed. NULL-terminated. */
typedef struct yt_cli_search {
    const char *dirs[YT_CLI_SEARCH_DIRS + 1];
    char built[4096], installed[4096];
} yt_cli_search;

void yt_cli_search_init(yt_cli_search *search);

#endif
