/* gradient_table.c: see gradient_table.h. */
#include "gradients/gradient_table.h"
#include "base/array.h"

#include <string.h>

enum { MAX_BYTES = 1 << 30, MAX_NUMBER = 1 << 30 };
static const double MAX_STEP = 1e15;

#define HEADER "step,epoch,layer,name,kind,stat,value"
enum { STEP, EPOCH, LAYER, NAME, KIND, STAT, VALUE, N_COLUMNS };
static const char *const columns[N_COLUMNS] = {"step", "epoch", "layer", "name", "kind", "stat", "value"};

const char *yti_gradient_table_header(void) {
    return HEADER;
}

void yti_gradient_row_write(const yti_gradient_row *row, FILE *file) {
    fprintf(file, "%lld,%d,%d,%s,%s,%s,", (long long)row->step, row->epoch, row->layer, row->name,
            yti_flow_kind_word(row->kind), yti_flow_stat_word(row->stat));
    yti_csv_number(file, row->value);
    fputc('\n', file);
}

static yt_status find_columns(const yti_csv *csv, int place[N_COLUMNS], yt_err *err) {
    for (int c = 0; c < N_COLUMNS; c++) {
        place[c] = yti_csv_column(csv, columns[c]);
        if (place[c] < 0) return yti_fail_at(err, YT_ERR_SYNTAX, csv->path, 1, "there is no column \"%s\"", columns[c]);
    }
    return YT_OK;
}

static bool read_row(const yti_csv *csv, const int place[N_COLUMNS], yti_gradient_row *out) {
    const char *field[N_COLUMNS];
    long step, epoch, layer;
    for (int c = 0; c < N_COLUMNS; c++) {
        if (place[c] >= csv->n_fields) return false;
        field[c] = csv->fields[place[c]];
    }
    *out = (yti_gradient_row){
        .name = field[NAME], .kind = yti_flow_kind_find(field[KIND]), .stat = yti_flow_stat_find(field[STAT])};
    if (!yti_csv_whole(field[STEP], -1, MAX_STEP, &step) || !yti_csv_whole(field[EPOCH], -1, MAX_NUMBER, &epoch) ||
        !yti_csv_whole(field[LAYER], -1, MAX_NUMBER, &layer) || !yti_csv_real(field[VALUE], &out->value))
        return false;
    out->step = step;
    out->epoch = (int)epoch;
    out->layer = (int)layer;
    return true;
}

static yt_status read_rows(yti_gradient_table *table, yt_err *err) {
    yti_csv *csv = &table->csv;
    int place[N_COLUMNS];
    size_t capacity = 0;
    YT_TRY(find_columns(csv, place, err));
    while (yti_csv_next(csv)) {
        yti_gradient_row *rows = yti_grow(table->rows, &capacity, table->count + 1, sizeof *rows);
        if (!rows) return yt_fail(err, YT_ERR_NO_MEMORY, "%s: no memory for %zu rows", csv->path, table->count + 1);
        table->rows = rows;
        if (!read_row(csv, place, &rows[table->count]))
            return yti_fail_at(err, YT_ERR_SYNTAX, csv->path, csv->line, "is no row of numbers; it would be " HEADER);
        table->count++;
    }
    return YT_OK;
}

yt_status yti_gradient_table_load(const char *path, yti_gradient_table *out, yt_err *err) {
    yti_gradient_table table = {0};
    YT_TRY(yti_csv_load(path, MAX_BYTES, &table.csv, err));
    yt_status status = read_rows(&table, err);
    if (status == YT_OK)
        *out = table;
    else
        yti_gradient_table_free(&table);
    return status;
}

void yti_gradient_table_free(yti_gradient_table *table) {
    yti_csv_free(&table->csv);
    free(table->rows);
    *table = (yti_gradient_table){0};
}
