/* eval/csv.h: text in a table of comma-separated values. */
#ifndef YT_EVAL_CSV_H
#define YT_EVAL_CSV_H

#include <stdio.h>

/* Writes a field, in quotes where it needs them (RFC 4180). */
void yti_csv_text(FILE *file, const char *text);

#endif
