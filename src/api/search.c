/* search.c: see search.h. */
#include "api/search.h"
#include "base/file.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#ifndef YT_SHARE
#    define YT_SHARE "../share/yolotrain" /* as installed, from the folder of the programs; see CMakeLists.txt */
#endif

enum { FOLDER = 3900 };

/* Folder of the running program; "" where the system does not say or the path is too long. */
static void program_folder(char folder[FOLDER]) {
    ssize_t length = readlink("/proc/self/exe", folder, FOLDER - 1);
    folder[length > 0 && length < FOLDER - 1 ? length : 0] = '\0';
    char *slash = strrchr(folder, '/');
    if (slash) *slash = '\0';
}

void yti_search_init(yti_search *search) {
    char folder[FOLDER];
    program_folder(folder);
    *search = (yti_search){.dirs = {".", "models"}};
    int n = 2;
    if (folder[0]) {
        snprintf(search->built, sizeof search->built, "%s/../models", folder);
        snprintf(search->installed, sizeof search->installed, "%s/" YT_SHARE "/models", folder);
        search->dirs[n++] = search->built;
        search->dirs[n++] = search->installed;
    }
    search->dirs[n] = YT_MODELS_FOLDER;
}

bool yti_search_data(const char *name, char *path, size_t room) {
    static const char *const beside[] = {"../data", YT_SHARE "/data"};
    if (name[0] == '\0' || strchr(name, '/') || yti_path_exists(name)) return false;
    char folder[FOLDER], found[2 * FOLDER];
    program_folder(folder);
    for (int i = -1; i < 2; i++) {
        int n = i < 0 ? snprintf(found, sizeof found, "data/%s", name)
                      : snprintf(found, sizeof found, "%s/%s/%s", folder, beside[i], name);
        if (n < 0 || (size_t)n >= sizeof found || (size_t)n >= room || !yti_path_exists(found)) continue;
        memcpy(path, found, (size_t)n + 1);
        return true;
    }
    return false;
}
