/* coco_truth.c: from the records of a COCO file to labelled images.
 *
 * Classes are found by the names of the categories. Boxes are judged by the rules of label files; those that are left
 * out of training stay for COCO's evaluation, whose own tools count them. Outlines are not read, the boxes say what
 * they enclose. Where the file gives another size than the image has, its pixels mean something else, and the image is
 * left out.
 */
#include "data/index/coco_truth.h"

#include "base/file.h"
#include "base/text.h"
#include "data/index/paths.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_REPORTED = 20, MAX_CATEGORIES = 10000 /* as a model YAML */, NO_CLASS = -1 };

/* What is needed while linking the records. */
typedef struct linker {
    const char *path;
    const yti_dataset *dataset;
    yti_coco_file file; /* its images and categories sorted by id */
    int *classes;       /* [n_categories] */
    size_t *image_of;   /* [n_annotations] index, or n_images: to be left out */
    yti_truth *out;
    size_t found_elsewhere; /* images that lie by the end of their names only */
    yti_report *report;
    yt_err *err;
} linker;

static yt_status no_memory(const linker *l) {
    return yt_fail(l->err, YT_ERR_NO_MEMORY, "%s: no memory for its labels", l->path);
}

static int compare_ids(int64_t a, int64_t b) {
    return (a > b) - (a < b);
}

static int compare_images(const void *a, const void *b) {
    const yti_coco_image *left = a, *right = b;
    return compare_ids(left->id, right->id);
}

static int compare_categories(const void *a, const void *b) {
    const yti_coco_category *left = a, *right = b;
    return compare_ids(left->id, right->id);
}

static int compare_paths(const void *a, const void *b) {
    const yti_truth_image *left = a, *right = b;
    int order = strcmp(left->path, right->path);
    return order ? order : compare_ids(left->id, right->id);
}

/* ---- categories ---- */

static yt_status sort_categories(const char *path, yti_coco_file *file, yt_err *err) {
    yti_coco_category *list = file->categories;
    if (file->n_categories == 0) return yt_fail(err, YT_ERR_DATA, "%s: its list of categories is empty", path);
    if (file->n_categories > MAX_CATEGORIES)
        return yt_fail(err, YT_ERR_DATA, "%s: %zu categories; at most %d are accepted", path, file->n_categories,
                       MAX_CATEGORIES);
    qsort(list, file->n_categories, sizeof *list, compare_categories);
    for (size_t i = 1; i < file->n_categories; i++)
        if (list[i].id == list[i - 1].id)
            return yt_fail(err, YT_ERR_DATA, "%s: the categories '%s' and '%s' have the same id %lld", path,
                           list[i - 1].name, list[i].name, (long long)list[i].id);
    return YT_OK;
}

/* A name and the number of what it names, for looking it up in a sorted list. */
typedef struct named {
    const char *name;
    int index;
} named;

static int compare_names(const void *a, const void *b) {
    const named *left = a, *right = b;
    return strcmp(left->name, right->name);
}

/* By the rule for names; and that, where two are one, in the order of classes. */
static int compare_alike(const void *a, const void *b) {
    const named *left = a, *right = b;
    return yti_text_compare_names(left->name, right->name);
}

static int in_order(const named *a, const named *b, int order) {
    return order ? order : (a->index > b->index) - (a->index < b->index);
}

static int compare_named(const void *a, const void *b) {
    return in_order(a, b, compare_names(a, b));
}

static int compare_named_alike(const void *a, const void *b) {
    return in_order(a, b, compare_alike(a, b));
}

typedef int comparison(const void *, const void *);

/* The names of the dataset, in the order of `by`; of equal ones the first class has the name. Malloc'd, NULL: no
 * memory. */
static named *sorted_classes(const yti_dataset *dataset, comparison *by, comparison *equal, size_t *count) {
    size_t n = (size_t)dataset->n_classes, kept = 0;
    named *list = malloc((n + 1) * sizeof *list);
    if (!list) return NULL;
    for (size_t i = 0; i < n; i++) list[i] = (named){dataset->names[i], (int)i};
    qsort(list, n, sizeof *list, by);
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || equal(&list[i], &list[kept - 1]) != 0) list[kept++] = list[i];
    *count = kept;
    return list;
}

static int find_class(const named *list, size_t n, comparison *equal, const char *name) {
    const named wanted = {.name = name};
    const named *found = bsearch(&wanted, list, n, sizeof *list, equal);
    return found ? found->index : NO_CLASS;
}

/* Where the names of classes differ in case only, each takes the category with exactly its name. */
static yt_status link_categories(linker *l) {
    const yti_coco_file *file = &l->file;
    size_t n_classes = (size_t)l->dataset->n_classes, n_names = 0, n_alike = 0;
    named *names = sorted_classes(l->dataset, compare_named, compare_names, &n_names),
          *alike = sorted_classes(l->dataset, compare_named_alike, compare_alike, &n_alike);
    l->classes = malloc(file->n_categories * sizeof *l->classes);
    l->out->category_ids = malloc(n_classes * sizeof *l->out->category_ids);
    if (!names || !alike || !l->classes || !l->out->category_ids) {
        free(names);
        free(alike);
        return no_memory(l);
    }
    for (size_t i = 0; i < n_classes; i++) l->out->category_ids[i] = -1;
    for (size_t i = 0; i < file->n_categories; i++) {
        int found = find_class(names, n_names, compare_names, file->categories[i].name);
        if (found == NO_CLASS) found = find_class(alike, n_alike, compare_alike, file->categories[i].name);
        l->classes[i] = found;
        if (found != NO_CLASS && l->out->category_ids[found] < 0) l->out->category_ids[found] = file->categories[i].id;
    }
    free(names);
    free(alike);
    return YT_OK;
}

/* A category that no annotation has may be missing from the dataset; exporters like to add one. */
static yt_status fail_unnamed(const linker *l, const yti_coco_annotation *annotation, const char *name) {
    const yti_dataset *dataset = l->dataset;
    return yt_fail(l->err, YT_ERR_DATA, "%s: annotation %lld: its category '%s' is not among the names of %s%s",
                   l->path, (long long)annotation->id, name, dataset->path,
                   yti_suggest(name, (const char *const *)dataset->names, (size_t)dataset->n_classes).text);
}

/* ---- images ---- */

/* The first of the folders that has the file; NULL and status OK: none has. */
static yt_status find_as_written(const linker *l, const yti_paths *folders, const char *name, char **out) {
    *out = NULL;
    for (size_t i = 0; i < folders->count; i++) {
        char *path = yti_path_join(folders->items[i], name);
        if (!path) return no_memory(l);
        if (yti_path_exists(path) && !yti_path_is_dir(path)) {
            *out = path;
            return YT_OK;
        }
        free(path);
    }
    return YT_OK;
}

/* As it is written; with backslashes turned; or by the end of a path of another folder or machine. */
static yt_status find_picture(linker *l, const yti_paths *folders, const char *name, char **out) {
    YT_TRY(find_as_written(l, folders, name, out));
    char *turned = *out ? NULL : yti_path_turned(name);
    if (*out) return YT_OK;
    if (!turned) return no_memory(l);
    yt_status status = find_as_written(l, folders, turned, out);
    const bool said = *out != NULL;
    for (size_t i = 0; status == YT_OK && !*out && i < folders->count; i++)
        status = yti_find_tail(*folders->items[i] ? folders->items[i] : ".", turned, out, l->err);
    if (*out && !said && l->found_elsewhere++ == 0)
        yti_report_note(l->report, "%s: '%s' does not exist here; %s is used in its place", l->path, name, *out);
    free(turned);
    return status;
}

/* Two records of one file would train it twice, each time without the objects of the other. */
static void report_doubles(const yti_truth *truth, yti_report *report) {
    for (size_t i = 1; i < truth->n_images; i++)
        if (strcmp(truth->images[i - 1].path, truth->images[i].path) == 0) {
            yti_report_add(report, "%s: the images %lld and %lld are one file, %s", truth->path,
                           (long long)truth->images[i - 1].id, (long long)truth->images[i].id, truth->images[i].path);
            return;
        }
}

static void report_missing(const linker *l, const yti_paths *folders, const yti_coco_image *image) {
    if (++l->out->missing > MAX_REPORTED) return;
    char list[512] = "";
    size_t used = 0;
    for (size_t i = 0; i < folders->count && used < sizeof list - 1; i++) {
        const char *folder = *folders->items[i] ? folders->items[i] : ".";
        int length = snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", folder);
        used += length > 0 ? (size_t)length : 0;
    }
    yti_report_add(l->report, "%s: image %lld: '%s' does not exist; looked in: %s", l->path, (long long)image->id,
                   image->file_name, list);
}

/* out->images becomes parallel to the images of the file; path NULL: there is no image. */
static yt_status link_images(linker *l, const yti_paths *folders) {
    yti_coco_file *file = &l->file;
    if (file->n_images) qsort(file->images, file->n_images, sizeof *file->images, compare_images);
    l->out->images = calloc(file->n_images + 1, sizeof *l->out->images);
    if (!l->out->images) return no_memory(l);
    for (size_t i = 0; i < file->n_images; i++) {
        const yti_coco_image *image = &file->images[i];
        if (i > 0 && image->id == image[-1].id)
            return yt_fail(l->err, YT_ERR_DATA, "%s: the images '%s' and '%s' have the same id %lld", l->path,
                           image[-1].file_name, image->file_name, (long long)image->id);
        yti_truth_image *linked = &l->out->images[l->out->n_images++];
        *linked = (yti_truth_image){.id = image->id, .w = image->w, .h = image->h};
        YT_TRY(find_picture(l, folders, image->file_name, &linked->path));
        if (!linked->path) report_missing(l, folders, image);
    }
    if (l->out->missing > MAX_REPORTED)
        yti_report_note(l->report, "%s: and %d more such images", l->path, l->out->missing - MAX_REPORTED);
    return YT_OK;
}

/* ---- annotations ---- */

static void bad_annotation(linker *l, const yti_coco_annotation *a, yti_label_rule rule, const char *what, int64_t id) {
    yti_tally_row(&l->out->tally, l->report, rule, "%s: annotation %lld: %s %lld is not in the list", l->path,
                  (long long)a->id, what, (long long)id);
}

/* Finds image and class of an annotation; *image n_images: it is left out. */
static yt_status link_annotation(linker *l, yti_coco_annotation *a, size_t *image) {
    const yti_coco_file *file = &l->file;
    const yti_coco_image wanted_image = {.id = a->image_id};
    const yti_coco_category wanted_category = {.id = a->category_id};
    const yti_coco_image *found = NULL;
    *image = file->n_images;
    if (file->n_images) found = bsearch(&wanted_image, file->images, file->n_images, sizeof *found, compare_images);
    const yti_coco_category *category = bsearch(&wanted_category, file->categories, file->n_categories,
                                                sizeof *category, compare_categories);
    if (!found)
        bad_annotation(l, a, YT_LABEL_IMAGE, "image", a->image_id);
    else if (!category)
        bad_annotation(l, a, YT_LABEL_CLASS, "category", a->category_id);
    if (!found || !category) return YT_OK;
    int class_id = l->classes[category - file->categories];
    if (class_id == NO_CLASS) return fail_unnamed(l, a, category->name);
    a->category_id = class_id;
    *image = (size_t)(found - file->images);
    return YT_OK;
}

/* Groups the annotations by image (counting sort, so that they stay in their order). */
static yt_status link_annotations(linker *l) {
    const yti_coco_file *file = &l->file;
    size_t n = file->n_annotations, at = 0;
    yti_truth_image *images = l->out->images; /* with one more after them for those left out */
    l->image_of = malloc((n + 1) * sizeof *l->image_of);
    l->out->annotations = malloc((n + 1) * sizeof *l->out->annotations);
    l->out->objects = malloc((n + 1) * sizeof *l->out->objects);
    if (!l->image_of || !l->out->annotations || !l->out->objects) return no_memory(l);
    for (size_t i = 0; i < n; i++) {
        YT_TRY(link_annotation(l, &file->annotations[i], &l->image_of[i]));
        images[l->image_of[i]].count++;
    }
    yti_tally_finish(&l->out->tally, l->report, l->path);
    for (size_t i = 0; i <= file->n_images; at += images[i++].count) images[i].first = at;
    for (size_t i = 0; i <= file->n_images; i++) images[i].count = 0;
    for (size_t i = 0; i < n; i++) {
        yti_truth_image *image = &images[l->image_of[i]];
        const yti_coco_annotation *a = &file->annotations[i];
        size_t place = image->first + image->count++;
        l->out->annotations[place] = *a;
        l->out->objects[place] = (yti_coco_object){a->box[0], a->box[1], a->box[2], a->box[3], a->area};
    }
    return YT_OK;
}

static void drop_missing_and_sort(yti_truth *truth) {
    size_t kept = 0;
    for (size_t i = 0; i < truth->n_images; i++)
        if (truth->images[i].path) truth->images[kept++] = truth->images[i];
    truth->n_images = kept;
    if (kept) qsort(truth->images, kept, sizeof *truth->images, compare_paths);
}

static int compare_numbers(const void *a, const void *b) {
    return compare_ids(*(const int64_t *)a, *(const int64_t *)b);
}

/* What COCO's own tools trip over without a word: of equal ids they keep the last annotation, an annotation with id
 * 0 is never found, and categories of one name are two classes to them. */
static yt_status note_differences(linker *l) {
    const yti_coco_file *file = &l->file;
    const size_t n = file->n_annotations;
    int64_t *ids = malloc((n + 1) * sizeof *ids);
    if (!ids) return no_memory(l);
    for (size_t i = 0; i < n; i++) ids[i] = file->annotations[i].id;
    qsort(ids, n, sizeof *ids, compare_numbers);
    char text[1024] = "";
    bool zero = false;
    for (size_t i = 0; i < n && !zero; i++) zero = ids[i] == 0;
    if (zero) yti_text_append(text, sizeof text, "; annotation 0 is never found (ids must begin at 1)");
    for (size_t i = 1; i < n; i++)
        if (ids[i] == ids[i - 1]) {
            yti_text_append(text, sizeof text, "; of the annotations with id %lld only the last one counts",
                            (long long)ids[i]);
            break;
        }
    free(ids);
    for (size_t i = 1; i < file->n_categories; i++) {
        size_t k = 0;
        while (k < i && yti_text_compare_names(file->categories[k].name, file->categories[i].name) != 0) k++;
        if (k == i) continue;
        yti_text_append(text, sizeof text, "; the categories %lld and %lld, both '%.100s', are two classes",
                        (long long)file->categories[k].id, (long long)file->categories[i].id, file->categories[i].name);
        break;
    }
    if (text[0] && !(l->out->note = strdup(text + 2))) return no_memory(l);
    return YT_OK;
}

static yt_status link_all(linker *l, const yti_paths *folders) {
    YT_TRY(yti_coco_file_load(l->path, false, &l->file, l->report, l->err));
    l->out->path = strdup(l->path);
    if (!l->out->path) return no_memory(l);
    YT_TRY(sort_categories(l->path, &l->file, l->err));
    YT_TRY(link_categories(l));
    YT_TRY(link_images(l, folders));
    YT_TRY(link_annotations(l));
    l->out->missing += l->file.bad_images;
    for (int i = 0; i < YT_LABEL_RULES; i++) l->out->tally.rules[i] += l->file.tally.rules[i];
    if (l->file.tally.first_bad) l->out->tally.first_bad = l->file.tally.first_bad;
    drop_missing_and_sort(l->out);
    report_doubles(l->out, l->report);
    return note_differences(l);
}

yt_status yti_truth_load(const char *path, const yti_paths *folders, const yti_dataset *dataset, yti_truth *out,
                         yti_report *report, yt_err *err) {
    *out = (yti_truth){0};
    linker l = {.path = path, .dataset = dataset, .out = out, .report = report, .err = err};
    yt_status status = link_all(&l, folders);
    yti_coco_file_free(&l.file);
    free(l.classes);
    free(l.image_of);
    return status;
}

void yti_truth_free(yti_truth *truth) {
    for (size_t i = 0; i < truth->n_images; i++) free(truth->images[i].path);
    free(truth->images);
    free(truth->annotations);
    free(truth->objects);
    free(truth->category_ids);
    free(truth->path);
    free(truth->note);
    *truth = (yti_truth){0};
}

/* ---- labels of one image ---- */

static void tell(const yti_truth *truth, size_t at, yti_label_rule rule, const char *reason, yti_labels *out,
                 yti_report *report) {
    yti_tally_row(&out->tally, report, rule, "%s: annotation %lld: %s", truth->path,
                  (long long)truth->annotations[at].id, reason);
}

/* Turns pixels into fractions and judges them. False: the box is for COCO's numbers only. */
static bool judge_box(const yti_truth *truth, size_t at, int w, int h, yti_cxcywh *box, yti_labels *out,
                      yti_report *report) {
    const double *px = truth->annotations[at].box;
    double judged[4] = {(px[0] + px[2] / 2) / w, (px[1] + px[3] / 2) / h, px[2] / w, px[3] / h};
    yti_label_rule rule = yti_judge_box(judged);
    if (rule == YT_LABEL_SIZE)
        tell(truth, at, rule, "the width and height of bbox must be above 0; it is used for COCO's numbers only", out,
             report);
    else if (rule == YT_LABEL_OUTSIDE)
        tell(truth, at, rule, "its bbox lies outside the image; it is used for COCO's numbers only", out, report);
    else if (rule == YT_LABEL_CLIPPED)
        tell(truth, at, rule, "its bbox reaches too far beyond the image; the part inside is used", out, report);
    if (rule != YT_LABEL_RULES && rule != YT_LABEL_CLIPPED) return false;
    *box = (yti_cxcywh){(float)judged[0], (float)judged[1], (float)judged[2], (float)judged[3]};
    return true;
}

static void add_label(const yti_truth *truth, size_t at, int w, int h, yti_labels *out, yti_report *report) {
    const yti_coco_annotation *a = &truth->annotations[at];
    yti_label label = {
        .class_id = (int)a->category_id, .crowd = a->crowd, .coco_only = a->crowd, .object = &truth->objects[at]};
    if (a->crowd)
        out->tally.rules[YT_LABEL_CROWD]++;
    else if (!judge_box(truth, at, w, h, &label.box, out, report))
        label.coco_only = true;
    out->items[out->count++] = label;
}

/* A box that is there twice is trained on once, as in a label file. */
static yt_status set_duplicates_aside(const yti_truth *truth, size_t first, yti_labels *out, yti_report *report) {
    if (out->count < 2) return YT_OK;
    int *first_of = malloc((size_t)out->count * sizeof *first_of);
    yt_status status = first_of ? yti_find_duplicates(out->items, out->count, NULL, first_of) : YT_ERR_NO_MEMORY;
    for (int i = 0; status == YT_OK && i < out->count; i++) {
        if (first_of[i] < 0) continue;
        char reason[64];
        snprintf(reason, sizeof reason, "the same box as annotation %lld",
                 (long long)truth->annotations[first + (size_t)first_of[i]].id);
        tell(truth, first + (size_t)i, YT_LABEL_DUPLICATE, reason, out, report);
        out->items[i].coco_only = true;
    }
    free(first_of);
    return status;
}

bool yti_truth_labels(const yti_truth *truth, size_t index, int w, int h, yti_labels *out, yti_report *report,
                      yt_status *status) {
    const yti_truth_image *image = &truth->images[index];
    *out = (yti_labels){0};
    if ((image->w && image->w != w) || (image->h && image->h != h)) {
        yti_report_add(report, "%s: image %lld: is said to have %d x %d pixels, but the file has %d x %d", truth->path,
                       (long long)image->id, image->w, image->h, w, h);
        return false;
    }
    if (image->count == 0) return true;
    out->items = malloc(image->count * sizeof *out->items);
    *status = out->items ? YT_OK : YT_ERR_NO_MEMORY;
    for (size_t i = 0; out->items && i < image->count; i++) add_label(truth, image->first + i, w, h, out, report);
    if (*status == YT_OK) *status = set_duplicates_aside(truth, image->first, out, report);
    yti_tally_finish(&out->tally, report, truth->path);
    return *status == YT_OK;
}

/* ---- names ---- */

static yt_status refuse_equal_names(const char *path, const yti_coco_file *file, yt_err *err) {
    named *list = malloc(file->n_categories * sizeof *list);
    if (!list) return yt_fail(err, YT_ERR_NO_MEMORY, "%s: no memory for its categories", path);
    for (size_t i = 0; i < file->n_categories; i++) list[i] = (named){file->categories[i].name, (int)i};
    qsort(list, file->n_categories, sizeof *list, compare_named);
    yt_status status = YT_OK;
    for (size_t i = 1; i < file->n_categories && status == YT_OK; i++)
        if (compare_names(&list[i - 1], &list[i]) == 0)
            status = yt_fail(err, YT_ERR_DATA, "%s: two categories are called '%s'", path, list[i].name);
    free(list);
    return status;
}

/* Whether the first of the sorted categories may be no class: it is number 0 and others name it as their group. */
static bool may_be_group(const yti_coco_file *file) {
    const yti_coco_category *first = &file->categories[0];
    if (first->id != 0 || (first->group && strcmp(first->group, first->name) == 0)) return false;
    for (size_t i = 1; i < file->n_categories; i++)
        if (file->categories[i].group && strcmp(file->categories[i].group, first->name) == 0) return true;
    return false;
}

/* Whether no annotation is of category 0; only files with a group are read a second time for it. */
static yt_status is_unused(const char *path, bool *unused, yt_err *err) {
    yti_coco_file file;
    yti_report report = {0};
    yt_status status = yti_coco_file_load(path, false, &file, &report, err);
    *unused = status == YT_OK;
    for (size_t i = 0; i < file.n_annotations; i++) *unused &= file.annotations[i].category_id != 0;
    yti_coco_file_free(&file);
    yti_report_free(&report);
    return status;
}

/* Takes the names out of the sorted categories. */
static yt_status take_names(const char *path, yti_coco_file *file, char ***names, int *count, char **group,
                            yt_err *err) {
    bool grouped = false;
    YT_TRY(sort_categories(path, file, err));
    YT_TRY(refuse_equal_names(path, file, err));
    if (may_be_group(file)) YT_TRY(is_unused(path, &grouped, err));
    char **list = malloc(file->n_categories * sizeof *list);
    if (!list) return yt_fail(err, YT_ERR_NO_MEMORY, "%s: no memory for its categories", path);
    size_t kept = 0;
    for (size_t i = 0; i < file->n_categories; i++) {
        if (i == 0 && grouped)
            *group = file->categories[i].name;
        else
            list[kept++] = file->categories[i].name;
        file->categories[i].name = NULL;
    }
    *names = list;
    *count = (int)kept;
    return YT_OK;
}

yt_status yti_truth_names(const char *path, char ***names, int *count, char **group, yt_err *err) {
    yti_coco_file file;
    yti_report report = {0};
    *group = NULL;
    yt_status status = yti_coco_file_load(path, true, &file, &report, err);
    if (status == YT_OK) status = take_names(path, &file, names, count, group, err);
    yti_coco_file_free(&file);
    yti_report_free(&report);
    return status;
}
