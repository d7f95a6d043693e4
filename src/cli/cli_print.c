/* cli_print.c: what the programs print beside their results; see cli_print.h. */
#include "cli/cli_print.h"
#include "base/text.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

int cli_usage_error(const cli_line *cli, const char *format, ...) {
    va_list args;
    va_start(args, format);
    fprintf(stderr, "%s: ", cli->program);
    vfprintf(stderr, format, args);
    fprintf(stderr, " (%s --help lists the options)\n", cli->program);
    va_end(args);
    return 2;
}

void cli_print_message(void *context, yt_log_level level, const char *text) {
    const cli_line *cli = context;
    if (level == YT_LOG_DEBUG) return;
    fprintf(stderr, "%s: %s", cli->program, level == YT_LOG_WARNING ? "warning: " : "");
    cli_print_text(stderr, 0, text);
    fputc('\n', stderr);
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
