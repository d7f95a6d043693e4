/* csv_log.h: a table, or another file of lines, that grows along a run and survives being killed and resumed. */
#ifndef YT_BASE_CSV_LOG_H
#define YT_BASE_CSV_LOG_H

#include "base/status.h"

#include <stdint.h>
#include <stdio.h>

/* Opens path for appending rows below `header`. Of a file that is there, the rows whose first column (an epoch, a
 * step) is below `keep_below` are kept and the others dropped, atomically. Where its columns are the first of
 * `header`, as an older program wrote them, its rows get empty cells for the others; DATA where they are something
 * else and rows would be kept. */
yt_status yti_csv_log_open(const char *path, const char *header, int64_t keep_below, FILE **out, yt_err *err);

/* The same for a file without a header whose lines begin with `start` and then that number. */
yt_status yti_lines_log_open(const char *path, const char *start, int64_t keep_below, FILE **out, yt_err *err);

/* Makes the rows written since the last call visible to other programs. Where that fails (a full disk), the rows that
 * are not whole are taken back. */
yt_status yti_csv_log_flush(FILE *file, const char *path, yt_err *err);

#endif
