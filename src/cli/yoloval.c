/* yoloval.c: trained weights over a split of a dataset: the reference trainer's table of metrics per class and COCO's
 * twelve numbers on stdout, or one JSON object; confusion matrix, curves and results file in a run folder.
 */
#include "api/search.h"
#include "base/json.h"
#include "cli/cli_common.h"
#include "cli/cli_detector.h"
#include "cli/cli_threads.h"
#include "pictures/curves.h"
#include "validate/evaluation.h"
#include "yolotrain/version.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* clang-format off */
static const cli_option options[] = {
    CLI_MODEL_ROWS,
    YTI_SPLIT_ROWS,
    YTI_DETECTION_ROWS("0.001"),
    YTI_MATCHING_ROW,
    {"json", 0, YT_OPTION_FLAG, NULL, 0, 0, NULL, NULL, "Output", "print one JSON object"},
    {"save-json", 0, YT_OPTION_FLAG, NULL, 0, 0, NULL, NULL, "Output",
     "write the boxes to predictions.json, in COCO's format for results, and truth from label files to ground_truth.json; "
     "category_id is class + 1, COCO's own ids for COCO, and the ids of the file where the truth is a COCO file; image_id "
     "is the number in the image's name, or its position from 1 unless every name is a different number"},
    {"project", 0, YT_OPTION_TEXT, NULL, 0, 0, NULL, "DIR", "Output",
     "parent of the run folder: absolute, or below " CLI_RUNS},
    {"name", 0, YT_OPTION_TEXT, "val", 0, 0, NULL, "NAME", "Output", "name of the run folder"},
    {"exist-ok", 0, YT_OPTION_FLAG, NULL, 0, 0, NULL, NULL, "Output",
     "write into an existing run folder instead of NAME-2"},
    {"plots", 0, YT_OPTION_FLAG, "true", 0, 0, NULL, NULL, "Output", "draw the tables into the run folder: BoxPR_curve.png and others"},
    YTI_BATCH_ROW,
    YTI_THREADS_ROW,
};
/* clang-format on */

typedef struct {
    cli_line *cli;
    const char *weights;
    char *folder; /* of the files that are written */
    yti_evaluation *evaluation;
} session;

static void print_message(void *context, const char *text) {
    const session *s = context;
    fprintf(stderr, "%s: ", s->cli->program);
    cli_print_text(stderr, 0, text);
    fputc('\n', stderr);
}

static void print_progress(void *context, int done, int total) {
    const session *s = context;
    fprintf(stderr, "\r%s: batch %d of %d%s", s->cli->program, done, total, done == total ? "\n" : "");
}

static void print_license(void *context, const yti_trained *trained) {
    const session *s = context;
    const char *license = trained->model->base_license;
    if (license) cli_print_license(s->cli->program, ": ", s->weights, license);
}

/* What was typed of the options of an evaluation. */
static yt_status read_options(const cli_line *cli, yti_options *out, yt_err *err) {
    YT_TRY(yti_options_init(yti_evaluation_rows, yti_evaluation_row_count, out, err));
    for (size_t i = 0; i < yti_evaluation_row_count; i++) {
        const char *name = yti_evaluation_rows[i].name;
        if (cli_typed(cli, name)) YT_TRY(yti_options_set(out, name, cli_text(cli, name), err));
    }
    return YT_OK;
}

static yt_status open_evaluation(session *s, yt_err *err) {
    char *weights = NULL;
    yti_options typed = {0};
    yti_search search;
    char found[4096];
    const bool is_starter = yti_search_data(s->cli->words[0], found, sizeof found);
    yti_search_init(&search);
    yt_status status = cli_find_weights(s->cli, CLI_RUNS, &weights, err);
    if (status == YT_OK) status = read_options(s->cli, &typed, err);
    s->weights = weights;
    const yti_evaluation_input input = {.weights = weights,
                                        .data = is_starter ? found : s->cli->words[0],
                                        .search_dirs = search.dirs,
                                        .options = &typed,
                                        .message = print_message,
                                        .context = s,
                                        .progress = isatty(STDERR_FILENO) ? print_progress : NULL,
                                        .opened = print_license};
    if (status == YT_OK) status = yti_evaluation_open(&input, &s->evaluation, err);
    yti_options_free(&typed);
    free(weights);
    return status;
}

static void print_row(const char *name, int images, int instances, double p, double r, double ap50, double ap) {
    cli_print_text(stdout, 22, name);
    printf(" %10d %10d %10.3g %10.3g %10.3g %10.3g\n", images, instances, p, r, ap50, ap);
}

/* The reference trainer's table; classes without ground truth have no metrics and no row. */
static void print_table(const yti_evaluation *e, const yti_metrics_result *m) {
    printf("%22s %10s %10s %10s %10s %10s %10s\n", "Class", "Images", "Instances", "P", "R", "mAP50", "mAP50-95");
    print_row("all", m->n_images, m->n_truth, m->precision, m->recall, m->ap50, m->ap);
    for (int c = 0; c < m->n_classes; c++) {
        const yti_class_metrics *k = &m->classes[c];
        if (k->n_truth > 0) print_row(e->names[c], k->n_images, k->n_truth, k->precision, k->recall, k->ap50, k->ap);
    }
}

static void print_coco(const yti_evaluation *e) {
    putchar('\n');
    for (int i = 0; i < YT_COCO_NUMBERS; i++) {
        char line[128];
        yti_coco_format((yti_coco_number)i, e->coco_numbers[i], line, sizeof line);
        puts(line);
    }
}

/* The results of each branch of a two-branch head. The first is the one of the tables above. */
static void print_heads(const yti_evaluation *e) {
    static const char *const names[] = {"one-to-many and NMS", "one-to-one"};
    const yti_validation *v = &e->result;
    if (!v->has_other) return;
    printf("\n%22s %10s %10s %10s %10s %10s\n", "Head", "P", "R", "mAP50", "mAP50-95", "COCO AP");
    for (int i = 0; i < 2; i++) {
        const yti_metrics_result *m = i ? &v->other : &v->metrics;
        printf("%22s %10.3g %10.3g %10.3g %10.3g %10.3f\n", names[i ? !v->one_to_one : v->one_to_one], m->precision,
               m->recall, m->ap50, m->ap, (i ? e->other_numbers : e->coco_numbers)[YT_COCO_AP]);
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
static void put_head(const yti_evaluation *e, yti_json_writer *w, bool one_to_one, const yti_metrics_result *m,
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
        yti_json_text(w, "class", e->names[c]);
        put_metrics(w, k->n_images, k->n_truth, k->precision, k->recall, k->ap50, k->ap);
        yti_json_end(w);
    }
    yti_json_end(w);
}

static yt_status print_json(const session *s, yt_err *err) {
    const yti_evaluation *e = s->evaluation;
    const yti_validation *v = &e->result;
    yti_json_writer w = {0};
    yti_json_object(&w, NULL);
    put_head(e, &w, v->one_to_one, &v->metrics, e->coco_numbers);
    yti_json_object(&w, "loss");
    yti_json_number(&w, "box", v->loss[YT_LOSS_BOX]);
    yti_json_number(&w, "cls", v->loss[YT_LOSS_CLS]);
    yti_json_number(&w, e->trained->model->reg_max > 1 ? "dfl" : "l1", v->loss[YT_LOSS_DFL]);
    yti_json_end(&w);
    yti_json_text(&w, "folder", s->folder);
    if (v->has_other) {
        yti_json_object(&w, "other_head");
        put_head(e, &w, !v->one_to_one, &v->other, e->other_numbers);
        yti_json_end(&w);
    }
    char *text = yti_json_finish(&w, YTI_JSON_INDENTED);
    if (!text) return yti_no_memory(err, "the results");
    puts(text);
    free(text);
    return YT_OK;
}

/* Warnings for those who evaluate the files with COCO's own tools. */
static void report_ids(const session *s) {
    const char *program = s->cli->program, *note = yti_coco_validation_note(s->evaluation->coco);
    if (s->evaluation->split.coco_note) {
        fprintf(stderr, "%s: warning: pycocotools will give other numbers for this ground truth file: ", program);
        cli_print_text(stderr, 0, s->evaluation->split.coco_note);
        fputc('\n', stderr);
    }
    if (!note || !cli_flag(s->cli, "save-json")) return;
    fprintf(stderr, "%s: images are numbered from 1 in predictions.json: ", program);
    cli_print_text(stderr, 0, note);
    fputc('\n', stderr);
}

static void report_files(const session *s) {
    const bool boxes = cli_flag(s->cli, "save-json");
    const long long dropped = yti_coco_validation_dropped(s->evaluation->coco);
    if (dropped)
        fprintf(stderr,
                "%s: %lld boxes are not in predictions.json: the ground truth has no category for their class\n",
                s->cli->program, dropped);
    fprintf(stderr, "%s: saved to %s: %s%s%s\n", s->cli->program, s->folder, boxes ? "predictions.json, " : "",
            boxes && yti_evaluation_writes_truth(s->evaluation) ? "ground_truth.json, " : "",
            yti_validator_files(s->evaluation->n_judged));
}

static yt_status validate(session *s, yt_err *err) {
    YT_TRY(open_evaluation(s, err));
    yti_evaluation *e = s->evaluation;
    YT_TRY(cli_run_dir(s->cli, CLI_RUNS, &s->folder, err));
    YT_TRY(yti_evaluation_run(e, s->folder, cli_flag(s->cli, "save-json"), err));
    if (cli_flag(s->cli, "plots")) YT_TRY(yti_draw_tables(s->folder, e->names, e->n_judged, err));
    if (cli_flag(s->cli, "json")) {
        YT_TRY(print_json(s, err));
    } else {
        print_table(e, &e->result.metrics);
        print_coco(e);
        print_heads(e);
    }
    const int images = e->result.metrics.n_images;
    fprintf(stderr, "%s: %d images in %.1f s, %.1f ms per image\n", s->cli->program, images, e->result.seconds,
            images > 0 ? e->result.seconds / images * 1e3 : 0);
    report_ids(s);
    report_files(s);
    return YT_OK;
}

static void close_all(session *s) {
    yti_evaluation_close(s->evaluation);
    free(s->folder);
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
