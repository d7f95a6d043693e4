/* Tests of src/train/gradient_log/gradient_log.c, gradient_files.c, loss_parts.c and watchers.c: what a run that
 * watches its gradients writes, that watching changes nothing, and that the parts of the loss add up. */
#include "base/file.h"
#include "support/run_config.h"
#include "support/files.h"
#include "support/fixture.h"
#include "support/folder.h"
#include "support/near.h"
#include "support/tiny.h"
#include "train/loop/train.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void init(void) {
    test_folder_make();
    test_tiny_write_models();
    test_tiny_write_data(5, 3);
    cr_assert_eq(chdir(test_folder_path("")), 0);
}
TestSuite(gradient_log, .init = init, .fini = test_folder_remove);

/* Three batches to an epoch. */
static yti_train_config tiny(const char *model, const char *epochs, const char *every) {
    yti_train_config config;
    yti_train_config_defaults(&config);
    test_set(&config, "data", test_folder_path("data.yaml"));
    test_set(&config, "model", test_folder_path(model));
    test_set(&config, "imgsz", "64");
    test_set(&config, "batch", "2");
    test_set(&config, "epochs", epochs);
    test_set(&config, "threads", "2");
    test_set(&config, "log_gradients", every);
    return config;
}

static yt_status run(const yti_train_config *config, const yti_train_observer *observer, const yti_stop *stop) {
    yti_training *training;
    yt_err err = {.text = ""};
    cr_assert_eq(yti_train_prepare(config, NULL, NULL, NULL, &training, &err), YT_OK, "%s", err.text);
    const yt_status status = yti_train_run(training, observer, observer ? 1 : 0, stop, &err);
    yti_train_destroy(training);
    return status;
}

/* ---- it changes nothing ---- */

/* best.safetensors holds the averaged weights and running statistics. */
Test(gradient_log, a_watched_run_has_the_same_bits_as_one_that_is_not, .timeout = 120) {
    static const char *const models[] = {"tiny26.yaml", "tiny8.yaml"}, *const nbs[] = {"2", "4"};
    for (int m = 0; m < 2; m++) {
        yti_train_config plain = tiny(models[m], "2", "0"), logged = tiny(models[m], "2", "1");
        test_set(&plain, "nbs", nbs[m]);
        test_set(&logged, "nbs", nbs[m]);
        test_set(&plain, "name", "plain");
        test_set(&logged, "name", "logged");
        test_set(&plain, "exist_ok", "true");
        test_set(&logged, "exist_ok", "true");
        cr_assert_eq(run(&plain, NULL, NULL), YT_OK);
        cr_assert_eq(run(&logged, NULL, NULL), YT_OK);
        test_expect_same_bytes("runs/detect/plain/weights/best.safetensors",
                               "runs/detect/logged/weights/best.safetensors");
        cr_assert(yti_path_exists("runs/detect/logged/gradients.csv"));
        cr_assert_not(yti_path_exists("runs/detect/plain/gradients.csv"));
    }
}

Test(gradient_log, the_table_is_the_same_for_any_number_of_threads) {
    static const char *const threads[] = {"1", "3"};
    for (int i = 0; i < 2; i++) {
        yti_train_config config = tiny("tiny8.yaml", "1", "1");
        test_set(&config, "threads", threads[i]);
        test_set(&config, "name", threads[i]);
        cr_assert_eq(run(&config, NULL, NULL), YT_OK);
    }
    test_expect_same_bytes("runs/detect/1/gradients.csv", "runs/detect/3/gradients.csv");
}

/* ---- what it writes ---- */

typedef struct csv_row {
    long long step;
    int epoch, layer;
    char name[128], kind[64], stat[64];
    double value;
} csv_row;

/* The rows of gradients.csv, malloc'd. */
static csv_row *read_rows(const char *path, size_t *count) {
    char *text = test_read_text(path);
    const char *header = "step,epoch,layer,name,kind,stat,value\n";
    cr_assert_eq(strncmp(text, header, strlen(header)), 0, "%.60s", text);
    csv_row *rows = malloc((strlen(text) / 8 + 1) * sizeof *rows);
    cr_assert_not_null(rows);
    *count = 0;
    for (const char *line = text + strlen(header); *line; line = strchr(line, '\n') + 1) {
        csv_row *r = &rows[(*count)++];
        cr_assert_eq(sscanf(line, "%lld,%d,%d,%127[^,],%63[^,],%63[^,],%lf", &r->step, &r->epoch, &r->layer, r->name,
                            r->kind, r->stat, &r->value),
                     7, "%.100s", line);
        cr_assert(isfinite(r->value), "%.100s", line);
    }
    free(text);
    return rows;
}

static bool is_of_the_tables(const csv_row *row) {
    for (int k = 0; k < YT_FLOW_KINDS; k++)
        for (int s = 0; s < YT_FLOW_STATS; s++)
            if (strcmp(row->kind, yti_flow_kind_word((yti_flow_kind)k)) == 0 &&
                strcmp(row->stat, yti_flow_stat_word((yti_flow_stat)s)) == 0)
                return yti_flow_has((yti_flow_kind)k, (yti_flow_stat)s);
    return false;
}

static int count(const csv_row *rows, size_t n, long long step, const char *kind, const char *stat, int layer,
                 const char *name) {
    int found = 0;
    for (size_t i = 0; i < n; i++)
        found += rows[i].step == step && strcmp(rows[i].kind, kind) == 0 && strcmp(rows[i].stat, stat) == 0 &&
                 (layer < 0 || rows[i].layer == layer) && (!name || strcmp(rows[i].name, name) == 0);
    return found;
}

/* Steps 0 to 26; rows 0 to 5 have maps, row 3 a C2f with one bottleneck; parts of the loss at 0, 1 and 20. */
Test(gradient_log, rows_blocks_weights_and_parts_are_written_at_their_steps, .timeout = 120) {
    yti_train_config config = tiny("tiny8.yaml", "9", "2");
    test_set(&config, "val", "false");
    cr_assert_eq(run(&config, NULL, NULL), YT_OK);
    size_t n;
    csv_row *rows = read_rows("runs/detect/train/gradients.csv", &n);
    for (size_t i = 0; i < n; i++) {
        cr_assert(is_of_the_tables(&rows[i]), "%s of %s", rows[i].stat, rows[i].kind);
        cr_assert(rows[i].step <= 1 || rows[i].step % 2 == 0, "step %lld", rows[i].step);
        cr_assert_eq(rows[i].epoch, rows[i].step / 3 + 1);
        cr_assert(i == 0 || rows[i].step >= rows[i - 1].step);
    }
    static const char *const parts[] = {"box", "cls", "dfl", "P3", "P4", "P5"};
    for (long long step = 0; step < 27; step++) {
        const bool sampled = step <= 1 || step % 2 == 0, parted = step <= 1 || step == 20;
        cr_assert_eq(count(rows, n, step, "activation_gradient", "rms", -1, NULL), sampled ? 6 : 0);
        cr_assert_eq(count(rows, n, step, "activation", "spread", -1, NULL), sampled ? 7 : 0);
        cr_assert_eq(count(rows, n, step, "block_gradient", "l2", 3, "model.3.m.0"), sampled);
        cr_assert_eq(count(rows, n, step, "weight", "l2", 0, "model.0.conv.weight"), sampled);
        cr_assert_eq(count(rows, n, step, "update", "ratio", 0, "model.0.conv.weight"), sampled);
        cr_assert_eq(count(rows, n, step, "update", "ratio", -1, NULL),
                     count(rows, n, step, "weight", "rms", -1, NULL));
        for (int p = 0; p < 6; p++)
            cr_assert_eq(count(rows, n, step, parts[p], "rms", 0, "Conv"), parted, "%s, step %lld", parts[p], step);
    }
    /* fresh from SiLU: the rows; after the bottleneck's shortcut it does not show */
    cr_assert_eq(count(rows, n, 0, "activation", "saturated", -1, NULL), 6);
    free(rows);
}

/* Two batches to an update, three to an epoch: an update may follow the sample, in the same epoch, and stands under
 * its step; or none does. */
Test(gradient_log, weights_that_move_later_stand_beside_the_maps_of_their_sample) {
    yti_train_config config = tiny("tiny26.yaml", "4", "3");
    test_set(&config, "nbs", "4");
    test_set(&config, "warmup_epochs", "0");
    cr_assert_eq(run(&config, NULL, NULL), YT_OK);
    size_t n;
    csv_row *rows = read_rows("runs/detect/train/gradients.csv", &n);
    const char *name = "model.0.conv.weight";
    int gradients = 0;
    for (long long step = 0; step < 12; step++) {
        const int weights = count(rows, n, step, "weight", "rms", 0, name);
        cr_assert_eq(weights, count(rows, n, step, "update", "ratio", 0, name));
        if (step > 1 && step % 3) cr_assert_eq(weights, 0, "step %lld is no sample", step);
        gradients += weights;
    }
    cr_assert(gradients >= 3, "%d gradients", gradients);
    for (size_t i = 1; i < n; i++) cr_assert(rows[i].step >= rows[i - 1].step);
    free(rows);
}

/* ---- alarms ---- */

typedef struct heard {
    int lines;
    char text[64][256];
} heard;

static void hear(void *context, const char *text) {
    heard *h = context;
    if (h->lines < 64) snprintf(h->text[h->lines], sizeof h->text[0], "%s", text);
    h->lines++;
}

Test(gradient_log, a_sound_run_raises_no_alarm) {
    heard h = {0};
    const yti_train_observer observer = {.alarm = hear, .context = &h};
    yti_train_config config = tiny("tiny26.yaml", "2", "1");
    cr_assert_eq(run(&config, &observer, NULL), YT_OK);
    cr_assert_eq(h.lines, 0, "%s", h.text[0]);
}

/* Twenty-three layers in a row without batch norm or shortcuts. */
static yti_train_config deep(const char *activation) {
    char yaml[512];
    snprintf(yaml, sizeof yaml,
             "nc: 2\nactivation: %s\nbackbone:\n  - [-1, 1, Conv, [8, 3, 2]]\n  - [-1, 20, Conv, [8, 3, 1]]\n"
             "  - [-1, 1, Conv, [8, 3, 2]]\n  - [-1, 1, Conv, [8, 3, 2]]\nhead:\n  - [[3], 1, Detect, [nc]]\n",
             activation);
    test_folder_write_text("deep.yaml", yaml);
    yti_train_config config = tiny("deep.yaml", "2", "1");
    test_set(&config, "no_batchnorm", "true");
    return config;
}

/* A sigmoid passes at most a quarter: after twenty of them nothing is left. */
Test(gradient_log, a_vanishing_gradient_is_told_once_where_it_is_worst) {
    heard h = {0};
    const yti_train_observer observer = {.alarm = hear, .context = &h};
    yti_train_config config = deep("nn.Sigmoid()");
    cr_assert_eq(run(&config, &observer, NULL), YT_OK);
    cr_assert_eq(strncmp(h.text[0], "step 0, row 0 Conv: vanishing, here and in ", 43), 0, "%s", h.text[0]);
    cr_assert_not_null(strstr(h.text[0], ": mean_abs of activation_gradient is "), "%s", h.text[0]);
    int vanishing = 0;
    for (int i = 0; i < h.lines; i++) vanishing += strstr(h.text[i], "vanishing") != NULL;
    cr_assert_eq(vanishing, 1, "%d lines: %s", h.lines, h.text[0]);
}

/* Twenty ReLU layers whose weights are twice too large: gradients grow on their way to the input. */
Test(gradient_log, large_weights_without_clipping_explode_and_then_are_not_finite) {
    heard h = {0};
    const yti_train_observer observer = {.alarm = hear, .context = &h};
    yti_train_config config = deep("nn.ReLU()");
    test_set(&config, "init", "scaled:4");
    test_set(&config, "optimizer", "SGD");
    test_set(&config, "lr0", "0.1");
    test_set(&config, "warmup_epochs", "0");
    test_set(&config, "clip", "0");
    test_set(&config, "exist_ok", "true");
    cr_assert_eq(run(&config, &observer, NULL), YT_ERR_NON_FINITE);
    cr_assert_not_null(strstr(h.text[0], "row 0 Conv: exploding"), "%s", h.text[0]);
    cr_assert_not(yti_path_exists("runs/detect/train/weights/last.safetensors"));
    char *text = test_read_text("runs/detect/train/gradients.jsonl"), *last = strrchr(text, '{');
    while (last > text && last[-1] != '\n') last--; /* of the step that the run ended in: its maps alone */
    cr_assert_not_null(strstr(last, "\"non_finite\":"), "%.200s", last);
    cr_assert_null(strstr(last, "_loss"), "%.200s", last);
    cr_assert_null(strstr(last, "gradient_norm"), "%.200s", last);
    free(text);
    test_set(&config, "clip", "1");
    cr_assert_eq(run(&config, NULL, NULL), YT_OK);
}

/* ---- resumption ---- */

typedef struct stopper {
    yti_stop stop;
    int64_t at;
} stopper;

static void stop_at(void *context, const yti_train_batch *batch) {
    stopper *s = context;
    if (batch->step == s->at) s->stop = 1;
}

/* Stopped in the second epoch, after its sampled steps: those are dropped and made again. */
static void expect_resumable(const char *every, const char *nbs) {
    yti_train_config whole = tiny("tiny26.yaml", "3", every);
    test_set(&whole, "nbs", nbs);
    test_set(&whole, "exist_ok", "true");
    yti_train_config broken = whole;
    test_set(&whole, "name", "whole");
    test_set(&broken, "name", "broken");
    cr_assert_eq(run(&whole, NULL, NULL), YT_OK);
    stopper s = {.at = 4};
    const yti_train_observer observer = {.batch = stop_at, .context = &s};
    cr_assert_eq(run(&broken, &observer, &s.stop), YT_ERR_STOPPED);
    char *text = test_read_text("runs/detect/broken/gradients.csv");
    cr_assert_not_null(strstr(text, "\n4,2,0,"));
    free(text);
    yti_train_config resumed;
    yti_train_config_defaults(&resumed);
    test_set(&resumed, "resume", "runs/detect/broken/weights/last.safetensors");
    test_set(&resumed, "threads", "1");
    cr_assert_eq(run(&resumed, NULL, NULL), YT_OK);
    test_expect_same_bytes("runs/detect/whole/gradients.csv", "runs/detect/broken/gradients.csv");
    test_expect_same_bytes("runs/detect/whole/gradients.jsonl", "runs/detect/broken/gradients.jsonl");
}

Test(gradient_log, a_resumed_run_writes_what_an_unbroken_one_does, .timeout = 120) {
    expect_resumable("1", "2");
    expect_resumable("2", "4"); /* two batches to an update */
}

/* ---- parts of the loss ---- */

/* Sums over all values of a row's gradient, weighted so that no symmetry hides an error. */
typedef struct sums {
    yti_model *model;
    double whole[8], part[8][YT_FLOW_KINDS], size[8];
    int parts;
} sums;

static double weighted(yti_tensor t, double *size) {
    double sum = 0;
    *size = 0;
    for (size_t p = 0; p < yti_tensor_pixels(t); p++)
        for (int c = 0; c < t.c; c++) {
            const double x = (double)t.data[(ptrdiff_t)p * t.ld + c];
            sum += x * (double)(1 + (p * 31 + (size_t)c * 7) % 13);
            *size += fabs(x) * 13;
        }
    return sum;
}

static yt_status remember_model(void *context, const yti_train_info *info, yt_err *err) {
    (void)err;
    ((sums *)context)->model = info->model;
    return YT_OK;
}

static unsigned want_all(void *context, const yti_train_batch *batch) {
    (void)context;
    return batch->step == 0 ? YT_WATCH_MAPS | YT_WATCH_LOSS_PARTS : 0;
}

static void see_whole(void *context, yti_value value, yti_tensor gradient) {
    sums *s = context;
    for (int r = 0; r < s->model->n_rows; r++)
        if (s->model->rows[r].output == value) s->whole[r] = weighted(gradient, &s->size[r]);
}

static void see_part(void *context, yti_flow_kind part, yti_value value, yti_tensor gradient) {
    sums *s = context;
    double size;
    for (int r = 0; r < s->model->n_rows; r++)
        if (s->model->rows[r].output == value) s->part[r][part] = weighted(gradient, &size), s->parts++;
}

Test(gradient_log, terms_and_levels_add_up_to_the_whole_gradient) {
    static const char *const models[] = {"tiny26.yaml", "tiny8.yaml"};
    for (int m = 0; m < 2; m++) {
        yti_train_config config = tiny(models[m], "1", "0");
        sums s = {0};
        const yti_train_observer observer = {
            .start = remember_model, .begin_batch = want_all, .backward = see_whole, .part = see_part, .context = &s};
        cr_assert_eq(run(&config, &observer, NULL), YT_OK);
        cr_assert_eq(s.parts, 6 * 6);
        for (int row = 0; row < 6; row++) {
            const double *p = s.part[row];
            const double terms = p[YT_FLOW_BOX] + p[YT_FLOW_CLS] + p[m ? YT_FLOW_DFL : YT_FLOW_L1],
                         levels = p[YT_FLOW_P3] + p[YT_FLOW_P4] + p[YT_FLOW_P5];
            cr_assert_gt(s.size[row], 0);
            cr_expect(test_near(terms, s.whole[row], 1e-5 * s.size[row]), "%s row %d: terms %g, whole %g", models[m],
                      row, terms, s.whole[row]);
            cr_expect(test_near(levels, s.whole[row], 1e-5 * s.size[row]), "%s row %d: levels %g, whole %g", models[m],
                      row, levels, s.whole[row]);
        }
        /* rows 3 and 4 feed the levels above them only through row 5, the deepest */
        cr_expect(s.part[5][YT_FLOW_P3] == 0 && s.part[5][YT_FLOW_P4] == 0 && s.part[4][YT_FLOW_P3] == 0);
        cr_expect(s.part[5][YT_FLOW_P5] != 0 && s.part[3][YT_FLOW_P3] != 0);
    }
}

/* ---- against the reference ---- */

/* Norm, mean and largest magnitude of every weight gradient, within the design's 1e-3. */
static void expect_reference_gradients(const char *name, int expected) {
    fixture f = fixture_open(name);
    memset(f.model->state.grads, 0, f.model->param_count * sizeof(float));
    fixture_forward(&f, f.model, YT_MODE_TRAIN);
    const yti_targets targets = {FIXTURE_TARGETS, f.image, f.class_id, f.boxes};
    const yti_loss_gains gains = {7.5f, 0.5f, 1.5f};
    double weight[2] = {1, 0};
    yti_loss *loss = NULL;
    yti_loss_result result;
    cr_assert_eq(yti_loss_create(&loss, NULL), YT_OK);
    if (f.model->n_branches == 2) yti_loss_branch_weights(0, 10, &weight[0], &weight[1]);
    for (int b = 0; b < f.model->n_branches; b++) {
        const yti_head head = yti_model_head(f.model, b);
        const yti_loss_rule rule = {gains, yti_assigner_of(b == 1), weight[b]};
        cr_assert_eq(yti_loss_branch(loss, &head, &targets, &rule, FIXTURE_THREADS, &result, NULL), YT_OK);
    }
    yti_loss_destroy(loss);
    yti_model_backward(f.model, &f.model->state, NULL);
    int compared = 0;
    for (int i = 0; i < f.model->n_params; i++) {
        const yti_param_info *info = &f.model->params[i];
        if (info->kind >= YT_PARAM_CONSTANT || !fixture_has_gradient(&f, info->name)) continue;
        const cJSON *summary = fixture_item(fixture_item(f.reference, "grads"), info->name);
        const yti_flow_stats s = yti_flow_measure(
            yti_tensor_of(f.model->state.grads + info->offset, 1, 1, (int)info->count, 1), FIXTURE_THREADS);
        const double l2 = fixture_number(summary, "l2"), rms = l2 / sqrt((double)info->count),
                     largest = fixture_number(summary, "absmax");
        cr_expect(test_near(yti_flow_value(&s, YT_FLOW_STAT_L2), l2, 1e-3 * l2), "%s", info->name);
        cr_expect(test_near(yti_flow_value(&s, YT_FLOW_STAT_RMS), rms, 1e-3 * rms), "%s", info->name);
        cr_expect(test_near(yti_flow_value(&s, YT_FLOW_STAT_MEAN), fixture_number(summary, "mean"), 1e-3 * rms), "%s",
                  info->name);
        cr_expect(test_near(yti_flow_value(&s, YT_FLOW_STAT_MAX_ABS), largest, 2e-3 * largest), "%s", info->name);
        cr_expect_eq(s.count, (uint64_t)fixture_number(summary, "numel"));
        compared++;
    }
    cr_expect(compared > expected * 3 / 4, "%d of %d gradients compared", compared, expected);
    fixture_close(&f);
}

Test(gradient_log, statistics_of_gradients_are_those_of_the_reference_yolo26n) {
    expect_reference_gradients("yolo26n", 366);
}

Test(gradient_log, statistics_of_gradients_are_those_of_the_reference_yolo11n) {
    expect_reference_gradients("yolo11n", 255);
}

Test(gradient_log, statistics_of_gradients_are_those_of_the_reference_yolov8n) {
    expect_reference_gradients("yolov8n", 183);
}
