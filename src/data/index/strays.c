/* strays.c: see strays.h.
 *
 * The folders of the images are listed beside those of their labels: a text file is a stray when no image of its name
 * lies in the folder that belongs to its own. Images of another split there are no strays, so lists that take a part of
 * a folder are not bothered.
 */
#include "data/index/strays.h"

#include "base/file.h"
#include "base/presence.h"
#include "data/index/labels.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* An image and the label file that it claims; or a folder of images and its folder of labels. */
typedef struct pair {
    char *image, *label;
} pair;

typedef struct pairs {
    pair *items;
    size_t count;
} pairs;

static void free_pairs(pairs *list) {
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i].image);
        free(list->items[i].label);
    }
    free(list->items);
    *list = (pairs){0};
}

static const char needed_for[] = "the names of the label files";

static int compare_pairs(const void *a, const void *b) {
    const pair *left = a, *right = b;
    int order = strcmp(left->label, right->label);
    return order ? order : strcmp(left->image, right->image);
}

/* Sorted by label file. *out is to be freed also after a failure. */
static yt_status pair_images(const yti_paths *images, size_t count, pairs *out, yt_err *err) {
    *out = (pairs){.items = calloc(count + 1, sizeof *out->items)};
    if (!out->items) return yti_no_memory(err, needed_for);
    for (size_t i = 0; i < count; i++) {
        pair *p = &out->items[out->count++];
        *p = (pair){strdup(images->items[i]), yti_label_path(images->items[i])};
        if (!p->image || !p->label) return yti_no_memory(err, needed_for);
    }
    qsort(out->items, out->count, sizeof *out->items, compare_pairs);
    return YT_OK;
}

static void report_shared(const pairs *list, yti_report *report) {
    size_t shared = 0;
    const pair *first = NULL;
    for (size_t i = 1; i < list->count; i++) {
        const pair *p = &list->items[i];
        if (strcmp(p[-1].label, p->label) != 0 || strcmp(p[-1].image, p->image) == 0) continue;
        if (!yti_path_exists(p->label)) continue;
        if (!first) first = p;
        shared++;
    }
    if (first)
        yti_report_add(report, "%s and %s share one label file, %s%s", first[-1].image, yti_path_base(first->image),
                       first->label, shared > 1 ? "; so do other images" : "; is it right for both?");
}

/* ---- folders ---- */

/* The folders of the pairs, each once; sorted. */
static yt_status pair_folders(const pairs *list, pairs *out, yt_err *err) {
    *out = (pairs){.items = calloc(list->count + 1, sizeof *out->items)};
    if (!out->items) return yti_no_memory(err, needed_for);
    for (size_t i = 0; i < list->count; i++) {
        pair folders = {yti_path_dir(list->items[i].image), yti_path_dir(list->items[i].label)};
        bool known = false;
        if (folders.image && folders.label && out->count)
            known = compare_pairs(&folders, &out->items[out->count - 1]) == 0;
        if (known) {
            free(folders.image);
            free(folders.label);
            continue;
        }
        out->items[out->count++] = folders;
        if (!folders.image || !folders.label) return yti_no_memory(err, needed_for);
    }
    qsort(out->items, out->count, sizeof *out->items, compare_pairs);
    size_t kept = 0;
    for (size_t i = 0; i < out->count; i++) {
        if (kept && compare_pairs(&out->items[kept - 1], &out->items[i]) == 0) {
            free(out->items[i].image);
            free(out->items[i].label);
        } else {
            out->items[kept++] = out->items[i];
        }
    }
    out->count = kept;
    return YT_OK;
}

static bool is_text(const char *name) {
    const char *dot = strrchr(name, '.');
    return dot && strcasecmp(dot, ".txt") == 0;
}

/* Texts that tools put beside labels. */
static bool is_known_text(const char *name) {
    static const char *const names[] = {"classes.txt", "labels.txt", "notes.txt", "train.txt",
                                        "val.txt",     "valid.txt",  "test.txt",  "images.txt"};
    static const char *const beginnings[] = {"readme", "license", "autosplit_", "requirements"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcasecmp(name, names[i]) == 0) return true;
    for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++)
        if (strncasecmp(name, beginnings[i], strlen(beginnings[i])) == 0) return true;
    return false;
}

/* The names in a folder: its label texts, or the files of another kind without their endings. A folder that is not
 * there or that may not be listed has none: images and labels are found by their names all the same. */
static yt_status list_names(const char *folder, bool texts, yti_paths *out, yt_err *err) {
    DIR *dir = opendir(folder);
    if (!dir && !yti_is_machine_fault(errno)) return YT_OK;
    if (!dir) return yt_fail(err, YT_ERR_IO, "%s: the folder cannot be read: %s", folder, strerror(errno));
    const char *name;
    yt_status status = yti_folder_next(dir, folder, &name, err);
    while (status == YT_OK && name) {
        if (is_text(name) == texts && !(texts && is_known_text(name))) {
            char *copy = strdup(name), *dot = copy && !texts ? strrchr(copy, '.') : NULL;
            if (dot) *dot = '\0';
            status = yti_paths_add(out, copy, err);
        }
        if (status == YT_OK) status = yti_folder_next(dir, folder, &name, err);
    }
    closedir(dir);
    yti_paths_sort(out);
    return status;
}

static int compare_names(const void *a, const void *b) {
    const char *const *left = a, *const *right = b;
    return strcmp(*left, *right);
}

static bool has_name(const yti_paths *sorted, const char *name) {
    return sorted->count && bsearch(&name, sorted->items, sorted->count, sizeof *sorted->items, compare_names) != NULL;
}

/* The stray label files found so far. */
typedef struct strays {
    size_t count;
    char *first;
} strays;

static yt_status look_in_folder(const pair *folders, strays *found, yt_err *err) {
    yti_paths texts = {0}, stems = {0};
    yt_status status = list_names(folders->label, true, &texts, err);
    if (status == YT_OK && texts.count) status = list_names(folders->image, false, &stems, err);
    for (size_t i = 0; status == YT_OK && i < texts.count; i++) {
        char *stem = strdup(texts.items[i]);
        if (!stem) {
            status = yti_no_memory(err, needed_for);
            break;
        }
        bool exact = strcmp(strrchr(stem, '.'), ".txt") == 0; /* a.TXT is read by nobody */
        *strrchr(stem, '.') = '\0';
        bool claimed = exact && has_name(&stems, stem);
        free(stem);
        if (claimed) continue;
        found->count++;
        if (found->first) continue;
        found->first = yti_path_join(folders->label, texts.items[i]);
        if (!found->first) {
            status = yti_no_memory(err, needed_for);
            break;
        }
    }
    yti_paths_free(&texts);
    yti_paths_free(&stems);
    return status;
}

/* Folders above those of the labels: images in images/train/a/ may have had their labels put into labels/train/. */
static yt_status look_above(const pair *folders, const pairs *all, strays *found, yt_err *err) {
    char *image = yti_path_dir(folders->image), *label = yti_path_dir(folders->label);
    pair above = {image, label};
    bool known = !image || !label || strcmp(image, label) == 0 ||
                 bsearch(&above, all->items, all->count, sizeof *all->items, compare_pairs) != NULL;
    yt_status status = image && label ? YT_OK : yti_no_memory(err, needed_for);
    if (status == YT_OK && !known) status = look_in_folder(&above, found, err);
    free(image);
    free(label);
    return status;
}

/* Whether a text is called after an image with its ending: a.jpg.txt. */
static bool has_second_ending(const char *path) {
    static const char *const endings[] = {".jpg.", ".jpeg.", ".png.", ".bmp.", ".tif.", ".tiff.", ".webp."};
    const char *base = yti_path_base(path), *dot = strrchr(base, '.');
    for (size_t i = 0; dot && i < sizeof endings / sizeof *endings; i++) {
        size_t length = strlen(endings[i]) - 1;
        if ((size_t)(dot - base) > length && strncasecmp(dot - length, endings[i], length + 1) == 0) return true;
    }
    return false;
}

static yt_status report_strays(const pairs *list, yti_report *report, yt_err *err) {
    pairs folders;
    strays found = {0};
    yt_status status = pair_folders(list, &folders, err);
    for (size_t i = 0; status == YT_OK && i < folders.count; i++) {
        status = look_in_folder(&folders.items[i], &found, err);
        bool first = i == 0 || strcmp(folders.items[i].label, folders.items[i - 1].label) != 0;
        if (status == YT_OK && first) status = look_above(&folders.items[i], &folders, &found, err);
    }
    if (status == YT_OK && found.count)
        yti_report_add(
            report, "%zu label file%s to no image; the first is %s%s", found.count,
            found.count == 1 ? " belongs" : "s belong", found.first ? found.first : "",
            found.first && has_second_ending(found.first) ? " (of the image a.jpg it is a.txt and not a.jpg.txt)" : "");
    free(found.first);
    free_pairs(&folders);
    return status;
}

/* Where a folder images/ says that labels lie in labels/, and they lie beside the images. */
static yt_status report_beside(const pairs *list, yti_report *report, yt_err *err) {
    size_t count = 0;
    const pair *first = NULL;
    for (size_t i = 0; i < list->count; i++) {
        const pair *p = &list->items[i];
        const char *dot = strrchr(yti_path_base(p->image), '.');
        if (!dot || yti_path_exists(p->label)) continue;
        size_t stem = (size_t)(dot - p->image) + 1;
        char *beside = malloc(stem + sizeof "txt");
        if (!beside) return yti_no_memory(err, needed_for);
        memcpy(beside, p->image, stem);
        memcpy(beside + stem, "txt", sizeof "txt");
        bool elsewhere = strcmp(beside, p->label) != 0 && yti_path_exists(beside);
        free(beside);
        count += elsewhere;
        if (elsewhere && !first) first = p;
    }
    if (first)
        yti_report_add(
            report,
            "%zu image%s a text file beside, but labels are looked for in a folder labels/; the first: %s is "
            "looked for at %s",
            count, count == 1 ? " has" : "s have", first->image, first->label);
    return YT_OK;
}

yt_status yti_find_strays(const yti_paths *images, size_t count, bool lacking, yti_report *report, yt_err *err) {
    pairs list;
    yt_status status = pair_images(images, count, &list, err);
    if (status == YT_OK) report_shared(&list, report);
    if (status == YT_OK && lacking) status = report_strays(&list, report, err);
    if (status == YT_OK && lacking) status = report_beside(&list, report, err);
    free_pairs(&list);
    return status;
}
