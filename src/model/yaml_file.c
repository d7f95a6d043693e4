/* yaml_file.c: from the name of a model to its file: yolo26n.yaml is scale n of yolo26.yaml (spec
 * architecture 1.2), study-l.yaml scale l of study.yaml.
 *
 * The letter is looked for in the name without its folder and ending: "yolo", optionally "e-" or "v", digits,
 * then one of n s m l x; else such a letter behind a dash at the end. The file is the one named, else the one named
 * without the letter and its dash; in the working folder, else in the search folders. A file whose own name ends in a
 * dash and a letter is not one of scales: there the letter means nothing.
 */
#include "model/yaml_file.h"

#include "yt/file.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static bool is_letter(char c) {
    return c && strchr("nslmx", c);
}

/* Where in a base name the part lies that names the scale: the letter, or a dash and the letter. */
typedef struct scale_part {
    size_t at, length; /* length 0: there is none; 1: behind a number; 2: behind a dash */
} scale_part;

static scale_part find_scale_part(const char *base) {
    for (const char *at = strstr(base, "yolo"); at; at = strstr(at + 1, "yolo")) {
        const char *p = at + 4;
        if (p[0] == 'e' && p[1] == '-') p += 2;
        if (*p == 'v') p++;
        const char *digits = p;
        while (isdigit((unsigned char)*p)) p++;
        if (p > digits && is_letter(*p)) return (scale_part){(size_t)(p - base), 1};
    }
    const size_t stem = strcspn(base, ".");
    if (stem > 2 && base[stem - 2] == '-' && is_letter(base[stem - 1])) return (scale_part){stem - 2, 2};
    return (scale_part){0};
}

static char letter_of(const char *path, bool dashed) {
    const char *base = yt_path_base(path);
    const scale_part part = find_scale_part(base);
    return part.length == 1 || (part.length == 2 && dashed) ? base[part.at + part.length - 1] : 0;
}

char yti_scale_letter(const char *path) {
    return letter_of(path, false);
}

/* path with the name of its scale removed, or NULL when it has none or memory ran out. */
static char *without_scale(const char *path) {
    const scale_part part = find_scale_part(yt_path_base(path));
    char *copy = part.length ? strdup(path) : NULL;
    if (!copy) return NULL;
    char *at = copy + (yt_path_base(path) - path) + part.at;
    memmove(at, at + part.length, strlen(at + part.length) + 1);
    return copy;
}

/* The first of the names that exists under folder ("" for none), malloc'd, or NULL. *as_named: which. */
static char *find_in(const char *folder, const char *path, const char *base_path, bool *as_named) {
    const char *names[2] = {path, base_path};
    for (int i = 0; i < 2; i++) {
        if (!names[i]) continue;
        char *candidate = folder[0] ? yt_path_join(folder, names[i]) : strdup(names[i]);
        *as_named = i == 0;
        if (candidate && yt_path_exists(candidate) && !yt_path_is_dir(candidate)) return candidate;
        free(candidate);
    }
    return NULL;
}

char *yti_find_model_file(const char *path, const char *const *search_dirs, char *scale) {
    char *base_path = without_scale(path);
    bool as_named = false;
    char *found = find_in("", path, base_path, &as_named);
    for (int i = 0; !found && search_dirs && search_dirs[i]; i++)
        found = find_in(search_dirs[i], path, base_path, &as_named);
    free(base_path);
    *scale = letter_of(path, !as_named);
    return found;
}
