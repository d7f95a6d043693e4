/* scan.c: looking at every image and label file of a split.
 *
 * Threads take images by a shared counter and keep what they find with the image, so reports and samples come
 * out in the order of the sorted list whatever the number of threads. Nothing on disk is changed.
 */
#include "data/coco_truth.h"
#include "data/sources.h"
#include "yt/dataset.h"
#include "yt/file.h"
#include "yt/image.h"

#include <limits.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MIN_SIDE = 10 /* pixels; the family's limit */, MAX_LABEL_BYTES = 1 << 26, MAX_THREADS = 64 };

/* What was found of one image. */
typedef struct finding {
    bool usable, has_label_file;
    int w, h;
    yti_labels labels;
    yti_report report;
    yt_status status; /* out of memory only: all else is a report */
} finding;

typedef struct scan {
    const yt_dataset *dataset;
    const yt_scan_options *options;
    const yti_paths *paths;
    const yti_truth *truth; /* parallel to the paths; NULL: label files */
    size_t count;           /* of paths that are wanted */
    finding *findings;
    atomic_size_t next;
} scan;

/* Header, size, and whether it decodes to the end; false: reported, the image is out. Decoding takes some
 * 5 ms per image and thread once per run, and is what keeps a damaged file from ending the training in the
 * middle of it. */
static bool look_at_image(const char *path, finding *found) {
    yt_image_info info;
    yt_err reason;
    if (yt_image_probe(path, &info, &reason) != YT_OK) {
        yti_report_add(&found->report, "%s", reason.text);
        return false;
    }
    if (info.w < MIN_SIDE || info.h < MIN_SIDE) {
        yti_report_add(&found->report, "%s: %d x %d pixels; an image needs at least %d on a side", path,
                       info.w, info.h, MIN_SIDE);
        return false;
    }
    yt_image decoded;
    if (yt_image_load(path, &decoded, &reason) != YT_OK) {
        yti_report_add(&found->report, "%s", reason.text);
        return false;
    }
    yt_image_free(&decoded);
    if (info.truncated)
        yti_report_add(&found->report, "%s: the file is cut off; it is used as far as it goes", path);
    found->w = info.w;
    found->h = info.h;
    return true;
}

static yt_status read_label_file(const scan *s, const char *image_path, finding *found) {
    char *path = yti_label_path(image_path), *text;
    size_t bytes;
    yt_err reason;
    if (!path) return YT_NO_MEMORY;
    yt_status status = YT_OK;
    if (yt_path_exists(path)) {
        found->has_label_file = true;
        if (yt_file_read(path, MAX_LABEL_BYTES, &text, &bytes, &reason) == YT_OK) {
            int n_classes = s->options->single_class ? INT_MAX : s->dataset->n_classes;
            status = yti_labels_parse(path, text, bytes, n_classes, &found->labels, &found->report, NULL);
            free(text);
        } else {
            yti_report_add(&found->report, "%s", reason.text);
            found->usable = false; /* its boxes are not known, so it is no background either */
        }
    }
    free(path);
    return status;
}

/* Leaves the classes that are wanted, by the numbers they are to have. */
static void choose_classes(const scan *s, yti_labels *labels) {
    const bool *wanted = s->options->classes;
    int kept = 0;
    for (int i = 0; i < labels->count; i++) {
        yt_label label = labels->items[i];
        if (wanted && (label.class_id >= s->dataset->n_classes || !wanted[label.class_id])) continue;
        if (s->options->single_class) label.class_id = 0;
        labels->items[kept++] = label;
    }
    labels->count = kept;
}

static yt_status read_labels(const scan *s, size_t i, finding *found) {
    yt_status status = YT_OK;
    if (s->truth) {
        found->has_label_file = true;
        found->usable =
            yti_truth_labels(s->truth, i, found->w, found->h, &found->labels, &found->report, &status);
    } else {
        status = read_label_file(s, s->paths->items[i], found);
    }
    choose_classes(s, &found->labels);
    return status;
}

static void *scan_worker(void *context) {
    scan *s = context;
    for (size_t i; (i = atomic_fetch_add(&s->next, 1)) < s->count;) {
        finding *found = &s->findings[i];
        found->usable = look_at_image(s->paths->items[i], found);
        if (found->usable) found->status = read_labels(s, i, found);
        if (found->report.out_of_memory) found->status = YT_NO_MEMORY;
    }
    return NULL;
}

/* The caller is one of the threads, so the work gets done also where none can be started. */
static void scan_all(scan *s) {
    pthread_t threads[MAX_THREADS];
    int wanted = s->options->threads < MAX_THREADS ? s->options->threads : MAX_THREADS, started = 0;
    while (started < wanted - 1 && pthread_create(&threads[started], NULL, scan_worker, s) == 0) started++;
    scan_worker(s);
    for (int i = 0; i < started; i++) pthread_join(threads[i], NULL);
}

static void add_sample(const scan *s, size_t i, char *path, yt_split *split) {
    yt_scan_summary *sum = &split->summary;
    finding *found = &s->findings[i];
    int objects = 0;
    for (int k = 0; k < found->labels.count; k++) objects += !found->labels.items[k].coco_only;
    split->samples[split->n_samples++] = (yt_sample){.image_path = path,
                                                     .w = found->w,
                                                     .h = found->h,
                                                     .image_id = s->truth ? s->truth->images[i].id : -1,
                                                     .n_labels = found->labels.count,
                                                     .labels = found->labels.items,
                                                     .points = found->labels.points};
    found->labels.items = NULL;
    found->labels.points = NULL;
    sum->images++;
    sum->backgrounds += objects == 0;
    sum->boxes += objects;
}

/* Tells the problems and moves the usable images into the split. Returns the number of problems. */
static size_t collect(scan *s, yti_paths *paths, yt_split *split, yt_status *status) {
    size_t problems = 0;
    for (size_t i = 0; i < s->count; i++) {
        finding *found = &s->findings[i];
        if (found->status != YT_OK) *status = found->status;
        problems += found->report.count;
        yti_report_tell(&found->report, s->options->problem, s->options->context);
        split->summary.bad_rows += found->labels.bad_rows;
        split->summary.duplicates += found->labels.duplicates;
        if (!found->usable) {
            split->summary.bad_images++;
            continue;
        }
        add_sample(s, i, paths->items[i], split);
        paths->items[i] = NULL;
    }
    return problems;
}

static void free_findings(scan *s) {
    for (size_t i = 0; i < s->count; i++) {
        yti_labels_free(&s->findings[i].labels);
        yti_report_free(&s->findings[i].report);
    }
    free(s->findings);
}

/* As in the family, outlines are used when every box of the split has one, or not at all. */
static void drop_partial_outlines(const scan *s, yt_split *split) {
    int outlines = 0, boxes = 0;
    for (int i = 0; i < split->n_samples; i++) {
        const yt_sample *sample = &split->samples[i];
        boxes += sample->n_labels;
        for (int k = 0; k < sample->n_labels; k++) outlines += sample->labels[k].n_points > 0;
    }
    if (outlines == 0 || outlines == boxes) return;
    for (int i = 0; i < split->n_samples; i++) {
        yt_sample *sample = &split->samples[i];
        for (int k = 0; k < sample->n_labels; k++) sample->labels[k].n_points = 0;
        free(sample->points);
        sample->points = NULL;
    }
    char note[1024];
    snprintf(note, sizeof note, "%s: %s: %d of %d labels are outlines; as not all are, their boxes are used",
             s->dataset->path, split->name, outlines, boxes);
    if (s->options->problem) s->options->problem(s->options->context, note);
}

static size_t wanted_count(size_t n, double fraction) {
    double wanted = rint((double)n * fraction);
    return wanted < 1 && n > 0 ? 1 : wanted < (double)n ? (size_t)wanted : n;
}

/* No label file at all is a wrong folder, not a set of backgrounds: nothing could be learnt from it, while a
 * validation without boxes is only useless and is told. */
static yt_status judge_unlabelled(const scan *s, const yt_split *split, size_t *problems, yt_err *err) {
    yt_err reason;
    char *expected = yti_label_path(split->samples[0].image_path);
    yt_fail(&reason, YT_DATA, "%s: %s: none of the %d images has a label file; the first would be %s",
            s->dataset->path, split->name, split->n_samples, expected ? expected : "beside it");
    free(expected);
    if (strcmp(split->name, "train") == 0) return yt_fail(err, YT_DATA, "%s", reason.text);
    if (s->options->problem) s->options->problem(s->options->context, reason.text);
    ++*problems;
    return YT_OK;
}

/* Whether the split can be used. */
static yt_status judge(const scan *s, const yt_split *split, size_t problems, yt_err *err) {
    const char *yaml = s->dataset->path, *name = split->name;
    if (s->count == 0) return yt_fail(err, YT_DATA, "%s: %s: no image files were found", yaml, name);
    if (split->n_samples == 0)
        return yt_fail(err, YT_DATA, "%s: %s: none of the %zu images is usable", yaml, name, s->count);
    size_t labelled = 0;
    for (size_t i = 0; i < s->count; i++) labelled += s->findings[i].has_label_file;
    if (labelled == 0) YT_TRY(judge_unlabelled(s, split, &problems, err));
    if (s->options->strict && problems)
        return yt_fail(err, YT_DATA, "%s: %s: %zu problem%s; nothing may be left out in strict mode", yaml,
                       name, problems, problems == 1 ? "" : "s");
    return YT_OK;
}

static yt_status scan_paths(const yt_dataset *dataset, const char *name, const yt_scan_options *options,
                            yti_paths *paths, const yti_truth *truth, size_t problems, yt_split *split,
                            yt_err *err) {
    scan s = {.dataset = dataset,
              .options = options,
              .paths = paths,
              .truth = truth,
              .count = wanted_count(paths->count, options->fraction)};
    s.findings = calloc(s.count + 1, sizeof *s.findings);
    split->samples = calloc(s.count + 1, sizeof *split->samples);
    size_t name_bytes = strlen(name) + 1;
    split->name = malloc(name_bytes);
    if (!s.findings || !split->samples || !split->name) {
        free(s.findings);
        return yt_fail(err, YT_NO_MEMORY, "no memory for %zu images", s.count);
    }
    memcpy(split->name, name, name_bytes);
    scan_all(&s);
    yt_status status = YT_OK;
    problems += collect(&s, paths, split, &status);
    if (status == YT_OK) {
        drop_partial_outlines(&s, split);
        status = judge(&s, split, problems, err);
    } else {
        yt_fail(err, status, "no memory for the labels of %zu images", s.count);
    }
    free_findings(&s);
    return status;
}

/* The pictures of a COCO file; *truth keeps the rest of it. */
static yt_status list_truth(const yt_dataset *dataset, const char *split, yti_truth *truth, yti_paths *paths,
                            yti_report *report, yt_err *err) {
    yti_paths folders;
    char *file = NULL;
    yt_status status = yti_sources_truth(dataset->sources, split, &file, &folders, err);
    if (status == YT_OK) status = yti_truth_load(file, &folders, dataset, truth, report, err);
    for (size_t i = 0; status == YT_OK && i < truth->n_images; i++) {
        status = yti_paths_add(paths, truth->images[i].path, err);
        truth->images[i].path = NULL;
    }
    yti_paths_free(&folders);
    free(file);
    return status;
}

yt_status yt_dataset_scan(const yt_dataset *dataset, const char *split, const yt_scan_options *options,
                          yt_split *out, yt_err *err) {
    yti_paths paths = {0};
    yti_report report = {0};
    yti_truth truth = {0};
    yt_split found = {0};
    bool has_truth = yti_sources_has_truth(dataset->sources, split);
    if (!(options->fraction > 0 && options->fraction <= 1))
        return yt_fail(err, YT_ARGUMENT, "the fraction of a dataset must be above 0 and at most 1");
    yt_status status = has_truth ? list_truth(dataset, split, &truth, &paths, &report, err)
                                 : yti_sources_list(dataset->sources, split, &paths, &report, err);
    size_t problems = report.count;
    int missing = has_truth ? truth.missing : (int)report.count;
    yti_report_tell(&report, options->problem, options->context);
    yti_report_free(&report);
    if (status == YT_OK && paths.count > INT32_MAX)
        status = yt_fail(err, YT_DATA, "%s: %s: %zu images are too many", dataset->path, split, paths.count);
    if (status == YT_OK)
        status =
            scan_paths(dataset, split, options, &paths, has_truth ? &truth : NULL, problems, &found, err);
    if (status == YT_OK) {
        found.summary.bad_images += missing;
        found.summary.bad_rows += truth.bad_annotations;
        found.category_ids = truth.category_ids;
        truth.category_ids = NULL;
        found.objects = truth.objects;
        truth.objects = NULL;
        *out = found;
    } else {
        yt_split_free(&found);
    }
    yti_paths_free(&paths);
    yti_truth_free(&truth);
    return status;
}

void yt_split_free(yt_split *split) {
    if (!split) return;
    for (int i = 0; i < split->n_samples; i++) {
        free(split->samples[i].image_path);
        free(split->samples[i].labels);
        free(split->samples[i].points);
    }
    free(split->samples);
    free(split->category_ids);
    free(split->objects);
    free(split->name);
    *split = (yt_split){0};
}
