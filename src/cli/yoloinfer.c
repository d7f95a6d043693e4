/* yoloinfer.c: images in, boxes out: one line per box on stdout (or one JSON array), everything else on stderr,
 * images with the boxes drawn in when asked. An image that cannot be read costs that image and the exit code. All it
 * asks of the library is the public API.
 */
#include "base/cpu.h"
#include "base/file.h"
#include "base/folder.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/cli_common.h"
#include "cli/cli_detector.h"
#include "draw/boxes.h"
#include "cli/cli_inputs.h"
#include "cli/cli_threads.h"
#include "data/index/dataset.h"
#include "yolotrain.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* clang-format off */
static const cli_option rows[] = {
    CLI_MODEL_ROWS,
    YTI_DETECTION_ROWS("0.25"),
    YTI_CLASSES_ROW,
    {"json", 0, YT_OPTION_FLAG, NULL, 0, 0, NULL, NULL, "Output", "print one JSON array"},
    {"save", 0, YT_OPTION_FLAG, NULL, 0, 0, NULL, NULL, "Output",
     "write the images with their boxes drawn in"},
    {"out", 'o', YT_OPTION_TEXT, NULL, 0, 0, NULL, "DIR", "Output",
     "folder for these images, implies --save; default " CLI_RUNS "/predict, predict-2, ..."},
    YTI_THREADS_ROW,
};
/* clang-format on */

typedef struct {
    const cli_line *cli;
    cli_inputs inputs;
    yt_detector *detector;
    const char **names;  /* of the classes, lent by the detector */
    yt_detection *found; /* [yt_detector_max_found] */
    char *out_dir;       /* NULL: nothing is saved */
    yti_colour *colours; /* of the classes, where images are saved */
    bool as_json;        /* else lines */
    yti_json_writer json;
    int images, boxes;
    double seconds; /* in the detector */
} session;

static yt_status open_inputs(session *s, yt_err *err) {
    s->inputs.program = s->cli->program;
    for (size_t i = 0; i < s->cli->n_words; i++) YT_TRY(cli_inputs_add(&s->inputs, s->cli->words[i], err));
    return YT_OK;
}

/* What was typed of the detector's options. */
static yt_status set_options(const cli_line *cli, yt_detector_options *options, yt_err *err) {
    const yt_option *row;
    for (size_t i = 0; (row = yt_detector_option(i)); i++)
        if (cli_typed(cli, row->name))
            YT_TRY(yt_detector_options_set(options, row->name, cli_text(cli, row->name), err));
    return YT_OK;
}

static yt_status open_detector(session *s, yt_err *err) {
    char *weights = NULL;
    yt_detector_options *options = NULL;
    YT_TRY(cli_find_weights(s->cli, CLI_RUNS, &weights, err));
    yt_status status = yt_detector_options_create(&options, err);
    if (status == YT_OK) status = set_options(s->cli, options, err);
    if (status == YT_OK) status = yt_detector_open(weights, options, &s->detector, err);
    if (status == YT_OK && yt_detector_license(s->detector))
        cli_print_license(s->cli->program, ": ", weights, yt_detector_license(s->detector));
    yt_detector_options_destroy(options);
    free(weights);
    return status;
}

static yt_status open_model(session *s, yt_err *err) {
    YT_TRY(open_detector(s, err));
    const int n = yt_detector_classes(s->detector);
    s->found = malloc(yt_detector_max_found(s->detector) * sizeof *s->found);
    s->names = malloc((size_t)n * sizeof *s->names);
    if (!s->found || !s->names) return yti_no_memory(err, "%zu boxes", yt_detector_max_found(s->detector));
    for (int c = 0; c < n; c++) s->names[c] = yt_detector_class_name(s->detector, c);
    return YT_OK;
}

static yt_status open_outputs(session *s, yt_err *err) {
    const char *dir = cli_text(s->cli, "out");
    s->as_json = cli_flag(s->cli, "json");
    if (s->as_json) yti_json_array(&s->json, NULL);
    if (!dir && !cli_flag(s->cli, "save")) return YT_OK;
    YT_TRY(yti_palette_create(yt_detector_classes(s->detector), &s->colours, err));
    if (!dir) return yti_folder_fresh(CLI_RUNS "/predict", &s->out_dir, err);
    YT_TRY(yti_path_make_dirs(dir, err));
    s->out_dir = yti_path_join("", dir);
    return s->out_dir ? YT_OK : yti_no_memory(err, "the name of a folder");
}

static void close_all(session *s) {
    yt_detector_close(s->detector);
    cli_inputs_free(&s->inputs);
    yti_json_discard(&s->json);
    free(s->out_dir);
    free(s->found);
    free(s->names);
    free(s->colours);
}

static void print_lines(const session *s, const char *path, int n) {
    for (int i = 0; i < n; i++) {
        const yt_detection *d = &s->found[i];
        cli_print_text(stdout, 0, path);
        fputs(": ", stdout);
        cli_print_text(stdout, 0, s->names[d->class_id]);
        printf(" %.3f %.1f %.1f %.1f %.1f\n", (double)d->score, (double)d->box.x1, (double)d->box.y1, (double)d->box.x2,
               (double)d->box.y2);
    }
}

/* Rounded, so that JSON is not full of digits that mean nothing. */
static void put_rounded(yti_json_writer *w, const char *key, float value, double per_unit) {
    yti_json_number(w, key, round((double)value * per_unit) / per_unit);
}

static void put_detection(yti_json_writer *w, const yt_detection *d, const char *name) {
    const float corners[4] = {d->box.x1, d->box.y1, d->box.x2, d->box.y2};
    yti_json_object(w, NULL);
    yti_json_number(w, "class_id", d->class_id);
    yti_json_text(w, "class", name);
    put_rounded(w, "score", d->score, 1e5);
    yti_json_array(w, "xyxy");
    for (int i = 0; i < 4; i++) put_rounded(w, NULL, corners[i], 1e3);
    yti_json_end(w);
    yti_json_end(w);
}

static yt_status add_json(session *s, const char *path, const yt_image *image, int n, yt_err *err) {
    yti_json_writer *w = &s->json;
    char *name = yti_text_to_utf8(path);
    if (!name) return yti_no_memory(err, "the results");
    yti_json_object(w, NULL);
    yti_json_text(w, "image", name);
    yti_json_number(w, "width", image->w);
    yti_json_number(w, "height", image->h);
    yti_json_array(w, "boxes");
    for (int i = 0; i < n; i++) put_detection(w, &s->found[i], s->names[s->found[i].class_id]);
    yti_json_end(w);
    yti_json_end(w);
    free(name);
    return w->failed ? yti_no_memory(err, "the results") : YT_OK;
}

static yt_status save_image(const session *s, size_t input, yt_image *image, int n, yt_err *err) {
    char *path = cli_inputs_result(&s->inputs, input, s->out_dir);
    if (!path) return yti_no_memory(err, "the name of a file");
    yt_status status = cli_inputs_has(&s->inputs, path)
                           ? yt_fail(err, YT_ERR_ARGUMENT, "%s is an input and is not overwritten; name another --out",
                                     path)
                           : YT_OK;
    if (status == YT_OK)
        status = yti_draw_boxes(image, s->found, n, s->names, s->colours, yti_style_of(image->w, image->h), err);
    if (status == YT_OK) status = yt_image_save(path, image, err);
    free(path);
    return status;
}

static yt_status handle_image(session *s, size_t input, yt_image *image, yt_err *err) {
    const char *path = s->inputs.paths[input];
    double start = yti_seconds();
    const yt_pixels pixels = yt_image_pixels(image);
    size_t found;
    YT_TRY(yt_detector_run(s->detector, &pixels, s->found, yt_detector_max_found(s->detector), &found, err));
    const int n = (int)found;
    s->seconds += yti_seconds() - start;
    s->images++;
    s->boxes += n;
    if (s->as_json)
        YT_TRY(add_json(s, path, image, n, err));
    else
        print_lines(s, path, n);
    return s->out_dir ? save_image(s, input, image, n, err) : YT_OK;
}

static void warn_of(const session *s, const char *path, const yt_image *image, const yti_image_info *info) {
    const char *program = s->cli->program;
    if (info->truncated) fprintf(stderr, "%s: %s: the file is cut off; it is used as far as it goes\n", program, path);
    if (yti_image_is_dim(image, info))
        fprintf(stderr,
                "%s: %s: 16 bits per channel and no value above 4239: the high byte is read, so it is nearly "
                "black; "
                "multiply 12-bit values by 16 (mogrify -evaluate multiply 16)\n",
                program, path);
}

/* Returns the exit code. */
static int handle_all(session *s, yt_err *err) {
    int code = s->inputs.problems > 0;
    for (size_t i = 0; i < s->inputs.count; i++) {
        yt_image image;
        yti_image_info info;
        if (yti_image_load_with_info(s->inputs.paths[i], &image, &info, err) != YT_OK) {
            code = cli_failure(s->cli, err);
            continue;
        }
        warn_of(s, s->inputs.paths[i], &image, &info);
        yt_status status = handle_image(s, i, &image, err);
        yt_image_free(&image);
        if (status != YT_OK) return cli_failure(s->cli, err);
    }
    return code;
}

static int print_json(session *s) {
    char *text = yti_json_finish(&s->json, YTI_JSON_INDENTED);
    if (!text) {
        fprintf(stderr, "%s: no memory for the results\n", s->cli->program);
        return 1;
    }
    puts(text);
    free(text);
    return 0;
}

static void print_summary(const session *s) {
    fprintf(stderr, "%s: %d %s, %d %s", s->cli->program, s->images, s->images == 1 ? "image" : "images", s->boxes,
            s->boxes == 1 ? "box" : "boxes");
    if (s->images > 0) fprintf(stderr, ", %.1f ms per image", s->seconds / s->images * 1e3);
    if (s->out_dir) fprintf(stderr, ", drawn into %s", s->out_dir);
    fputc('\n', stderr);
}

static int infer(const cli_line *cli) {
    session s = {.cli = cli};
    yt_err err;
    int code;
    if (open_inputs(&s, &err) != YT_OK || open_model(&s, &err) != YT_OK || open_outputs(&s, &err) != YT_OK) {
        code = cli_failure(cli, &err);
    } else {
        code = handle_all(&s, &err);
        if (s.as_json && print_json(&s) != 0) code = 1;
        code = cli_finish_stdout(cli, code);
        print_summary(&s);
    }
    close_all(&s);
    return code;
}

int main(int argc, char **argv) {
    cli_begin(argv);
    cli_line cli = {.program = "yoloinfer",
                    .usage = "yoloinfer IMAGE|FOLDER|LIST.txt|PATTERN|-... [options]",
                    .about = "Finds objects in images. Prints one line per box, \"image: class score x1 y1 x2 y2\", in "
                             "pixels of the image. A folder stands for all images below it, a .txt list for those it "
                             "names, - for a list on "
                             "standard input.",
                    .version = yt_version_text(),
                    .options = rows,
                    .n_options = sizeof rows / sizeof *rows,
                    .min_words = 1,
                    .max_words = (size_t)argc};
    int code = cli_parse(&cli, argc, argv);
    if (code >= 0) return code;
    yt_err err;
    const char *classes = cli_text(&cli, "classes");
    code = cli_settle_nms(&cli);
    if (code < 0)
        code = classes && yti_classes_check(classes, &err) != YT_OK ? cli_usage_failure(&cli, &err) : infer(&cli);
    cli_free(&cli);
    return code;
}
