/* yoloexport.c: trained weights in another format: one row per format. The name of the file written goes to stdout.
 */
#include "api/search.h"
#include "base/file.h"
#include "cli/cli_common.h"
#include "cli/cli_threads.h"
#include "export/export.h"
#include "infer/detect_options.h"
#include "verify/certificate.h"
#include "weights/weights.h"
#include "yolotrain/version.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

/* From the last dot of the name; "" where there is none but one at its beginning. */
static const char *suffix_of(const char *path) {
    const char *base = yti_path_base(path), *dot = strrchr(base, '.');
    return dot && dot > base ? dot : base + strlen(base);
}

/* malloc'd name of the input with another suffix; NULL: out of memory. */
static char *default_output(const char *input, const char *suffix) {
    size_t stem = (size_t)(suffix_of(input) - input), room = stem + strlen(suffix) + 1;
    char *output = malloc(room);
    if (output) snprintf(output, room, "%.*s%s", (int)stem, input, suffix);
    return output;
}

static void print_loss(const cli_line *cli, const yti_half_loss *loss) {
    if (loss->n_clamped)
        fprintf(
            stderr,
            "%s: warning: %zu values are beyond 65504, the most that 16 bits hold, and became that; the first is in "
            "%s\n",
            cli->program, loss->n_clamped, loss->first_clamped);
    if (loss->n_vanished)
        fprintf(stderr, "%s: %zu values are too small for 16 bits and became 0\n", cli->program, loss->n_vanished);
}

static yt_status export_safetensors(const cli_line *cli, const char *input, const char *output, yt_err *err) {
    yti_conversion report;
    YT_TRY(yti_weights_convert(input, output, cli_flag(cli, "half"), &report, err));
    fprintf(stderr, "%s: %zu tensors\n", cli->program, report.n_tensors);
    print_loss(cli, &report.loss);
    if (report.n_bad)
        fprintf(stderr,
                "%s: warning: %zu tensors hold NaN or infinity, the first is %s: nothing can be detected with "
                "these weights\n",
                cli->program, report.n_bad, report.first_bad);
    if (report.base_license[0]) cli_print_license(cli->program, ": ", input, report.base_license);
    return YT_OK;
}

/* What was typed of the options of an exported network. */
static yt_status take_options(const cli_line *cli, yti_options *options, yt_err *err) {
    for (size_t i = 0; i < yti_export_row_count; i++) {
        const cli_value *value = cli_get(cli, yti_export_rows[i].name);
        if (value->typed) YT_TRY(yti_options_set(options, yti_export_rows[i].name, value->text, err));
    }
    return YT_OK;
}

static void print_int8(const cli_line *cli, const yti_int8_report *r) {
    fprintf(stderr, "%s: %d convolutions in integers, %d in floats; scales by %d training images\n", cli->program,
            r->convs, r->float_convs, r->images);
    fprintf(stderr, "%s: %d validation images: mAP50 %.3f, mAP50-95 %.3f; in floats %.3f, %.3f: %+.1f points\n",
            cli->program, r->judged, r->ap50, r->ap, r->float_ap50, r->float_ap, 100 * (r->ap - r->float_ap));
}

static void print_network(const cli_line *cli, const char *input, const yti_export_report *report) {
    if (report->base_license[0]) cli_print_license(cli->program, ": ", input, report->base_license);
    fprintf(stderr, "%s: %s, %d operations\n", cli->program, report->outputs, report->nodes);
    print_loss(cli, &report->written.loss);
    if (report->int8.convs) print_int8(cli, &report->int8);
}

static void print_onnx(const cli_line *cli, const yti_export_report *report) {
    const yti_onnx_report *w = &report->written;
    fprintf(stderr, "%s: operator set %d, %.1f MB of weights%s\n", cli->program, report->opset,
            (double)w->weight_bytes / 1e6, w->external ? ", which are in a file of their own (.data)" : "");
}

static void print_message(void *context, const char *text) {
    fprintf(stderr, "%s: %s\n", ((const cli_line *)context)->program, text);
}

/* On a terminal only: a line that is written over. */
static void print_progress(void *context, const char *what, int done, int total) {
    if (!isatty(STDERR_FILENO)) return;
    fprintf(stderr, "\r%s: %s %d/%d%s", ((const cli_line *)context)->program, what, done, total,
            done == total ? "\n" : "");
}

static void print_certificate(const cli_line *cli, const yti_certificate *c) {
    fprintf(stderr,
            "%s: %s %s on %d images: %d of %d detections differ; largest difference of %s: score %.2g, box %.2g px\n",
            cli->program, c->runtime, c->version, c->images, c->differing, c->detections,
            c->has_raw ? "all anchors" : "detections", c->score, c->box_px);
    if (c->has_ap)
        fprintf(stderr, "%s: mAP50 %.3f, mAP50-95 %.3f; of the network itself %.3f, %.3f\n", cli->program, c->ap50,
                c->ap, c->own_ap50, c->own_ap);
    fprintf(stderr, "%s: %.1f ms per image; %.1f ms in yolotrain\n", cli->program, c->ms, c->own_ms);
}

/* best.onnx has best.verify.json beside it. */
static yt_status save_certificate(const cli_line *cli, const yti_certificate *certificate, const yti_verify_job *job,
                                  yt_err *err) {
    char *path = default_output(job->file, ".verify.json");
    if (!path) return yti_no_memory(err, "the name of a file");
    const yt_status status = yti_certificate_save(certificate, job, path, err);
    if (status == YT_OK) fprintf(stderr, "%s: certificate in %s\n", cli->program, path);
    free(path);
    return status;
}

/* A file in 32-bit floats answers as the network does; what 16 and 8 bits change is for the reader to judge. */
static yt_status verify(const cli_line *cli, const yti_export_job *export, const yti_export_report *report,
                        yt_err *err) {
    const yti_options *o = export->options;
    const yti_verify_job job = {.weights = export->weights,
                                .model = export->model,
                                .search_dirs = export->search_dirs,
                                .file = export->output,
                                .data = cli_text(cli, "verify"),
                                .head = (yti_export_head)yti_options_find(o, "head")->number,
                                .nms = yti_options_flag(o, "nms"),
                                .conf = (float)yti_options_double(o, "conf"),
                                .iou = (float)yti_options_double(o, "iou"),
                                .max_det = yti_options_int(o, "max-det"),
                                .width = report->width,
                                .height = report->height,
                                .batch = report->batch,
                                .threads = yti_threads_of(yti_options_find(o, "threads")),
                                .message = export->message,
                                .progress = export->progress,
                                .context = export->context};
    yti_certificate certificate;
    yt_err reason;
    const yt_status status = yti_verify(&job, &certificate, &reason);
    if (status != YT_OK) return yt_fail(err, status, "%s is written and not verified: %s", job.file, reason.text);
    print_certificate(cli, &certificate);
    YT_TRY(save_certificate(cli, &certificate, &job, err));
    const bool exact = !yti_options_flag(o, "half") && !yti_options_flag(o, "int8");
    if (!exact || certificate.differing == 0) return YT_OK;
    return yt_fail(err, YT_ERR_MISMATCH, "%s: %d of %d detections differ from those of the network", job.file,
                   certificate.differing, certificate.detections);
}

static yt_status export_network(const cli_line *cli, yti_export_format format, const char *input, const char *output,
                                yt_err *err) {
    yti_search search;
    yti_search_init(&search);
    yti_options options;
    yti_export_report report;
    YT_TRY(yti_options_init(yti_export_rows, yti_export_row_count, &options, err));
    yt_status status = take_options(cli, &options, err);
    if (status == YT_OK) {
        const yti_export_job job = {.format = format,
                                    .weights = input,
                                    .output = output,
                                    .search_dirs = search.dirs,
                                    .model = cli_text(cli, "model"),
                                    .options = &options,
                                    .message = print_message,
                                    .progress = print_progress,
                                    .context = (void *)(uintptr_t)cli};
        status = yti_export_network(&job, &report, err);
        if (status == YT_OK) print_network(cli, input, &report);
        if (status == YT_OK && format == YTI_EXPORT_ONNX) print_onnx(cli, &report);
        if (status == YT_OK && cli_text(cli, "verify")) status = verify(cli, &job, &report, err);
    }
    yti_options_free(&options);
    return status;
}

static yt_status export_onnx(const cli_line *cli, const char *input, const char *output, yt_err *err) {
    return export_network(cli, YTI_EXPORT_ONNX, input, output, err);
}

static yt_status export_ncnn(const cli_line *cli, const char *input, const char *output, yt_err *err) {
    return export_network(cli, YTI_EXPORT_NCNN, input, output, err);
}

/* name, suffix of the file or, without a dot, of the folder, writer, whether it writes a network and so has the options
 * of one */
#define FORMAT_MAP(X)                                                                                                  \
    X("safetensors", ".safetensors", export_safetensors, false)                                                        \
    X("onnx", ".onnx", export_onnx, true)                                                                              \
    X("ncnn", "_ncnn_model", export_ncnn, true)

static const struct format {
    const char *name, *suffix;
    yt_status (*write)(const cli_line *cli, const char *input, const char *output, yt_err *err);
    bool is_network;
} formats[] = {
#define FORMAT_ROW(name, suffix, write, is_network) {name, suffix, write, is_network},
    FORMAT_MAP(FORMAT_ROW)
#undef FORMAT_ROW
};

static const char *const format_names[] = {
#define FORMAT_NAME(name, suffix, write, is_network) name,
    FORMAT_MAP(FORMAT_NAME)
#undef FORMAT_NAME
        NULL};

/* clang-format off */
static const cli_option options[] = {
    {"format", 'f', YT_OPTION_CHOICE, "safetensors", 0, 0, format_names, "NAME", "Export", "what to write"},
    {"output", 'o', YT_OPTION_TEXT, NULL, 0, 0, NULL, "FILE", "Export",
     "output file, or folder with --format ncnn, overwritten if it exists; without it a new one beside the input, named after it"},
    {"half", 0, YT_OPTION_FLAG, NULL, 0, 0, NULL, NULL, "Export",
     "write 16-bit floats; else a safetensors file keeps the type of every tensor. A network computes in them, too, up to "
     "the decoding of boxes"},
    YTI_MODEL_ROW,
    YTI_EXPORT_ROWS,
    {"verify", 0, YT_OPTION_TEXT, NULL, 0, 0, NULL, "DATA", "Check",
     "run the ONNX file in ONNX Runtime, if its C library is there (YT_ONNXRUNTIME names it), on the validation images of "
     "this dataset YAML; writes what differs from the network here, AP of both and times to FILE.verify.json, and fails "
     "where a detection of a file in 32-bit floats differs"},
};
/* clang-format on */

/* By what they are, not by what they are called. */
static bool is_same_file(const char *a, const char *b) {
    struct stat of_a, of_b;
    return stat(a, &of_a) == 0 && stat(b, &of_b) == 0 && of_a.st_dev == of_b.st_dev && of_a.st_ino == of_b.st_ino;
}

/* Whether a typed name says another format; one without a suffix says none. */
static bool has_other_suffix(const char *path, const char *suffix) {
    if (*suffix != '.') return false; /* a folder may have any name */
    const char *own = suffix_of(path);
    return *own && strcasecmp(own, suffix) != 0;
}

/* A link that leads nowhere is there, too. */
static bool is_taken(const char *path) {
    struct stat info;
    return lstat(path, &info) == 0;
}

/* 0, or the exit code of what speaks against writing to a name that was typed or made. */
static int check_output(const cli_line *cli, const struct format *format, const char *output, bool typed) {
    if (typed && has_other_suffix(output, format->suffix))
        return cli_usage_error(cli, "--output: %s: --format %s writes %s files", output, format->name, format->suffix);
    if (is_same_file(cli->words[0], output))
        return cli_usage_error(cli, "%s is the input itself; name another file with --output", output);
    if (typed || !is_taken(output)) return 0;
    yt_err err;
    yt_fail(&err, YT_ERR_IO, "%s: exists already; name it with --output to write over it", output);
    return cli_failure(cli, &err);
}

/* The weights themselves went there, and a line after them would damage them. */
static bool is_stdout(const char *path) {
    struct stat own, named;
    return fstat(STDOUT_FILENO, &own) == 0 && stat(path, &named) == 0 && own.st_dev == named.st_dev &&
           own.st_ino == named.st_ino;
}

/* By --format, or else by the suffix of --output. */
static const struct format *choose_format(const cli_line *cli, const char *output) {
    if (output && !cli_typed(cli, "format"))
        for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
            if (strcasecmp(suffix_of(output), formats[i].suffix) == 0) return &formats[i];
    return &formats[(size_t)cli_get(cli, "format")->number];
}

/* Options of a network say nothing about a file of weights. */
static int check_options(const cli_line *cli, const struct format *format) {
    for (size_t i = 0; i < yti_export_row_count && !format->is_network; i++)
        if (strcmp(yti_export_rows[i].name, "half") != 0 && cli_typed(cli, yti_export_rows[i].name))
            return cli_usage_error(cli, "--%s is for networks; --format %s writes weights alone",
                                   yti_export_rows[i].name, format->name);
    if (cli_typed(cli, "verify") && format->write != export_onnx)
        return cli_usage_error(cli, "--verify runs ONNX files; tools/export_matrix.py judges those of ncnn");
    if (!format->is_network && cli_typed(cli, "model"))
        return cli_usage_error(cli, "--model is for networks; --format %s writes weights alone", format->name);
    return 0;
}

static int run(const cli_line *cli) {
    const char *input = cli->words[0], *typed = cli_text(cli, "output");
    const struct format *format = choose_format(cli, typed);
    char *output = typed ? strdup(typed) : default_output(input, format->suffix);
    yt_err err;
    if (!output) {
        yt_fail(&err, YT_ERR_NO_MEMORY, "%s: no memory for the name of the result", input);
        return cli_failure(cli, &err);
    }
    int code = check_options(cli, format);
    if (code == 0) code = check_output(cli, format, output, typed != NULL);
    if (code == 0 && format->write(cli, input, output, &err) != YT_OK) code = cli_failure(cli, &err);
    if (code == 0) fprintf(is_stdout(output) ? stderr : stdout, "%s\n", output);
    free(output);
    return cli_finish_stdout(cli, code);
}

int main(int argc, char **argv) {
    cli_begin(argv);
    cli_line cli = {.program = "yoloexport",
                    .usage = "yoloexport FILE [options]",
                    .about = "Writes trained weights (.pt, .safetensors, .onnx, or a checkpoint, of which it takes the "
                             "moving average) in "
                             "another format: as weights, or as a network that other programs run.",
                    .version = yt_version_text(),
                    .options = options,
                    .n_options = sizeof options / sizeof *options,
                    .min_words = 1,
                    .max_words = 1};
    int code = cli_parse(&cli, argc, argv);
    if (code >= 0) return code;
    code = run(&cli);
    cli_free(&cli);
    return code;
}
