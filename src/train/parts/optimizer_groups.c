/* optimizer_groups.c: which parameters are stepped, by which treatment; those of frozen rows by none. */
#include "train/parts/optimizer_groups.h"

#include <stdlib.h>
#include <string.h>

static bool starts_with(const char *text, const char *start) {
    return strncmp(text, start, strlen(start)) == 0;
}

/* The class branches of the head: model.<row>.cv3.* and model.<row>.one2one_cv3.*, whichever row it is. */
static bool is_class_branch(const yti_model *model, const yti_param_info *info) {
    char row[32];
    const int length = snprintf(row, sizeof row, "model.%d.", info->row);
    if (model->rows[info->row].output >= 0 || !starts_with(info->name, row)) return false;
    const char *part = info->name + length;
    return starts_with(part, "cv3.") || starts_with(part, "one2one_cv3.");
}

/* MuSGD trains the class branches of the head faster. Until 8.4.104 the reference trainer knew them by their name in
 * YOLO11 and YOLO26, whose head is row 23, and passed over those of YOLOv8, whose head is row 22. */
static bool is_fast(const yti_model *model, const yti_optimizer_plan *plan, const yti_param_info *info) {
    if (plan->kind != YT_OPTIM_MUSGD) return false;
    if (plan->fast_by_name) return strstr(info->name, "23") && strstr(info->name, "cv3");
    return is_class_branch(model, info);
}

/* A weight lies in memory as [kh][kw][in][out]: a matrix with out columns. Tensors of one or three dimensions are
 * stepped as vectors. */
static yti_param_span span_of(const yti_model *model, const yti_optimizer_plan *plan, const yti_param_info *info) {
    const yti_group group = (yti_group)info->kind;
    const bool is_matrix = info->n_dims == 2 || info->n_dims == 4;
    return (yti_param_span){.offset = info->offset,
                            .count = info->count,
                            .group = is_fast(model, plan, info) ? yti_group_fast(group) : group,
                            .columns = is_matrix ? (size_t)info->dims[0] : 0};
}
_Static_assert((int)YT_PARAM_WEIGHT == (int)YT_GROUP_WEIGHT && (int)YT_PARAM_NORM == (int)YT_GROUP_NORM &&
                   (int)YT_PARAM_BIAS == (int)YT_GROUP_BIAS,
               "the kinds of trained parameters are the groups of the optimizer");

static int by_offset(const void *a, const void *b) {
    const yti_param_span *x = a, *y = b;
    return (x->offset > y->offset) - (x->offset < y->offset);
}

yt_status yti_run_optimizer_create(const yti_model *model, const yti_optimizer_plan *plan, yti_optimizer **out,
                                   yt_err *err) {
    yti_param_span *spans = calloc((size_t)model->n_params + 1, sizeof *spans);
    if (!spans) return yti_no_memory(err, "the optimizer");
    size_t n_spans = 0;
    for (int i = 0; i < model->n_params; i++) {
        const yti_param_info *info = &model->params[i];
        if (yti_param_is_trainable(info) && !info->frozen) spans[n_spans++] = span_of(model, plan, info);
    }
    qsort(spans, n_spans, sizeof *spans, by_offset); /* neighbours are stepped in one sweep */
    yt_status status = yti_optimizer_create(plan->kind, model->param_count, spans, n_spans, (float)plan->weight_decay,
                                            plan->threads, out, err);
    free(spans);
    if (status == YT_OK) yti_optimizer_set_beta1(*out, plan->momentum);
    return status;
}
