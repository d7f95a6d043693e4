/* export.c: the way from a file of weights to a file that other programs run; see export.h. */
#include "export/export.h"
#include "export/metadata.h"
#include "infer/trained.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const yti_export_heads[] = {
#define YTI_EXPORT_HEAD_WORD(code, word) word,
    YTI_EXPORT_HEAD_MAP(YTI_EXPORT_HEAD_WORD)
#undef YTI_EXPORT_HEAD_WORD
        NULL};

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
    bool dynamic, half;
    int opset;
} plan;

static int rounded_up(long side, int multiple) {
    return (int)((side + multiple - 1) / multiple * multiple);
}

/* "640", "480x640" or "auto". */
static yt_status read_size(const char *text, const yti_trained *trained, plan *p, yt_err *err) {
    long height = trained->imgsz, width = trained->imgsz;
    if (strcmp(text, "auto") != 0) {
        char *end;
        height = width = strtol(text, &end, 10);
        if ((*end == 'x' || *end == ',') && end > text) width = strtol(end + 1, &end, 10);
        if (*end || height < 32 || width < 32 || height > LARGEST_SIDE || width > LARGEST_SIDE)
            return yt_fail(err, YT_ERR_ARGUMENT, "imgsz: \"%s\" is neither a size from 32 to %d nor HEIGHTxWIDTH", text,
                           LARGEST_SIDE);
    }
    p->height = rounded_up(height, trained->model->max_stride);
    p->width = rounded_up(width, trained->model->max_stride);
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

/* What can be said before the weights are read. */
static yt_status read_options(const yti_options *o, plan *p, yt_err *err) {
    *p = (plan){.dynamic = yti_options_flag(o, "dynamic"),
                .half = yti_options_flag(o, "half"),
                .opset = yti_options_int(o, "opset"),
                .tail = {.head = (yti_export_head)yti_options_find(o, "head")->number,
                         .nms = yti_options_flag(o, "nms"),
                         .conf = (float)yti_options_double(o, "conf"),
                         .iou = (float)yti_options_double(o, "iou"),
                         .max_det = yti_options_int(o, "max-det")}};
    YT_TRY(read_batch(yti_options_text(o, "batch"), p, err));
    if (p->tail.nms && p->tail.head != YTI_HEAD_O2M)
        return yt_fail(err, YT_ERR_ARGUMENT, "nms: goes with head o2m; with %s there is nothing to suppress",
                       yti_export_heads[p->tail.head]);
    if (p->tail.nms && p->size.batch != 1)
        return yt_fail(err, YT_ERR_ARGUMENT, "nms: works on one image per run; leave batch and dynamic out");
    return YT_OK;
}

static yt_status open_weights(const yti_export_job *job, const plan *p, yti_trained **out, yt_err *err) {
    yti_open_options open = YT_OPEN_DEFAULTS;
    open.model = job->model;
    open.search_dirs = job->search_dirs;
    open.nms = p->tail.head == YTI_HEAD_O2O ? YT_NMS_FALSE : YT_NMS_AUTO;
    yt_status status = yti_trained_open(job->weights, &open, out, err);
    if (status == YT_ERR_ARGUMENT && err && open.nms == YT_NMS_FALSE) {
        const size_t used = strlen(err->text);
        snprintf(err->text + used, sizeof err->text - used, "; head o2m is for that, with or without nms");
    }
    YT_TRY(status);
    if (p->tail.head != YTI_HEAD_O2M || !(*out)->one_to_one) return YT_OK;
    status = yt_fail(err, YT_ERR_ARGUMENT, "head: %s has a one-to-one branch only; o2o is for that",
                     (*out)->model->name);
    yti_trained_close(*out);
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

static yt_status write_net(const yti_export_job *job, const plan *p, const yti_trained *trained, const yti_net *net,
                           yti_export_report *report, yt_err *err) {
    const yti_export_facts facts = {.model = trained->model,
                                    .names = &trained->names,
                                    .height = p->height,
                                    .width = p->width,
                                    .batch = p->size.batch > 0 ? (int)p->size.batch : 1,
                                    .opset = p->opset,
                                    .dynamic = p->dynamic,
                                    .half = p->half,
                                    .nms = p->tail.nms,
                                    .end2end = p->tail.head == YTI_HEAD_O2O};
    yti_metadata metadata = {0};
    yti_onnx_file file = {.path = job->output,
                          .name = trained->model->name,
                          .opset = p->opset,
                          .metadata = &metadata,
                          .input_dims = p->dynamic ? open_input : open_batch,
                          .external_above = job->external_above ? job->external_above : YTI_ONNX_LARGEST};
    for (int i = 0; i < net->n_outputs && p->dynamic; i++)
        file.output_dims[i] = p->tail.head == YTI_HEAD_RAW ? open_input : open_anchors;
    yt_status status = yti_export_describe(&facts, &metadata, err);
    if (status == YT_OK) status = yti_onnx_write(net, &file, &report->written, err);
    yti_metadata_free(&metadata);
    return status;
}

static yt_status export_trained(const yti_export_job *job, plan *p, const yti_trained *trained,
                                yti_export_report *report, yt_err *err) {
    yti_net net;
    yti_net_maps maps;
    YT_TRY(read_size(yti_options_text(job->options, "imgsz"), trained, p, err));
    yti_net_init(&net);
    net.body = p->half ? YTI_NET_HALF : YTI_NET_FLOAT;
    yt_status status = yti_lower(trained->model, p->size, &net, &maps, err);
    if (status == YT_OK) {
        yti_add_tail(&net, trained->model, p->size, &maps, &p->tail);
        status = net.status == YT_OK ? YT_OK : yti_no_memory(err, "the exported network");
    }
    *report = (yti_export_report){.nodes = net.n_nodes, .opset = p->opset};
    if (status == YT_OK) status = write_net(job, p, trained, &net, report, err);
    if (status == YT_OK) name_outputs(&net, report->outputs, sizeof report->outputs);
    const char *license = trained->model->base_license;
    snprintf(report->base_license, sizeof report->base_license, "%.512s", license ? license : "");
    yti_net_free(&net);
    return status;
}

yt_status yti_export_onnx(const yti_export_job *job, yti_export_report *report, yt_err *err) {
    plan p;
    yti_trained *trained;
    YT_TRY(read_options(job->options, &p, err));
    YT_TRY(open_weights(job, &p, &trained, err));
    const yt_status status = export_trained(job, &p, trained, report, err);
    yti_trained_close(trained);
    return status;
}
