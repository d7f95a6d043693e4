/* yoloval.c: trained weights over a split of a dataset: the reference trainer's table of metrics per class and COCO's
 * twelve numbers on stdout, or one JSON object; confusion matrix, curves and results file in a run folder.
 */
#include "base/file.h"
#include "base/json.h"
#include "cli/cli_common.h"
#include "cli/cli_detector.h"
#include "cli/cli_search.h"
#include "cli/cli_threads.h"
#include "validate/coco_validate.h"
#include "weights/class_names.h"
#include "yolotrain/version.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char *const splits[] = {"train", "val", "test", NULL};

static const char *const matchings[] = {"free", "single", NULL};

/* clang-format off */
static const cli_option options[] = {
    CLI_MODEL_ROWS,
    {"split", 0, YT_OPTION_CHOICE, "val", 0, 0, splits, "NAME", "Data", "which images of the dataset"},
    {"classes", 0, YT_OPTION_TEXT, NULL, 0, 0, NULL, "LIST", "Data",
     "judge these classes only: numbers or names with commas between"},
    {"single-cls", 0, YT_OPTION_FLAG, NULL, 0, 0, NULL, NULL, "Data", "treat all classes as one, called \"item\""},
    {"strict", 0, YT_OPTION_FLAG, NULL, 0, 0, NULL, NULL, "Data", "stop at the first problem of the dataset"},
    CLI_DETECTION_ROWS("0.001"),
    {"matching", 0, YT_OPTION_CHOICE, "free", 0, 0, matchings, "RULE", "Detection",
     "a box takes the object it overlaps most of those still free, as in COCO and the Ultralytics trainer since 8.4.176; "
     "or of all, free or not, as before: single"},
    {"json", 0, YT_OPTION_FLAG, NULL, 0, 0, NULL, NULL, "Output", "print one JSON object"},
    {"save-json", 0, YT_OPTION_FLAG, NULL, 0, 0, NULL, NULL, "Output",
     "write the boxes to predictions.json, in COCO's format for results, and truth from label files to ground_truth.json; "
     "category_id is class + 1, for COCO's own sets COCO's ids, with a COCO file the file's; image_id is the number that "
     "the image's name is, or where not all are (or two are equal) its place from 1"},
    {"project", 0, YT_OPTION_TEXT, NULL, 0, 0, NULL, "DIR", "Output",
     "folder of the run folder: below " CLI_RUNS ", or absolute"},
    {"name", 0, YT_OPTION_TEXT, "val", 0, 0, NULL, "NAME", "Output", "name of the run folder"},
    {"exist-ok", 0, YT_OPTION_FLAG, NULL, 0, 0, NULL, NULL, "Output",
     "write into an existing run folder instead of NAME-2"},
    {"batch", 'b', YT_OPTION_INT, "16", 1, 4096, NULL, NULL, "Machine", "images per step"},
    {"threads", 't', YT_OPTION_INT, "auto", 1, 1024, NULL, NULL, "Machine", "processor cores to use; auto: all"},
};
/* clang-format on */

typedef struct {
    cli_line *cli;
    cli_trained trained;
    yti_dataset dataset;
    bool *classes;  /* of the dataset, that are judged; NULL: all */
    int *class_map; /* [n_classes of the weights] class of the dataset, -1: not judged; NULL with single-cls */
    const char *const *names; /* of the classes that are judged */
    yti_split split;
    yti_loader *loader;
    yti_validator *validator;
    char *folder;                           /* of the files that are written */
    yti_coco_validation *coco, *other_coco; /* of the branch that is judged, of the other one; NULL: there is none */
    double coco_numbers[YT_COCO_NUMBERS], other_numbers[YT_COCO_NUMBERS];
} session;

static void print_problem(void *context, const char *text) {
    const cli_line *cli = context;
    fprintf(stderr, "%s: ", cli->program);
    cli_print_text(stderr, 0, text);
    fputc('\n', stderr);
}

/* The classes of the weights among those of the dataset, without those that --classes leaves out. */
static yt_status match_classes(session *s, yt_err *err) {
    const int n = s->trained.model->n_classes;
    char note[512];
    yt_err reason;
    s->class_map = malloc(((size_t)n + 1) * sizeof *s->class_map);
    if (!s->class_map) return yt_fail(err, YT_ERR_NO_MEMORY, "no memory for %d classes", n);
    const yt_status status = yti_match_classes((const char *const *)s->trained.names.names, n,
                                               (const char *const *)s->dataset.names, s->dataset.n_classes,
                                               s->class_map, note, sizeof note, &reason);
    if (status != YT_OK) return yt_fail(err, status, "%s: %.400s", s->cli->words[0], reason.text);
    if (note[0]) print_problem(s->cli, note);
    for (int w = 0; w < n; w++)
        if (s->class_map[w] >= 0 && s->classes && !s->classes[s->class_map[w]]) s->class_map[w] = -1;
    return YT_OK;
}

static yt_status open_data(session *s, yt_err *err) {
    const cli_line *cli = s->cli;
    static const char *const one_name[] = {"item"};
    bool single = cli_flag(cli, "single-cls");
    char found[4096];
    const bool is_starter = cli_search_data(cli->words[0], found, sizeof found);
    YT_TRY(yti_dataset_open(is_starter ? found : cli->words[0], &s->dataset, err));
    s->names = single ? one_name : (const char *const *)s->dataset.names;
    const char *listed = cli_text(cli, "classes");
    if (listed) YT_TRY(yti_dataset_classes(&s->dataset, listed, &s->classes, err));
    if (!single) YT_TRY(match_classes(s, err));
    yti_scan_options scan = {.strict = cli_flag(cli, "strict"),
                             .classes = s->classes,
                             .single_class = single,
                             .fraction = 1,
                             .problem = print_problem,
                             .context = s->cli,
                             .threads = cli_threads(cli)};
    YT_TRY(yti_dataset_scan(&s->dataset, cli_text(cli, "split"), &scan, &s->split, err));
    char summary[1024];
    yti_scan_summary_text(&s->split.summary, summary, sizeof summary);
    fprintf(stderr, "%s: %s: %s\n", cli->program, s->split.name, summary);
    if (listed && s->split.summary.boxes == 0)
        return yt_fail(err, YT_ERR_DATA, "%s: %s has no box of the classes %s: there is nothing to measure",
                       cli->words[0], s->split.name, listed);
    return YT_OK;
}

static yt_status open_loader(session *s, yt_err *err) {
    const cli_line *cli = s->cli;
    int threads = cli_threads(cli), stride = s->trained.model->max_stride;
    yti_loader_config config = {.batch = cli_int(cli, "batch"),
                                .imgsz = s->trained.imgsz,
                                .workers = threads > 2 ? threads / 2 : 1,
                                .rect = cli_flag(cli, "rect"),
                                .stride = stride > 32 ? stride : 32,
                                .rect_pad = 0.5,
                                .as_predicted = !cli_flag(cli, "rect")};
    config.imgsz = (config.imgsz + config.stride - 1) / config.stride * config.stride;
    return yti_loader_create(&s->split, &config, &s->loader, err);
}

static void print_progress(void *context, int done, int total) {
    const cli_line *cli = context;
    fprintf(stderr, "\r%s: batch %d of %d%s", cli->program, done, total, done == total ? "\n" : "");
}

/* The ids of the ground truth's own file, else COCO's where the images are COCO's; NULL: class + 1, and so where all
 * classes are one, which is none of theirs. */
static const int64_t *category_ids(const session *s) {
    if (cli_flag(s->cli, "single-cls")) return NULL;
    if (s->split.category_ids) return s->split.category_ids;
    bool is_coco = s->dataset.n_classes == YT_COCO_CLASSES &&
                   yti_dataset_is_coco(&s->dataset, cli_text(s->cli, "split"));
    return is_coco ? yti_coco_category_ids() : NULL;
}

static yt_status open_outputs(session *s, yt_err *err) {
    int n_classes = cli_flag(s->cli, "single-cls") ? 1 : s->dataset.n_classes;
    YT_TRY(cli_run_dir(s->cli, CLI_RUNS, &s->folder, err));
    char *path = NULL;
    if (cli_flag(s->cli, "save-json") && !(path = yti_path_join(s->folder, "predictions.json")))
        return yt_fail(err, YT_ERR_NO_MEMORY, "no memory for the name of predictions.json");
    yt_status status = yti_coco_validation_create(&s->split, n_classes, path, category_ids(s), &s->coco, err);
    free(path);
    if (status == YT_OK && s->trained.model->n_branches > 1)
        status = yti_coco_validation_create(&s->split, n_classes, NULL, NULL, &s->other_coco, err);
    return status;
}

/* As many detections as there are objects must be possible, or recall is capped; a typed limit holds. */
static int max_det(const session *s) {
    const cli_line *cli = s->cli;
    const int most = yti_split_most_boxes(&s->split), limit = cli_int(cli, "max-det");
    if (most <= limit) return limit;
    if (cli_typed(cli, "max-det")) {
        fprintf(stderr, "%s: warning: an image has %d objects, and --max-det %d caps the recall\n", cli->program, most,
                limit);
        return limit;
    }
    fprintf(stderr, "%s: warning: an image has %d objects: --max-det is %d instead of %d\n", cli->program, most, most,
            limit);
    return most;
}

static yt_status open_validator(session *s, yt_err *err) {
    const cli_line *cli = s->cli;
    /* With single-cls the weights may have classes of their own, which those of the dataset do not choose. */
    bool same_classes = !s->class_map && s->trained.model->n_classes == s->dataset.n_classes;
    yti_validate_options validate = {.conf = (float)cli_double(cli, "conf"),
                                     .iou = (float)cli_double(cli, "iou"),
                                     .max_det = max_det(s),
                                     .nms = cli_nms(cli),
                                     .confusion_conf = cli_typed(cli, "conf") ? (float)cli_double(cli, "conf")
                                                                              : YT_CONFUSION_CONF,
                                     .match_single = cli_get(cli, "matching")->number == 1,
                                     .agnostic = cli_flag(cli, "agnostic"),
                                     .single_class = cli_flag(cli, "single-cls"),
                                     .classes = same_classes ? s->classes : NULL,
                                     .class_map = s->class_map,
                                     .n_mapped = s->dataset.n_classes,
                                     .gains = {7.5f, 0.5f, 1.5f},
                                     .threads = cli_threads(cli),
                                     .progress = isatty(STDERR_FILENO) ? print_progress : NULL,
                                     .context = s->cli,
                                     .image = yti_coco_validation_image,
                                     .image_context = s->coco,
                                     .other_context = s->other_coco};
    return yti_validator_create(s->trained.model, s->loader, &validate, &s->validator, err);
}

static void close_all(session *s) {
    yti_validator_destroy(s->validator);
    yti_coco_validation_destroy(s->coco);
    yti_coco_validation_destroy(s->other_coco);
    free(s->folder);
    yti_loader_destroy(s->loader);
    yti_split_free(&s->split);
    yti_dataset_close(&s->dataset);
    free(s->classes);
    free(s->class_map);
    cli_close_weights(&s->trained);
}

static void print_row(const char *name, int images, int instances, double p, double r, double ap50, double ap) {
    cli_print_text(stdout, 22, name);
    printf(" %10d %10d %10.3g %10.3g %10.3g %10.3g\n", images, instances, p, r, ap50, ap);
}

/* The reference trainer's table; classes without ground truth have no metrics and no row. */
static void print_table(const session *s, const yti_metrics_result *m) {
    printf("%22s %10s %10s %10s %10s %10s %10s\n", "Class", "Images", "Instances", "P", "R", "mAP50", "mAP50-95");
    print_row("all", m->n_images, m->n_truth, m->precision, m->recall, m->ap50, m->ap);
    for (int c = 0; c < m->n_classes; c++) {
        const yti_class_metrics *k = &m->classes[c];
        if (k->n_truth > 0) print_row(s->names[c], k->n_images, k->n_truth, k->precision, k->recall, k->ap50, k->ap);
    }
}

static void print_coco(const session *s) {
    putchar('\n');
    for (int i = 0; i < YT_COCO_NUMBERS; i++) {
        char line[128];
        yti_coco_format((yti_coco_number)i, s->coco_numbers[i], line, sizeof line);
        puts(line);
    }
}

/* The results of each branch of a two-branch head. The first is the one of the tables above. */
static void print_heads(const session *s, const yti_validation *v) {
    static const char *const names[] = {"one-to-many and NMS", "one-to-one"};
    if (!v->has_other) return;
    printf("\n%22s %10s %10s %10s %10s %10s\n", "Head", "P", "R", "mAP50", "mAP50-95", "COCO AP");
    for (int i = 0; i < 2; i++) {
        const yti_metrics_result *m = i ? &v->other : &v->metrics;
        printf("%22s %10.3g %10.3g %10.3g %10.3g %10.3f\n", names[i ? !v->one_to_one : v->one_to_one], m->precision,
               m->recall, m->ap50, m->ap, (i ? s->other_numbers : s->coco_numbers)[YT_COCO_AP]);
    }
}

static void put_metrics(yti_json_writer *w, int images, int instances, double p, double r, double ap50, double ap) {
    yti_json_number(w, "images", images);
    yti_json_number(w, "instances", instances);
    yti_json_number(w, "precision", p);
    yti_json_number(w, "recall", r);
    yti_json_number(w, "map50", ap50);
    yti_json_number(w, "map50_95", ap);
}

/* The results of one branch of the head. */
static void put_head(const session *s, yti_json_writer *w, bool one_to_one, const yti_metrics_result *m,
                     const double coco[YT_COCO_NUMBERS]) {
    yti_json_text(w, "head", one_to_one ? "one_to_one" : "one_to_many");
    put_metrics(w, m->n_images, m->n_truth, m->precision, m->recall, m->ap50, m->ap);
    yti_json_number(w, "best_confidence", m->best_confidence);
    yti_json_object(w, "coco");
    for (int i = 0; i < YT_COCO_NUMBERS; i++) yti_json_number(w, yti_coco_rows()[i].name, coco[i]);
    yti_json_end(w);
    yti_json_array(w, "classes");
    for (int c = 0; c < m->n_classes; c++) {
        const yti_class_metrics *k = &m->classes[c];
        if (k->n_truth == 0) continue;
        yti_json_object(w, NULL);
        yti_json_number(w, "class_id", c);
        yti_json_text(w, "class", s->names[c]);
        put_metrics(w, k->n_images, k->n_truth, k->precision, k->recall, k->ap50, k->ap);
        yti_json_end(w);
    }
    yti_json_end(w);
}

static yt_status print_json(const session *s, const yti_validation *v, yt_err *err) {
    yti_json_writer w = {0};
    yti_json_object(&w, NULL);
    put_head(s, &w, v->one_to_one, &v->metrics, s->coco_numbers);
    yti_json_object(&w, "loss");
    yti_json_number(&w, "box", v->loss[YT_LOSS_BOX]);
    yti_json_number(&w, "cls", v->loss[YT_LOSS_CLS]);
    yti_json_number(&w, s->trained.model->reg_max > 1 ? "dfl" : "l1", v->loss[YT_LOSS_DFL]);
    yti_json_end(&w);
    yti_json_text(&w, "folder", s->folder);
    if (v->has_other) {
        yti_json_object(&w, "other_head");
        put_head(s, &w, !v->one_to_one, &v->other, s->other_numbers);
        yti_json_end(&w);
    }
    char *text = yti_json_finish(&w, YTI_JSON_INDENTED);
    if (!text) return yt_fail(err, YT_ERR_NO_MEMORY, "no memory for the results");
    puts(text);
    free(text);
    return YT_OK;
}

/* Warnings for those who evaluate the files with COCO's own tools. */
static void report_ids(const session *s) {
    const char *program = s->cli->program, *note = yti_coco_validation_note(s->coco);
    if (s->split.coco_note) {
        fprintf(stderr, "%s: warning: pycocotools will give other numbers for this ground truth file: ", program);
        cli_print_text(stderr, 0, s->split.coco_note);
        fputc('\n', stderr);
    }
    if (!note || !cli_flag(s->cli, "save-json")) return;
    fprintf(stderr, "%s: images are numbered from 1 in predictions.json: ", program);
    cli_print_text(stderr, 0, note);
    fputc('\n', stderr);
}

/* ground_truth.json, where the ground truth is not a COCO file anyway. */
static bool writes_truth(const session *s) {
    return cli_flag(s->cli, "save-json") && !s->split.category_ids;
}

static yt_status write_truth(const session *s, yt_err *err) {
    if (!writes_truth(s)) return YT_OK;
    char *path = yti_path_join(s->folder, "ground_truth.json");
    if (!path) return yt_fail(err, YT_ERR_NO_MEMORY, "no memory for the name of ground_truth.json");
    int n_classes = cli_flag(s->cli, "single-cls") ? 1 : s->dataset.n_classes;
    yt_status status = yti_coco_validation_write_truth(s->coco, s->names, n_classes, path, err);
    free(path);
    return status;
}

static void report_files(const session *s, int n_classes) {
    long long dropped = yti_coco_validation_dropped(s->coco);
    if (dropped)
        fprintf(stderr,
                "%s: %lld boxes are not in predictions.json: the ground truth has no category for their class\n",
                s->cli->program, dropped);
    fprintf(stderr, "%s: saved to %s: %s%s%s\n", s->cli->program, s->folder,
            cli_flag(s->cli, "save-json") ? "predictions.json, " : "", writes_truth(s) ? "ground_truth.json, " : "",
            yti_validator_files(n_classes));
}

static yt_status validate(session *s, yt_err *err) {
    YT_TRY(cli_open_weights(s->cli, CLI_RUNS, true, &s->trained, err));
    YT_TRY(open_data(s, err));
    YT_TRY(open_loader(s, err));
    YT_TRY(open_outputs(s, err));
    YT_TRY(open_validator(s, err));
    yti_validation result;
    YT_TRY(yti_validator_run(s->validator, &s->trained.model->state, &result, err));
    if (result.non_finite > 0)
        return yt_fail(err, YT_ERR_NON_FINITE,
                       "%s gives values that are not finite (NaN or infinity) for %d of %d images: its "
                       "weights are damaged",
                       s->trained.model->name, result.non_finite, result.metrics.n_images);
    YT_TRY(yti_coco_validation_finish(s->coco, s->coco_numbers, err));
    YT_TRY(write_truth(s, err));
    if (s->other_coco) YT_TRY(yti_coco_validation_finish(s->other_coco, s->other_numbers, err));
    YT_TRY(yti_validator_save(s->validator, s->names, s->folder, err));
    if (cli_flag(s->cli, "json")) {
        YT_TRY(print_json(s, &result, err));
    } else {
        print_table(s, &result.metrics);
        print_coco(s);
        print_heads(s, &result);
    }
    int images = result.metrics.n_images;
    fprintf(stderr, "%s: %d images in %.1f s, %.1f ms per image\n", s->cli->program, images, result.seconds,
            images > 0 ? result.seconds / images * 1e3 : 0);
    report_ids(s);
    report_files(s, result.metrics.n_classes);
    return YT_OK;
}

int main(int argc, char **argv) {
    cli_begin(argv);
    cli_line cli = {
        .program = "yoloval",
        .usage = "yoloval DATA.yaml [options]",
        .about = "Measures trained weights on a dataset: precision, recall and average precision per class, by "
                 "the rules of COCO and of the Ultralytics trainer.",
        .version = yt_version_text(),
        .options = options,
        .n_options = sizeof options / sizeof *options,
        .min_words = 1,
        .max_words = 1};
    int code = cli_parse(&cli, argc, argv);
    if (code >= 0) return code;
    session s = {.cli = &cli};
    yt_err err;
    const char *classes = cli_text(&cli, "classes");
    code = cli_settle_nms(&cli);
    if (code >= 0)
        ;
    else if (classes && yti_classes_check(classes, &err) != YT_OK)
        code = cli_usage_failure(&cli, &err);
    else
        code = validate(&s, &err) == YT_OK ? 0 : cli_failure(&cli, &err);
    code = cli_finish_stdout(&cli, code);
    close_all(&s);
    cli_free(&cli);
    return code;
}
