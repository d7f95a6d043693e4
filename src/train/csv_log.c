/* csv_log.c: see csv_log.h. */
#include "train/csv_log.h"
#include "yt/file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_BYTES = 1 << 30 };

/* Copies the whole lines of a former file that are kept; a line without its newline was cut by a crash. */
static void copy_rows(const char *text, const char *start, int64_t keep_below, FILE *out) {
    const size_t skipped = strlen(start);
    for (const char *end = strchr(text, '\n'); end; text = end + 1, end = strchr(text, '\n')) {
        if (strncmp(text, start, skipped) != 0) continue;
        char *digits_end;
        const long long number = strtoll(text + skipped, &digits_end, 10); /* none in a header */
        if (digits_end > text + skipped && number >= 0 && number < keep_below)
            fprintf(out, "%.*s\n", (int)(end - text), text);
    }
}

static yt_status open_file(const char *path, const char *header, const char *start, int64_t keep_below,
                           FILE **out, yt_err *err) {
    char *former = NULL;
    size_t bytes;
    if (keep_below > 0 && yt_path_exists(path)) YT_TRY(yt_file_read(path, MAX_BYTES, &former, &bytes, err));
    yt_file_writer writer;
    yt_status status = yt_file_writer_open(path, &writer, err);
    if (status == YT_OK) {
        if (header) fprintf(writer.stream, "%s\n", header);
        if (former) copy_rows(former, start, keep_below, writer.stream);
        status = yt_file_writer_commit(&writer, err);
    }
    free(former);
    if (status != YT_OK) return status;
    FILE *file = fopen(path, "a");
    if (!file) return yt_fail(err, YT_IO, "%s: cannot be written: %s", path, strerror(errno));
    *out = file;
    return YT_OK;
}

yt_status yt_csv_open(const char *path, const char *header, int64_t keep_below, FILE **out, yt_err *err) {
    return open_file(path, header, "", keep_below, out, err);
}

yt_status yt_lines_open(const char *path, const char *start, int64_t keep_below, FILE **out, yt_err *err) {
    return open_file(path, NULL, start, keep_below, out, err);
}

yt_status yt_csv_flush(FILE *file, const char *path, yt_err *err) {
    if (fflush(file) != 0 || ferror(file))
        return yt_fail(err, YT_IO, "%s: writing failed: %s", path, strerror(errno));
    return YT_OK;
}
