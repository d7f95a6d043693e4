/* model_file.c: from the name of a model to its file: yolo26n.yaml is scale n of yolo26.yaml (spec architecture 1.2),
 * study-l.yaml scale l of study.yaml.
 *
 * The letter is looked for in the name without its folder and ending: "yolo", optionally "e-" or "v", digits, then one
 * of n s m l x; else such a letter after a dash at the end. The file is the one named, else the one named without the
 * letter and its dash; in the working folder, else in the search folders. A file whose own name ends in a dash and a
 * letter is not one of scales: there the letter means nothing.
 */
#include "model/model_file.h"

#include "base/file.h"
#include "base/folder.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_letter(char c) {
    return c && strchr("nslmx", c);
}

/* Where in a base name the part lies that names the scale: the letter, or a dash and the letter. */
typedef struct scale_part {
    size_t at, length; /* length 0: there is none; 1: after a number; 2: after a dash */
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
    const char *base = yti_path_base(path);
    const scale_part part = find_scale_part(base);
    return part.length == 1 || (part.length == 2 && dashed) ? base[part.at + part.length - 1] : 0;
}

char yti_scale_letter(const char *path) {
    return letter_of(path, false);
}

/* path with the name of its scale removed, or NULL when it has none or memory ran out. */
static char *without_scale(const char *path) {
    const scale_part part = find_scale_part(yti_path_base(path));
    char *copy = part.length ? strdup(path) : NULL;
    if (!copy) return NULL;
    char *at = copy + (yti_path_base(path) - path) + part.at;
    memmove(at, at + part.length, strlen(at + part.length) + 1);
    return copy;
}

/* The first of the names that exists under folder ("" for none), malloc'd, or NULL. *as_named: which. */
static char *find_in(const char *folder, const char *path, const char *base_path, bool *as_named) {
    const char *names[2] = {path, base_path};
    for (int i = 0; i < 2; i++) {
        if (!names[i]) continue;
        char *candidate = folder[0] ? yti_path_join(folder, names[i]) : strdup(names[i]);
        *as_named = i == 0;
        if (candidate && yti_path_exists(candidate) && !yti_path_is_dir(candidate)) return candidate;
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

enum { MAX_LISTED = 64, MAX_LISTED_NAME = 32 };

typedef struct listed {
    char name[MAX_LISTED][MAX_LISTED_NAME];
    int count;
} listed;

static bool note_model(void *context, const char *name) {
    listed *all = context;
    const size_t length = strlen(name);
    if (length < 5 || length - 5 >= MAX_LISTED_NAME || strcmp(name + length - 5, ".yaml") != 0) return true;
    if (strncmp(name, "yolo", 4) != 0) return true;
    for (int i = 0; i < all->count; i++)
        if (strncmp(all->name[i], name, length - 5) == 0 && all->name[i][length - 5] == '\0') return true;
    if (all->count == MAX_LISTED) return false;
    snprintf(all->name[all->count++], MAX_LISTED_NAME, "%.*s", (int)(length - 5), name);
    return true;
}

static int by_name(const void *a, const void *b) {
    return strcmp(a, b);
}

void yti_list_models(const char *const *search_dirs, char *text, size_t room) {
    listed all = {.count = 0};
    for (int i = 0; search_dirs && search_dirs[i]; i++) /* a folder that cannot be read lists nothing */
        (void)yti_folder_list(search_dirs[i], note_model, &all, NULL);
    qsort(all.name, (size_t)all.count, sizeof all.name[0], by_name);
    text[0] = '\0';
    for (int i = 0; i < all.count; i++) {
        const size_t used = strlen(text);
        snprintf(text + used, room - used, "%s%s", i ? ", " : "", all.name[i]);
    }
}
