/* cli_print.h: failures, messages of the library, texts that come from files, and the end of a program's output. */
#ifndef CLI_PRINT_H
#define CLI_PRINT_H

#include "base/log.h"
#include "cli/cli_options.h"

#include <stdio.h>

/* Prints "program: <sentence>" and where help is, to stderr. Returns 2, the exit code of a usage error. */
int cli_usage_error(const cli_line *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A yt_log_sink: messages of the library on stderr; context is a cli_line. */
void cli_print_message(void *context, yt_log_level level, const char *text);

/* Says "program: sentence" on stderr; returns 1, the exit code of a failure. */
int cli_failure(const cli_line *cli, const yt_err *err);

/* The same for a sentence about what was typed; returns 2. */
int cli_usage_failure(const cli_line *cli, const yt_err *err);

/* Prints a text that comes from a file, right-aligned to a width as %*s: control characters, which a terminal would
 * act on, as '?'. */
void cli_print_text(FILE *out, int width, const char *text);

/* The same for a text of several lines. */
void cli_print_lines(FILE *out, const char *text);

/* Says on stderr, after "program: " or another lead, which licence a weights file names. */
void cli_print_license(const char *lead, const char *separator, const char *weights, const char *license);

/* Writes "1:02:03" or "2:03" after a text. */
void cli_append_duration(char *text, size_t room, double seconds);

/* Pushes out what was printed to stdout; a failure to write is one of the program. Returns the exit code. */
int cli_finish_stdout(const cli_line *cli, int code);

#endif
