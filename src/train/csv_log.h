/* csv_log.h: a table that grows by the epoch and survives kill and resume. Internal to src/train. */
#ifndef YT_CSV_LOG_H
#define YT_CSV_LOG_H

#include "yt/status.h"

#include <stdio.h>

/* Opens path for appending rows below `header`. Of a file that is there, the rows with a first column from 1
 * to keep_epochs are kept and the others dropped, atomically. */
yt_status yt_csv_open(const char *path, const char *header, int keep_epochs, FILE **out, yt_err *err);

/* Makes the rows written since the last call visible to other programs. */
yt_status yt_csv_flush(FILE *file, const char *path, yt_err *err);

#endif
