/* yoloval.c: trained weights over a split of a dataset: a table of metrics per class on stdout, or one JSON
 * object.
 */
#include "cli/cli_common.h"
#include "cli/cli_threads.h"
#include "yt/validate.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <unistd.h>

#define RUNS "runs/detect"

/* clang-format off */
static const yt_cli_option options[] = {
    {"weights", 'w', YT_CLI_STRING, NULL, 0, 0, NULL, "FILE", "Model",
     "trained weights; else the newest best.safetensors under " RUNS},
    {"model", 0, YT_CLI_STRING, NULL, 0, 0, NULL, "YAML", "Model",
     "model description, for weights that carry none"},
    {"split", 0, YT_CLI_STRING, "val", 0, 0, NULL, "NAME", "Data",
     "which images of the dataset: train, val or test"},
    {"strict", 0, YT_CLI_FLAG, NULL, 0, 0, NULL, NULL, "Data", "stop at the first problem of the dataset"},
    {"imgsz", 's', YT_CLI_INT, "auto", 32, 8192, NULL, "PX", "Validation",
     "long side of the network's input; auto: what the weights were trained at"},
    {"batch", 'b', YT_CLI_INT, "16", 1, 4096, NULL, NULL, "Validation", "images per step"},
    {"conf", 0, YT_CLI_DOUBLE, "0.001", 0, 1, NULL, NULL, "Validation", "count boxes with a higher score"},
    {"iou", 0, YT_CLI_DOUBLE, "0.7", 0, 1, NULL, NULL, "Validation",
     "drop a box that overlaps a better one of its class more (not used by end-to-end models)"},
    {"max-det", 0, YT_CLI_INT, "300", 1, 100000, NULL, NULL, "Validation",
     "count at most so many boxes per image"},
    {"rect", 0, YT_CLI_FLAG, "true", 0, 0, NULL, NULL, "Validation",
     "pad images as little as possible; --no-rect pads them to squares"},
    {"json", 0, YT_CLI_FLAG, NULL, 0, 0, NULL, NULL, "Output", "print one JSON object"},
    {"threads", 't', YT_CLI_INT, "auto", 1, 1024, NULL, NULL, "Machine", "processor cores to use; auto: all"},
};
/* clang-format on */

typedef struct {
    yt_cli *cli;
    yt_cli_trained trained;
    yt_dataset dataset;
    yt_split split;
    yt_loader *loader;
    yt_validator *validator;
} session;

static void print_problem(void *context, const char *text) {
    const yt_cli *cli = context;
    fprintf(stderr, "%s: %s\n", cli->program, text);
}

static yt_status open_data(session *s, yt_err *err) {
    const yt_cli *cli = s->cli;
    YT_TRY(yt_dataset_open(cli->words[0], &s->dataset, err));
    if (s->dataset.n_classes != s->trained.model->n_classes)
        return yt_fail(err, YT_MISMATCH, "%s: has %d classes, but the weights know %d", cli->words[0],
                       s->dataset.n_classes, s->trained.model->n_classes);
    yt_scan_options scan = {.strict = yt_cli_flag(cli, "strict"),
                            .fraction = 1,
                            .problem = print_problem,
                            .context = s->cli,
                            .threads = yt_cli_threads(cli)};
    return yt_dataset_scan(&s->dataset, yt_cli_text(cli, "split"), &scan, &s->split, err);
}

static yt_status open_loader(session *s, yt_err *err) {
    const yt_cli *cli = s->cli;
    int threads = yt_cli_threads(cli), stride = s->trained.model->max_stride;
    yt_loader_config config = {.batch = yt_cli_int(cli, "batch"),
                               .imgsz = yt_cli_get(cli, "imgsz")->is_auto ? s->trained.imgsz
                                                                          : yt_cli_int(cli, "imgsz"),
                               .workers = threads > 2 ? threads / 2 : 1,
                               .rect = yt_cli_flag(cli, "rect"),
                               .stride = stride > 32 ? stride : 32,
                               .rect_pad = 0.5};
    config.imgsz = (config.imgsz + config.stride - 1) / config.stride * config.stride;
    return yt_loader_create(&s->split, &config, &s->loader, err);
}

static void print_progress(void *context, int done, int total) {
    const yt_cli *cli = context;
    fprintf(stderr, "\r%s: batch %d of %d%s", cli->program, done, total, done == total ? "\n" : "");
}

static yt_status open_validator(session *s, yt_err *err) {
    const yt_cli *cli = s->cli;
    yt_validate_options validate = {.conf = (float)yt_cli_double(cli, "conf"),
                                    .iou = (float)yt_cli_double(cli, "iou"),
                                    .max_det = yt_cli_int(cli, "max-det"),
                                    .gains = {7.5f, 0.5f, 1.5f},
                                    .threads = yt_cli_threads(cli),
                                    .progress = isatty(STDERR_FILENO) ? print_progress : NULL,
                                    .context = s->cli};
    return yt_validator_create(s->trained.model, s->loader, &validate, &s->validator, err);
}

static void close_all(session *s) {
    yt_validator_destroy(s->validator);
    yt_loader_destroy(s->loader);
    yt_split_free(&s->split);
    yt_dataset_close(&s->dataset);
    yt_cli_close_weights(&s->trained);
}

static void print_row(const char *name, int images, int instances, double p, double r, double ap50,
                      double ap) {
    printf("%22s %10d %10d %10.3g %10.3g %10.3g %10.3g\n", name, images, instances, p, r, ap50, ap);
}

/* The family's table; classes without truth have no metrics and no row. */
static void print_table(const session *s, const yt_metrics_result *m) {
    printf("%22s %10s %10s %10s %10s %10s %10s\n", "Class", "Images", "Instances", "P", "R", "mAP50",
           "mAP50-95");
    print_row("all", m->n_images, m->n_truth, m->precision, m->recall, m->ap50, m->ap);
    for (int c = 0; c < m->n_classes; c++) {
        const yt_class_metrics *k = &m->classes[c];
        if (k->n_truth > 0)
            print_row(s->dataset.names[c], k->n_images, k->n_truth, k->precision, k->recall, k->ap50, k->ap);
    }
}

static bool put_number(cJSON *object, const char *key, double value) {
    return cJSON_AddNumberToObject(object, key, value) != NULL;
}

static bool put_metrics(cJSON *object, int images, int instances, double p, double r, double ap50,
                        double ap) {
    return put_number(object, "images", images) && put_number(object, "instances", instances) &&
           put_number(object, "precision", p) && put_number(object, "recall", r) &&
           put_number(object, "map50", ap50) && put_number(object, "map50_95", ap);
}

static bool put_losses(const session *s, cJSON *object, const double loss[YT_LOSS_TERMS]) {
    const char *distance = s->trained.model->reg_max > 1 ? "dfl" : "l1";
    cJSON *losses = cJSON_AddObjectToObject(object, "loss");
    return losses && put_number(losses, "box", loss[YT_LOSS_BOX]) &&
           put_number(losses, "cls", loss[YT_LOSS_CLS]) && put_number(losses, distance, loss[YT_LOSS_DFL]);
}

static bool put_class(const session *s, cJSON *classes, int c, const yt_class_metrics *k) {
    cJSON *entry = cJSON_CreateObject();
    if (!entry || !cJSON_AddItemToArray(classes, entry)) {
        cJSON_Delete(entry);
        return false;
    }
    return put_number(entry, "class_id", c) && cJSON_AddStringToObject(entry, "class", s->dataset.names[c]) &&
           put_metrics(entry, k->n_images, k->n_truth, k->precision, k->recall, k->ap50, k->ap);
}

static bool fill_json(const session *s, cJSON *root, const yt_validation *v) {
    const yt_metrics_result *m = &v->metrics;
    bool done = put_metrics(root, m->n_images, m->n_truth, m->precision, m->recall, m->ap50, m->ap) &&
                put_number(root, "best_confidence", m->best_confidence) && put_losses(s, root, v->loss);
    cJSON *classes = done ? cJSON_AddArrayToObject(root, "classes") : NULL;
    done = classes != NULL;
    for (int c = 0; done && c < m->n_classes; c++)
        if (m->classes[c].n_truth > 0) done = put_class(s, classes, c, &m->classes[c]);
    return done;
}

static yt_status print_json(const session *s, const yt_validation *validation, yt_err *err) {
    cJSON *root = cJSON_CreateObject();
    char *text = root && fill_json(s, root, validation) ? cJSON_Print(root) : NULL;
    if (text) puts(text);
    bool done = text != NULL;
    cJSON_free(text);
    cJSON_Delete(root);
    return done ? YT_OK : yt_fail(err, YT_NO_MEMORY, "no memory for the results");
}

static yt_status validate(session *s, yt_err *err) {
    YT_TRY(yt_cli_open_weights(s->cli, RUNS, &s->trained, err));
    YT_TRY(open_data(s, err));
    YT_TRY(open_loader(s, err));
    YT_TRY(open_validator(s, err));
    yt_validation result;
    YT_TRY(yt_validator_run(s->validator, &s->trained.model->state, &result, err));
    if (yt_cli_flag(s->cli, "json"))
        YT_TRY(print_json(s, &result, err));
    else
        print_table(s, &result.metrics);
    int images = result.metrics.n_images;
    fprintf(stderr, "%s: %d images in %.1f s, %.1f ms per image\n", s->cli->program, images, result.seconds,
            images > 0 ? result.seconds / images * 1e3 : 0);
    return YT_OK;
}

int main(int argc, char **argv) {
    yt_cli_settle_threads(argv);
    yt_cli cli = {
        .program = "yoloval",
        .usage = "yoloval DATA.yaml [options]",
        .about =
            "Measures trained weights on a dataset: precision, recall and average precision per class, by "
            "the rules of COCO and the YOLO family.",
        .version = YT_CLI_VERSION,
        .options = options,
        .n_options = sizeof options / sizeof *options,
        .min_words = 1,
        .max_words = 1};
    int code = yt_cli_parse(&cli, argc, argv);
    if (code >= 0) return code;
    session s = {.cli = &cli};
    yt_err err;
    code = validate(&s, &err) == YT_OK ? 0 : yt_cli_failure(&cli, &err);
    code = yt_cli_finish_stdout(&cli, code);
    close_all(&s);
    yt_cli_free(&cli);
    return code;
}
