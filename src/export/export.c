/* export.c: the way from a file of weights to a file that other programs run; see export.h. */
#include "export/export.h"
#include "export/metadata.h"
#include "export/ncnn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const yti_export_heads[] = {
#define YTI_EXPORT_HEAD_WORD(code, word) word,
    YTI_EXPORT_HEAD_MAP(YTI_EXPORT_HEAD_WORD)
#undef YTI_EXPORT_HEAD_WORD
        NULL};

const char *const yti_export_ranges[] = {"percentile", "minmax", NULL};
static const double kept_of_range[] = {0.99999, 1};

/* clang-format off */
const yt_option yti_export_rows[] = {
    YTI_EXPORT_ROWS,
    {"half", 0, YT_OPTION_FLAG, NULL, 0, 0, NULL, NULL, "Network",
     "compute in 16-bit floats up to the decoding of boxes; input and output stay 32-bit floats"},
};
/* clang-format on */
const size_t yti_export_row_count = sizeof yti_export_rows / sizeof *yti_export_rows;

enum { LARGEST_SIDE = 8192, LARGEST_BATCH = 4096 };

/* What the options come to for one network. */
typedef struct plan {
    yti_tail tail;
    yti_net_size size; /* as the net has it */
    int height, width; /* where it is open, the size it was trained at */
    bool dynamic, half, int8;
    int opset;
} plan;

static int rounded_up(long side, int multiple) {
    return (int)((side + multiple - 1) / multiple * multiple);
}

/* "640", "480x640" or "auto". */
static yt_status read_size(const char *text, int trained, int multiple, plan *p, yt_err *err) {
    long height = trained, width = trained;
    if (strcmp(text, "auto") != 0) {
        char *end;
        height = width = strtol(text, &end, 10);
        if ((*end == 'x' || *end == ',') && end > text) width = strtol(end + 1, &end, 10);
        if (*end || height < 32 || width < 32 || height > LARGEST_SIDE || width > LARGEST_SIDE)
            return yt_fail(err, YT_ERR_ARGUMENT, "imgsz: \"%s\" is neither a size from 32 to %d nor HEIGHTxWIDTH", text,
                           LARGEST_SIDE);
    }
    p->height = rounded_up(height, multiple);
    p->width = rounded_up(width, multiple);
    p->size.height = p->dynamic ? YTI_NET_OPEN : p->height;
    p->size.width = p->dynamic ? YTI_NET_OPEN : p->width;
    return YT_OK;
}

static yt_status read_batch(const char *text, plan *p, yt_err *err) {
    char *end;
    const long batch = strtol(text, &end, 10);
    if (strcmp(text, "open") == 0)
        p->size.batch = YTI_NET_OPEN;
    else if (*end || batch < 1 || batch > LARGEST_BATCH)
        return yt_fail(err, YT_ERR_ARGUMENT, "batch: \"%s\" is neither a number from 1 to %d nor \"open\"", text,
                       LARGEST_BATCH);
    else
        p->size.batch = batch;
    if (p->dynamic) p->size.batch = YTI_NET_OPEN;
    return YT_OK;
}

static yt_status check_int8(const yti_options *o, yti_export_format format, const plan *p, yt_err *err) {
    static const char *const with_calib[] = {"calib", "calib-images", "calib-range"};
    const char *data = yti_options_text(o, "calib");
    for (size_t i = 0; i < sizeof with_calib / sizeof *with_calib && !p->int8; i++)
        if (yti_options_find(o, with_calib[i])->typed)
            return yt_fail(err, YT_ERR_ARGUMENT, "%s: chooses the scales of int8, which is not asked for",
                           with_calib[i]);
    if (!p->int8) return YT_OK;
    if (format != YTI_EXPORT_ONNX)
        return yt_fail(err, YT_ERR_ARGUMENT,
                       "int8: is of ONNX files; ncnn's own tools (ncnn2table, ncnn2int8) make its");
    if (!data || !*data)
        return yt_fail(err, YT_ERR_ARGUMENT,
                       "int8: needs calib, a dataset whose images show which values the maps take");
    if (p->half) return yt_fail(err, YT_ERR_ARGUMENT, "int8: goes with 32-bit floats; leave half out");
    if (p->opset < 13)
        return yt_fail(err, YT_ERR_ARGUMENT, "int8: a scale per channel needs opset 13 or above, not %d", p->opset);
    return YT_OK;
}

/* What can be said before the weights are read. */
static yt_status read_options(const yti_options *o, yti_export_format format, plan *p, yt_err *err) {
    *p = (plan){.dynamic = yti_options_flag(o, "dynamic"),
                .half = yti_options_flag(o, "half"),
                .int8 = yti_options_flag(o, "int8"),
                .opset = yti_options_int(o, "opset"),
                .tail = {.head = (yti_export_head)yti_options_find(o, "head")->number,
                         .nms = yti_options_flag(o, "nms"),
                         .conf = (float)yti_options_double(o, "conf"),
                         .iou = (float)yti_options_double(o, "iou"),
                         .max_det = yti_options_int(o, "max-det")}};
    if (!p->tail.nms && (yti_options_find(o, "conf")->typed || yti_options_find(o, "iou")->typed))
        return yt_fail(err, YT_ERR_ARGUMENT, "conf and iou: are of the NMS that nms puts into the network");
    if (format == YTI_EXPORT_NCNN && yti_options_find(o, "opset")->typed)
        return yt_fail(err, YT_ERR_ARGUMENT, "opset: is of ONNX files; ncnn has none");
    YT_TRY(check_int8(o, format, p, err));
    YT_TRY(read_batch(yti_options_text(o, "batch"), p, err));
    if (p->tail.nms && p->tail.head != YTI_HEAD_O2M)
        return yt_fail(err, YT_ERR_ARGUMENT, "nms: goes with head o2m; with %s there is nothing to suppress",
                       yti_export_heads[p->tail.head]);
    if (p->tail.nms && p->size.batch != 1)
        return yt_fail(err, YT_ERR_ARGUMENT, "nms: works on one image per run; leave batch and dynamic out");
    return YT_OK;
}

/* The weights as they were read, and the fused network that is exported, whose values are made when they are written.
 * In integers the network has its own values, and is lent by `trained`. */
typedef struct subject {
    yti_model *read, *fused;
    yti_class_names names;
    int imgsz;
    yti_trained *trained; /* NULL: in floats */
    yti_quantization quantization;
} subject;

static void close_subject(subject *s) {
    yti_model_destroy(s->read);
    if (!s->trained) {
        yti_model_destroy(s->fused);
        yti_class_names_free(&s->names);
    }
    yti_quantization_free(&s->quantization);
    yti_trained_close(s->trained);
}

static yt_status values_of(const void *context, const yti_param_info *info, float *to, yt_err *err) {
    const subject *s = context;
    if (s->trained) {
        memcpy(to, s->fused->state.params + info->offset, info->count * sizeof *to);
        return YT_OK;
    }
    return yti_fused_values(info, s->read, &s->read->state, to, err);
}

static yt_status choose_branch(const subject *s, const plan *p, bool *one_to_one, yt_err *err) {
    const bool has_one = yti_model_branch(s->read, true) >= 0, has_many = yti_model_branch(s->read, false) >= 0;
    *one_to_one = p->tail.head == YTI_HEAD_O2O || !has_many;
    if (p->tail.head == YTI_HEAD_O2O && !has_one)
        return yt_fail(err, YT_ERR_ARGUMENT, "head: %s has no one-to-one branch; o2m is for that, with or without nms",
                       s->read->name);
    if (p->tail.head == YTI_HEAD_O2M && !has_many)
        return yt_fail(err, YT_ERR_ARGUMENT, "head: %s has a one-to-one branch only; o2o is for that", s->read->name);
    return YT_OK;
}

static yt_status fuse_for_integers(subject *s, bool one_to_one, yt_err *err) {
    yti_model *fused;
    YT_TRY(yti_model_fuse_split(s->read, &s->read->state, one_to_one, &fused, err));
    const yt_status status = yti_trained_of(fused, &s->names, s->imgsz, one_to_one, &s->trained, err);
    if (status == YT_OK) {
        s->fused = fused;
        s->names = s->trained->names;
    } else {
        yti_model_destroy(fused);
    }
    return status;
}

static yt_status open_subject(const yti_export_job *job, const plan *p, subject *out, yt_err *err) {
    subject s = {0};
    bool one_to_one;
    YT_TRY(yti_weights_open(job->weights, job->model, job->search_dirs, &s.read, &s.names, &s.imgsz, err));
    yt_status status = choose_branch(&s, p, &one_to_one, err);
    if (status == YT_OK && s.names.count != s.read->n_classes)
        status = yt_fail(err, YT_ERR_MISMATCH, "%s: names %d classes for a model of %d", job->weights, s.names.count,
                         s.read->n_classes);
    if (status == YT_OK)
        status = p->int8 ? fuse_for_integers(&s, one_to_one, err)
                         : yti_model_fuse_shape(s.read, one_to_one, &s.fused, err);
    if (status == YT_OK)
        *out = s;
    else
        close_subject(&s);
    return status;
}

/* "output0 (1, 84, 8400)", a ? for what is open. */
static void name_outputs(const yti_net *net, char *text, size_t room) {
    size_t used = 0;
    text[0] = '\0';
    for (int i = 0; i < net->n_outputs && used < room; i++) {
        const yti_net_tensor *t = &net->tensors[net->outputs[i]];
        used += (size_t)snprintf(text + used, room - used, "%s%s (", i ? ", " : "", t->name);
        for (int d = 0; d < t->n_dims && used < room; d++)
            used += (size_t)(t->dims[d] == YTI_NET_OPEN
                                 ? snprintf(text + used, room - used, "%s?", d ? ", " : "")
                                 : snprintf(text + used, room - used, "%s%lld", d ? ", " : "", (long long)t->dims[d]));
        if (used < room) used += (size_t)snprintf(text + used, room - used, ")");
    }
}

/* Readers of Ultralytics' exports take a file whose first output dimension has a name for one of any height and width.
 */
static const char *const open_batch[YTI_NET_DIMS] = {"batch"},
                         *const open_input[YTI_NET_DIMS] = {"batch", NULL, "height", "width"},
                         *const open_anchors[YTI_NET_DIMS] = {"batch", NULL, "anchors"};

static yt_status write_net(const yti_export_job *job, const plan *p, const subject *s, const yti_net *net,
                           yti_export_report *report, yt_err *err) {
    const yti_export_facts facts = {.model = s->fused,
                                    .names = &s->names,
                                    .height = p->height,
                                    .width = p->width,
                                    .batch = p->size.batch > 0 ? (int)p->size.batch : 1,
                                    .opset = job->format == YTI_EXPORT_ONNX ? p->opset : 0,
                                    .dynamic = p->dynamic,
                                    .half = p->half,
                                    .nms = p->tail.nms,
                                    .end2end = p->tail.head == YTI_HEAD_O2O};
    yti_metadata metadata = {0};
    yti_onnx_file file = {.path = job->output,
                          .name = s->fused->name,
                          .opset = p->opset,
                          .metadata = &metadata,
                          .input_dims = p->dynamic ? open_input : open_batch,
                          .external_above = job->external_above ? job->external_above : YTI_ONNX_LARGEST};
    const yti_ncnn_folder folder = {.path = job->output, .half = p->half, .metadata = &metadata, .names = &s->names};
    for (int i = 0; i < net->n_outputs && p->dynamic; i++)
        file.output_dims[i] = p->tail.head == YTI_HEAD_RAW ? open_input : open_anchors;
    yt_status status = yti_export_describe(&facts, &metadata, err);
    if (status == YT_OK)
        status = job->format == YTI_EXPORT_NCNN ? yti_ncnn_write(net, &folder, &report->written.loss, err)
                                                : yti_onnx_write(net, &file, &report->written, err);
    yti_metadata_free(&metadata);
    return status;
}

static yt_status bring_into_integers(const yti_export_job *job, const plan *p, subject *s, yti_int8_report *report,
                                     yt_err *err) {
    const yti_options *o = job->options;
    const yti_int8_job int8 = {.data = yti_options_text(o, "calib"),
                               .images = yti_options_int(o, "calib-images"),
                               .kept = kept_of_range[(size_t)yti_options_find(o, "calib-range")->number],
                               .width = p->width,
                               .height = p->height,
                               .threads = yti_threads_of(yti_options_find(o, "threads")),
                               .message = job->message,
                               .progress = job->progress,
                               .context = job->context};
    return yti_int8_make(s->trained, &int8, &s->quantization, report, err);
}

static yt_status export_subject(const yti_export_job *job, plan *p, subject *s, yti_export_report *report,
                                yt_err *err) {
    yti_net net;
    yti_net_maps maps;
    *report = (yti_export_report){.opset = p->opset};
    YT_TRY(read_size(yti_options_text(job->options, "imgsz"), s->imgsz, s->fused->max_stride, p, err));
    report->width = p->width;
    report->height = p->height;
    report->batch = p->size.batch > 0 ? (int)p->size.batch : 1;
    if (p->int8) YT_TRY(bring_into_integers(job, p, s, &report->int8, err));
    yti_net_init(&net);
    net.source = (yti_net_source){values_of, s};
    net.body = p->half && job->format == YTI_EXPORT_ONNX ? YTI_NET_HALF : YTI_NET_FLOAT;
    yt_status status = yti_lower(s->fused, p->int8 ? &s->quantization : NULL, p->size, &net, &maps, err);
    if (status == YT_OK) {
        yti_add_tail(&net, s->fused, p->size, &maps, &p->tail);
        status = net.status == YT_OK ? YT_OK : yti_no_memory(err, "the exported network");
    }
    report->nodes = net.n_nodes;
    if (status == YT_OK) status = write_net(job, p, s, &net, report, err);
    if (status == YT_OK) name_outputs(&net, report->outputs, sizeof report->outputs);
    const char *license = s->fused->base_license;
    snprintf(report->base_license, sizeof report->base_license, "%.512s", license ? license : "");
    yti_net_free(&net);
    return status;
}

yt_status yti_export_network(const yti_export_job *job, yti_export_report *report, yt_err *err) {
    plan p;
    subject s;
    YT_TRY(read_options(job->options, job->format, &p, err));
    YT_TRY(open_subject(job, &p, &s, err));
    const yt_status status = export_subject(job, &p, &s, report, err);
    close_subject(&s);
    return status;
}
