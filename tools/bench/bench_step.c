/* bench_step.c: the time of one training step, by part: input, forward, loss, backward, optimiser.
 *
 * Random pictures and boxes, the real network, loss, clipping, SGD and the moving average; no data loading. Prints
 * median and best of the counted steps; with --profile (or --profile=shapes) the time of every kind of kernel (and
 * shape) and its distance from what the machine could do.
 */
#include "base/cpu.h"
#include "base/rng.h"
#include "loss/loss.h"
#include "model/model.h"
#include "optim/optim.h"
#include "parts/kernel_clock.h"
#include "parts/machine.h"

#include <stdlib.h>
#include <string.h>

enum { INPUT, FORWARD, LOSS, BACKWARD, OPTIMISER, TOTAL, N_PARTS, MAX_STEPS = 1000, BOXES_PER_IMAGE = 8 };
static const char *const part_names[N_PARTS] = {"input", "forward", "loss", "backward", "optimiser", "total"};

typedef struct settings {
    const char *model;
    char scale;
    int imgsz, batch, threads, steps;
    bool json, eval, profile, shapes;
} settings;

typedef struct bench {
    settings s;
    yti_model *model;
    yti_loss *loss;
    yti_optimizer *optimizer;
    float *ema;
    uint8_t *rgb;
    int *image, *class_id;
    yti_cxcywh *boxes;
    double seconds[N_PARTS][MAX_STEPS];
} bench;

static void die(const char *what) {
    fprintf(stderr, "bench_step: %s\n", what);
    exit(1);
}

static settings parse(int argc, char **argv) {
    settings s = {.model = "models/yolo26.yaml", .imgsz = 640, .batch = 4, .threads = yti_cpu_cores(), .steps = 10};
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--json") == 0)
            s.json = true;
        else if (strcmp(argv[i], "--eval") == 0)
            s.eval = true;
        else if (strcmp(argv[i], "--profile") == 0)
            s.profile = true;
        else if (strcmp(argv[i], "--profile=shapes") == 0)
            s.profile = s.shapes = true;
        else {
            if (strcmp(argv[i], "--model") == 0)
                s.model = value;
            else if (strcmp(argv[i], "--scale") == 0)
                s.scale = value[0];
            else if (strcmp(argv[i], "--imgsz") == 0)
                s.imgsz = atoi(value);
            else if (strcmp(argv[i], "--batch") == 0)
                s.batch = atoi(value);
            else if (strcmp(argv[i], "--threads") == 0)
                s.threads = atoi(value);
            else if (strcmp(argv[i], "--steps") == 0)
                s.steps = atoi(value);
            else
                die("usage: bench_step [--model YAML] [--scale n] [--imgsz N] [--batch N] [--threads N] "
                    "[--steps N] "
                    "[--eval] [--profile[=shapes]] [--json]");
            i++;
        }
    }
    if (s.imgsz < 32 || s.batch < 1 || s.threads < 1 || s.steps < 1 || s.steps > MAX_STEPS)
        die("a value is out of range");
    return s;
}

static void make_data(bench *b) {
    const size_t bytes = (size_t)b->s.batch * (size_t)b->s.imgsz * (size_t)b->s.imgsz * 3;
    const size_t n = (size_t)(b->s.batch * BOXES_PER_IMAGE);
    yti_rng rng = yti_rng_make(0, 0, 0, YT_RNG_TEST);
    b->rgb = malloc(bytes);
    b->image = malloc(n * sizeof *b->image);
    b->class_id = malloc(n * sizeof *b->class_id);
    b->boxes = malloc(n * sizeof *b->boxes);
    b->ema = calloc(b->model->param_count, sizeof *b->ema);
    if (!b->rgb || !b->image || !b->class_id || !b->boxes || !b->ema) die("out of memory");
    for (size_t i = 0; i < bytes; i++) b->rgb[i] = (uint8_t)yti_rng_u32(&rng);
    for (size_t i = 0; i < n; i++) {
        b->image[i] = (int)i / BOXES_PER_IMAGE;
        b->class_id[i] = (int)yti_rng_below(&rng, (uint32_t)b->model->n_classes);
        b->boxes[i] = (yti_cxcywh){(float)yti_rng_uniform(&rng, 0.2, 0.8), (float)yti_rng_uniform(&rng, 0.2, 0.8),
                                   (float)yti_rng_uniform(&rng, 0.05, 0.4), (float)yti_rng_uniform(&rng, 0.05, 0.4)};
    }
}

/* Inference runs the fused network. */
static void fuse(bench *b) {
    yt_err err = {.text = ""};
    yti_model *fused;
    if (yti_model_fuse(b->model, &b->model->state, b->model->end2end, &fused, &err) != YT_OK) die(err.text);
    yti_model_destroy(b->model);
    b->model = fused;
}

static void setup(bench *b) {
    yt_err err = {.text = ""};
    yti_model_options options = YT_MODEL_DEFAULTS;
    options.scale = b->s.scale;
    if (yti_model_load(b->s.model, &options, &b->model, &err) != YT_OK) die(err.text);
    yti_model_init_weights(b->model, 0, &b->model->state);
    if (b->s.eval) fuse(b);
    if (yti_model_plan(b->model, b->s.eval ? YT_MODE_EVAL : YT_MODE_TRAIN, b->s.batch, b->s.imgsz, b->s.imgsz,
                       b->s.threads, &err) != YT_OK ||
        yti_loss_create(&b->loss, &err) != YT_OK)
        die(err.text);
    if (b->s.eval) yti_model_prepare(b->model, &b->model->state);
    const yti_param_span all = {.count = b->model->param_count, .group = YT_GROUP_WEIGHT};
    if (yti_optimizer_create(YT_OPTIM_SGD, all.count, &all, 1, 5e-4f, b->s.threads, &b->optimizer, &err) != YT_OK)
        die(err.text);
    make_data(b);
}

static void run_loss(bench *b) {
    const yti_targets targets = {b->s.batch * BOXES_PER_IMAGE, b->image, b->class_id, b->boxes};
    const yti_loss_gains gains = {7.5f, 0.5f, 1.5f};
    yt_err err = {.text = ""};
    for (int branch = 0; branch < b->model->n_branches; branch++) {
        const yti_head head = yti_model_head(b->model, branch);
        const yti_loss_rule rule = {gains, yti_assigner_of(branch == 1), 1};
        yti_loss_result result;
        if (yti_loss_branch(b->loss, &head, &targets, &rule, b->s.threads, &result, &err) != YT_OK) die(err.text);
    }
}

static void run_optimiser(bench *b) {
    const yti_kernels *k = yti_kernels_get();
    const size_t count = b->model->param_count;
    const float rates[YT_GROUP_COUNT] = {1e-4f, 1e-4f, 1e-4f};
    const float scale = yti_clip_scale(k->sum_squares(b->model->state.grads, count, b->s.threads), 10);
    yti_optimizer_step(b->optimizer, b->model->state.params, b->model->state.grads, scale, rates, 0.9f);
    k->ema_step(b->ema, b->model->state.params, count, 0.99f, b->s.threads);
    memset(b->model->state.grads, 0, count * sizeof(float));
}

/* step < 0: warm-up, not counted. */
static void run_step(bench *b, int step) {
    double at[N_PARTS] = {0};
    const double start = yti_seconds();
    yti_model_set_input(b->model, b->rgb);
    at[INPUT] = yti_seconds();
    yti_model_forward(b->model, &b->model->state, NULL);
    at[FORWARD] = at[LOSS] = at[BACKWARD] = at[OPTIMISER] = yti_seconds();
    if (!b->s.eval) {
        run_loss(b);
        at[LOSS] = yti_seconds();
        yti_model_backward(b->model, &b->model->state, NULL);
        at[BACKWARD] = yti_seconds();
        run_optimiser(b);
        at[OPTIMISER] = yti_seconds();
    }
    for (int p = 0; p < TOTAL && step >= 0; p++) b->seconds[p][step] = at[p] - (p ? at[p - 1] : start);
    if (step >= 0) b->seconds[TOTAL][step] = at[OPTIMISER] - start;
}

static int ascending(const void *a, const void *c) {
    const double x = *(const double *)a, y = *(const double *)c;
    return (x > y) - (x < y);
}

static void print(bench *b) {
    for (int p = 0; p < N_PARTS; p++) qsort(b->seconds[p], (size_t)b->s.steps, sizeof(double), ascending);
    if (b->s.json) {
        printf("{\"median_s\": %.6f, \"best_s\": %.6f, \"threads\": %d, \"isa\": \"%s\"}\n",
               b->seconds[TOTAL][b->s.steps / 2], b->seconds[TOTAL][0], b->s.threads, yti_kernels_get()->name);
        return;
    }
    printf("%s, %d x %d x %d, %d threads, %s, %d steps, %.0f MB planned\n", b->s.model, b->s.batch, b->s.imgsz,
           b->s.imgsz, b->s.threads, yti_kernels_get()->name, b->s.steps,
           (double)yti_graph_planned_bytes(b->model->graph) / 1e6);
    for (int p = 0; p < N_PARTS; p++)
        printf("%-10s median %8.2f ms   best %8.2f ms\n", part_names[p], 1e3 * b->seconds[p][b->s.steps / 2],
               1e3 * b->seconds[p][0]);
    printf("peak memory %.0f MB\n", (double)yti_peak_memory() / 1e6);
}

int main(int argc, char **argv) {
    static bench b;
    b.s = parse(argc, argv);
    setup(&b);
    for (int step = -2; step < b.s.steps; step++) {
        if (step == 0) kernel_clock(b.s.profile);
        run_step(&b, step);
    }
    kernel_clock(false);
    print(&b);
    if (b.s.profile)
        kernel_clock_print(b.s.steps, bench_peak_flops(yti_kernels_get()->vector_floats, b.s.threads),
                           bench_bandwidth(b.s.threads), b.s.shapes);
    yti_optimizer_destroy(b.optimizer);
    yti_loss_destroy(b.loss);
    yti_model_destroy(b.model);
    free(b.ema);
    free(b.rgb);
    free(b.image);
    free(b.class_id);
    free(b.boxes);
    return 0;
}
