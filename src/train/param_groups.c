/* param_groups.c: which parameters are stepped, by which treatment, and which values are averaged.
 *
 * Frozen rows are in neither: averaging even a constant would move its last bit. Parameters of one kind lie
 * together in memory, so that what is left are few long stretches.
 */
#include "train/training.h"

#include <stdlib.h>
#include <string.h>

/* MuSGD trains the class branches of a head in row 23 faster (spec training 4.1). That means the family's
 * YOLO11 and YOLO26, whose head it is; YOLOv8's is row 22. */
static bool is_fast(yt_optimizer_kind kind, const char *name) {
    return kind == YT_OPTIM_MUSGD && strstr(name, "23") && strstr(name, "cv3");
}

/* A weight lies in memory as [kh][kw][in][out]: a matrix with out columns. */
static yt_param_span span_of(const yt_param_info *info, yt_optimizer_kind kind) {
    yt_group group = (yt_group)info->kind;
    return (yt_param_span){.offset = info->offset,
                           .count = info->count,
                           .group = is_fast(kind, info->name) ? yt_group_fast(group) : group,
                           .columns = info->n_dims >= 2 ? (size_t)info->dims[0] : 0};
}
_Static_assert((int)YT_PARAM_WEIGHT == (int)YT_GROUP_WEIGHT && (int)YT_PARAM_NORM == (int)YT_GROUP_NORM &&
                   (int)YT_PARAM_BIAS == (int)YT_GROUP_BIAS,
               "the kinds of trained parameters are the groups of the optimiser");

static int by_offset(const void *a, const void *b) {
    const yt_param_span *x = a, *y = b;
    return (x->offset > y->offset) - (x->offset < y->offset);
}

yt_status yti_optimizer_create(const yt_model *model, yt_optimizer_kind kind, double weight_decay,
                               double momentum, int threads, yt_optimizer **out, yt_err *err) {
    yt_param_span *spans = calloc((size_t)model->n_params + 1, sizeof *spans);
    if (!spans) return yt_fail(err, YT_NO_MEMORY, "no memory for the optimiser");
    size_t n_spans = 0;
    for (int i = 0; i < model->n_params; i++) {
        const yt_param_info *info = &model->params[i];
        if (yt_in_params(info) && !info->frozen) spans[n_spans++] = span_of(info, kind);
    }
    qsort(spans, n_spans, sizeof *spans, by_offset); /* neighbours are stepped in one sweep */
    yt_status status =
        yt_optimizer_create(kind, model->param_count, spans, n_spans, (float)weight_decay, threads, out, err);
    free(spans);
    if (status == YT_OK) yt_optimizer_set_beta1(*out, momentum);
    return status;
}

/* Appends a stretch, joined to the last one where it follows it. */
static void add_stretch(yti_stretches *list, size_t offset, size_t count) {
    yti_stretch *last = list->count ? &list->at[list->count - 1] : NULL;
    if (last && last->offset + last->count == offset)
        last->count += count;
    else
        list->at[list->count++] = (yti_stretch){offset, count};
}

/* All parameters that are trained, or all statistics that move; params of one kind are in order of offset. */
static yt_status find_stretches(const yt_model *model, yt_param_kind first, yt_param_kind last,
                                yti_stretches *out, yt_err *err) {
    out->at = calloc((size_t)model->n_params + 1, sizeof *out->at);
    if (!out->at) return yt_fail(err, YT_NO_MEMORY, "no memory for the moving average of the weights");
    for (int kind = (int)first; kind <= (int)last; kind++)
        for (int i = 0; i < model->n_params; i++) {
            const yt_param_info *info = &model->params[i];
            if ((int)info->kind == kind && !info->frozen) add_stretch(out, info->offset, info->count);
        }
    return YT_OK;
}

yt_status yti_find_averaged(yt_training *t, yt_err *err) {
    YT_TRY(find_stretches(t->model, YT_PARAM_WEIGHT, YT_PARAM_BIAS, &t->averaged_params, err));
    return find_stretches(t->model, YT_PARAM_BUFFER, YT_PARAM_BUFFER, &t->averaged_buffers, err);
}
