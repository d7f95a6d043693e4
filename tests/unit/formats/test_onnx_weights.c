/* Tests of the way back in (src/formats/onnx_weights.c, and what src/weights makes of it): a file that was exported
 * gives the network that it was made from; damaged and foreign ones are refused with a sentence.
 */
#include "formats/onnx_weights.h"
#include "base/file.h"
#include "base/protobuf.h"
#include "export/export.h"
#include "support/folder.h"
#include "support/models.h"
#include "train/parts/norm_statistics.h"
#include "weights/weights.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(onnx_weights, .init = test_folder_make, .fini = test_folder_remove);

static const char *const tiny[] = {"tiny8", "tiny11", "tiny26"};

static const char *parity(const char *name, const char *suffix) {
    static char path[2][512];
    static int next;
    char *to = path[next = 1 - next];
    snprintf(to, sizeof path[0], "%s/tests/data/parity/%s%s", YT_SOURCE_DIR, name, suffix);
    return to;
}

/* settings: name, value, ..., NULL. Returns the file's path. */
static const char *export_as(const char *name, const char *output, const char *const *settings,
                             uint64_t external_above) {
    static char to[512];
    yti_options options;
    yti_export_report report;
    yt_err err = {.text = ""};
    snprintf(to, sizeof to, "%s", test_folder_path(output));
    cr_assert_eq(yti_options_init(yti_export_rows, yti_export_row_count, &options, NULL), YT_OK);
    cr_assert_eq(yti_options_set(&options, "imgsz", "64", &err), YT_OK);
    for (int i = 0; settings && settings[i]; i += 2)
        cr_assert_eq(yti_options_set(&options, settings[i], settings[i + 1], &err), YT_OK, "%s", err.text);
    const yti_export_job job = {.weights = parity(name, ".safetensors"),
                                .output = to,
                                .model = parity(name, ".yaml"),
                                .options = &options,
                                .external_above = external_above};
    cr_assert_eq(yti_export_network(&job, &report, &err), YT_OK, "%s", err.text);
    yti_options_free(&options);
    return to;
}

typedef struct opened {
    yti_model *model;
    yti_class_names names;
    int imgsz;
} opened;

static opened open_weights(const char *path, const char *yaml) {
    opened o;
    yt_err err = {.text = ""};
    cr_assert_eq(yti_weights_open(path, yaml, NULL, &o.model, &o.names, &o.imgsz, &err), YT_OK, "%s", err.text);
    return o;
}

static void close_weights(opened *o) {
    yti_model_destroy(o->model);
    yti_class_names_free(&o->names);
}

/* Every tensor of the fused network, within a share of its value. */
static void expect_network(const char *name, const char *path, bool one_to_one, double share) {
    opened read = open_weights(path, NULL), made = open_weights(parity(name, ".safetensors"), parity(name, ".yaml"));
    yti_model *fused;
    cr_assert_eq(yti_model_fuse(made.model, &made.model->state, one_to_one, &fused, NULL), YT_OK);
    cr_expect_eq(read.model->n_params, fused->n_params);
    cr_expect_eq(read.imgsz, 64);
    for (int i = 0; i < fused->n_params; i++) {
        const yti_param_info *info = &fused->params[i], *same = test_model_find(read.model, info->name);
        cr_assert(same, "%s", info->name);
        const float *a = (yti_param_is_trainable(info) ? fused->state.params : fused->state.buffers) + info->offset,
                    *b = (yti_param_is_trainable(same) ? read.model->state.params : read.model->state.buffers) +
                         same->offset;
        for (size_t k = 0; k < info->count; k++)
            cr_assert(fabs((double)a[k] - (double)b[k]) <= share * fabs((double)a[k]) + share * 1e-3, "%s: %g, %g",
                      info->name, (double)a[k], (double)b[k]);
    }
    yti_model_destroy(fused);
    close_weights(&made);
    close_weights(&read);
}

Test(onnx_weights, a_file_that_was_exported_brings_the_network_back) {
    for (int i = 0; i < 3; i++) {
        expect_network(tiny[i], export_as(tiny[i], "a.onnx", NULL, 0), false, 0);
        expect_network(tiny[i], export_as(tiny[i], "b.onnx", (const char *[]){"half", "true", NULL}, 0), false, 1e-3);
        expect_network(tiny[i], export_as(tiny[i], "c.onnx", (const char *[]){"head", "raw", "opset", "11", NULL}, 0),
                       false, 0);
        expect_network(tiny[i], export_as(tiny[i], "d.onnx", NULL, 1000), false, 0); /* values in a file of their own */
    }
    expect_network("tiny26", export_as("tiny26", "e.onnx", (const char *[]){"head", "o2o", NULL}, 0), true, 0);
}

Test(onnx_weights, what_was_read_exports_to_the_same_bytes) {
    char first[512];
    yti_options options;
    yti_export_report report;
    yt_err err = {.text = ""};
    snprintf(first, sizeof first, "%s", export_as("tiny26", "a.onnx", NULL, 0));
    const char *second = test_folder_path("b.onnx");
    cr_assert_eq(yti_options_init(yti_export_rows, yti_export_row_count, &options, NULL), YT_OK);
    const yti_export_job job = {.weights = first, .output = second, .options = &options};
    cr_assert_eq(yti_export_network(&job, &report, &err), YT_OK, "%s", err.text);
    yti_options_free(&options);
    char *a, *b;
    size_t n_a, n_b;
    cr_assert_eq(yti_file_read(first, 1u << 24, &a, &n_a, NULL), YT_OK);
    cr_assert_eq(yti_file_read(second, 1u << 24, &b, &n_b, NULL), YT_OK);
    cr_expect(n_a == n_b && memcmp(a, b, n_a) == 0);
    free(a);
    free(b);
}

/* ---- files of others ---- */

static void put_tensor(yti_bytes *graph, const char *name, const int *dims, int n_dims) {
    yti_bytes t = {0};
    size_t count = 1;
    for (int i = 0; i < n_dims; i++) {
        yti_protobuf_varint(&t, 1, (uint64_t)dims[i]);
        count *= (size_t)dims[i];
    }
    float *values = malloc(count * sizeof *values);
    for (size_t i = 0; i < count; i++) values[i] = (float)i;
    yti_protobuf_varint(&t, 2, 1);
    yti_protobuf_bytes(&t, 8, name, strlen(name));
    yti_protobuf_bytes(&t, 9, values, count * sizeof *values);
    yti_protobuf_message(graph, 5, &t);
    yti_bytes_free(&t);
    free(values);
}

static void put_node(yti_bytes *graph, const char *op, const char *name, const char *weight, const char *bias) {
    yti_bytes n = {0};
    yti_protobuf_bytes(&n, 1, "x", 1);
    yti_protobuf_bytes(&n, 1, weight, strlen(weight));
    if (bias) yti_protobuf_bytes(&n, 1, bias, strlen(bias));
    yti_protobuf_bytes(&n, 2, "y", 1);
    yti_protobuf_bytes(&n, 3, name, strlen(name));
    yti_protobuf_bytes(&n, 4, op, strlen(op));
    yti_protobuf_message(graph, 1, &n);
    yti_bytes_free(&n);
}

/* The file of a graph; task NULL: it does not say. */
static yt_status parse(const yti_bytes *graph, const char *task, yti_onnx_weights *out, yt_err *err) {
    yti_bytes file = {0}, pair = {0};
    yti_protobuf_varint(&file, 1, 8);
    yti_protobuf_message(&file, 7, graph);
    if (task) {
        yti_protobuf_bytes(&pair, 1, "task", 4);
        yti_protobuf_bytes(&pair, 2, task, strlen(task));
        yti_protobuf_message(&file, 14, &pair);
    }
    const yt_status status = yti_onnx_weights_parse(file.at, file.used, "a.onnx", out, err);
    yti_bytes_free(&file);
    yti_bytes_free(&pair);
    return status;
}

Test(onnx_weights, a_convolution_names_what_an_exporter_has_renamed) {
    static const struct {
        const char *node, *name;
    } cases[] = {
        {"/model.0/conv/Conv", "model.0.conv"},
        {"/model.2/m.0/cv1/conv/Conv", "model.2.m.0.cv1.conv"},
        {"/model.10/m/m.0/ffn/ffn.1/conv/Conv", "model.10.m.0.ffn.1.conv"},
        {"/model.23/cv3.0/cv3.0.1/cv3.0.1.0/conv/Conv", "model.23.cv3.0.1.0.conv"},
        {"/model.23/one2one_cv2.1/one2one_cv2.1.2/Conv", "model.23.one2one_cv2.1.2"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        yti_bytes graph = {0};
        yti_onnx_weights file;
        yt_err err = {.text = ""};
        char name[128];
        put_tensor(&graph, "onnx::Conv_7", (const int[]){2, 3, 1, 1}, 4);
        put_tensor(&graph, "onnx::Conv_8", (const int[]){2}, 1);
        put_node(&graph, "Conv", cases[i].node, "onnx::Conv_7", "onnx::Conv_8");
        cr_assert_eq(parse(&graph, "detect", &file, &err), YT_OK, "%s", err.text);
        cr_assert_eq(file.n_tensors, 2);
        snprintf(name, sizeof name, "%s.weight", cases[i].name);
        cr_expect_str_eq(file.tensors[0].name, name);
        snprintf(name, sizeof name, "%s.bias", cases[i].name);
        cr_expect_str_eq(file.tensors[1].name, name);
        yti_onnx_weights_free(&file);
        yti_bytes_free(&graph);
    }
}

Test(onnx_weights, a_factor_per_channel_is_a_vector) {
    yti_bytes graph = {0};
    yti_onnx_weights file;
    yt_err err = {.text = ""};
    put_tensor(&graph, "model.6.gamma", (const int[]){4, 1, 1, 1}, 4);
    cr_assert_eq(parse(&graph, NULL, &file, &err), YT_OK, "%s", err.text);
    cr_expect(file.tensors[0].n_dims == 1 && file.tensors[0].dims[0] == 4);
    yti_onnx_weights_free(&file);
    yti_bytes_free(&graph);
}

Test(onnx_weights, what_is_no_detector_in_floats_is_refused_by_what_it_is) {
    static const struct {
        const char *op, *weight, *task, *sentence;
    } cases[] = {{"Conv", "model.0.conv.weight", "segment", "is a network for \"segment\""},
                 {"DequantizeLinear", "model.0.conv.weight", NULL, "computes in integers"},
                 {"Conv", "backbone.weight", "detect", "has no weights under the names"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        yti_bytes graph = {0};
        yti_onnx_weights file;
        yt_err err = {.text = ""};
        put_tensor(&graph, cases[i].weight, (const int[]){2, 3, 1, 1}, 4);
        put_node(&graph, cases[i].op, "/backbone/Conv", cases[i].weight, NULL);
        cr_expect_eq(parse(&graph, cases[i].task, &file, &err), YT_ERR_SYNTAX);
        cr_expect(strstr(err.text, cases[i].sentence), "%s", err.text);
        yti_bytes_free(&graph);
    }
}

Test(onnx_weights, a_file_that_is_cut_off_anywhere_is_refused) {
    char *bytes;
    size_t size;
    yti_onnx_weights file;
    yt_err err;
    const char *path = export_as("tiny8", "a.onnx", NULL, 0);
    cr_assert_eq(yti_file_read(path, 1u << 24, &bytes, &size, NULL), YT_OK);
    cr_assert_eq(yti_onnx_weights_parse(bytes, size, path, &file, &err), YT_OK, "%s", err.text);
    yti_onnx_weights_free(&file);
    for (size_t cut = 0; cut < 60000 && cut < size; cut += 1 + cut / 50) {
        err.text[0] = '\0';
        cr_expect_eq(yti_onnx_weights_parse(bytes, cut, path, &file, &err), YT_ERR_SYNTAX, "%zu", cut);
        cr_expect(strstr(err.text, "is damaged"), "%s", err.text);
    }
    free(bytes);
}

Test(onnx_weights, values_are_looked_for_beside_the_file_only) {
    static const char *const places[] = {"../values", "/tmp/values", "a\\b", ".."};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        yti_bytes graph = {0}, t = {0}, pair = {0};
        yti_onnx_weights file;
        yt_err err = {.text = ""};
        yti_protobuf_varint(&t, 1, 2);
        yti_protobuf_varint(&t, 2, 1);
        yti_protobuf_bytes(&t, 8, "model.0.conv.bias", 17);
        yti_protobuf_bytes(&pair, 1, "location", 8);
        yti_protobuf_bytes(&pair, 2, places[i], strlen(places[i]));
        yti_protobuf_message(&t, 13, &pair);
        yti_protobuf_message(&graph, 5, &t);
        cr_expect_eq(parse(&graph, NULL, &file, &err), YT_ERR_SYNTAX);
        cr_expect(strstr(err.text, "is not beside it"), "%s", err.text);
        yti_bytes_free(&graph);
        yti_bytes_free(&t);
        yti_bytes_free(&pair);
    }
}
