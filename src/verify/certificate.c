/* certificate.c: two answers to every image side by side; see certificate.h.
 *
 * What the file answers is brought into the form of a head (tensor/head.h), so that the same functions choose
 * detections on both sides: boxes and scores of output0 as distances and logits of a head with one bin, whose decoding
 * gives them back.
 */
#include "verify/certificate.h"
#include "base/cpu.h"
#include "base/file.h"
#include "base/json.h"
#include "eval/decode.h"
#include "image/image.h"
#include "validate/evaluation.h"
#include "verify/onnxruntime.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DET = 300, MAX_TIMED = 1000, OWN_TIMED = 20 };

typedef struct verifier {
    const yti_verify_job *job;
    yti_certificate *out;
    yti_ort *session;
    yti_trained *trained;
    float *input; /* [batch][3][height][width] */
    float *maps;  /* of the head that the file's answer is brought into */
    double ms[MAX_TIMED], own_ms[OWN_TIMED];
    int n_timed, n_own_timed;
} verifier;

static bool chooses(const yti_verify_job *job) {
    return job->head == YTI_HEAD_O2O || job->nms;
}

/* Detections of an image that are looked at. */
static int most_of(const yti_verify_job *job) {
    return chooses(job) && job->max_det < MAX_DET ? job->max_det : MAX_DET;
}

/* ---- what the file answers ---- */

/* The same image in every place of the batch. */
static void fill_input(verifier *v, const uint8_t *rgb) {
    const size_t pixels = (size_t)v->job->width * (size_t)v->job->height;
    for (int n = 0; n < v->job->batch; n++)
        for (size_t p = 0; p < pixels; p++)
            for (size_t c = 0; c < 3; c++) v->input[((size_t)n * 3 + c) * pixels + p] = (float)rgb[p * 3 + c] / 255.f;
}

static yt_status run_file(verifier *v, const uint8_t *rgb, yti_ort_output outputs[YTI_ORT_OUTPUTS], int *n,
                          yt_err *err) {
    const int64_t dims[4] = {v->job->batch, 3, v->job->height, v->job->width};
    fill_input(v, rgb);
    const double begin = yti_seconds();
    YT_TRY(yti_ort_run(v->session, v->input, dims, outputs, n, err));
    if (v->n_timed < MAX_TIMED) v->ms[v->n_timed++] = 1e3 * (yti_seconds() - begin) / v->job->batch;
    return YT_OK;
}

static yt_status unexpected(const yti_ort_output *o, yt_err *err) {
    return yt_fail(err, YT_ERR_MISMATCH, "output %s of the file has another shape than its head says", o->name);
}

/* Channels first becomes channels last. */
static void turn(float *to, const float *from, int channels, size_t cells, size_t stride) {
    for (size_t i = 0; i < cells; i++)
        for (int c = 0; c < channels; c++) *to++ = from[(size_t)c * stride + i];
}

/* Boxes (cx cy w h in pixels) as distances from the cells of a level, in cells. */
static void boxes_to_distances(const yti_head_level *level, const float *from, size_t stride, float *to) {
    const float cell = (float)level->stride;
    for (int y = 0; y < level->cls.h; y++)
        for (int x = 0; x < level->cls.w; x++, from++, to += 4) {
            const double cx = (double)from[0], cy = (double)from[stride], w = (double)from[2 * stride],
                         h = (double)from[3 * stride], px = x + 0.5, py = y + 0.5, s = (double)cell;
            to[0] = (float)(px - (cx - w / 2) / s);
            to[1] = (float)(py - (cy - h / 2) / s);
            to[2] = (float)((cx + w / 2) / s - px);
            to[3] = (float)((cy + h / 2) / s - py);
        }
}

static float logit(float score) {
    const double p = (double)score;
    return p <= 0 ? -200.f : p >= 1 ? 200.f : (float)(log(p) - log1p(-p));
}

/* output0 of O2M, (n, 4 + classes, anchors), or the maps of RAW, of the first image. */
static yt_status head_of_file(verifier *v, const yti_ort_output *outputs, int n, yti_head *head, yt_err *err) {
    const yti_model *model = v->trained->model;
    const bool raw = v->job->head == YTI_HEAD_RAW;
    *head = (yti_head){.n_levels = model->n_levels, .n_classes = model->n_classes, .reg_max = raw ? model->reg_max : 1};
    size_t anchors = 0, before = 0;
    for (int l = 0; l < model->n_levels; l++)
        anchors += (size_t)(v->job->height / model->strides[l]) * (size_t)(v->job->width / model->strides[l]);
    if (n != (raw ? 2 * model->n_levels : 1)) return unexpected(&outputs[0], err);
    if (!raw && (outputs[0].n_dims != 3 || outputs[0].dims[1] != 4 + model->n_classes ||
                 outputs[0].dims[2] != (int64_t)anchors))
        return unexpected(&outputs[0], err);
    float *to = v->maps;
    for (int l = 0; l < model->n_levels; l++) {
        yti_head_level *level = &head->level[l];
        const int h = v->job->height / model->strides[l], w = v->job->width / model->strides[l];
        const size_t cells = (size_t)h * (size_t)w;
        level->stride = model->strides[l];
        level->box = yti_tensor_of(to, 1, h, w, 4 * head->reg_max);
        to += cells * (size_t)level->box.c;
        level->cls = yti_tensor_of(to, 1, h, w, model->n_classes);
        to += cells * (size_t)model->n_classes;
        if (raw) {
            const yti_ort_output *box = &outputs[l], *cls = &outputs[model->n_levels + l];
            if (box->n_dims != 4 || box->dims[1] != level->box.c || box->dims[2] != h || box->dims[3] != w)
                return unexpected(box, err);
            if (cls->n_dims != 4 || cls->dims[1] != model->n_classes || cls->dims[2] != h || cls->dims[3] != w)
                return unexpected(cls, err);
            turn(level->box.data, box->values, level->box.c, cells, cells);
            turn(level->cls.data, cls->values, model->n_classes, cells, cells);
        } else {
            boxes_to_distances(level, outputs[0].values + before, anchors, level->box.data);
            turn(level->cls.data, outputs[0].values + 4 * anchors + before, model->n_classes, cells, anchors);
            for (size_t i = 0; i < cells * (size_t)model->n_classes; i++)
                level->cls.data[i] = logit(level->cls.data[i]);
        }
        before += cells;
    }
    return YT_OK;
}

/* Rows x1 y1 x2 y2 score class. */
static yt_status rows_of_file(const yti_ort_output *o, float conf, yt_detection *found, int *n, yt_err *err) {
    if (o->n_dims != 3 || o->dims[2] != 6) return unexpected(o, err);
    *n = 0;
    for (int64_t i = 0; i < o->dims[1] && *n < MAX_DET; i++) {
        const float *row = o->values + 6 * i;
        if (!(row[4] > conf)) continue;
        found[(*n)++] = (yt_detection){{row[0], row[1], row[2], row[3]}, row[4], (int)row[5]};
    }
    return YT_OK;
}

static yti_detect_options detecting(const verifier *v, float conf, bool multi_label) {
    return (yti_detect_options){.conf = conf,
                                .iou = v->job->iou,
                                .max_det = most_of(v->job),
                                .end2end = v->job->head == YTI_HEAD_O2O,
                                .multi_label = multi_label};
}

/* Detections of the file in an image of the size of its input, and the head where there is one. */
static yt_status detect_by_file(verifier *v, const uint8_t *rgb, float conf, bool multi_label, yti_head *head,
                                yt_detection *found, int *n, yt_err *err) {
    yti_ort_output outputs[YTI_ORT_OUTPUTS];
    int n_outputs;
    YT_TRY(run_file(v, rgb, outputs, &n_outputs, err));
    if (chooses(v->job)) return rows_of_file(&outputs[0], conf, found, n, err);
    YT_TRY(head_of_file(v, outputs, n_outputs, head, err));
    const yti_detect_options options = detecting(v, conf, multi_label);
    return yti_detect(head, 0, &options, found, n, err);
}

/* ---- side by side ---- */

static void widen(double *worst, double difference) {
    *worst = isnan(difference) ? HUGE_VAL : fmax(*worst, difference);
}

static double box_difference(yt_xyxy a, yt_xyxy b) {
    const double x = fmax(fabs((double)a.x1 - (double)b.x1), fabs((double)a.x2 - (double)b.x2)),
                 y = fmax(fabs((double)a.y1 - (double)b.y1), fabs((double)a.y2 - (double)b.y2));
    return isnan(x) || isnan(y) ? HUGE_VAL : fmax(x, y);
}

static void compare_anchors(yti_certificate *out, const yti_head *here, const yti_head *there) {
    const size_t anchors = yti_anchor_count(here);
    for (size_t a = 0; a < anchors; a++) {
        const float *x = yti_anchor_logits(here, 0, a), *y = yti_anchor_logits(there, 0, a);
        for (int c = 0; c < here->n_classes; c++)
            widen(&out->score, fabs((double)yti_sigmoid(x[c]) - (double)yti_sigmoid(y[c])));
        widen(&out->box_px, box_difference(yti_decode_box(here, 0, a, false), yti_decode_box(there, 0, a, false)));
    }
}

/* The nearest of the same class that no other has; -1: there is none. */
static int counterpart(const yt_detection *of, const yt_detection *among, const bool *taken, int n) {
    int best = -1;
    for (int i = 0; i < n; i++) {
        if (taken[i] || among[i].class_id != of->class_id) continue;
        if (best < 0 || box_difference(of->box, among[i].box) < box_difference(of->box, among[best].box)) best = i;
    }
    return best;
}

/* One that is above the bound on one side and by less than what counts below it on the other differs by that only. */
static void compare_detections(yti_certificate *out, const yt_detection *here, int n_here, const yt_detection *there,
                               int n_there) {
    bool taken[MAX_DET] = {false};
    int alone = n_there;
    out->detections += n_here > n_there ? n_here : n_there;
    for (int i = 0; i < n_here; i++) {
        const int k = counterpart(&here[i], there, taken, n_there);
        if (k < 0) {
            out->differing += here[i].score > YTI_VERIFY_CONF + YTI_VERIFY_SCORE;
            continue;
        }
        taken[k] = true;
        alone--;
        const double score = fabs((double)here[i].score - (double)there[k].score),
                     box = box_difference(here[i].box, there[k].box);
        out->differing += !(score <= (double)YTI_VERIFY_SCORE && box <= (double)YTI_VERIFY_PX);
        if (out->has_raw) continue;
        widen(&out->score, score);
        widen(&out->box_px, box);
    }
    for (int k = 0; k < n_there && alone > 0; k++)
        out->differing += !taken[k] && there[k].score > YTI_VERIFY_CONF + YTI_VERIFY_SCORE;
}

static yt_status detect_here(verifier *v, const uint8_t *rgb, float conf, yti_head *head, yt_detection *found, int *n,
                             yt_err *err) {
    yti_model *model = v->trained->model;
    yti_model_set_input(model, rgb);
    yti_model_forward(model, &model->state, NULL);
    *head = yti_model_head(model, 0);
    const yti_detect_options options = detecting(v, conf, false);
    return yti_detect(head, 0, &options, found, n, err);
}

static float bound(const verifier *v) {
    return v->job->nms && v->job->conf > YTI_VERIFY_CONF ? v->job->conf : YTI_VERIFY_CONF;
}

static yt_status compare_image(verifier *v, const char *path, uint8_t *rgb, yt_err *err) {
    yt_detection here[MAX_DET], there[MAX_DET];
    yti_head own, file_head;
    int n_here, n_there;
    YT_TRY(yti_letterbox_load(path, v->job->width, v->job->height, rgb, err));
    YT_TRY(detect_here(v, rgb, bound(v), &own, here, &n_here, err));
    YT_TRY(detect_by_file(v, rgb, bound(v), false, &file_head, there, &n_there, err));
    if (v->out->has_raw) compare_anchors(v->out, &own, &file_head);
    compare_detections(v->out, here, n_here, there, n_there);
    return YT_OK;
}

/* Before the runtime is opened, whose threads wait by spinning. */
static yt_status time_own(verifier *v, const yti_split *split, uint8_t *rgb, yt_err *err) {
    yt_detection found[MAX_DET];
    yti_head head;
    int n;
    for (int i = 0; i < split->n_samples && i < OWN_TIMED; i++) {
        YT_TRY(yti_letterbox_load(split->samples[i].image_path, v->job->width, v->job->height, rgb, err));
        const double begin = yti_seconds();
        YT_TRY(detect_here(v, rgb, bound(v), &head, found, &n, err));
        v->own_ms[v->n_own_timed++] = 1e3 * (yti_seconds() - begin);
    }
    return YT_OK;
}

static yt_status compare_images(verifier *v, const yti_split *split, yt_err *err) {
    yti_model *model = v->trained->model;
    uint8_t *rgb = malloc((size_t)v->job->width * (size_t)v->job->height * 3);
    if (!rgb) return yti_no_memory(err, "an input of %d x %d pixels", v->job->width, v->job->height);
    yt_status status = yti_model_plan(model, YT_MODE_EVAL, 1, v->job->height, v->job->width, v->job->threads, err);
    if (status == YT_OK) {
        yti_model_prepare(model, &model->state);
        status = time_own(v, split, rgb, err);
    }
    if (status == YT_OK) status = yti_ort_open(v->job->file, v->job->threads, &v->session, err);
    for (int i = 0; i < split->n_samples && status == YT_OK; i++) {
        status = compare_image(v, split->samples[i].image_path, rgb, err);
        if (v->job->progress && status == YT_OK)
            v->job->progress(v->job->context, "comparison", i + 1, split->n_samples);
    }
    v->out->images = split->n_samples;
    free(rgb);
    return status;
}

static yt_status compare(verifier *v, yt_err *err) {
    yti_dataset dataset;
    yti_split split = {0};
    const yti_scan_options scan = {
        .fraction = 1, .problem = v->job->message, .context = v->job->context, .threads = v->job->threads};
    YT_TRY(yti_dataset_open(v->job->data, &dataset, err));
    yt_status status = yti_dataset_scan(&dataset, "val", &scan, &split, err);
    if (status == YT_OK) status = compare_images(v, &split, err);
    yti_split_free(&split);
    yti_dataset_close(&dataset);
    return status;
}

/* ---- average precision ---- */

static yt_status detect_batch(void *context, const yti_batch *batch, int image, yt_detection *out, int max_det, int *n,
                              yt_err *err) {
    verifier *v = context;
    yti_head head;
    (void)max_det; /* MAX_DET, which validation asks for */
    const size_t bytes = (size_t)batch->h * (size_t)batch->w * 3;
    return detect_by_file(v, batch->rgb + (size_t)image * bytes, 0.001f, true, &head, out, n, err);
}

/* Both sides by the rules of the file, where it has NMS in it. */
static yt_status judge(verifier *v, bool by_file, yt_err *err) {
    yti_options options;
    yti_square_ap found;
    char conf[32], iou[32], most[16];
    snprintf(conf, sizeof conf, "%g", v->job->nms ? (double)v->job->conf : 0.001);
    snprintf(iou, sizeof iou, "%g", (double)v->job->iou);
    snprintf(most, sizeof most, "%d", most_of(v->job));
    const struct {
        const char *name, *value;
    } settings[] = {
        {"conf", conf}, {"iou", iou}, {"max-det", most}, {"nms", v->job->head == YTI_HEAD_O2O ? "false" : "true"}};
    const yti_evaluation_input input = {.trained = v->trained,
                                        .data = v->job->data,
                                        .options = &options,
                                        .detect = by_file ? detect_batch : NULL,
                                        .detect_context = v};
    YT_TRY(yti_options_init(yti_evaluation_rows, yti_evaluation_row_count, &options, err));
    yt_status status = YT_OK;
    for (size_t i = 0; i < sizeof settings / sizeof *settings && status == YT_OK; i++)
        status = yti_options_set(&options, settings[i].name, settings[i].value, err);
    if (status == YT_OK) status = yti_evaluation_square(&input, v->job->width, v->job->threads, &found, err);
    if (status == YT_OK) {
        *(by_file ? &v->out->ap50 : &v->out->own_ap50) = found.ap50;
        *(by_file ? &v->out->ap : &v->out->own_ap) = found.ap;
    }
    yti_options_free(&options);
    return status;
}

/* ---- the whole ---- */

static int ascending(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, int n) {
    qsort(values, (size_t)n, sizeof *values, ascending);
    return n ? values[n / 2] : 0;
}

static yt_status verify(verifier *v, yt_err *err) {
    const yti_verify_job *job = v->job;
    const yti_open_options open = {.model = job->model,
                                   .search_dirs = job->search_dirs,
                                   .nms = job->head == YTI_HEAD_O2O ? YT_NMS_FALSE : YT_NMS_AUTO};
    YT_TRY(yti_trained_open(job->weights, &open, &v->trained, err));
    const yti_model *model = v->trained->model;
    size_t anchors = 0;
    for (int l = 0; l < model->n_levels; l++)
        anchors += (size_t)(job->height / model->strides[l]) * (size_t)(job->width / model->strides[l]);
    v->input = malloc((size_t)job->batch * 3 * (size_t)job->height * (size_t)job->width * sizeof *v->input);
    v->maps = malloc(anchors * (size_t)(4 * model->reg_max + model->n_classes) * sizeof *v->maps + 1);
    if (!v->input || !v->maps) return yti_no_memory(err, "what the file answers");
    YT_TRY(compare(v, err));
    snprintf(v->out->runtime, sizeof v->out->runtime, "ONNX Runtime");
    snprintf(v->out->version, sizeof v->out->version, "%.31s", yti_ort_version(v->session));
    v->out->ms = median(v->ms, v->n_timed);
    v->out->own_ms = median(v->own_ms, v->n_own_timed);
    v->out->has_ap = job->width == job->height;
    if (!v->out->has_ap) return YT_OK;
    YT_TRY(judge(v, false, err));
    return judge(v, true, err);
}

yt_status yti_verify(const yti_verify_job *job, yti_certificate *out, yt_err *err) {
    verifier *v = calloc(1, sizeof *v);
    if (!v) return yti_no_memory(err, "a certificate");
    *out = (yti_certificate){.has_raw = !chooses(job)};
    v->job = job;
    v->out = out;
    const yt_status status = verify(v, err);
    yti_ort_close(v->session);
    yti_trained_close(v->trained);
    free(v->input);
    free(v->maps);
    free(v);
    return status;
}

yt_status yti_certificate_save(const yti_certificate *c, const yti_verify_job *job, const char *path, yt_err *err) {
    yti_json_writer w = {0};
    yti_json_object(&w, NULL);
    yti_json_text(&w, "file", yti_path_base(job->file));
    yti_json_text(&w, "weights", yti_path_base(job->weights));
    yti_json_text(&w, "data", yti_path_base(job->data));
    yti_json_text(&w, "runtime", c->runtime);
    yti_json_text(&w, "runtime_version", c->version);
    yti_json_number(&w, "width", job->width);
    yti_json_number(&w, "height", job->height);
    yti_json_number(&w, "images", c->images);
    yti_json_text(&w, "compared", c->has_raw ? "every anchor" : "detections");
    yti_json_number(&w, "largest_score_difference", c->score);
    yti_json_number(&w, "largest_box_difference_px", c->box_px);
    yti_json_number(&w, "confidence", 0.25);
    yti_json_number(&w, "score_tolerance", 1e-3);
    yti_json_number(&w, "box_tolerance_px", 0.5);
    yti_json_number(&w, "detections", c->detections);
    yti_json_number(&w, "detections_that_differ", c->differing);
    if (c->has_ap) {
        yti_json_number(&w, "map50", c->ap50);
        yti_json_number(&w, "map50_95", c->ap);
        yti_json_number(&w, "map50_of_weights", c->own_ap50);
        yti_json_number(&w, "map50_95_of_weights", c->own_ap);
    }
    yti_json_number(&w, "threads", job->threads);
    yti_json_number(&w, "ms_per_image", c->ms);
    yti_json_number(&w, "ms_per_image_in_yolotrain", c->own_ms);
    yti_json_end(&w);
    return yti_json_save(&w, path, err);
}
