/* The public detector: what it finds, in which pixels, how much of it, by how many threads, and what it refuses. */
#include "infer/predict.h"
#include "support/folder.h"
#include "support/models.h"
#include "support/tiny.h"
#include "weights/weights.h"
#include "yolotrain.h"

#include <criterion/criterion.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { W = 70, H = 50, ROOM = 400 };

static void save(const yti_model *model, const char *path) {
    char red[] = "red", blue[] = "blue", *list[] = {red, blue};
    const yti_class_names names = {2, list};
    yt_err err;
    cr_assert_eq(test_weights_save(path, model, &model->state, 1, &names, 64, &err), YT_OK, "%s", err.text);
}

/* Weights that find something in every cell, each with another score. */
static yti_model *find_everything(void) {
    yti_model_options options = YT_MODEL_DEFAULTS;
    yti_model *model;
    yt_err err;
    cr_assert_eq(yti_model_load("tiny26.yaml", &options, &model, &err), YT_OK, "%s", err.text);
    test_tiny_find_cells(model);
    for (int i = 0; i < model->n_params; i++) { /* the class depends on the pixels a little */
        const yti_param_info *info = &model->params[i];
        if (info->kind != YT_PARAM_WEIGHT || !strstr(info->name, "cv3.") || !strstr(info->name, ".2.weight")) continue;
        for (size_t k = 0; k < info->count; k++) model->state.params[info->offset + k] = 0.01f * (float)(k % 7);
    }
    return model;
}

static void init(void) {
    test_folder_make();
    test_tiny_write_models();
    cr_assert_eq(chdir(test_folder_path("")), 0);
    yti_model *model = find_everything();
    save(model, "w.safetensors");
    yti_model_destroy(model);
}
TestSuite(detector, .init = init, .fini = test_folder_remove);

static uint8_t value_at(int x, int y, int channel) {
    return (uint8_t)(x * 3 + y * 5 + channel * 40 + x * y % 31);
}

static yt_image textured(void) {
    yt_image image;
    cr_assert_eq(yt_image_create(W, H, &image, NULL), YT_OK);
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++)
            for (int c = 0; c < 3; c++) image.rgb[(y * W + x) * 3 + c] = value_at(x, y, c);
    return image;
}

static yt_detector *open_with(const char *name, const char *value) {
    yt_detector_options *options;
    yt_detector *detector = NULL;
    yt_err err = {.text = ""};
    cr_assert_eq(yt_detector_options_create(&options, &err), YT_OK);
    cr_assert_eq(yt_detector_options_set(options, "threads", "1", &err), YT_OK, "%s", err.text);
    if (name) cr_assert_eq(yt_detector_options_set(options, name, value, &err), YT_OK, "%s", err.text);
    cr_assert_eq(yt_detector_open("w.safetensors", options, &detector, &err), YT_OK, "%s", err.text);
    yt_detector_options_destroy(options);
    return detector;
}

static size_t run(yt_detector *detector, const yt_pixels *pixels, yt_detection *found, size_t capacity) {
    size_t n = 12345;
    yt_err err = {.text = ""};
    cr_assert_eq(yt_detector_run(detector, pixels, found, capacity, &n, &err), YT_OK, "%s", err.text);
    return n;
}

Test(detector, finds_what_the_predictor_finds_to_the_last_bit) {
    yti_open_options open = YT_OPEN_DEFAULTS;
    yti_predict_options predict = YT_PREDICT_DEFAULTS;
    yti_trained *trained;
    yti_predictor *predictor;
    yt_image image = textured();
    static yt_detection expected[ROOM], found[ROOM];
    int n;
    cr_assert_eq(yti_trained_open("w.safetensors", &open, &trained, NULL), YT_OK);
    predict.imgsz = trained->imgsz;
    cr_assert_eq(yti_predictor_create(trained->model, &predict, &predictor, NULL), YT_OK);
    cr_assert_eq(yti_predictor_run(predictor, image.rgb, W, H, expected, &n, NULL), YT_OK);
    yt_detector *detector = open_with(NULL, NULL);
    const yt_pixels pixels = yt_image_pixels(&image);
    cr_expect_eq(run(detector, &pixels, found, ROOM), (size_t)n);
    cr_expect(n > 3, "%d", n);
    cr_expect_arr_eq(found, expected, (size_t)n * sizeof *found);
    for (int i = 1; i < n; i++) cr_expect(found[i].score <= found[i - 1].score);
    yt_detector_close(detector);
    yti_predictor_destroy(predictor);
    yti_trained_close(trained);
    yt_image_free(&image);
}

/* The same picture in every order of bytes, with and without gaps between rows. */
Test(detector, pixels_of_every_format_and_stride_are_the_same_image) {
    static const struct {
        yt_pixel_format format;
        int bytes, at[3];
    } formats[] = {{YT_PIXELS_RGB, 3, {0, 1, 2}},
                   {YT_PIXELS_BGR, 3, {2, 1, 0}},
                   {YT_PIXELS_RGBA, 4, {0, 1, 2}},
                   {YT_PIXELS_BGRA, 4, {2, 1, 0}}};
    yt_image image = textured();
    yt_detector *detector = open_with(NULL, NULL);
    static yt_detection expected[ROOM], found[ROOM];
    const yt_pixels packed = yt_image_pixels(&image);
    const size_t n = run(detector, &packed, expected, ROOM);
    for (size_t f = 0; f < sizeof formats / sizeof *formats; f++)
        for (size_t gap = 0; gap < 20; gap += 13) {
            const size_t stride = (size_t)(W * formats[f].bytes) + gap, bytes = stride * (H - 1) + stride - gap;
            uint8_t *data = malloc(bytes); /* exactly: a read behind the last row is found by the sanitizers */
            memset(data, 77, bytes);
            for (int y = 0; y < H; y++)
                for (int x = 0; x < W; x++)
                    for (int c = 0; c < 3; c++)
                        data[(size_t)y * stride + (size_t)(x * formats[f].bytes + formats[f].at[c])] = value_at(x, y,
                                                                                                                c);
            const yt_pixels pixels = {data, W, H, gap ? stride : 0, formats[f].format};
            memset(found, 0, sizeof found);
            cr_expect_eq(run(detector, &pixels, found, ROOM), n);
            cr_expect_arr_eq(found, expected, n * sizeof *found, "format %d, gap %zu", (int)formats[f].format, gap);
            free(data);
        }
    yt_detector_close(detector);
    yt_image_free(&image);
}

Test(detector, grey_is_red_green_and_blue) {
    yt_image image = textured();
    uint8_t grey[W * H];
    for (int i = 0; i < W * H; i++) {
        grey[i] = image.rgb[3 * i];
        image.rgb[3 * i + 1] = image.rgb[3 * i + 2] = grey[i];
    }
    yt_detector *detector = open_with(NULL, NULL);
    static yt_detection expected[ROOM], found[ROOM];
    const yt_pixels rgb = yt_image_pixels(&image), one = {grey, W, H, 0, YT_PIXELS_GRAY};
    const size_t n = run(detector, &rgb, expected, ROOM);
    cr_expect_eq(run(detector, &one, found, ROOM), n);
    cr_expect_arr_eq(found, expected, n * sizeof *found);
    yt_detector_close(detector);
    yt_image_free(&image);
}

Test(detector, a_small_capacity_gets_the_best_and_how_many_there_are) {
    yt_image image = textured();
    yt_detector *detector = open_with(NULL, NULL);
    static yt_detection all[ROOM];
    const yt_pixels pixels = yt_image_pixels(&image);
    const size_t n = run(detector, &pixels, all, ROOM);
    yt_detection few[3];
    memset(few, 0x55, sizeof few);
    yt_detection guard = few[2];
    cr_expect_eq(run(detector, &pixels, few, 2), n);
    cr_expect_arr_eq(few, all, 2 * sizeof *few);
    cr_expect_arr_eq(&few[2], &guard, sizeof guard, "written behind the capacity");
    cr_expect_eq(run(detector, &pixels, NULL, 0), n);
    yt_detector_close(detector);
    detector = open_with("max-det", "2");
    cr_expect_eq(yt_detector_max_found(detector), 2);
    cr_expect_eq(run(detector, &pixels, few, 3), 2);
    yt_detector_close(detector);
    yt_image_free(&image);
}

typedef struct thread_job {
    yt_detector *detector;
    yt_pixels pixels;
    const yt_detection *expected;
    size_t n;
    bool same;
} thread_job;

static void *detect_often(void *context) {
    thread_job *job = context;
    yt_detection found[ROOM];
    job->same = true;
    for (int i = 0; i < 20; i++) {
        size_t n = 0;
        const yt_pixels part = {job->pixels.data, 20 + i, 30, (size_t)job->pixels.width * 3, YT_PIXELS_RGB};
        if (yt_detector_run(job->detector, &part, found, ROOM, &n, NULL) != YT_OK) job->same = false; /* another plan */
        if (yt_detector_run(job->detector, &job->pixels, found, ROOM, &n, NULL) != YT_OK || n != job->n ||
            memcmp(found, job->expected, n * sizeof *found) != 0)
            job->same = false;
    }
    yt_detector_close(job->detector);
    return NULL;
}

/* Under -fsanitize=thread, too. */
Test(detector, threads_over_one_set_of_weights_find_the_same_to_the_last_bit) {
    enum { THREADS = 4 };
    yt_image image = textured();
    yt_detector *detector = open_with(NULL, NULL);
    static yt_detection expected[ROOM];
    const yt_pixels pixels = yt_image_pixels(&image);
    const size_t n = run(detector, &pixels, expected, ROOM);
    thread_job jobs[THREADS];
    pthread_t threads[THREADS];
    for (int t = 0; t < THREADS; t++) {
        jobs[t] = (thread_job){.pixels = pixels, .expected = expected, .n = n};
        cr_assert_eq(yt_detector_share(detector, &jobs[t].detector, NULL), YT_OK);
        cr_assert_eq(pthread_create(&threads[t], NULL, detect_often, &jobs[t]), 0);
    }
    yt_detector_close(detector); /* the others go on with its weights */
    for (int t = 0; t < THREADS; t++) {
        pthread_join(threads[t], NULL);
        cr_expect(jobs[t].same, "thread %d", t);
    }
    yt_image_free(&image);
}

Test(detector, a_shared_detector_has_the_options_of_the_first) {
    yt_image image = textured();
    yt_detector *first = open_with("classes", "blue"), *second;
    yt_detection found[ROOM];
    const yt_pixels pixels = yt_image_pixels(&image);
    const size_t n = run(first, &pixels, found, ROOM);
    cr_assert_eq(yt_detector_share(first, &second, NULL), YT_OK);
    yt_detector_close(first);
    cr_expect_eq(run(second, &pixels, found, ROOM), n);
    for (size_t i = 0; i < n && i < ROOM; i++) cr_expect_eq(found[i].class_id, 1);
    yt_detector_close(second);
    yt_image_free(&image);
}

Test(detector, says_what_it_is) {
    yt_detector *detector = open_with("imgsz", "100");
    cr_expect_eq(yt_detector_classes(detector), 2);
    cr_expect_str_eq(yt_detector_class_name(detector, 0), "red");
    cr_expect_str_eq(yt_detector_class_name(detector, 1), "blue");
    cr_expect_null(yt_detector_class_name(detector, 2));
    cr_expect_null(yt_detector_class_name(detector, -1));
    cr_expect_str_eq(yt_detector_model(detector), "tiny26");
    cr_expect_eq(yt_detector_input_size(detector), 128, "rounded up to the stride");
    cr_expect_null(yt_detector_license(detector));
    cr_expect(yt_detector_shared_bytes(detector) > 0);
    const size_t before = yt_detector_own_bytes(detector);
    yt_image image = textured();
    const yt_pixels pixels = yt_image_pixels(&image);
    yt_detection found[ROOM];
    run(detector, &pixels, found, ROOM);
    cr_expect(yt_detector_own_bytes(detector) > before + 128 * 96 * 3, "the plan and the input are its own");
    yt_detector_close(detector);
    yt_detector_close(NULL);
    yt_detector_options_destroy(NULL);
    yt_image_free(&image);
}

Test(detector, pixels_that_are_no_image_are_refused_and_the_detector_stays_usable) {
    static const struct {
        yt_pixels pixels;
        const char *says;
    } bad[] = {{{NULL, W, H, 0, YT_PIXELS_RGB}, "NULL"},
               {{"", 0, H, 0, YT_PIXELS_RGB}, "0 x 50"},
               {{"", W, -1, 0, YT_PIXELS_RGB}, "70 x -1"},
               {{"", 1 << 30, 1 << 30, 0, YT_PIXELS_RGB}, "not possible"},
               {{"", W, H, W * 3 - 1, YT_PIXELS_RGB}, "stride is 209"},
               {{"", W, H, W * 3, YT_PIXELS_RGBA}, "takes 280 bytes"},
               {{"", W, H, 0, (yt_pixel_format)5}, "pixel format 5"},
               {{"", W, H, 0, (yt_pixel_format)-1}, "pixel format"}};
    yt_detector *detector = open_with(NULL, NULL);
    yt_detection found[ROOM];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        yt_err err = {.text = ""};
        size_t n = 77;
        cr_expect_eq(yt_detector_run(detector, &bad[i].pixels, found, ROOM, &n, &err), YT_ERR_ARGUMENT, "%s",
                     bad[i].says);
        cr_expect(strstr(err.text, bad[i].says), "%s", err.text);
        cr_expect_eq(n, 77, "outputs are untouched");
    }
    yt_image image = textured();
    const yt_pixels pixels = yt_image_pixels(&image);
    cr_expect(run(detector, &pixels, found, ROOM) > 0);
    yt_detector_close(detector);
    yt_image_free(&image);
}

Test(detector, weights_that_cannot_be_used_are_errors_with_a_sentence) {
    yti_model *model = find_everything();
    yt_detector *detector = NULL;
    yt_err err = {.text = ""};
    cr_expect_eq(yt_detector_open("absent.safetensors", NULL, &detector, &err), YT_ERR_IO);
    cr_expect(strstr(err.text, "absent.safetensors"), "%s", err.text);
    test_folder_write_text("text.safetensors", "no weights");
    cr_expect_eq(yt_detector_open("text.safetensors", NULL, &detector, &err), YT_ERR_SYNTAX);
    model->state.params[0] = NAN;
    save(model, "nan.safetensors");
    cr_expect_eq(yt_detector_open("nan.safetensors", NULL, &detector, &err), YT_ERR_NON_FINITE);
    yt_detector_options *options;
    cr_assert_eq(yt_detector_options_create(&options, NULL), YT_OK);
    cr_assert_eq(yt_detector_options_set(options, "classes", "green", NULL), YT_OK);
    cr_expect_eq(yt_detector_open("w.safetensors", options, &detector, &err), YT_ERR_ARGUMENT);
    cr_expect(strstr(err.text, "green") && strstr(err.text, "these weights"), "%s", err.text);
    yt_detector_options_destroy(options);
    cr_expect_null(detector);
    yti_model_destroy(model);
}

/* Finite weights whose network overflows. */
Test(detector, an_output_that_is_not_finite_is_an_error_and_no_empty_answer) {
    yti_model *model = find_everything();
    yt_detector *detector = NULL;
    yt_err err = {.text = ""};
    for (int i = 0; i < model->n_params; i++)
        if (model->params[i].kind == YT_PARAM_NORM)
            for (size_t k = 0; k < model->params[i].count; k++)
                model->state.params[model->params[i].offset + k] = 1e30f;
    save(model, "huge.safetensors");
    yti_model_destroy(model);
    cr_assert_eq(yt_detector_open("huge.safetensors", NULL, &detector, &err), YT_OK, "%s", err.text);
    yt_image image = textured();
    const yt_pixels pixels = yt_image_pixels(&image);
    yt_detection found[ROOM];
    size_t n = 77;
    cr_expect_eq(yt_detector_run(detector, &pixels, found, ROOM, &n, &err), YT_ERR_NON_FINITE);
    cr_expect(strstr(err.text, "not finite"), "%s", err.text);
    cr_expect_eq(n, 77);
    yt_detector_close(detector);
    yt_image_free(&image);
}

Test(detector, options_are_a_table_by_name) {
    yt_detector_options *options;
    yt_err err = {.text = ""};
    cr_assert_eq(yt_detector_options_create(&options, &err), YT_OK);
    size_t n = 0;
    for (const yt_option *row; (row = yt_detector_option(n)); n++) {
        const char *value = yt_detector_options_get(options, row->name);
        cr_expect(row->help[0] && row->group[0], "%s", row->name);
        if (row->fallback) {
            cr_expect_str_eq(value, row->fallback);
            cr_expect_eq(yt_detector_options_set(options, row->name, row->fallback, &err), YT_OK, "%s", err.text);
        }
    }
    cr_expect_eq(n, 10);
    cr_expect_null(yt_detector_option(n));
    cr_expect_null(yt_detector_options_get(options, "absent"));
    cr_expect_eq(yt_detector_options_set(options, "conf", "2", &err), YT_ERR_ARGUMENT);
    cr_expect_str_eq(err.text, "conf: 2 is above 1");
    cr_expect_str_eq(yt_detector_options_get(options, "conf"), "0.25");
    cr_expect_eq(yt_detector_options_set(options, "confidence", "0.5", &err), YT_ERR_ARGUMENT);
    yt_detector_options_destroy(options);
}

static char *read_file(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    cr_assert_not_null(file);
    char *bytes = malloc(1 << 20);
    *size = fread(bytes, 1, 1 << 20, file);
    fclose(file);
    return bytes;
}

Test(detector, an_image_in_memory_is_the_same_as_in_a_file) {
    static const char *const names[] = {"a.png", "a.jpg", "a.bmp"};
    yt_image image = textured();
    for (size_t i = 0; i < 3; i++) {
        yt_image loaded, decoded;
        yt_err err;
        size_t size;
        cr_assert_eq(yt_image_save(names[i], &image, NULL), YT_OK);
        cr_assert_eq(yt_image_load(names[i], &loaded, NULL), YT_OK);
        char *bytes = read_file(names[i], &size), *exact = malloc(size);
        memcpy(exact, bytes, size);
        cr_assert_eq(yt_image_decode(exact, size, NULL, &decoded, &err), YT_OK, "%s", err.text);
        cr_expect(decoded.w == W && decoded.h == H);
        cr_expect_arr_eq(decoded.rgb, loaded.rgb, W * H * 3);
        yt_image_free(&decoded);
        cr_expect_eq(yt_image_decode(exact, 3, "camera 1", &decoded, &err), YT_ERR_DATA);
        cr_expect(strstr(err.text, "camera 1"), "%s", err.text);
        cr_expect_eq(yt_image_decode(NULL, 0, NULL, &decoded, &err), YT_ERR_DATA);
        cr_expect(strstr(err.text, "image: "), "%s", err.text);
        free(exact);
        free(bytes);
        yt_image_free(&loaded);
    }
    yt_image_free(&image);
}
