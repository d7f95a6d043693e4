/* scan.c: looking at every image and label file of a split.
 *
 * Threads take images by a shared counter and keep what they find with the image, so reports and samples come
 * out in the order of the sorted list whatever the number of threads. Nothing on disk is changed.
 */
#include "data/labels.h"
#include "data/sources.h"
#include "yt/dataset.h"
#include "yt/file.h"
#include "yt/image.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
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
    size_t count; /* of paths that are wanted */
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

static yt_status read_labels(const scan *s, const char *image_path, finding *found) {
    char *path = yti_label_path(image_path), *text;
    size_t bytes;
    yt_err reason;
    if (!path) return YT_NO_MEMORY;
    yt_status status = YT_OK;
    if (yt_path_exists(path)) {
        found->has_label_file = true;
        if (yt_file_read(path, MAX_LABEL_BYTES, &text, &bytes, &reason) == YT_OK) {
            status = yti_labels_parse(path, text, bytes, s->dataset->n_classes, s->options->single_class,
                                      &found->labels, &found->report, NULL);
            free(text);
        } else {
            yti_report_add(&found->report, "%s", reason.text);
            found->usable = false; /* its boxes are not known, so it is no background either */
        }
    }
    free(path);
    return status;
}

static void *scan_worker(void *context) {
    scan *s = context;
    for (size_t i; (i = atomic_fetch_add(&s->next, 1)) < s->count;) {
        finding *found = &s->findings[i];
        found->usable = look_at_image(s->paths->items[i], found);
        if (found->usable) found->status = read_labels(s, s->paths->items[i], found);
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

static void add_sample(yt_split *split, char *path, finding *found) {
    yt_scan_summary *sum = &split->summary;
    split->samples[split->n_samples++] = (yt_sample){.image_path = path,
                                                     .w = found->w,
                                                     .h = found->h,
                                                     .n_labels = found->labels.count,
                                                     .labels = found->labels.items};
    found->labels.items = NULL;
    sum->images++;
    sum->backgrounds += found->labels.count == 0;
    sum->boxes += found->labels.count;
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
        add_sample(split, paths->items[i], found);
        paths->items[i] = NULL;
    }
    return problems;
}

static void free_findings(scan *s) {
    for (size_t i = 0; i < s->count; i++) {
        free(s->findings[i].labels.items);
        yti_report_free(&s->findings[i].report);
    }
    free(s->findings);
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
                            yti_paths *paths, size_t problems, yt_split *split, yt_err *err) {
    scan s = {.dataset = dataset,
              .options = options,
              .paths = paths,
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
    if (status == YT_OK)
        status = judge(&s, split, problems, err);
    else
        yt_fail(err, status, "no memory for the labels of %zu images", s.count);
    free_findings(&s);
    return status;
}

yt_status yt_dataset_scan(const yt_dataset *dataset, const char *split, const yt_scan_options *options,
                          yt_split *out, yt_err *err) {
    yti_paths paths = {0};
    yti_report report = {0};
    yt_split found = {0};
    if (!(options->fraction > 0 && options->fraction <= 1))
        return yt_fail(err, YT_ARGUMENT, "the fraction of a dataset must be above 0 and at most 1");
    yt_status status = yti_sources_list(dataset->sources, split, &paths, &report, err);
    size_t missing = report.count;
    yti_report_tell(&report, options->problem, options->context);
    yti_report_free(&report);
    if (status == YT_OK && paths.count > INT32_MAX)
        status = yt_fail(err, YT_DATA, "%s: %s: %zu images are too many", dataset->path, split, paths.count);
    if (status == YT_OK) status = scan_paths(dataset, split, options, &paths, missing, &found, err);
    yti_paths_free(&paths);
    if (status != YT_OK) {
        yt_split_free(&found);
        return status;
    }
    found.summary.bad_images += (int)missing;
    *out = found;
    return YT_OK;
}

void yt_split_free(yt_split *split) {
    if (!split) return;
    for (int i = 0; i < split->n_samples; i++) {
        free(split->samples[i].image_path);
        free(split->samples[i].labels);
    }
    free(split->samples);
    free(split->name);
    *split = (yt_split){0};
}
