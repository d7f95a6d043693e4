/* cli_common.c: fresh folders, threads, failures, texts of others; see cli_common.h. */
#include "cli/cli_common.h"
#include "base/cpu.h"
#include "base/file.h"
#include "base/folder.h"
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

yt_status cli_run_dir(const cli_line *cli, const char *runs, char **out, yt_err *err) {
    const char *project = cli_text(cli, "project");
    char *parent = project && *project ? yti_path_join(runs, project) : strdup(runs);
    char *path = parent ? yti_path_join(parent, cli_text(cli, "name")) : NULL;
    free(parent);
    if (!path) return yti_no_memory(err, "the name of a folder");
    if (!cli_flag(cli, "exist-ok")) {
        yt_status status = yti_folder_fresh(path, out, err);
        free(path);
        return status;
    }
    yt_status status = yti_path_make_dirs(path, err);
    if (status == YT_OK)
        *out = path;
    else
        free(path);
    return status;
}

int cli_threads(const cli_line *cli) {
    return cli_get(cli, "threads")->is_auto ? yti_cpu_cores() : cli_int(cli, "threads");
}

void cli_print_message(void *context, yt_log_level level, const char *text) {
    const cli_line *cli = context;
    if (level == YT_LOG_DEBUG) return;
    fprintf(stderr, "%s: %s", cli->program, level == YT_LOG_WARNING ? "warning: " : "");
    cli_print_text(stderr, 0, text);
    fputc('\n', stderr);
}

void cli_warn_of_scale(const yti_model *model) {
    if (model->scale_guessed)
        fprintf(stderr,
                "warning: %s has several scales, and its name has no letter to choose one: it is built in "
                "scale %c\n",
                yti_path_base(model->yaml_path), model->scale);
}

int cli_failure(const cli_line *cli, const yt_err *err) {
    fprintf(stderr, "%s: %s\n", cli->program, err->text);
    return 1;
}

int cli_usage_failure(const cli_line *cli, const yt_err *err) {
    return cli_usage_error(cli, "%s", err->text);
}

void cli_print_text(FILE *out, int width, const char *text) {
    int length = (int)strlen(text);
    if (length < width) fprintf(out, "%*s", width - length, "");
    for (const char *c = text; *c; c++) putc(yti_text_is_control(*c) ? '?' : *c, out);
}

void cli_print_license(const char *lead, const char *separator, const char *weights, const char *license) {
    fprintf(stderr, "%s%s", lead, separator);
    cli_print_text(stderr, 0, weights);
    fputs(" is under ", stderr);
    cli_print_text(stderr, 0, license);
    fputs(", as the file says; what is made from these weights carries it\n", stderr);
}

void cli_print_lines(FILE *out, const char *text) {
    for (const char *c = text; *c; c++) putc(*c != '\n' && yti_text_is_control(*c) ? '?' : *c, out);
}

int cli_finish_stdout(const cli_line *cli, int code) {
    if (fflush(stdout) == 0 && !ferror(stdout)) return code;
    fprintf(stderr, "%s: the results cannot be written: %s\n", cli->program, strerror(errno));
    return 1;
}

void cli_append_duration(char *text, size_t room, double seconds) {
    long whole = seconds > 0 && seconds < 1e9 ? (long)(seconds + 0.5) : 0;
    if (whole >= 3600)
        yti_text_append(text, room, "%ld:%02ld:%02ld", whole / 3600, whole / 60 % 60, whole % 60);
    else
        yti_text_append(text, room, "%ld:%02ld", whole / 60, whole % 60);
}
