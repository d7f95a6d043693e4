/* csv.c: see csv.h. Class names are free text: commas, quotes and spaces at the ends occur. */
#include "base/csv.h"
#include "base/file.h"
#include "base/number.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- writing ---- */

void yti_csv_text(FILE *file, const char *text) {
    size_t length = strlen(text);
    if (length > 0 && !strpbrk(text, ",\"\r\n") && text[0] != ' ' && text[length - 1] != ' ') {
        fputs(text, file);
        return;
    }
    fputc('"', file);
    for (const char *c = text; *c; c++) {
        if (*c == '"') fputc('"', file);
        fputc(*c, file);
    }
    fputc('"', file);
}

void yti_csv_number(FILE *file, double value) {
    char text[YTI_DECIMAL];
    fputs(yti_decimal(value, 6, text), file);
}

/* ---- reading ---- */

/* Cuts a line at its commas. Returns how many fields there are. */
static int cut(char *line, const char *fields[YTI_CSV_COLUMNS]) {
    int n = 0;
    for (char *at = line; at && n < YTI_CSV_COLUMNS; n++) {
        fields[n] = at;
        at = strchr(at, ',');
        if (at) *at++ = '\0';
    }
    return n;
}

bool yti_csv_next(yti_csv *table) {
    char *end = strchr(table->rest, '\n');
    if (!end) return false;
    *end = '\0';
    table->n_fields = cut(table->rest, table->fields);
    table->rest = end + 1;
    table->line++;
    return true;
}

yt_status yti_csv_load(const char *path, size_t max_bytes, yti_csv *out, yt_err *err) {
    yti_csv table = {.path = path};
    size_t bytes;
    YT_TRY(yti_file_read(path, max_bytes, &table.text, &bytes, err));
    table.rest = table.text;
    if (!yti_csv_next(&table)) {
        free(table.text);
        return yti_fail_at(err, YT_ERR_SYNTAX, path, 1, "there is no header");
    }
    table.n_columns = table.n_fields;
    memcpy(table.columns, table.fields, sizeof table.columns);
    *out = table;
    return YT_OK;
}

int yti_csv_column(const yti_csv *table, const char *name) {
    for (int i = table->n_columns - 1; i >= 0; i--)
        if (strcmp(table->columns[i], name) == 0) return i;
    return -1;
}

void yti_csv_free(yti_csv *table) {
    free(table->text);
    *table = (yti_csv){0};
}

bool yti_csv_real(const char *field, double *out) {
    const bool minus = field[0] == '-';
    const char *word = field + minus;
    if (strcmp(word, "nan") == 0)
        *out = (double)NAN;
    else if (strcmp(word, "inf") == 0)
        *out = minus ? -(double)INFINITY : (double)INFINITY;
    else
        return yti_parse_decimal(field, strlen(field), out);
    return true;
}

bool yti_csv_whole(const char *field, double low, double high, long *out) {
    double value;
    if (!yti_parse_decimal(field, strlen(field), &value) || value < low || value > high || value != floor(value))
        return false;
    *out = (long)value;
    return true;
}
