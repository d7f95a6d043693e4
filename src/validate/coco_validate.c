/* coco_validate.c: hands every validated image to COCO's evaluation and to the results file.
 *
 * The ids of images are those of the COCO file, or the numbers that their names are. Where these are not all numbers,
 * or two are equal, the images are numbered from 1: of the tools that read such files one accepts a text.
 *
 * The truth comes from the split and not from the batch: it is in original pixels there, and it has what is in no
 * batch.
 */
#include "validate/coco_validate.h"

#include "base/array.h"
#include "base/file.h"
#include "base/json.h"
#include "base/number.h"

#include <stdlib.h>
#include <string.h>

struct yti_coco_validation {
    const yti_split *split;
    yti_coco_eval *eval;
    yti_coco_results *results; /* NULL: no file */
    int64_t dropped;           /* by the results */
    int64_t *ids;              /* [n_samples] of the images, each another */
    int64_t *ranks;            /* [n_samples] place of the image among all, by its id */
    char note[1024];           /* why the ids are numbers from 1; empty: they are not */
    const int64_t *category_ids;
    yt_detection *detections; /* of one image, in original pixels */
    yti_coco_found *found;
    yti_coco_truth *truth;
    size_t detection_capacity, found_capacity, truth_capacity;
};

/* ---- images in the order of their ids ---- */

/* The number that the name of an image is, without its ending; -1: it is none, or too long for a double. */
static int64_t number_of_name(const char *path) {
    enum { MAX_DIGITS = 15 };
    const char *base = yti_path_base(path), *dot = strrchr(base, '.');
    const size_t length = dot && dot > base ? (size_t)(dot - base) : strlen(base);
    if (length == 0 || strspn(base, "0123456789") < length) return -1;
    const size_t zeros = strspn(base, "0");
    return length > zeros + MAX_DIGITS ? -1 : strtoll(base, NULL, 10);
}

typedef struct {
    int64_t id;
    int index;
} ranked;

static int compare_ids(const void *a, const void *b) {
    const ranked *x = a, *y = b;
    if (x->id != y->id) return x->id < y->id ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

/* Numbers the images where their own ids will not do, which note then says. list: sorted by id. */
static void number_images(yti_coco_validation *v, ranked *list) {
    const yti_sample *samples = v->split->samples;
    const int n = v->split->n_samples;
    v->note[0] = '\0';
    for (int i = 0; i < n && !v->note[0]; i++) {
        if (list[i].id < 0)
            snprintf(v->note, sizeof v->note, "the name of %.300s is not a number", samples[list[i].index].image_path);
        else if (i > 0 && list[i].id == list[i - 1].id)
            snprintf(v->note, sizeof v->note, "%.300s and %.300s would both be image %lld",
                     samples[list[i - 1].index].image_path, samples[list[i].index].image_path, (long long)list[i].id);
    }
    for (int i = 0; i < n && v->note[0]; i++) list[i] = (ranked){i + 1, i};
}

static yt_status identify_images(yti_coco_validation *v, yt_err *err) {
    size_t n = (size_t)v->split->n_samples;
    ranked *list = malloc((n + 1) * sizeof *list);
    v->ids = malloc((n + 1) * sizeof *v->ids);
    v->ranks = malloc((n + 1) * sizeof *v->ranks);
    if (!list || !v->ids || !v->ranks) {
        free(list);
        return yt_fail(err, YT_ERR_NO_MEMORY, "no memory to sort %zu images", n);
    }
    for (size_t i = 0; i < n; i++) {
        const yti_sample *sample = &v->split->samples[i];
        list[i] = (ranked){sample->image_id >= 0 ? sample->image_id : number_of_name(sample->image_path), (int)i};
    }
    qsort(list, n, sizeof *list, compare_ids);
    number_images(v, list);
    for (size_t i = 0; i < n; i++) {
        v->ids[list[i].index] = list[i].id;
        v->ranks[list[i].index] = (int64_t)i;
    }
    free(list);
    return YT_OK;
}

const char *yti_coco_validation_note(const yti_coco_validation *v) {
    return v->note[0] ? v->note : NULL;
}

yt_status yti_coco_validation_create(const yti_split *split, int n_classes, const char *results_path,
                                     const int64_t *category_ids, yti_coco_validation **out, yt_err *err) {
    yti_coco_validation *v = calloc(1, sizeof *v);
    if (!v) return yti_no_memory(err, "COCO's evaluation");
    v->split = split;
    v->category_ids = category_ids;
    yt_status status = yti_coco_eval_create(n_classes, &v->eval, err);
    if (status == YT_OK) status = identify_images(v, err);
    if (status == YT_OK && results_path) status = yti_coco_results_open(results_path, category_ids, &v->results, err);
    if (status != YT_OK) {
        yti_coco_validation_destroy(v);
        return status;
    }
    *out = v;
    return YT_OK;
}

void yti_coco_validation_destroy(yti_coco_validation *v) {
    if (!v) return;
    yti_coco_eval_destroy(v->eval);
    yti_coco_results_discard(v->results);
    free(v->ids);
    free(v->ranks);
    free(v->detections);
    free(v->found);
    free(v->truth);
    free(v);
}

/* ---- one image ---- */

static yt_status make_room(yti_coco_validation *v, int n_found, int n_truth, yt_err *err) {
    size_t n = (size_t)n_found + 1, m = (size_t)n_truth + 1;
    yt_detection *detections = yti_grow(v->detections, &v->detection_capacity, n, sizeof *detections);
    if (detections) v->detections = detections;
    yti_coco_found *found = yti_grow(v->found, &v->found_capacity, n, sizeof *found);
    if (found) v->found = found;
    yti_coco_truth *truth = yti_grow(v->truth, &v->truth_capacity, m, sizeof *truth);
    if (truth) v->truth = truth;
    if (detections && found && truth) return YT_OK;
    return yti_no_memory(err, "%d detections and %d ground-truth boxes", n_found, n_truth);
}

static yti_coco_truth truth_of(const yti_sample *sample, int i) {
    const yti_label *label = &sample->labels[i];
    const yti_coco_object *object = label->object;
    if (object)
        return (yti_coco_truth){{object->x, object->y, object->w, object->h},
                                object->area >= 0 ? object->area : object->w * object->h,
                                label->class_id,
                                label->crowd};
    double w = (double)label->box.w * sample->w, h = (double)label->box.h * sample->h;
    double x = (double)label->box.cx * sample->w - w / 2, y = (double)label->box.cy * sample->h - h / 2;
    return (yti_coco_truth){{x, y, w, h}, w * h, label->class_id, label->crowd};
}

yt_status yti_coco_validation_image(void *context, const yti_validated_image *image, yt_err *err) {
    yti_coco_validation *v = context;
    const yti_sample *sample = &v->split->samples[image->sample];
    int n = image->n_detections;
    YT_TRY(make_room(v, n, sample->n_labels, err));
    if (n > 0) memcpy(v->detections, image->detections, (size_t)n * sizeof *v->detections);
    yti_detections_to_image(v->detections, n, &image->fit);
    for (int i = 0; i < n; i++) v->found[i] = yti_coco_rounded(&v->detections[i]);
    for (int i = 0; i < sample->n_labels; i++) v->truth[i] = truth_of(sample, i);
    if (v->results)
        YT_TRY(yti_coco_results_add(v->results, sample->image_path, v->ids[image->sample], v->found, n, err));
    return yti_coco_eval_add(v->eval, v->ranks[image->sample], v->found, n, v->truth, sample->n_labels, err);
}

yt_status yti_coco_validation_finish(yti_coco_validation *v, double numbers[YT_COCO_NUMBERS], yt_err *err) {
    YT_TRY(yti_coco_eval_compute(v->eval, numbers, err));
    yti_coco_results *results = v->results;
    v->results = NULL;
    if (!results) return YT_OK;
    v->dropped = yti_coco_results_dropped(results);
    return yti_coco_results_commit(results, err);
}

int64_t yti_coco_validation_dropped(const yti_coco_validation *v) {
    return v->dropped;
}

/* ---- the ground truth as a file ---- */

/* "name" as JSON; a failure of memory goes into *good. */
static void put_name(FILE *stream, const char *name, bool *good) {
    char *text = yti_json_quoted(name);
    *good &= text != NULL;
    if (text) fputs(text, stream);
    free(text);
}

static long long category_of(const yti_coco_validation *v, int class_id) {
    return v->category_ids ? (long long)v->category_ids[class_id] : class_id + 1;
}

/* Numbers with all their digits, so that they are read as the doubles that were judged. Annotations count from 1:
 * pycocotools takes id 0 for "not found". */
static bool put_truth(const yti_coco_validation *v, const char *const *names, int n_classes, FILE *stream) {
    bool good = true;
    fputs("{\"images\":[", stream);
    for (int i = 0; i < v->split->n_samples; i++) {
        const yti_sample *sample = &v->split->samples[i];
        fprintf(stream, "%s\n{\"id\":%lld,\"width\":%d,\"height\":%d,\"file_name\":", i ? "," : "",
                (long long)v->ids[i], sample->w, sample->h);
        put_name(stream, yti_path_base(sample->image_path), &good);
        fputc('}', stream);
    }
    fputs("\n],\"annotations\":[", stream);
    long long number = 0;
    for (int i = 0; i < v->split->n_samples; i++)
        for (int k = 0; k < v->split->samples[i].n_labels; k++) {
            const yti_coco_truth truth = truth_of(&v->split->samples[i], k);
            char text[5][YTI_DECIMAL];
            fprintf(stream,
                    "%s\n{\"id\":%lld,\"image_id\":%lld,\"category_id\":%lld,\"bbox\":[%s,%s,%s,%s],\"area\":%s,"
                    "\"iscrowd\":%d}",
                    number ? "," : "", number + 1, (long long)v->ids[i], category_of(v, truth.class_id),
                    yti_decimal(truth.box.x, 17, text[0]), yti_decimal(truth.box.y, 17, text[1]),
                    yti_decimal(truth.box.w, 17, text[2]), yti_decimal(truth.box.h, 17, text[3]),
                    yti_decimal(truth.area, 17, text[4]), truth.crowd);
            number++;
        }
    fputs("\n],\"categories\":[", stream);
    for (int c = 0; c < n_classes; c++) {
        fprintf(stream, "%s\n{\"id\":%lld,\"name\":", c ? "," : "", category_of(v, c));
        put_name(stream, names[c], &good);
        fputc('}', stream);
    }
    fputs("\n]}\n", stream);
    return good;
}

yt_status yti_coco_validation_write_truth(const yti_coco_validation *v, const char *const *names, int n_classes,
                                          const char *path, yt_err *err) {
    yti_file_writer writer;
    YT_TRY(yti_file_writer_open(path, &writer, err));
    if (put_truth(v, names, n_classes, writer.stream)) return yti_file_writer_commit(&writer, err);
    yti_file_writer_discard(&writer);
    return yt_fail(err, YT_ERR_NO_MEMORY, "%s: no memory for its names", path);
}
