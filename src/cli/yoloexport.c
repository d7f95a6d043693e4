/* yoloexport.c: trained weights in another format: one row per format. The name of the file written goes to stdout.
 */
#include "base/file.h"
#include "cli/cli_common.h"
#include "cli/cli_threads.h"
#include "weights/weights.h"
#include "yolotrain/version.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

static yt_status export_safetensors(const cli_line *cli, const char *input, const char *output, yt_err *err) {
    yti_conversion report;
    YT_TRY(yti_weights_convert(input, output, cli_flag(cli, "half"), &report, err));
    fprintf(stderr, "%s: %zu tensors\n", cli->program, report.n_tensors);
    if (report.n_clamped)
        fprintf(stderr,
                "%s: warning: %zu values are beyond 65504, the most that 16 bits hold, and became that; the "
                "first is "
                "in %s\n",
                cli->program, report.n_clamped, report.first_clamped);
    if (report.n_vanished)
        fprintf(stderr, "%s: %zu values are too small for 16 bits and became 0\n", cli->program, report.n_vanished);
    if (report.n_bad)
        fprintf(stderr,
                "%s: warning: %zu tensors hold NaN or infinity, the first is %s: nothing can be detected with "
                "these weights\n",
                cli->program, report.n_bad, report.first_bad);
    if (report.base_license[0]) cli_print_license(cli->program, ": ", input, report.base_license);
    return YT_OK;
}

/* name, suffix of the files, writer */
#define FORMAT_MAP(X) X("safetensors", ".safetensors", export_safetensors)

static const struct format {
    const char *name, *suffix;
    yt_status (*write)(const cli_line *cli, const char *input, const char *output, yt_err *err);
} formats[] = {
#define FORMAT_ROW(name, suffix, write) {name, suffix, write},
    FORMAT_MAP(FORMAT_ROW)
#undef FORMAT_ROW
};

static const char *const format_names[] = {
#define FORMAT_NAME(name, suffix, write) name,
    FORMAT_MAP(FORMAT_NAME)
#undef FORMAT_NAME
        NULL};

/* clang-format off */
static const cli_option options[] = {
    {"format", 'f', YT_OPTION_CHOICE, "safetensors", 0, 0, format_names, "NAME", "Export", "what to write"},
    {"output", 'o', YT_OPTION_TEXT, NULL, 0, 0, NULL, "FILE", "Export",
     "output file, overwritten if it exists; without it a new file beside the input, with the suffix of the format"},
    {"half", 0, YT_OPTION_FLAG, NULL, 0, 0, NULL, NULL, "Export",
     "write 16-bit floats; else every tensor keeps its type"},
};
/* clang-format on */

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

/* By what they are, not by what they are called. */
static bool is_same_file(const char *a, const char *b) {
    struct stat of_a, of_b;
    return stat(a, &of_a) == 0 && stat(b, &of_b) == 0 && of_a.st_dev == of_b.st_dev && of_a.st_ino == of_b.st_ino;
}

/* Whether a typed name says another format; one without a suffix says none. */
static bool has_other_suffix(const char *path, const char *suffix) {
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

static int run(const cli_line *cli) {
    const char *input = cli->words[0], *typed = cli_text(cli, "output");
    const struct format *format = &formats[(size_t)cli_get(cli, "format")->number];
    char *output = typed ? strdup(typed) : default_output(input, format->suffix);
    yt_err err;
    if (!output) {
        yt_fail(&err, YT_ERR_NO_MEMORY, "%s: no memory for the name of the result", input);
        return cli_failure(cli, &err);
    }
    int code = check_output(cli, format, output, typed != NULL);
    if (code == 0 && format->write(cli, input, output, &err) != YT_OK) code = cli_failure(cli, &err);
    if (code == 0) fprintf(is_stdout(output) ? stderr : stdout, "%s\n", output);
    free(output);
    return cli_finish_stdout(cli, code);
}

int main(int argc, char **argv) {
    cli_begin(argv);
    cli_line cli = {
        .program = "yoloexport",
        .usage = "yoloexport FILE [options]",
        .about = "Rewrites trained weights (.pt, .safetensors, or a checkpoint, of which it takes the moving "
                 "average) in another format.",
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
