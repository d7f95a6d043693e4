/* gradient_table.c: reads gradients.csv, one number per line:
 *
 *   step,epoch,layer,name,kind,stat,value
 *
 * Columns are found by the header's words; words that nobody asks for are not an error. The last line may be cut off by
 * a crash and is then left out.
 */
#include "base/file.h"
#include "base/number.h"
#include "study/study.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_BYTES = 1 << 30, N_COLUMNS = 7, MAX_FIELDS = 32 };
static const char *const columns[N_COLUMNS] = {"step", "epoch", "layer", "name", "kind", "stat", "value"};
enum { STEP, EPOCH, LAYER, NAME, KIND, STAT, VALUE };

/* Cuts a line at its commas, in place. Names have none. Returns how many fields there are. */
static int split(char *line, char *fields[MAX_FIELDS]) {
    int n = 0;
    for (char *at = line; at && n < MAX_FIELDS; n++) {
        fields[n] = at;
        at = strchr(at, ',');
        if (at) *at++ = '\0';
    }
    return n;
}

static yt_status read_header(const char *path, char *line, int place[N_COLUMNS], yt_err *err) {
    char *fields[MAX_FIELDS];
    int n = split(line, fields);
    for (int c = 0; c < N_COLUMNS; c++) {
        place[c] = -1;
        for (int i = 0; i < n; i++)
            if (strcmp(fields[i], columns[c]) == 0) place[c] = i;
        if (place[c] < 0) return yti_fail_at(err, YT_ERR_SYNTAX, path, 1, "there is no column \"%s\"", columns[c]);
    }
    return YT_OK;
}

static bool whole(const char *text, long *out) {
    double value;
    if (!yti_parse_decimal(text, strlen(text), &value) || value < -1 || value > 1e15) return false;
    *out = (long)value;
    return (double)*out == value;
}

/* Numbers as printf writes them, nan and inf too. */
static bool real(const char *text, double *out) {
    const char *word = text[0] == '-' ? text + 1 : text;
    if (strcmp(word, "nan") == 0) *out = (double)NAN;
    if (strcmp(word, "inf") == 0) *out = text[0] == '-' ? -(double)INFINITY : (double)INFINITY;
    if (strcmp(word, "nan") == 0 || strcmp(word, "inf") == 0) return true;
    return yti_parse_decimal(text, strlen(text), out);
}

static bool read_row(char *line, const int place[N_COLUMNS], gradient_row *out) {
    char *fields[MAX_FIELDS];
    int n = split(line, fields);
    for (int c = 0; c < N_COLUMNS; c++)
        if (place[c] >= n) return false;
    long epoch, layer;
    if (!whole(fields[place[STEP]], &out->step) || !whole(fields[place[EPOCH]], &epoch) ||
        !whole(fields[place[LAYER]], &layer) || !real(fields[place[VALUE]], &out->value))
        return false;
    if (epoch > 1 << 30 || layer > 1 << 30) return false;
    out->epoch = (int)epoch;
    out->layer = (int)layer;
    out->name = fields[place[NAME]];
    out->kind = fields[place[KIND]];
    out->stat = fields[place[STAT]];
    return true;
}

static yt_status read_rows(const char *path, gradient_table *table, yt_err *err) {
    int place[N_COLUMNS];
    size_t line = 1, capacity = 0;
    for (char *at = table->text, *end; (end = strchr(at, '\n')); at = end + 1, line++) {
        *end = '\0';
        if (line == 1) {
            YT_TRY(read_header(path, at, place, err));
            continue;
        }
        if (table->count == capacity) {
            capacity = capacity ? 2 * capacity : 1024;
            gradient_row *grown = realloc(table->rows, capacity * sizeof *grown);
            if (!grown) return yt_fail(err, YT_ERR_NO_MEMORY, "%s: no memory for %zu rows", path, capacity);
            table->rows = grown;
        }
        if (!read_row(at, place, &table->rows[table->count]))
            return yti_fail_at(err, YT_ERR_SYNTAX, path, line,
                               "is no row of numbers; it would be step,epoch,layer,name,kind,stat,value");
        table->count++;
    }
    return line > 1 ? YT_OK : yti_fail_at(err, YT_ERR_SYNTAX, path, 1, "there is no header");
}

yt_status yti_gradient_table_load(const char *path, gradient_table *out, yt_err *err) {
    gradient_table table = {0};
    size_t bytes;
    YT_TRY(yti_file_read(path, MAX_BYTES, &table.text, &bytes, err));
    yt_status status = read_rows(path, &table, err);
    if (status == YT_OK)
        *out = table;
    else
        yti_gradient_table_free(&table);
    return status;
}

void yti_gradient_table_free(gradient_table *table) {
    free(table->text);
    free(table->rows);
    *table = (gradient_table){0};
}
