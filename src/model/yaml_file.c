/* yaml_file.c: from the name of a model to its file: yolo26n.yaml is scale n of yolo26.yaml (spec
 * architecture 1.2).
 *
 * The letter is looked for in the name without its folder and ending: "yolo", optionally "e-" or "v", digits,
 * then one of n s m l x. The file is the one named, else the one named without the letter; in the working
 * folder, else in the search folders.
 */
#include "model/yaml_file.h"

#include "yt/file.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* Index of the scale letter in a base name, or -1. */
static int letter_index(const char *base) {
    for (const char *at = strstr(base, "yolo"); at; at = strstr(at + 1, "yolo")) {
        const char *p = at + 4;
        if (p[0] == 'e' && p[1] == '-') p += 2;
        if (*p == 'v') p++;
        const char *digits = p;
        while (isdigit((unsigned char)*p)) p++;
        if (p > digits && *p && strchr("nslmx", *p)) return (int)(p - base);
    }
    return -1;
}

char yti_scale_letter(const char *path) {
    const char *base = yt_path_base(path);
    const int index = letter_index(base);
    return index < 0 ? 0 : base[index];
}

/* path with its scale letter removed, or NULL when it has none or memory ran out. */
static char *without_letter(const char *path) {
    const int index = letter_index(yt_path_base(path));
    char *copy = index < 0 ? NULL : strdup(path);
    if (!copy) return NULL;
    char *letter = copy + (yt_path_base(path) - path) + index;
    memmove(letter, letter + 1, strlen(letter));
    return copy;
}

/* The first of the names that exists under folder ("" for none), malloc'd, or NULL. */
static char *find_in(const char *folder, const char *path, const char *base_path) {
    const char *names[2] = {path, base_path};
    for (int i = 0; i < 2; i++) {
        if (!names[i]) continue;
        char *candidate = folder[0] ? yt_path_join(folder, names[i]) : strdup(names[i]);
        if (candidate && yt_path_exists(candidate) && !yt_path_is_dir(candidate)) return candidate;
        free(candidate);
    }
    return NULL;
}

char *yti_find_model_file(const char *path, const char *const *search_dirs) {
    char *base_path = without_letter(path);
    char *found = find_in("", path, base_path);
    for (int i = 0; !found && search_dirs && search_dirs[i]; i++)
        found = find_in(search_dirs[i], path, base_path);
    free(base_path);
    return found;
}
