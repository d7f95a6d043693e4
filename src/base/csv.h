/* csv.h: tables of comma-separated values (RFC 4180), written and read. A table that grows along a run: csv_log.h. */
#ifndef YT_BASE_CSV_H
#define YT_BASE_CSV_H

#include "base/status.h"

#include <stdbool.h>
#include <stdio.h>

/* ---- writing ---- */

/* A text, in quotes where it needs them. */
void yti_csv_text(FILE *file, const char *text);

/* A number with six significant digits; nan, inf and -inf. */
void yti_csv_number(FILE *file, double value);

/* ---- reading ---- */

enum { YTI_CSV_COLUMNS = 512 };

/* A table in memory, read row by row. Its texts are cut in place and live as long as it does. */
typedef struct yti_csv {
    const char *path;                                               /* borrowed */
    char *text, *rest;                                              /* owned; what was not read yet */
    size_t line;                                                    /* of the row that was read last, from 1 */
    int n_columns, n_fields;                                        /* of the header; of that row */
    const char *columns[YTI_CSV_COLUMNS], *fields[YTI_CSV_COLUMNS]; /* what is beyond the last one is left out */
} yti_csv;

/* Reads the file, whose first line is the header. IO, NO_MEMORY, SYNTAX. Fields in quotes are not known: the tables of
 * a run have none. */
yt_status yti_csv_load(const char *path, size_t max_bytes, yti_csv *out, yt_err *err);

/* The column of that name; -1: there is none. */
int yti_csv_column(const yti_csv *table, const char *name);

/* Goes to the next row; false: there is none. A last line without its newline was cut by a crash, and is none. */
bool yti_csv_next(yti_csv *table);
void yti_csv_free(yti_csv *table);

/* A field as a number: what yti_csv_number writes. False: it is none. */
bool yti_csv_real(const char *field, double *out);

/* A field as a whole number from low to high. */
bool yti_csv_whole(const char *field, double low, double high, long *out);

#endif
