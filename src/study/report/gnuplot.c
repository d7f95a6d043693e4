/* gnuplot.c: the plotting program as a process. It reads a script file in the figures' folder; numbers come from data
 * files beside it, and texts stand in single quotes, in which gnuplot substitutes nothing.
 */
#include "study/report/gnuplot.h"
#include "base/file.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static const char MISSING[] = "the figures need the program gnuplot (Debian: apt-get install gnuplot-nox)";

void study_gnuplot_text(FILE *out, const char *text) {
    fputc('\'', out);
    for (const char *c = text; *c; c++) {
        if (*c == '\'') fputc('\'', out);
        fputc(yti_text_is_control(*c) ? '?' : *c, out);
    }
    fputc('\'', out);
}

/* Starts gnuplot and waits for it. What it says goes into a file, or nowhere. Returns its exit status, or -1 when it
 * cannot be started. */
static int start(char *const *arguments, const char *log) {
    posix_spawn_file_actions_t files;
    if (posix_spawn_file_actions_init(&files) != 0) return -1;
    const char *to = log ? log : "/dev/null";
    pid_t child;
    bool good = posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0) == 0 &&
                posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0) == 0 &&
                posix_spawn_file_actions_addopen(&files, STDERR_FILENO, to, O_WRONLY | O_CREAT | O_TRUNC, 0666) == 0 &&
                posix_spawnp(&child, arguments[0], &files, NULL, arguments, environ) == 0;
    posix_spawn_file_actions_destroy(&files);
    if (!good) return -1;
    int status;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR) return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

bool study_gnuplot_works(char *why_not, size_t room) {
    char name[] = "gnuplot", version[] = "--version";
    bool works = start((char *[]){name, version, NULL}, NULL) == 0;
    snprintf(why_not, room, "%s", works ? "" : MISSING);
    return works;
}

/* The line of what gnuplot said that names the mistake. */
static yt_status failed(const char *script, const char *log, yt_err *err) {
    char *text = NULL;
    size_t bytes = 0;
    if (yti_file_read(log, 1 << 20, &text, &bytes, NULL) != YT_OK) text = NULL;
    const char *line = text ? text + strspn(text, "\n ^") : "";
    yt_fail(err, YT_ERR_IO, "%s: gnuplot failed: %.300s", script, line);
    free(text);
    return YT_ERR_IO;
}

/* The command that goes to the folder, malloc'd. */
static char *change_folder(const char *folder) {
    yti_text_stream stream;
    if (!yti_text_open(&stream)) return NULL;
    FILE *out = stream.out;
    fputs("cd ", out);
    study_gnuplot_text(out, folder);
    return yti_text_close(&stream);
}

yt_status study_gnuplot_run(const char *folder, const char *script, yt_err *err) {
    char *cd = change_folder(folder), *log = yti_path_join(folder, "gnuplot.log"), *name = strdup(script);
    yt_status status = cd && log && name ? YT_OK : yti_no_memory(err, "the names of figures");
    if (status == YT_OK) {
        char program[] = "gnuplot", defaults[] = "--default-settings", execute[] = "-e";
        if (start((char *[]){program, defaults, execute, cd, name, NULL}, log) != 0) status = failed(script, log, err);
        unlink(log);
    }
    free(cd);
    free(log);
    free(name);
    return status;
}
