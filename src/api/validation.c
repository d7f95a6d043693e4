/* validation.c: the validation of the public API: an evaluation of validate/, of which the numbers stay. */
#include "yolotrain/validate.h"
#include "api/call.h"
#include "api/search.h"
#include "validate/evaluation.h"

#include <stdlib.h>
#include <string.h>

_Static_assert(YT_COCO_NUMBERS == 12, "validate.h says so");

/* ---- options ---- */

struct yt_validate_options {
    yti_options set;
    yt_validate_message_fn on_message;
    void *context;
};

const yt_option *yt_validate_option(size_t index) {
    return index < yti_evaluation_row_count ? &yti_evaluation_rows[index] : NULL;
}

yt_status yt_validate_options_create(yt_validate_options **out, yt_err *err) {
    yt_validate_options *options = calloc(1, sizeof *options);
    if (!options) return yti_no_memory(err, "options");
    yt_status status;
    YTI_IN_C_LOCALE(status = yti_options_init(yti_evaluation_rows, yti_evaluation_row_count, &options->set, err));
    if (status == YT_OK)
        *out = options;
    else
        free(options);
    return status;
}

void yt_validate_options_destroy(yt_validate_options *options) {
    if (!options) return;
    yti_options_free(&options->set);
    free(options);
}

yt_status yt_validate_options_set(yt_validate_options *options, const char *name, const char *value, yt_err *err) {
    yt_status status;
    YTI_IN_C_LOCALE(status = yti_options_set(&options->set, name, value, err));
    return status;
}

const char *yt_validate_options_get(const yt_validate_options *options, const char *name) {
    const yti_option_value *value = yti_options_find(&options->set, name);
    return value ? value->text : NULL;
}

void yt_validate_options_on_message(yt_validate_options *options, yt_validate_message_fn fn, void *context) {
    options->on_message = fn;
    options->context = context;
}

/* ---- running ---- */

struct yt_validation {
    yt_metrics all;
    int n_classes;
    yt_metrics *classes; /* [n_classes] */
    char **names;        /* [n_classes] */
    double coco[YT_COCO_NUMBERS];
    double seconds;
};

static void show_message(void *context, const char *text) {
    const yt_validate_options *options = context;
    if (options->on_message) YTI_IN_PROGRAM_LOCALE(options->on_message(options->context, text));
}

/* The numbers of an evaluation, which live on in its validator only as long as it. */
static yt_status keep(yt_validation *v, const yti_evaluation *e, yt_err *err) {
    const yti_metrics_result *m = &e->result.metrics;
    v->all = (yt_metrics){m->n_images, m->n_truth, m->precision, m->recall, m->ap50, m->ap};
    v->seconds = e->result.seconds;
    memcpy(v->coco, e->coco_numbers, sizeof v->coco);
    v->classes = calloc((size_t)m->n_classes + 1, sizeof *v->classes);
    v->names = calloc((size_t)m->n_classes + 1, sizeof *v->names);
    if (!v->classes || !v->names) return yti_no_memory(err, "%d classes", m->n_classes);
    v->n_classes = m->n_classes;
    for (int c = 0; c < m->n_classes; c++) {
        const yti_class_metrics *k = &m->classes[c];
        if (k->n_truth > 0)
            v->classes[c] = (yt_metrics){k->n_images, k->n_truth, k->precision, k->recall, k->ap50, k->ap};
        v->names[c] = strdup(e->names[c]);
        if (!v->names[c]) return yti_no_memory(err, "%d classes", m->n_classes);
    }
    return YT_OK;
}

static yt_status evaluate(yt_validation *v, const char *weights, const char *data, yt_validate_options *options,
                          yt_err *err) {
    yti_search search;
    yti_search_init(&search);
    const yti_evaluation_input input = {.weights = weights,
                                        .data = data,
                                        .search_dirs = search.dirs,
                                        .options = &options->set,
                                        .message = show_message,
                                        .context = options};
    yti_evaluation *evaluation;
    YT_TRY(yti_evaluation_open(&input, &evaluation, err));
    yt_status status = yti_evaluation_run(evaluation, NULL, false, err);
    if (status == YT_OK) status = keep(v, evaluation, err);
    yti_evaluation_close(evaluation);
    return status;
}

/* With copies of the options, or with the defaults. */
static yt_status run(yt_validation *v, const char *weights, const char *data, const yt_validate_options *options,
                     yt_err *err) {
    yt_validate_options used = {0};
    if (options) {
        YT_TRY(yti_options_copy(&options->set, &used.set, err));
        used.on_message = options->on_message;
        used.context = options->context;
    } else {
        YT_TRY(yti_options_init(yti_evaluation_rows, yti_evaluation_row_count, &used.set, err));
    }
    const yt_status status = evaluate(v, weights, data, &used, err);
    yti_options_free(&used.set);
    return status;
}

yt_status yt_validation_run(const char *weights, const char *data, const yt_validate_options *options,
                            yt_validation **out, yt_err *err) {
    yt_validation *v = calloc(1, sizeof *v);
    if (!v) return yti_no_memory(err, "a validation");
    yt_status status;
    YTI_IN_C_LOCALE(status = run(v, weights, data, options, err));
    if (status == YT_OK)
        *out = v;
    else
        yt_validation_destroy(v);
    return status;
}

void yt_validation_destroy(yt_validation *v) {
    if (!v) return;
    for (int c = 0; c < v->n_classes; c++) free(v->names[c]);
    free(v->names);
    free(v->classes);
    free(v);
}

/* ---- results ---- */

const yt_metrics *yt_validation_all(const yt_validation *v) {
    return &v->all;
}

int yt_validation_classes(const yt_validation *v) {
    return v->n_classes;
}

const char *yt_validation_class_name(const yt_validation *v, int class_id) {
    return class_id >= 0 && class_id < v->n_classes ? v->names[class_id] : NULL;
}

const yt_metrics *yt_validation_class(const yt_validation *v, int class_id) {
    return class_id >= 0 && class_id < v->n_classes ? &v->classes[class_id] : NULL;
}

const double *yt_validation_coco(const yt_validation *v) {
    return v->coco;
}

double yt_validation_seconds(const yt_validation *v) {
    return v->seconds;
}
