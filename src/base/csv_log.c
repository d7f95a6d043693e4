/* csv_log.c: see csv_log.h.
 *
 * A table that an older program began may have fewer columns. New ones come last, so its rows are the beginnings of
 * ours, and empty cells make them whole: a table with rows of two lengths is read by nobody.
 */
#include "base/csv_log.h"
#include "base/file.h"

#include <errno.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_kept(const char *line, const char *start, int64_t keep_below) {
    const size_t skipped = strlen(start);
    if (strncmp(line, start, skipped) != 0) return false;
    char *end;
    const long long number = strtoll(line + skipped, &end, 10); /* none in a header */
    return end > line + skipped && number >= 0 && number < keep_below;
}

static size_t count_commas(const char *text) {
    size_t n = 0;
    while ((text = strchr(text, ',')) != NULL) n++, text++;
    return n;
}

/* Whether the columns of a former header are the first ones of `header`. */
static bool begins(const char *former, const char *header) {
    const size_t length = strcspn(former, "\r\n");
    return strncmp(former, header, length) == 0 && (header[length] == ',' || header[length] == '\0');
}

/* A row with the cells that it lacks below the header. */
static void copy_row(const char *line, const char *header, FILE *out) {
    fwrite(line, 1, strcspn(line, "\r\n"), out);
    for (size_t i = count_commas(line), n = header ? count_commas(header) : 0; i < n; i++) fputc(',', out);
    fputc('\n', out);
}

/* Copies the whole lines of the former file that are kept; a line without its newline was cut by a crash. Line by
 * line: a long run's table may be larger than the memory. header: NULL where the lines are no rows of a table. */
static yt_status copy_rows(const char *path, const char *header, const char *start, int64_t keep_below, FILE *out,
                           yt_err *err) {
    FILE *former = fopen(path, "r");
    if (!former && errno == ENOENT) return YT_OK;
    if (!former) return yt_fail(err, YT_ERR_IO, "%s: cannot be read: %s", path, strerror(errno));
    char *line = NULL;
    size_t room = 0;
    bool known = true, fits = true;
    ssize_t n;
    for (bool first = header != NULL; fits && (n = getline(&line, &room, former)) > 0 && line[n - 1] == '\n';
         first = false) {
        if (first) known = begins(line, header);
        if (first || !is_kept(line, start, keep_below)) continue;
        fits = known;
        copy_row(line, header, out);
    }
    /* On an error getline gives what it had. */
    const bool good = !ferror(former) && (n > 0 || feof(former));
    yt_status status = good ? YT_OK : yt_fail(err, YT_ERR_IO, "%s: reading failed: %s", path, strerror(errno));
    if (!fits)
        status = yt_fail(err, YT_ERR_DATA,
                         "%s:1: its columns are not those of this run, \"%.300s\"; give the file another name, "
                         "and the run begins a new one",
                         path, header);
    free(line);
    fclose(former);
    return status;
}

static yt_status open_file(const char *path, const char *header, const char *start, int64_t keep_below, FILE **out,
                           yt_err *err) {
    yti_file_writer writer;
    YT_TRY(yti_file_writer_open(path, &writer, err));
    if (header) fprintf(writer.stream, "%s\n", header);
    yt_status status = keep_below > 0 ? copy_rows(path, header, start, keep_below, writer.stream, err) : YT_OK;
    if (status == YT_OK)
        status = yti_file_writer_commit(&writer, err);
    else
        yti_file_writer_discard(&writer);
    if (status != YT_OK) return status;
    FILE *file = fopen(path, "a");
    if (!file) return yt_fail(err, YT_ERR_IO, "%s: cannot be written: %s", path, strerror(errno));
    *out = file;
    return YT_OK;
}

yt_status yti_csv_log_open(const char *path, const char *header, int64_t keep_below, FILE **out, yt_err *err) {
    return open_file(path, header, "", keep_below, out, err);
}

yt_status yti_lines_log_open(const char *path, const char *start, int64_t keep_below, FILE **out, yt_err *err) {
    return open_file(path, NULL, start, keep_below, out, err);
}

/* The length of the rows of a file that are whole: that end, and have as many cells as the first. */
static off_t whole_rows(FILE *file, bool has_columns) {
    char *line = NULL;
    size_t room = 0, commas = 0;
    off_t whole = 0;
    ssize_t n;
    while ((n = getline(&line, &room, file)) > 0 && line[n - 1] == '\n') {
        if (whole == 0) commas = count_commas(line);
        if (has_columns && count_commas(line) != commas) break;
        whole += n;
    }
    const bool read = !ferror(file) && (n > 0 || feof(file));
    free(line);
    return read ? whole : -1;
}

/* After a write that failed: takes back a row of which only a part came into the file, and what still waits to be
 * written. As well as that can be done: the file may be as unreadable as it is unwritable. */
static void take_back(FILE *file, const char *path) {
    __fpurge(file);
    const char *ending = strrchr(path, '.');
    FILE *written = fopen(path, "r");
    const off_t whole = written ? whole_rows(written, ending && strcmp(ending, ".csv") == 0) : -1;
    if (written) fclose(written);
    if (whole >= 0 && ftruncate(fileno(file), whole) != 0) return;
}

yt_status yti_csv_log_flush(FILE *file, const char *path, yt_err *err) {
    if (fflush(file) == 0 && !ferror(file)) return YT_OK;
    yt_status status = yt_fail(err, YT_ERR_IO, "%s: writing failed: %s", path, strerror(errno));
    take_back(file, path);
    return status;
}
