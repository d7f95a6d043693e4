/* detector.c: the detector of the public API: trained weights that several detectors share, a predictor of its own, and
 * the pixels of a program brought into the predictor's order.
 */
#include "yolotrain/detector.h"
#include "api/call.h"
#include "api/search.h"
#include "data/index/dataset.h"
#include "infer/detect_options.h"
#include "infer/predict.h"

#include <stdlib.h>
#include <string.h>

/* ---- options ---- */

static const yt_option rows[] = {YTI_MODEL_ROW, YTI_NMS_ROW, YTI_DETECTION_ROWS("0.25"), YTI_CLASSES_ROW,
                                 YTI_THREADS_ROW};
enum { N_ROWS = sizeof rows / sizeof rows[0] };

struct yt_detector_options {
    yti_options set;
};

const yt_option *yt_detector_option(size_t index) {
    return index < N_ROWS ? &rows[index] : NULL;
}

yt_status yt_detector_options_create(yt_detector_options **out, yt_err *err) {
    yt_detector_options *options = calloc(1, sizeof *options);
    if (!options) return yti_no_memory(err, "options");
    yt_status status;
    YTI_IN_C_LOCALE(status = yti_options_init(rows, N_ROWS, &options->set, err));
    if (status == YT_OK)
        *out = options;
    else
        free(options);
    return status;
}

void yt_detector_options_destroy(yt_detector_options *options) {
    if (!options) return;
    yti_options_free(&options->set);
    free(options);
}

yt_status yt_detector_options_set(yt_detector_options *options, const char *name, const char *value, yt_err *err) {
    yt_status status;
    YTI_IN_C_LOCALE(status = yti_options_set(&options->set, name, value, err));
    return status;
}

const char *yt_detector_options_get(const yt_detector_options *options, const char *name) {
    const yti_option_value *value = yti_options_find(&options->set, name);
    return value ? value->text : NULL;
}

/* ---- opening ---- */

struct yt_detector {
    yti_trained *trained;        /* one owner of it */
    yti_predict_options options; /* classes: those below */
    bool *classes;               /* [n_classes] which are kept; NULL: all */
    yti_predictor *predictor;
    yt_detection *found; /* [max_det] */
    uint8_t *rgb;        /* pixels that had to be rearranged */
    size_t rgb_bytes;
};

static yt_status read_options(yt_detector *d, const yti_options *set, yt_err *err) {
    const yti_option_value *imgsz = yti_options_find(set, "imgsz");
    const char *classes = yti_options_text(set, "classes");
    const yti_class_names *names = &d->trained->names;
    if (classes)
        YT_TRY(yti_classes_parse(classes, (const char *const *)names->names, names->count, "these weights", &d->classes,
                                 err));
    d->options = (yti_predict_options){.imgsz = imgsz->is_auto ? d->trained->imgsz : (int)imgsz->number,
                                       .rect = yti_options_flag(set, "rect"),
                                       .conf = (float)yti_options_double(set, "conf"),
                                       .iou = (float)yti_options_double(set, "iou"),
                                       .max_det = yti_options_int(set, "max-det"),
                                       .nms = yti_nms_of(yti_options_find(set, "nms")),
                                       .agnostic = yti_options_flag(set, "agnostic"),
                                       .classes = d->classes,
                                       .threads = yti_threads_of(yti_options_find(set, "threads"))};
    return YT_OK;
}

/* What a detector has for itself. */
static yt_status make_own(yt_detector *d, yt_err *err) {
    d->found = malloc((size_t)d->options.max_det * sizeof *d->found);
    if (!d->found) return yti_no_memory(err, "%d boxes", d->options.max_det);
    return yti_predictor_create(d->trained->model, &d->options, &d->predictor, err);
}

static yt_status open_with(yt_detector *d, const char *weights, const yti_options *set, yt_err *err) {
    yti_search search;
    yti_search_init(&search);
    const yti_open_options open = {.model = yti_options_text(set, "model"),
                                   .search_dirs = search.dirs,
                                   .nms = yti_nms_of(yti_options_find(set, "nms"))};
    YT_TRY(yti_trained_open(weights, &open, &d->trained, err));
    YT_TRY(read_options(d, set, err));
    return make_own(d, err);
}

static yt_status open_detector(yt_detector *d, const char *weights, const yt_detector_options *options, yt_err *err) {
    if (options) return open_with(d, weights, &options->set, err);
    yti_options defaults;
    YT_TRY(yti_options_init(rows, N_ROWS, &defaults, err));
    const yt_status status = open_with(d, weights, &defaults, err);
    yti_options_free(&defaults);
    return status;
}

/* Hands a detector out, or closes it where making it has failed. */
static yt_status deliver(yt_detector *d, yt_status status, yt_detector **out) {
    if (status == YT_OK)
        *out = d;
    else
        yt_detector_close(d);
    return status;
}

yt_status yt_detector_open(const char *weights, const yt_detector_options *options, yt_detector **out, yt_err *err) {
    yt_detector *d = calloc(1, sizeof *d);
    if (!d) return yti_no_memory(err, "a detector");
    yt_status status;
    YTI_IN_C_LOCALE(status = open_detector(d, weights, options, err));
    return deliver(d, status, out);
}

static yt_status share(const yt_detector *from, yt_detector *d, yt_err *err) {
    d->trained = yti_trained_share(from->trained);
    d->options = from->options;
    if (from->classes) {
        const size_t bytes = (size_t)from->trained->names.count * sizeof *d->classes;
        d->classes = malloc(bytes);
        if (!d->classes) return yti_no_memory(err, "a detector");
        memcpy(d->classes, from->classes, bytes);
        d->options.classes = d->classes;
    }
    return make_own(d, err);
}

yt_status yt_detector_share(const yt_detector *detector, yt_detector **out, yt_err *err) {
    yt_detector *d = calloc(1, sizeof *d);
    if (!d) return yti_no_memory(err, "a detector");
    yt_status status;
    YTI_IN_C_LOCALE(status = share(detector, d, err));
    return deliver(d, status, out);
}

void yt_detector_close(yt_detector *detector) {
    if (!detector) return;
    yti_predictor_destroy(detector->predictor);
    yti_trained_close(detector->trained);
    free(detector->classes);
    free(detector->found);
    free(detector->rgb);
    free(detector);
}

/* ---- running ---- */

static const struct {
    size_t bytes;            /* of a pixel */
    size_t red, green, blue; /* where in it */
} formats[] = {[YT_PIXELS_RGB] = {3, 0, 1, 2},
               [YT_PIXELS_BGR] = {3, 2, 1, 0},
               [YT_PIXELS_RGBA] = {4, 0, 1, 2},
               [YT_PIXELS_BGRA] = {4, 2, 1, 0},
               [YT_PIXELS_GRAY] = {1, 0, 0, 0}};
enum { N_FORMATS = sizeof formats / sizeof formats[0], MAX_PIXELS = 1 << 28 };

static yt_status check_pixels(const yt_pixels *p, yt_err *err) {
    if ((int)p->format < 0 || (int)p->format >= N_FORMATS)
        return yt_fail(err, YT_ERR_ARGUMENT, "there is no pixel format %d", (int)p->format);
    if (!p->data) return yt_fail(err, YT_ERR_ARGUMENT, "the pixels are NULL");
    if (p->width < 1 || p->height < 1 || (double)p->width * p->height > MAX_PIXELS)
        return yt_fail(err, YT_ERR_ARGUMENT, "an image of %d x %d pixels is not possible; it has 1 to %d", p->width,
                       p->height, (int)MAX_PIXELS);
    const size_t row = (size_t)p->width * formats[p->format].bytes;
    if (p->stride && p->stride < row)
        return yt_fail(err, YT_ERR_ARGUMENT, "a row of %d pixels takes %zu bytes, and the stride is %zu", p->width, row,
                       p->stride);
    return YT_OK;
}

/* The pixels as rows of red, green and blue without gaps: as they are where they are so already. */
static yt_status as_rgb(yt_detector *d, const yt_pixels *p, const uint8_t **out, yt_err *err) {
    const size_t w = (size_t)p->width, h = (size_t)p->height, bytes = formats[p->format].bytes;
    const size_t stride = p->stride ? p->stride : w * bytes;
    const uint8_t *data = p->data;
    *out = data;
    if (p->format == YT_PIXELS_RGB && stride == w * 3) return YT_OK;
    if (w * h * 3 > d->rgb_bytes) {
        uint8_t *grown = realloc(d->rgb, w * h * 3);
        if (!grown) return yti_no_memory(err, "an image of %zu x %zu pixels", w, h);
        d->rgb = grown;
        d->rgb_bytes = w * h * 3;
    }
    const size_t red = formats[p->format].red, green = formats[p->format].green, blue = formats[p->format].blue;
    uint8_t *to = d->rgb;
    for (size_t y = 0; y < h; y++) {
        const uint8_t *from = data + y * stride;
        for (size_t x = 0; x < w; x++, from += bytes, to += 3) {
            to[0] = from[red];
            to[1] = from[green];
            to[2] = from[blue];
        }
    }
    *out = d->rgb;
    return YT_OK;
}

static yt_status run(yt_detector *d, const yt_pixels *pixels, int *n, yt_err *err) {
    const uint8_t *rgb;
    YT_TRY(check_pixels(pixels, err));
    YT_TRY(as_rgb(d, pixels, &rgb, err));
    return yti_predictor_run(d->predictor, rgb, pixels->width, pixels->height, d->found, n, err);
}

yt_status yt_detector_run(yt_detector *detector, const yt_pixels *pixels, yt_detection *found, size_t capacity,
                          size_t *n_found, yt_err *err) {
    int n = 0;
    yt_status status;
    YTI_IN_C_LOCALE(status = run(detector, pixels, &n, err));
    if (status != YT_OK) return status;
    const size_t best = (size_t)n < capacity ? (size_t)n : capacity;
    if (best > 0) memcpy(found, detector->found, best * sizeof *found);
    *n_found = (size_t)n;
    return YT_OK;
}

/* ---- what it is ---- */

int yt_detector_classes(const yt_detector *detector) {
    return detector->trained->names.count;
}

const char *yt_detector_class_name(const yt_detector *detector, int class_id) {
    const yti_class_names *names = &detector->trained->names;
    return class_id >= 0 && class_id < names->count ? names->names[class_id] : NULL;
}

const char *yt_detector_model(const yt_detector *detector) {
    return detector->trained->model->name;
}

int yt_detector_input_size(const yt_detector *detector) {
    return yti_predictor_side(detector->predictor);
}

size_t yt_detector_max_found(const yt_detector *detector) {
    return (size_t)detector->options.max_det;
}

const char *yt_detector_license(const yt_detector *detector) {
    return detector->trained->model->base_license;
}

size_t yt_detector_own_bytes(const yt_detector *detector) {
    return sizeof *detector + (size_t)detector->options.max_det * sizeof *detector->found + detector->rgb_bytes +
           yti_predictor_bytes(detector->predictor);
}

size_t yt_detector_shared_bytes(const yt_detector *detector) {
    const yti_model *model = detector->trained->model;
    return (model->param_count + model->buffer_count) * sizeof(float);
}
