/* Tests of src/export: files of tiny networks are run by plain loops (support/onnx_run.h) and answer what PyTorch does
 * with the same weights (tests/data/parity); what cannot be exported is refused with nothing written.
 */
#include "base/file.h"
#include "base/rng.h"
#include "export/export.h"
#include "support/fixture.h"
#include "support/folder.h"
#include "support/models.h"
#include "support/near.h"
#include "support/onnx_run.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(export, .init = test_folder_make, .fini = test_folder_remove);

static const char *const tiny[] = {"tiny8", "tiny11", "tiny26"};

static const char *weights_of(const char *name) {
    static char path[512];
    snprintf(path, sizeof path, "%s/tests/data/parity/%s.safetensors", YT_SOURCE_DIR, name);
    return path;
}

static const char *yaml_of(const char *name) {
    static char path[512];
    snprintf(path, sizeof path, "%s/tests/data/parity/%s.yaml", YT_SOURCE_DIR, name);
    return path;
}

/* settings: name, value, ..., NULL. */
static yt_status export_as(const char *name, const char *output, const char *const *settings, yti_export_report *report,
                           yt_err *err) {
    yti_options options;
    cr_assert_eq(yti_options_init(yti_export_rows, yti_export_row_count, &options, NULL), YT_OK);
    for (int i = 0; settings && settings[i]; i += 2)
        cr_assert_eq(yti_options_set(&options, settings[i], settings[i + 1], err), YT_OK, "%s", err->text);
    const yti_export_job job = {
        .weights = weights_of(name), .output = test_folder_path(output), .model = yaml_of(name), .options = &options};
    const yt_status status = yti_export_network(&job, report, err);
    yti_options_free(&options);
    return status;
}

/* The file of a fixture's network at the size of its image, run on that. */
static test_onnx *answer(const fixture *f, const char *name, const char *const *settings) {
    yti_export_report report;
    yt_err err = {.text = ""};
    const char *all[24] = {"imgsz", NULL};
    char size[32];
    snprintf(size, sizeof size, "%dx%d", f->h, f->w);
    all[1] = size;
    for (int i = 0; settings && settings[i]; i++) all[2 + i] = settings[i];
    cr_assert_eq(export_as(name, "a.onnx", all, &report, &err), YT_OK, "%s", err.text);
    test_onnx *onnx = test_onnx_open(test_folder_path("a.onnx"));
    test_onnx_run(onnx, f->images, 1, f->h, f->w);
    return onnx;
}

/* output0 (1, 4 + nc, anchors) against corners and scores of every anchor of the first branch. */
static void expect_anchors(const fixture *f, const test_onnx *onnx, double px, double score) {
    const int anchors = (int)fixture_number(f->reference, "anchors"), values = 4 + f->model->n_classes;
    float *expected = fixture_floats(f, "bin", (size_t)(f->model->n_branches * anchors * values));
    size_t count;
    int64_t dims[8];
    const double *y = test_onnx_value(onnx, "output0", &count, dims);
    cr_assert(dims[0] == 1 && dims[1] == values && dims[2] == anchors && dims[3] == 0);
    for (int a = 0; a < anchors; a++) {
        const float *row = expected + a * values;
        const double cx = y[a], cy = y[anchors + a], w = y[2 * anchors + a], h = y[3 * anchors + a];
        const double box[4] = {cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2};
        for (int k = 0; k < 4; k++)
            cr_assert(test_near(box[k], (double)row[k], px), "anchor %d: %g against %g", a, box[k], (double)row[k]);
        for (int k = 4; k < values; k++)
            cr_assert(test_near(y[k * anchors + a], (double)row[k], score), "anchor %d, class %d", a, k - 4);
    }
    free(expected);
}

/* Rows x1 y1 x2 y2 score class above 0.05 against those of the reference. */
static void expect_rows(const fixture *f, const test_onnx *onnx, const char *key) {
    const cJSON *expected = fixture_item(f->reference, key), *row;
    size_t count;
    int64_t dims[8];
    const double *y = test_onnx_value(onnx, "output0", &count, dims);
    cr_assert(dims[0] == 1 && dims[2] == 6 && cJSON_GetArraySize(expected) > 0);
    int64_t i = 0;
    cJSON_ArrayForEach(row, expected) {
        cr_assert(i < dims[1]);
        for (int k = 0; k < 6; k++)
            cr_assert(test_near(y[6 * i + k], cJSON_GetArrayItem(row, k)->valuedouble, k < 4 ? 5e-3 : 1e-4),
                      "%s: row %d, column %d: %g", key, (int)i, k, y[6 * i + k]);
        i++;
    }
    cr_assert(i == dims[1] || y[6 * i + 4] <= 0.05);
}

Test(export, one_to_many_is_what_pytorch_computes_in_every_operator_set) {
    static const int irs[] = {6, 7, 7, 7, 8, 8, 8, 8, 9, 9, 10, 10};
    for (int i = 0; i < 3; i++) {
        fixture f = fixture_open(tiny[i]);
        for (int opset = YTI_ONNX_MIN_OPSET; opset <= YTI_ONNX_MAX_OPSET; opset += i == 0 ? 1 : 6) {
            char text[8];
            snprintf(text, sizeof text, "%d", opset);
            test_onnx *onnx = answer(&f, tiny[i], (const char *[]){"opset", text, NULL});
            cr_assert_eq(test_onnx_opset(onnx), opset);
            cr_assert_eq(test_onnx_ir(onnx), irs[opset - 11]);
            expect_anchors(&f, onnx, 5e-3, 1e-5);
            test_onnx_close(onnx);
        }
        fixture_close(&f);
    }
}

Test(export, open_sizes_give_the_same_numbers) {
    static const char *const forms[][3] = {{"batch", "open"}, {"dynamic", "true"}, {"batch", "1"}};
    for (int i = 0; i < 3; i++) {
        fixture f = fixture_open(tiny[i]);
        for (int k = 0; k < 3; k++) {
            test_onnx *onnx = answer(&f, tiny[i], forms[k]);
            expect_anchors(&f, onnx, 5e-3, 1e-5);
            cr_assert_eq(test_onnx_count(onnx, "Range") > 0, k == 1);
            test_onnx_close(onnx);
        }
        fixture_close(&f);
    }
}

Test(export, sixteen_bits_of_the_body_cost_little) {
    for (int i = 0; i < 3; i++) {
        fixture f = fixture_open(tiny[i]);
        test_onnx *onnx = answer(&f, tiny[i], (const char *[]){"half", "true", NULL});
        expect_anchors(&f, onnx, 1, 2e-2); /* of weights alone: the loops compute in double */
        test_onnx_close(onnx);
        fixture_close(&f);
    }
}

Test(export, one_to_one_and_nms_choose_what_pytorch_chooses) {
    for (int i = 0; i < 3; i++) {
        fixture f = fixture_open(tiny[i]);
        static const char *const sets[] = {"11", "17", "18"};
        for (int k = 0; k < 3; k++) {
            test_onnx *onnx = answer(&f, tiny[i],
                                     (const char *[]){"nms", "true", "conf", "0.05", "opset", sets[k], NULL});
            expect_rows(&f, onnx, "nms");
            test_onnx_close(onnx);
            if (f.model->n_branches < 2) continue;
            onnx = answer(&f, tiny[i], (const char *[]){"head", "o2o", "opset", sets[k], NULL});
            expect_rows(&f, onnx, "end2end");
            cr_assert_str_eq(test_onnx_metadata(onnx, "end2end"), "True");
            test_onnx_close(onnx);
        }
        fixture_close(&f);
    }
}

/* Deployers name the last convolutions of the head, and weights, by these. */
Test(export, nodes_and_weights_are_named_by_the_paths_of_their_modules) {
    fixture f = fixture_open("tiny26");
    test_onnx *onnx = answer(&f, "tiny26", NULL);
    static const char *const nodes[] = {"/model.0/conv/Conv",
                                        "/model.0/act/Sigmoid",
                                        "/model.2/m.0/cv1/conv/Conv",
                                        "/model.2/m.0/Add",
                                        "/model.6/m.0/m/m.0/cv1/conv/Conv",
                                        "/model.9/m/MaxPool_2",
                                        "/model.10/m/m.0/attn/qkv/conv/Conv",
                                        "/model.10/m/m.0/ffn/ffn.1/conv/Conv",
                                        "/model.11/Resize",
                                        "/model.12/Concat",
                                        "/model.23/cv2.0/cv2.0.2/Conv",
                                        "/model.23/cv3.2/cv3.2.0/cv3.2.0.1/conv/Conv",
                                        "output0"};
    for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++)
        cr_expect(test_onnx_has_node(onnx, nodes[i]), "%s", nodes[i]);
    size_t count;
    int64_t dims[8];
    test_onnx_value(onnx, "model.23.cv3.0.2.weight", &count, dims);
    cr_assert(dims[0] == 3 && dims[2] == 1 && dims[3] == 1);
    test_onnx_close(onnx);
    fixture_close(&f);
}

Test(export, raw_maps_come_box_by_box_and_class_by_class) {
    fixture f = fixture_open("tiny8");
    test_onnx *onnx = answer(&f, "tiny8", (const char *[]){"head", "raw", NULL});
    for (int l = 0; l < 3; l++) {
        char name[8];
        size_t count;
        int64_t dims[8];
        snprintf(name, sizeof name, "box%d", l);
        test_onnx_value(onnx, name, &count, dims);
        cr_assert(dims[1] == 4 * f.model->reg_max && dims[2] == f.h / (8 << l) && dims[3] == f.w / (8 << l));
        snprintf(name, sizeof name, "cls%d", l);
        test_onnx_value(onnx, name, &count, dims);
        cr_assert_eq(dims[1], 3);
    }
    cr_assert_eq(test_onnx_count(onnx, "Softmax"), 0u);
    test_onnx_close(onnx);
    fixture_close(&f);
}

Test(export, metadata_are_what_loaders_of_such_files_read) {
    fixture f = fixture_open("tiny11");
    unsetenv("SOURCE_DATE_EPOCH");
    yti_export_report report;
    yt_err err = {.text = ""};
    const char *const settings[] = {"batch", "2", "imgsz", "64x96", NULL}, *size = "[64, 96]";
    cr_assert_eq(export_as("tiny11", "a.onnx", settings, &report, &err), YT_OK, "%s", err.text);
    test_onnx *onnx = test_onnx_open(test_folder_path("a.onnx"));
    cr_expect_str_eq(test_onnx_metadata(onnx, "stride"), "32");
    cr_expect_str_eq(test_onnx_metadata(onnx, "task"), "detect");
    cr_expect_str_eq(test_onnx_metadata(onnx, "imgsz"), size);
    cr_expect_str_eq(test_onnx_metadata(onnx, "batch"), "2");
    cr_expect_str_eq(test_onnx_metadata(onnx, "end2end"), "False");
    cr_expect_str_eq(test_onnx_metadata(onnx, "names"), "{0: 'class_0', 1: 'class_1', 2: 'class_2'}");
    cr_expect_null(test_onnx_metadata(onnx, "date"));
    test_onnx_close(onnx);
    setenv("SOURCE_DATE_EPOCH", "86400", 1);
    onnx = answer(&f, "tiny11", NULL);
    cr_expect_str_eq(test_onnx_metadata(onnx, "date"), "1970-01-02T00:00:00+00:00");
    test_onnx_close(onnx);
    fixture_close(&f);
}

static uint64_t hash_of(const char *path) {
    char *data;
    size_t bytes;
    cr_assert_eq(yti_file_read(path, 16u << 20, &data, &bytes, NULL), YT_OK);
    const uint64_t hash = yti_hash64(data, bytes);
    free(data);
    return hash;
}

/* Files that onnx.checker and ONNX Runtime accept (docs/deploy.md). A new version of yolotrain has its number in them.
 */
Test(export, files_are_the_same_to_the_last_byte) {
    static const struct {
        const char *name, *head;
        uint64_t hash;
    } golden[] = {
        {"tiny8", "o2m", 0x70be01222baa9b38},
        {"tiny11", "o2m", 0x7dd9ea9ee0e77007},
        {"tiny26", "o2m", 0x6a854a2926875b2f},
        {"tiny26", "o2o", 0x0235150e8dda6b00},
    };
    unsetenv("SOURCE_DATE_EPOCH");
    for (size_t i = 0; i < sizeof golden / sizeof *golden; i++) {
        yti_export_report report;
        yt_err err = {.text = ""};
        const char *settings[] = {"imgsz", "64", "head", golden[i].head, NULL};
        cr_assert_eq(export_as(golden[i].name, "g.onnx", settings, &report, &err), YT_OK, "%s", err.text);
        const uint64_t hash = hash_of(test_folder_path("g.onnx"));
#ifdef __x86_64__ /* others may fuse the multiplications that fold a normalisation */
        cr_expect_eq(hash, golden[i].hash, "%s %s: 0x%016llx", golden[i].name, golden[i].head,
                     (unsigned long long)hash);
#endif
        cr_assert_eq(export_as(golden[i].name, "h.onnx", settings, &report, &err), YT_OK, "%s", err.text);
        cr_assert_eq(hash, hash_of(test_folder_path("h.onnx")));
    }
}

Test(export, what_does_not_fit_is_refused_and_nothing_is_written) {
    static const struct {
        const char *name, *settings[5], *sentence;
    } cases[] = {
        {"tiny8", {"head", "o2o"}, "has no one-to-one branch"},
        {"tiny26", {"head", "o2o", "nms", "true"}, "nms: goes with head o2m"},
        {"tiny8", {"nms", "true", "batch", "2"}, "one image per run"},
        {"tiny8", {"imgsz", "16"}, "imgsz: \"16\" is neither"},
        {"tiny8", {"imgsz", "64x"}, "imgsz: \"64x\" is neither"},
        {"tiny8", {"batch", "0"}, "batch: \"0\" is neither"},
        {"tiny8", {"conf", "0.5"}, "conf and iou: are of the NMS"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        yti_export_report report;
        yt_err err = {.text = ""};
        cr_expect_eq(export_as(cases[i].name, "a.onnx", cases[i].settings, &report, &err), YT_ERR_ARGUMENT);
        cr_expect(strstr(err.text, cases[i].sentence), "%s", err.text);
        cr_expect_not(yti_path_exists(test_folder_path("a.onnx")));
    }
}

Test(export, large_weights_go_to_a_file_of_their_own) {
    yti_options options;
    yti_export_report report;
    yt_err err = {.text = ""};
    cr_assert_eq(yti_options_init(yti_export_rows, yti_export_row_count, &options, NULL), YT_OK);
    cr_assert_eq(yti_options_set(&options, "imgsz", "64", &err), YT_OK);
    yti_export_job job = {.weights = weights_of("tiny8"),
                          .output = test_folder_path("a.onnx"),
                          .model = yaml_of("tiny8"),
                          .options = &options,
                          .external_above = 1000};
    cr_assert_eq(yti_export_network(&job, &report, &err), YT_OK, "%s", err.text);
    cr_assert(report.written.external);
    char *data;
    size_t model, weights;
    cr_assert_eq(yti_file_read(test_folder_path("a.onnx"), 16u << 20, &data, &model, NULL), YT_OK);
    free(data);
    cr_assert_eq(yti_file_read(test_folder_path("a.onnx.data"), 16u << 20, &data, &weights, NULL), YT_OK);
    free(data);
    cr_assert(weights >= report.written.weight_bytes && model < report.written.weight_bytes);
    yti_options_free(&options);
}

/* ---- ncnn ---- */

static yt_status export_ncnn(const char *name, const char *folder, const char *const *settings, yt_err *err) {
    yti_options options;
    yti_export_report report;
    cr_assert_eq(yti_options_init(yti_export_rows, yti_export_row_count, &options, NULL), YT_OK);
    for (int i = 0; settings && settings[i]; i += 2)
        cr_assert_eq(yti_options_set(&options, settings[i], settings[i + 1], err), YT_OK, "%s", err->text);
    const yti_export_job job = {.format = YTI_EXPORT_NCNN,
                                .weights = weights_of(name),
                                .output = test_folder_path(folder),
                                .model = yaml_of(name),
                                .options = &options};
    const yt_status status = yti_export_network(&job, &report, err);
    yti_options_free(&options);
    return status;
}

static char *read_part(const char *name, size_t *bytes) {
    char *data;
    yt_err err;
    cr_assert_eq(yti_file_read(test_folder_path(name), 16u << 20, &data, bytes, &err), YT_OK, "%s", err.text);
    return data;
}

/* The number in "id=number" of a line; otherwise where there is none. */
static long number_of(const char *line, const char *id, long otherwise) {
    char key[16];
    snprintf(key, sizeof key, " %s=", id);
    const char *at = strstr(line, key);
    return at ? strtol(at + strlen(key), NULL, 10) : otherwise;
}

/* Bytes of the weights of a layer, as the format has them. */
static size_t weight_bytes(const char *line, bool half) {
    if (strncmp(line, "MemoryData", 10) == 0)
        return sizeof(float) * (size_t)(number_of(line, "0", 1) * number_of(line, "1", 1) * number_of(line, "2", 1));
    const size_t count = (size_t)number_of(line, "6", 0);
    if (!strstr(line, "onvolution") || !count) return 0;
    const size_t weights = half ? (count * 2 + 3) / 4 * 4 : count * 4;
    return 4 + weights + (number_of(line, "5", 0) ? 4 * (size_t)number_of(line, "0", 0) : 0);
}

Test(export, every_blob_of_an_ncnn_file_is_made_once_and_read_once) {
    enum { MAX_BLOBS = 1024 };
    static char blobs[MAX_BLOBS][64];
    for (int i = 0; i < 6; i++) {
        yt_err err = {.text = ""};
        const bool half = i >= 3;
        const char *settings[] = {"imgsz", "64", "half", half ? "true" : "false", NULL};
        cr_assert_eq(export_ncnn(tiny[i % 3], "n", settings, &err), YT_OK, "%s", err.text);
        size_t bytes, bin, expected = 0;
        char *text = read_part("n/model.ncnn.param", &bytes), *rest = text;
        free(read_part("n/model.ncnn.bin", &bin));
        int made = 0, layers = 0, reads[MAX_BLOBS] = {0};
        cr_assert_str_eq(strtok_r(rest, "\n", &rest), "7767517");
        int n_layers, n_blobs;
        cr_assert_eq(sscanf(strtok_r(NULL, "\n", &rest), "%d %d", &n_layers, &n_blobs), 2);
        for (char *line; (line = strtok_r(NULL, "\n", &rest)); layers++) {
            int in, out, used;
            expected += weight_bytes(line, half);
            cr_assert_eq(sscanf(line, "%*s %*s %d %d%n", &in, &out, &used), 2, "%s", line);
            char *fields = line + used;
            for (int k = 0; k < in + out; k++) {
                char *name = strtok_r(fields, " ", &fields);
                int b = 0;
                while (b < made && strcmp(blobs[b], name) != 0) b++;
                if (k < in) {
                    cr_assert(b < made, "%s is read before it is there", name);
                    reads[b]++;
                } else {
                    cr_assert(b == made && made < MAX_BLOBS, "%s is made twice", name);
                    snprintf(blobs[made++], sizeof blobs[0], "%s", name);
                }
            }
        }
        cr_assert(layers == n_layers && made == n_blobs, "%d of %d layers, %d of %d blobs", layers, n_layers, made,
                  n_blobs);
        for (int b = 0; b < made; b++)
            cr_assert_eq(reads[b], strcmp(blobs[b], "out0") != 0, "%s is read %d times", blobs[b], reads[b]);
        cr_assert_eq(bin, expected);
        free(text);
    }
}

Test(export, what_ncnn_cannot_run_is_refused_and_nothing_is_written) {
    static const char *const cases[][3] = {{"head", "o2o", "ncnn has no layer for"},
                                           {"nms", "true", "ncnn"},
                                           {"batch", "2", "one image"},
                                           {"dynamic", "true", "image"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        yt_err err = {.text = ""};
        cr_expect_eq(export_ncnn("tiny26", "none", (const char *[]){cases[i][0], cases[i][1], NULL}, &err),
                     YT_ERR_MODEL);
        cr_expect(strstr(err.text, cases[i][2]), "%s", err.text);
        cr_expect_not(yti_path_exists(test_folder_path("none")));
    }
}
