/* gradient_table.h: gradients.csv, written along a run and read by a study. In long form, one number per line:
 *
 *   step,epoch,layer,name,kind,stat,value
 *
 * step is the number of batches done before that one (0: at initialisation), epoch counts from 1 as in results.csv,
 * layer is the row of the model YAML, name a parameter, the module of a row or the path of a block in it; kind and stat
 * are words of the tables in gradients.h. Numbers that are not known are left out.
 */
#ifndef YT_FLOW_GRADIENT_TABLE_H
#define YT_FLOW_GRADIENT_TABLE_H

#include "base/csv.h"
#include "gradients/gradients.h"

typedef struct yti_gradient_row {
    int64_t step;
    int epoch, layer;
    const char *name;   /* without commas; lent by the table that was read */
    yti_flow_kind kind; /* YT_FLOW_KINDS: a word that this program does not know; so with stat */
    yti_flow_stat stat;
    double value;
} yti_gradient_row;

/* The first line, without its newline. */
const char *yti_gradient_table_header(void);

void yti_gradient_row_write(const yti_gradient_row *row, FILE *file);

typedef struct yti_gradient_table {
    yti_csv csv; /* owns the names */
    yti_gradient_row *rows;
    size_t count;
} yti_gradient_table;

/* The rows in the order of the file. Columns are found by the names in the header, wherever they are and whatever there
 * is beside them. IO, NO_MEMORY, SYNTAX. */
yt_status yti_gradient_table_load(const char *path, yti_gradient_table *out, yt_err *err);
void yti_gradient_table_free(yti_gradient_table *table);

#endif
