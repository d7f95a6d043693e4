/* scan.c: looking at every image and label file of a split.
 *
 * Threads take images by a shared counter and keep what they find with the image, so reports and samples come out in
 * the order of the sorted list whatever the number of threads. Nothing on disk is changed.
 */
#include "base/file.h"
#include "base/locale.h"
#include "base/presence.h"
#include "base/text.h"
#include "data/index/coco_truth.h"
#include "data/index/dataset.h"
#include "data/index/ndjson.h"
#include "data/index/sources.h"
#include "data/index/strays.h"
#include "image/decode_gate.h"
#include "image/image.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MIN_SIDE = 10, /* pixels; the reference's limit */
    MAX_LABEL_BYTES = 1 << 26,
    MAX_THREADS = 64,
    MAX_LINE = 1024
};

/* What the scan found out about one image. */
typedef struct finding {
    bool usable, has_label_file;
    bool all_bad; /* it has rows, and none is left */
    bool has_class_0;
    bool dim; /* 12-bit values in 16 bits, as it seems */
    int w, h;
    size_t decode_bytes;
    yti_labels labels;
    yti_report report;
} finding;

typedef struct scan {
    const yti_dataset *dataset;
    const yti_scan_options *options;
    const yti_paths *paths;
    const yti_truth *truth;     /* parallel to the paths; NULL: label files */
    const yti_records *records; /* the same of a file of JSON lines */
    const char *name;           /* of the split */
    size_t count;               /* of paths that are wanted */
    finding *findings;
    atomic_size_t next;
    yti_decode_gate gate;
    pthread_mutex_t lock; /* of the fault */
    bool failed;
    yt_err fault; /* of the machine: the scan ends */
} scan;

/* A failure that is no fault of the data ends the scan. Gives false. */
static bool give_up(scan *s, yt_status status, const char *text) {
    pthread_mutex_lock(&s->lock);
    if (!s->failed) yt_fail(&s->fault, status, "%s", text);
    s->failed = true;
    pthread_mutex_unlock(&s->lock);
    atomic_store(&s->next, s->count);
    return false;
}

/* Reports an image or label file that cannot be used, or gives up. `reason` is that of the call that has just
 * failed, which sets errno where the machine has failed. Gives false. */
static bool leave_out(scan *s, finding *found, const yt_err *reason) {
    bool of_machine = reason->code == YT_ERR_NO_MEMORY || errno == ENOMEM || errno == EIO ||
                      (reason->code == YT_ERR_IO && yti_is_machine_fault(errno));
    if (of_machine) return give_up(s, reason->code == YT_ERR_NO_MEMORY ? YT_ERR_NO_MEMORY : YT_ERR_IO, reason->text);
    yti_report_add(&found->report, "%s", reason->text);
    return false;
}

/* Whether there is a file to be opened. */
static bool look_at_file(scan *s, const char *path, finding *found, yti_presence *presence) {
    yt_err reason;
    yt_status status = yti_look_at_file(path, presence, &reason);
    if (status != YT_OK) return give_up(s, status, reason.text);
    if (*presence == YTI_UNUSABLE) yti_report_add(&found->report, "%s", reason.text);
    return *presence == YTI_READY;
}

/* Header, size, and whether it decodes to the end; false: reported, the image is out. Decoding takes some 5 ms per
 * image and thread once per run, and is what keeps a damaged file from ending the training in the middle of it. */
static bool look_at_image(scan *s, const char *path, finding *found) {
    yti_image_info info;
    yt_err reason;
    yti_presence presence;
    if (!look_at_file(s, path, found, &presence)) {
        if (presence == YTI_ABSENT) yti_report_add(&found->report, "%s: does not exist", path);
        return false;
    }
    yt_image decoded;
    errno = 0;
    if (yti_image_load_through(&s->gate, path, &decoded, &info, &reason) != YT_OK) return leave_out(s, found, &reason);
    found->dim = yti_image_is_dim(&decoded, &info);
    yt_image_free(&decoded);
    if (info.w < MIN_SIDE || info.h < MIN_SIDE) {
        yti_report_add(&found->report, "%s: %d x %d pixels; an image needs at least %d on a side", path, info.w, info.h,
                       MIN_SIDE);
        return false;
    }
    if (info.truncated) yti_report_add(&found->report, "%s: the file is cut off; it is used as far as it goes", path);
    found->w = info.w;
    found->h = info.h;
    found->decode_bytes = info.memory;
    return true;
}

static yt_status parse_label_file(const scan *s, const char *path, const char *text, size_t bytes, finding *found) {
    const yti_label_format format = {.n_classes = s->options->single_class ? INT_MAX : s->dataset->n_classes,
                                     .keypoint_columns = s->dataset->keypoint_columns};
    return yti_labels_parse(path, text, bytes, format, &found->labels, &found->report, NULL);
}

/* Only a name that is not there is a background; a label file that cannot be read leaves its boxes unknown. */
static yt_status read_label_file(scan *s, const char *image_path, finding *found) {
    char *path = yti_label_path(image_path), *text;
    size_t bytes;
    yt_err reason;
    yti_presence presence;
    yt_status status = YT_OK;
    if (!path) return YT_ERR_NO_MEMORY;
    if (look_at_file(s, path, found, &presence)) {
        errno = 0;
        found->usable = yti_file_read(path, MAX_LABEL_BYTES, &text, &bytes, &reason) == YT_OK ||
                        leave_out(s, found, &reason);
        if (found->usable) {
            status = parse_label_file(s, path, text, bytes, found);
            free(text);
        }
    } else {
        found->usable = presence == YTI_ABSENT;
    }
    found->has_label_file = presence != YTI_ABSENT;
    free(path);
    return status;
}

/* Leaves the classes that are wanted, by the numbers they are to have. */
static void choose_classes(const scan *s, yti_labels *labels) {
    const bool *wanted = s->options->classes;
    int kept = 0;
    for (int i = 0; i < labels->count; i++) {
        yti_label label = labels->items[i];
        if (wanted && (label.class_id >= s->dataset->n_classes || !wanted[label.class_id])) continue;
        if (s->options->single_class) label.class_id = 0;
        labels->items[kept++] = label;
    }
    labels->count = kept;
}

static yt_status read_record(const scan *s, size_t i, finding *found) {
    const yti_record *record = &s->records->items[i];
    char name[MAX_LINE];
    snprintf(name, sizeof name, "%s:%zu", s->records->path, record->line);
    found->has_label_file = true;
    YT_TRY(parse_label_file(s, name, record->rows, strlen(record->rows), found));
    if (record->shapeless) {
        yti_tally_row(&found->labels.tally, &found->report, YT_LABEL_COLUMNS,
                      "%s: %d of its annotations %s no row: they are {\"boxes\": [[class, cx, cy, w, h], ...]}", name,
                      record->shapeless, record->shapeless == 1 ? "is" : "are");
        found->labels.tally.rules[YT_LABEL_COLUMNS] += record->shapeless - 1;
    }
    return YT_OK;
}

/* What is known of the rows before the classes are chosen. */
static void judge_rows(finding *found) {
    const yti_labels *labels = &found->labels;
    int usable = 0;
    for (int i = 0; i < labels->count; i++) {
        usable += !labels->items[i].coco_only;
        found->has_class_0 |= !labels->items[i].coco_only && labels->items[i].class_id == 0;
    }
    found->all_bad = usable == 0 && yti_tally_bad(&labels->tally) > 0;
}

static yt_status read_labels(scan *s, size_t i, finding *found) {
    yt_status status = YT_OK;
    if (s->truth) {
        found->has_label_file = true;
        found->usable = yti_truth_labels(s->truth, i, found->w, found->h, &found->labels, &found->report, &status);
    } else if (s->records) {
        status = read_record(s, i, found);
    } else {
        status = read_label_file(s, s->paths->items[i], found);
    }
    judge_rows(found);
    choose_classes(s, &found->labels);
    return status;
}

static void *scan_worker(void *context) {
    scan *s = context;
    const locale_t former = yti_locale_enter();
    for (size_t i; (i = atomic_fetch_add(&s->next, 1)) < s->count;) {
        finding *found = &s->findings[i];
        yt_status status = YT_OK;
        found->usable = look_at_image(s, s->paths->items[i], found);
        if (found->usable) status = read_labels(s, i, found);
        if (status != YT_OK || found->report.out_of_memory)
            give_up(s, YT_ERR_NO_MEMORY, "no memory for the labels of the images");
    }
    yti_locale_leave(former);
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

static void add_sample(const scan *s, size_t i, char *path, yti_split *split) {
    yti_scan_summary *sum = &split->summary;
    finding *found = &s->findings[i];
    int objects = 0;
    for (int k = 0; k < found->labels.count; k++) objects += !found->labels.items[k].coco_only;
    split->samples[split->n_samples++] = (yti_sample){.image_path = path,
                                                      .w = found->w,
                                                      .h = found->h,
                                                      .decode_bytes = found->decode_bytes,
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

static bool trains(const scan *s) {
    return strcmp(s->name, "train") == 0;
}

/* Without its rows an image would teach that its objects are background, and count as false what finds them. The
 * images of a COCO file stay for COCO's numbers where nothing is trained. */
static bool is_lost(const scan *s, const finding *found) {
    return found->all_bad && (!s->truth || trains(s));
}

/* What the rows of all images add up to. */
typedef struct totals {
    size_t problems;          /* of images and lists; those of rows are in the summary */
    char first_bad[MAX_LINE]; /* the first row that was left out, as it was reported */
    bool past_the_end;        /* a class equal to the number of classes was met */
    bool has_class_0;
} totals;

static void add_tally(const yti_tally *tally, const yti_report *report, yti_split *split, totals *sum) {
    for (int k = 0; k < YT_LABEL_RULES; k++) split->summary.rules[k] += tally->rules[k];
    sum->past_the_end |= tally->past_the_end;
    if (!tally->first_bad || sum->first_bad[0] || tally->first_bad > report->used) return;
    const char *line = report->text + tally->first_bad - 1;
    const char *end = memchr(line, '\n', report->used - (tally->first_bad - 1));
    if (end) snprintf(sum->first_bad, sizeof sum->first_bad, "%.*s", (int)(end - line), line);
}

/* Tells the problems and moves the usable images into the split. */
static void collect(scan *s, yti_paths *paths, yti_split *split, totals *sum) {
    for (size_t i = 0; i < s->count; i++) {
        finding *found = &s->findings[i];
        add_tally(&found->labels.tally, &found->report, split, sum);
        sum->problems += found->report.count;
        sum->has_class_0 |= found->has_class_0;
        yti_report_tell(&found->report, s->options->problem, s->options->context);
        split->summary.bad_images += !found->usable;
        split->summary.lost_images += found->usable && is_lost(s, found);
        if (!found->usable || is_lost(s, found)) continue;
        add_sample(s, i, paths->items[i], split);
        paths->items[i] = NULL;
    }
}

static void free_findings(scan *s) {
    for (size_t i = 0; i < s->count; i++) {
        yti_labels_free(&s->findings[i].labels);
        yti_report_free(&s->findings[i].report);
    }
    free(s->findings);
}

static void tell(const scan *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void tell(const scan *s, const char *format, ...) {
    char text[MAX_LINE];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (s->options->problem) s->options->problem(s->options->context, text);
}

/* The reference trainer does this too: the numbers are the same, and the images a trap. */
static void hint_at_dim_images(const scan *s, totals *sum) {
    size_t count = 0, first = 0;
    for (size_t i = s->count; i-- > 0;)
        if (s->findings[i].dim) count++, first = i;
    if (count == 0) return;
    sum->problems++;
    tell(s,
         "%s: %s: %zu of %zu images, the first %s, have 16 bits per channel and values below 4240: the high "
         "byte is "
         "read, so they are nearly black; multiply 12-bit values by 16 (mogrify -evaluate multiply 16)",
         s->dataset->path, s->name, count, s->count, s->paths->items[first]);
}

/* As in the reference, outlines are used when every box of the split has one, or not at all. */
static void drop_partial_outlines(const scan *s, yti_split *split) {
    int outlines = 0, boxes = 0;
    for (int i = 0; i < split->n_samples; i++) {
        const yti_sample *sample = &split->samples[i];
        boxes += sample->n_labels;
        for (int k = 0; k < sample->n_labels; k++) outlines += sample->labels[k].n_points > 0;
    }
    if (outlines == 0 || outlines == boxes) return;
    for (int i = 0; i < split->n_samples; i++) {
        yti_sample *sample = &split->samples[i];
        for (int k = 0; k < sample->n_labels; k++) sample->labels[k].n_points = 0;
        free(sample->points);
        sample->points = NULL;
    }
    tell(s, "%s: %s: %d of %d labels are outlines; as not all are, the boxes around them are used", s->dataset->path,
         split->name, outlines, boxes);
}

static size_t wanted_count(size_t n, double fraction) {
    double wanted = rint((double)n * fraction);
    return wanted < 1 && n > 0 ? 1 : wanted < (double)n ? (size_t)wanted : n;
}

/* A set whose classes count from 1 loses its last class and has every other under the name of the one before. */
static const char numbered_from_1[] = "are the classes numbered from 1? The first is 0";

static void hint_at_numbers(const scan *s, const totals *sum) {
    if (sum->past_the_end && !sum->has_class_0)
        tell(s, "%s: %s: there is a class %d, and no class 0: %s", s->dataset->path, s->name, s->dataset->n_classes,
             numbered_from_1);
}

/* COCO's boxes are in pixels; some tools write fractions, and each object is a speck in the first corner then. */
static void hint_at_fractions(const scan *s, const yti_split *split) {
    for (int i = 0; i < split->n_samples; i++) {
        const yti_sample *sample = &split->samples[i];
        for (int k = 0; k < sample->n_labels; k++) {
            const yti_cxcywh *box = &sample->labels[k].box;
            if (box->cx * (float)sample->w > 1 || box->cy * (float)sample->h > 1) return;
        }
    }
    tell(s,
         "%s: %s: the centre of every box is in the first pixel of its image: are they fractions? COCO's "
         "bbox is in pixels",
         s->dataset->path, s->name);
}

static bool has_labels(const scan *s) {
    for (size_t i = 0; i < s->count; i++)
        if (s->findings[i].has_label_file) return true;
    return false;
}

/* Why there is no box, as one sentence. No label file at all is a wrong folder, not a set of backgrounds. */
static void explain_no_box(const scan *s, const yti_split *split, const totals *sum, yt_err *reason) {
    const char *yaml = s->dataset->path;
    const yti_scan_summary *found = &split->summary;
    if (!has_labels(s)) {
        char *expected = yti_label_path(s->paths->items[0] ? s->paths->items[0] : split->samples[0].image_path);
        yt_fail(reason, YT_ERR_DATA, "%s: %s: none of the %zu images has a label file; the first would be %s", yaml,
                s->name, s->count, expected ? expected : "beside it");
        free(expected);
        return;
    }
    yt_fail(reason, YT_ERR_DATA, "%s: %s: no usable box in %zu images", yaml, s->name, s->count);
    char *text = reason->text;
    const size_t room = sizeof reason->text;
    int bad = yti_scan_bad_rows(found), crowds = found->rules[YT_LABEL_CROWD];
    if (bad) yti_text_append(text, room, "; %d bad rows were left out, the first: %s", bad, sum->first_bad);
    if (crowds) yti_text_append(text, room, "; %d boxes are crowds (iscrowd)", crowds);
    if (sum->past_the_end && !sum->has_class_0) yti_text_append(text, room, "; %s", numbered_from_1);
    if (s->options->classes)
        yti_text_append(text, room, "; those of other classes are not asked for");
    else if (!bad && !crowds)
        yti_text_append(text, room, "; %s",
                        s->truth || s->records ? "there are no annotations of them" : "the label files are empty");
}

/* Whether the split can be used. Nothing could be learnt from a training set without boxes, while a validation set
 * without them is only useless and is reported. */
static yt_status judge(const scan *s, const yti_split *split, totals *sum, yt_err *err) {
    const char *yaml = s->dataset->path;
    if (s->count == 0) return yt_fail(err, YT_ERR_DATA, "%s: %s: no image files were found", yaml, s->name);
    bool lost_only = split->n_samples == 0 && split->summary.lost_images == 0;
    if (lost_only)
        return yt_fail(err, YT_ERR_DATA, "%s: %s: none of the %zu images is usable", yaml, s->name, s->count);
    if (split->summary.boxes == 0) {
        yt_err reason;
        explain_no_box(s, split, sum, &reason);
        if (trains(s) || split->n_samples == 0) return yt_fail(err, YT_ERR_DATA, "%s", reason.text);
        tell(s, "%s", reason.text);
        sum->problems++;
    } else {
        hint_at_numbers(s, sum);
        if (s->truth) hint_at_fractions(s, split);
    }
    size_t problems = sum->problems + (size_t)yti_scan_row_problems(&split->summary);
    if (s->options->strict && problems)
        return yt_fail(err, YT_ERR_DATA, "%s: %s: %zu problem%s; nothing may be left out in strict mode", yaml, s->name,
                       problems, problems == 1 ? "" : "s");
    return YT_OK;
}

/* Looks for label files that no image claims, where images lack theirs. */
static yt_status look_for_strays(const scan *s, totals *sum, yt_err *err) {
    bool lacking = false;
    for (size_t i = 0; i < s->count; i++) lacking |= s->findings[i].usable && !s->findings[i].has_label_file;
    if (s->truth || s->records) return YT_OK;
    yti_report report = {0};
    yt_status status = yti_find_strays(s->paths, s->count, lacking, &report, err);
    sum->problems += report.count;
    if (status == YT_OK && report.out_of_memory) status = yti_no_memory(err, "what is to be reported");
    yti_report_tell(&report, s->options->problem, s->options->context);
    yti_report_free(&report);
    return status;
}

static yt_status scan_images(scan *s, yti_paths *paths, totals *sum, yti_split *split, yt_err *err) {
    scan_all(s);
    if (s->failed) return yt_fail(err, s->fault.code, "%s", s->fault.text);
    YT_TRY(look_for_strays(s, sum, err)); /* before the paths move into the split */
    hint_at_dim_images(s, sum);
    collect(s, paths, split, sum);
    drop_partial_outlines(s, split);
    return judge(s, split, sum, err);
}

/* Where the images of a split and their labels come from. */
typedef struct source_files {
    yti_paths paths;
    yti_truth truth; /* with has_truth */
    yti_records records;
    bool has_truth, has_records; /* neither: label files */
} source_files;

static yt_status scan_paths(const yti_dataset *dataset, const char *name, const yti_scan_options *options,
                            source_files *files, totals *sum, yti_split *split, yt_err *err) {
    yti_paths *paths = &files->paths;
    scan s = {.dataset = dataset,
              .options = options,
              .paths = paths,
              .truth = files->has_truth ? &files->truth : NULL,
              .records = files->has_records ? &files->records : NULL,
              .name = name,
              .count = wanted_count(paths->count, options->fraction)};
    s.findings = calloc(s.count + 1, sizeof *s.findings);
    split->samples = calloc(s.count + 1, sizeof *split->samples);
    split->name = strdup(name);
    if (!s.findings || !split->samples || !split->name) {
        free(s.findings);
        return yti_no_memory(err, "%zu images", s.count);
    }
    pthread_mutex_init(&s.lock, NULL);
    yt_status status = yti_decode_gate_init(&s.gate, err);
    if (status == YT_OK) {
        status = scan_images(&s, paths, sum, split, err);
        yti_decode_gate_deinit(&s.gate);
    }
    pthread_mutex_destroy(&s.lock);
    free_findings(&s);
    return status;
}

/* The images of a COCO file; *truth keeps the rest of it. */
static yt_status list_truth(const yti_dataset *dataset, const char *split, yti_truth *truth, yti_paths *paths,
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

/* The images of a file of JSON lines. */
static yt_status list_records(const yti_dataset *dataset, const char *split, source_files *files, yti_report *report,
                              yt_err *err) {
    char *file;
    YT_TRY(yti_sources_file(dataset->sources, split, &file, err));
    yt_status status = yti_ndjson_load(file, split, &files->records, report, err);
    for (size_t i = 0; status == YT_OK && i < files->records.count; i++) {
        status = yti_paths_add(&files->paths, files->records.items[i].image, err);
        files->records.items[i].image = NULL;
    }
    free(file);
    return status;
}

static yt_status list_split(const yti_dataset *dataset, const char *split, source_files *files, yti_report *report,
                            yt_err *err) {
    const yti_source *first = yti_sources_find(dataset->sources, split);
    files->has_truth = yti_sources_has_truth(dataset->sources, split);
    files->has_records = first && yti_is_ndjson(first->text);
    if (files->has_truth) return list_truth(dataset, split, &files->truth, &files->paths, report, err);
    if (files->has_records) return list_records(dataset, split, files, report, err);
    return yti_sources_list(dataset->sources, split, &files->paths, report, err);
}

/* Once, with the first split that is scanned. Gives how many problems they are. */
static size_t tell_notes(const yti_dataset *dataset, const yti_scan_options *options) {
    yti_report *notes = dataset->sources->notes;
    if (!notes) return 0;
    const size_t problems = notes->count;
    yti_report_tell(notes, options->problem, options->context);
    yti_report_free(notes);
    return problems;
}

yt_status yti_dataset_scan(const yti_dataset *dataset, const char *split, const yti_scan_options *options,
                           yti_split *out, yt_err *err) {
    source_files files = {0};
    yti_report report = {0};
    yti_split found = {0};
    if (!(options->fraction > 0 && options->fraction <= 1))
        return yt_fail(err, YT_ERR_ARGUMENT, "the fraction of a dataset must be above 0 and at most 1");
    const size_t noted = tell_notes(dataset, options);
    yt_status status = list_split(dataset, split, &files, &report, err);
    totals sum = {.problems = noted + report.count};
    const int missing = files.has_truth ? files.truth.missing : (int)sum.problems;
    if (status == YT_OK && report.out_of_memory) status = yti_no_memory(err, "what is to be reported");
    if (files.has_truth) add_tally(&files.truth.tally, &report, &found, &sum);
    yti_report_tell(&report, options->problem, options->context);
    yti_report_free(&report);
    if (status == YT_OK && files.paths.count > INT32_MAX)
        status = yt_fail(err, YT_ERR_DATA, "%s: %s: %zu images are too many", dataset->path, split, files.paths.count);
    if (status == YT_OK) status = scan_paths(dataset, split, options, &files, &sum, &found, err);
    if (status == YT_OK) {
        found.summary.bad_images += missing;
        found.category_ids = files.truth.category_ids;
        files.truth.category_ids = NULL;
        found.coco_note = files.truth.note;
        files.truth.note = NULL;
        found.objects = files.truth.objects;
        files.truth.objects = NULL;
        *out = found;
    } else {
        yti_split_free(&found);
    }
    yti_paths_free(&files.paths);
    yti_truth_free(&files.truth);
    yti_records_free(&files.records);
    return status;
}

int yti_split_most_boxes(const yti_split *split) {
    int most = 0;
    for (int i = 0; i < split->n_samples; i++) {
        int count = 0;
        for (int k = 0; k < split->samples[i].n_labels; k++) count += !split->samples[i].labels[k].coco_only;
        if (count > most) most = count;
    }
    return most;
}

void yti_split_free(yti_split *split) {
    if (!split) return;
    for (int i = 0; i < split->n_samples; i++) {
        free(split->samples[i].image_path);
        free(split->samples[i].labels);
        free(split->samples[i].points);
    }
    free(split->samples);
    free(split->category_ids);
    free(split->objects);
    free(split->coco_note);
    free(split->name);
    *split = (yti_split){0};
}
