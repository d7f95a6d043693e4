/* csv_log.c: see csv_log.h. Rows begin with the epoch, counted from 1. */
#include "train/csv_log.h"
#include "yt/file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_BYTES = 1 << 30 };

/* Copies the whole lines of a former table that belong to epochs 1 to keep_epochs; a line without its newline
 * was cut by a crash. */
static void copy_rows(const char *text, int keep_epochs, FILE *out) {
    for (const char *end = strchr(text, '\n'); end; text = end + 1, end = strchr(text, '\n')) {
        long epoch = strtol(text, NULL, 10); /* the header gives 0 */
        if (epoch >= 1 && epoch <= keep_epochs) fprintf(out, "%.*s\n", (int)(end - text), text);
    }
}

yt_status yt_csv_open(const char *path, const char *header, int keep_epochs, FILE **out, yt_err *err) {
    char *former = NULL;
    size_t bytes;
    if (keep_epochs > 0 && yt_path_exists(path)) YT_TRY(yt_file_read(path, MAX_BYTES, &former, &bytes, err));
    yt_file_writer writer;
    yt_status status = yt_file_writer_open(path, &writer, err);
    if (status == YT_OK) {
        fprintf(writer.stream, "%s\n", header);
        if (former) copy_rows(former, keep_epochs, writer.stream);
        status = yt_file_writer_commit(&writer, err);
    }
    free(former);
    if (status != YT_OK) return status;
    FILE *file = fopen(path, "a");
    if (!file) return yt_fail(err, YT_IO, "%s: cannot be written: %s", path, strerror(errno));
    *out = file;
    return YT_OK;
}

yt_status yt_csv_flush(FILE *file, const char *path, yt_err *err) {
    if (fflush(file) != 0 || ferror(file))
        return yt_fail(err, YT_IO, "%s: writing failed: %s", path, strerror(errno));
    return YT_OK;
}
