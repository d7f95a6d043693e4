/* paths.c: see paths.h. */
#include "data/index/paths.h"

#include "base/file.h"

#include <stdlib.h>
#include <string.h>

char *yti_path_turned(const char *text) {
    const char *home = strncmp(text, "~/", 2) == 0 || strncmp(text, "~\\", 2) == 0 ? getenv("HOME") : NULL;
    const char *rest = home ? text + 1 : text;
    size_t before = home ? strlen(home) : 0, length = strlen(rest);
    char *turned = malloc(before + length + 1);
    if (!turned) return NULL;
    if (before) memcpy(turned, home, before);
    for (size_t i = 0; i <= length; i++) turned[before + i] = (char)(rest[i] == '\\' ? '/' : rest[i]);
    return turned;
}

bool yti_path_is_rooted(const char *path) {
    bool letter = (path[0] >= 'a' && path[0] <= 'z') || (path[0] >= 'A' && path[0] <= 'Z');
    return path[0] == '/' || (letter && path[1] == ':' && path[2] == '/');
}

yt_status yti_find_tail(const char *root, const char *path, char **out, yt_err *err) {
    *out = NULL;
    for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
        const char *tail = slash + strspn(slash, "/");
        if (!*tail || strncmp(tail, "../", 3) == 0) continue;
        char *found = yti_path_join(root, tail);
        if (!found) return yti_no_memory(err, "a path");
        if (yti_path_exists(found)) {
            *out = found;
            return YT_OK;
        }
        free(found);
    }
    return YT_OK;
}
