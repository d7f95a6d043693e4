/* cli_search.c: see cli_search.h. */
#include "cli/cli_search.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Folder of the running program; "" where the system does not tell or the path is too long. */
static void program_folder(char *folder, size_t room) {
    ssize_t length = readlink("/proc/self/exe", folder, room - 1);
    folder[length > 0 && (size_t)length < room - 1 ? length : 0] = '\0';
    char *slash = strrchr(folder, '/');
    if (slash) *slash = '\0';
}

void cli_search_init(cli_search *search) {
    char folder[4000];
    program_folder(folder, sizeof folder);
    *search = (cli_search){.dirs = {".", "models"}};
    if (folder[0] == '\0') return;
    snprintf(search->built, sizeof search->built, "%s/../models", folder);
    snprintf(search->installed, sizeof search->installed, "%s/../share/yolotrain/models", folder);
    search->dirs[2] = search->built;
    search->dirs[3] = search->installed;
}
