/* Tests of networks in integers (src/export/calibrate.c, quantize.c, int8.c): the file that is written computes what
 * the simulation does, and what the simulation does is what codes of 8 bits can hold.
 */
#include "base/file.h"
#include "base/rng.h"
#include "export/export.h"
#include "ops/ops.h"
#include "support/fixture.h"
#include "support/folder.h"
#include "support/models.h"
#include "support/near.h"
#include "support/onnx_run.h"
#include "support/tiny.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(quantize, .init = test_folder_make, .fini = test_folder_remove);

static const char *const tiny[] = {"tiny8", "tiny11", "tiny26"};

/* ---- ranges ---- */

static int ascending(const void *a, const void *b) {
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

Test(quantize, a_range_leaves_out_the_share_that_it_says) {
    enum { N = 40000 };
    float *values = malloc(N * sizeof *values);
    yti_calibration *calibration;
    cr_assert(values && yti_calibration_create(2, &calibration, NULL) == YT_OK);
    const yti_graph_observer observer = yti_calibration_observer(calibration);
    yti_rng rng = yti_rng_make(7, 0, 0, YT_RNG_TEST);
    for (int i = 0; i < N; i++)
        values[i] = (float)(yti_rng_unit(&rng) * yti_rng_unit(&rng) * 5 - 1) * (float)(1 + i / 1000);
    for (int i = 0; i < 10; i++) /* in parts, each with larger values: bins are widened on the way */
        observer.forward(observer.context, 1, yti_tensor_of(values + i * (N / 10), 1, 10, N / 100, 1));
    cr_assert_eq(yti_calibration_status(calibration, NULL), YT_OK);
    qsort(values, N, sizeof *values, ascending);
    const yti_range all = yti_calibration_range(calibration, 1, 1), most = yti_calibration_range(calibration, 1, 0.99),
                    none = yti_calibration_range(calibration, 0, 1);
    cr_expect(all.low == values[0] && all.high == values[N - 1]);
    cr_expect(none.low > none.high);
    const double bin = 2 * (double)(values[N - 1] > -values[0] ? values[N - 1] : -values[0]) / 2048;
    cr_expect(test_near((double)most.low, (double)values[N / 100], bin), "%g", (double)most.low);
    cr_expect(test_near((double)most.high, (double)values[N - 1 - N / 100], bin), "%g", (double)most.high);
    yti_calibration_destroy(calibration);
    free(values);
}

Test(quantize, a_map_that_is_not_finite_is_an_error) {
    float values[4] = {0, NAN, 1, 2};
    yti_calibration *calibration;
    yt_err err = {.text = ""};
    cr_assert_eq(yti_calibration_create(1, &calibration, NULL), YT_OK);
    const yti_graph_observer observer = yti_calibration_observer(calibration);
    observer.forward(observer.context, 0, yti_tensor_of(values, 1, 2, 2, 1));
    cr_expect_eq(yti_calibration_status(calibration, &err), YT_ERR_NON_FINITE);
    yti_calibration_destroy(calibration);
}

/* ---- the simulation and the file ---- */

/* A fixture's network in integers, on scales chosen by the fixture's image. */
typedef struct coded {
    fixture f;
    yti_model *model;
    yti_quantization quantization;
} coded;

static coded coded_open(const char *name) {
    coded c = {.f = fixture_open(name)};
    yti_calibration *calibration;
    yt_err err = {.text = ""};
    cr_assert_eq(yti_model_fuse_split(c.f.model, &c.f.model->state, false, &c.model, &err), YT_OK, "%s", err.text);
    cr_assert_eq(yti_calibration_create(yti_graph_nodes(c.model->graph), &calibration, &err), YT_OK);
    const yti_graph_observer observer = yti_calibration_observer(calibration);
    cr_assert_eq(yti_model_plan(c.model, YT_MODE_EVAL, 1, c.f.h, c.f.w, 2, &err), YT_OK, "%s", err.text);
    yti_model_set_input(c.model, c.f.images);
    yti_model_forward(c.model, &c.model->state, &observer);
    cr_assert_eq(yti_quantize(c.model, calibration, 1, &c.quantization, &err), YT_OK, "%s", err.text);
    yti_calibration_destroy(calibration);
    return c;
}

static void coded_close(coded *c) {
    yti_quantization_free(&c->quantization);
    yti_model_destroy(c->model);
    fixture_close(&c->f);
}

/* After the file: lowering takes the plan away. */
static void simulate(const coded *c) {
    const yti_graph_observer observer = yti_quantization_observer(&c->quantization);
    cr_assert_eq(yti_model_plan(c->model, YT_MODE_EVAL, 1, c->f.h, c->f.w, 2, NULL), YT_OK);
    yti_model_set_input(c->model, c->f.images);
    yti_model_forward(c->model, &c->model->state, &observer);
}

/* What writes the codes of weights asks for the rounded ones. */
static yt_status values_of(const void *context, const yti_param_info *info, float *to, yt_err *err) {
    const yti_model *model = context;
    (void)err;
    memcpy(to, model->state.params + info->offset, info->count * sizeof *to);
    return YT_OK;
}

static test_onnx *run_file(coded *c) {
    yti_net net;
    yti_net_maps maps;
    yti_onnx_report report;
    yt_err err = {.text = ""};
    const yti_net_size size = {1, c->f.h, c->f.w};
    const yti_tail tail = {.head = YTI_HEAD_RAW};
    const yti_metadata none = {0};
    const yti_onnx_file file = {
        .path = test_folder_path("a.onnx"), .name = "a", .opset = 17, .metadata = &none, .external_above = UINT64_MAX};
    yti_net_init(&net);
    net.source = (yti_net_source){values_of, c->model};
    cr_assert_eq(yti_lower(c->model, &c->quantization, size, &net, &maps, &err), YT_OK, "%s", err.text);
    yti_add_tail(&net, c->model, size, &maps, &tail);
    cr_assert_eq(yti_onnx_write(&net, &file, &report, &err), YT_OK, "%s", err.text);
    yti_net_free(&net);
    test_onnx *onnx = test_onnx_open(file.path);
    test_onnx_run(onnx, c->f.images, 1, c->f.h, c->f.w);
    return onnx;
}

/* Largest difference between a map of the file and that of the engine, and the largest value. */
static double difference(const test_onnx *onnx, const char *name, yti_tensor map, double *largest) {
    size_t count;
    const double *y = test_onnx_value(onnx, name, &count, NULL);
    const size_t pixels = yti_tensor_pixels(map);
    double worst = 0;
    cr_assert_eq(count, pixels * (size_t)map.c, "%s: %zu of %zu x %d", name, count, pixels, map.c);
    for (size_t p = 0; p < pixels; p++)
        for (int k = 0; k < map.c; k++) {
            const double there = y[(size_t)k * pixels + p], here = (double)map.data[(ptrdiff_t)p * map.ld + k];
            worst = fmax(worst, fabs(there - here));
            *largest = fmax(*largest, fabs(there));
        }
    return worst;
}

Test(quantize, the_file_computes_what_the_simulation_does) {
    for (int i = 0; i < 3; i++) {
        coded c = coded_open(tiny[i]);
        test_onnx *onnx = run_file(&c);
        simulate(&c);
        const yti_head head = yti_model_head(c.model, 0);
        for (int l = 0; l < head.n_levels; l++) {
            char name[16];
            double largest = 0;
            snprintf(name, sizeof name, "box%d", l);
            double worst = difference(onnx, name, head.level[l].box, &largest);
            snprintf(name, sizeof name, "cls%d", l);
            worst = fmax(worst, difference(onnx, name, head.level[l].cls, &largest));
            cr_expect(worst <= 1e-5 * largest, "%s, level %d: %g of %g", tiny[i], l, worst, largest);
        }
        test_onnx_close(onnx);
        coded_close(&c);
    }
}

Test(quantize, maps_hold_values_of_codes_and_the_head_floats) {
    coded c = coded_open("tiny26");
    const yti_quantization *q = &c.quantization;
    test_onnx *onnx = run_file(&c);
    const size_t convs = test_onnx_count(onnx, "Conv");
    cr_expect_eq(q->n_float, 2 * c.model->n_levels);
    cr_expect_eq((int)convs, q->n_convs + q->n_float);
    for (int l = 0; l < c.model->n_levels; l++) {
        cr_expect_null(q->weights[c.model->head_box[0][l]]);
        cr_expect(q->maps[c.model->head_cls[0][l]].scale == 0);
    }
    cr_expect(q->maps[c.model->input].scale == 1.f / 255 && q->maps[c.model->input].zero == 0);
    for (yti_value v = 0; v < q->n_nodes; v++) {
        const void *attr;
        int n;
        const yti_op *op = yti_graph_op(c.model->graph, v, &attr, &n);
        if (q->maps[v].scale == 0) continue;
        cr_expect(q->maps[v].zero >= 0 && q->maps[v].zero <= 255);
        if (op != &yti_op_maxpool2d && op != &yti_op_upsample) continue;
        const yti_codes from = q->maps[yti_graph_sources(c.model->graph, v)[0]];
        cr_expect(from.scale == q->maps[v].scale && from.zero == q->maps[v].zero, "selection keeps the scale");
    }
    test_onnx_close(onnx);
    coded_close(&c);
}

/* Coarser than floats, and not by much: the network still says the same. */
Test(quantize, eight_bits_cost_little) {
    for (int i = 0; i < 3; i++) {
        fixture f = fixture_open(tiny[i]);
        yti_model *fused;
        yt_err err = {.text = ""};
        cr_assert_eq(yti_model_fuse(f.model, &f.model->state, false, &fused, &err), YT_OK);
        fixture_forward(&f, fused, YT_MODE_EVAL);
        coded c = coded_open(tiny[i]);
        simulate(&c);
        const yti_head exact = yti_model_head(fused, 0), rough = yti_model_head(c.model, 0);
        double error = 0, power = 0;
        for (int l = 0; l < exact.n_levels; l++) {
            const yti_tensor a = exact.level[l].cls, b = rough.level[l].cls;
            for (size_t p = 0; p < yti_tensor_pixels(b); p++)
                for (int k = 0; k < b.c; k++) {
                    const double x = (double)a.data[(ptrdiff_t)p * a.ld + k],
                                 y = (double)b.data[(ptrdiff_t)p * b.ld + k];
                    error += (x - y) * (x - y);
                    power += x * x;
                }
        }
        const double relative = sqrt(error / power);
        cr_expect(relative > 1e-6 && relative <= 0.2, "%s: %g", tiny[i], relative);
        coded_close(&c);
        yti_model_destroy(fused);
        fixture_close(&f);
    }
}

Test(quantize, a_bias_that_is_large_for_its_weights_still_fits_its_codes) {
    fixture f = fixture_open("tiny8");
    yti_model *model;
    yti_calibration *calibration;
    yti_quantization q;
    yt_err err = {.text = ""};
    cr_assert_eq(yti_model_fuse_split(f.model, &f.model->state, false, &model, &err), YT_OK);
    const yti_param_info *w = test_model_find(model, "model.0.conv.weight"),
                         *b = test_model_find(model, "model.0.conv.bias");
    cr_assert(w && b);
    for (size_t i = 0; i < w->count; i += (size_t)w->dims[0]) model->state.params[w->offset + i] = 1e-12f;
    model->state.params[b->offset] = 100;
    cr_assert_eq(yti_calibration_create(yti_graph_nodes(model->graph), &calibration, &err), YT_OK);
    const yti_graph_observer observer = yti_calibration_observer(calibration);
    cr_assert_eq(yti_model_plan(model, YT_MODE_EVAL, 1, f.h, f.w, 1, &err), YT_OK);
    yti_model_set_input(model, f.images);
    yti_model_forward(model, &model->state, &observer);
    cr_assert_eq(yti_quantize(model, calibration, 1, &q, &err), YT_OK, "%s", err.text);
    cr_expect(test_near((double)model->state.params[b->offset], 100, 1e-4));
    yti_quantization_free(&q);
    yti_calibration_destroy(calibration);
    yti_model_destroy(model);
    fixture_close(&f);
}

/* ---- from a dataset ---- */

static yt_status export_as(const char *output, const char *const *settings, yti_export_report *report, yt_err *err) {
    yti_options options;
    cr_assert_eq(yti_options_init(yti_export_rows, yti_export_row_count, &options, NULL), YT_OK);
    for (int i = 0; settings[i]; i += 2)
        cr_assert_eq(yti_options_set(&options, settings[i], settings[i + 1], err), YT_OK, "%s", err->text);
    char weights[512], to[512];
    snprintf(weights, sizeof weights, "%s", test_folder_path("w.safetensors"));
    snprintf(to, sizeof to, "%s", test_folder_path(output));
    const yti_export_job job = {.weights = weights, .output = to, .options = &options};
    const yt_status status = yti_export_network(&job, report, err);
    yti_options_free(&options);
    return status;
}

static void write_problem(int n_train, int n_val) {
    yti_class_names names = {2, (char *[]){(char[]){"red"}, (char[]){"blue"}}};
    yt_err err = {.text = ""};
    test_tiny_write_data(n_train, n_val);
    test_tiny_write_models();
    yti_model *model = test_tiny_model(3);
    cr_assert_eq(test_weights_save(test_folder_path("w.safetensors"), model, &model->state, 1, &names, TINY_SIDE, &err),
                 YT_OK, "%s", err.text);
    yti_model_destroy(model);
}

Test(quantize, scales_come_from_training_images_and_ap_from_validation_images) {
    char data[512];
    yti_export_report report;
    yt_err err = {.text = ""};
    write_problem(5, 3);
    snprintf(data, sizeof data, "%s", test_folder_path("data.yaml"));
    const char *settings[] = {"int8", "true", "calib", data, "calib-images", "4", "imgsz", "64", NULL};
    cr_assert_eq(export_as("a.onnx", settings, &report, &err), YT_OK, "%s", err.text);
    cr_expect_eq(report.int8.images, 4);
    cr_expect_eq(report.int8.judged, 3);
    cr_expect(report.int8.convs > 0 && report.int8.float_convs > 0);
    test_onnx *onnx = test_onnx_open(test_folder_path("a.onnx"));
    cr_expect(test_onnx_count(onnx, "QuantizeLinear") > 0);
    test_onnx_close(onnx);
}

Test(quantize, what_does_not_fit_is_refused_and_nothing_is_written) {
    char data[512], none[512];
    write_problem(2, 1);
    snprintf(data, sizeof data, "%s", test_folder_path("data.yaml"));
    snprintf(none, sizeof none, "%s", test_folder_path("none.yaml"));
    const struct {
        const char *settings[9], *sentence;
        yt_status status;
    } cases[] = {
        {{"int8", "true"}, "int8: needs calib", YT_ERR_ARGUMENT},
        {{"calib", data}, "calib: chooses the scales of int8", YT_ERR_ARGUMENT},
        {{"int8", "true", "calib", data, "half", "true"}, "leave half out", YT_ERR_ARGUMENT},
        {{"int8", "true", "calib", data, "opset", "12"}, "needs opset 13", YT_ERR_ARGUMENT},
        {{"int8", "true", "calib", none}, "none.yaml", YT_ERR_IO},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        yti_export_report report;
        yt_err err = {.text = ""};
        cr_expect_eq(export_as("a.onnx", cases[i].settings, &report, &err), cases[i].status, "%s", err.text);
        cr_expect(strstr(err.text, cases[i].sentence), "%s", err.text);
        cr_expect_not(yti_path_exists(test_folder_path("a.onnx")));
    }
}
