/* freeze.c: which rows of a model are not trained (spec training 8).
 *
 * A number means that many rows from the first, a list its rows. Brackets make a list of one: "[3]".
 */
#include "model/model.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static void freeze_row(yti_model *model, int row) {
    const int end = row + 1 < model->n_rows ? model->rows[row + 1].first_node : yti_graph_nodes(model->graph);
    for (yti_value v = model->rows[row].first_node; v < end; v++) yti_graph_freeze(model->graph, v);
    for (int i = 0; i < model->n_params; i++) model->params[i].frozen |= model->params[i].row == row;
}

/* A whole number; *text moves after it and after spaces. */
static bool read_number(const char **text, long *number) {
    while (isspace((unsigned char)**text)) ++*text;
    if (!isdigit((unsigned char)**text)) return false;
    char *end;
    *number = strtol(*text, &end, 10); /* too large a number gives LONG_MAX */
    while (isspace((unsigned char)*end)) end++;
    *text = end;
    return true;
}

static bool is_list(const char *text) {
    return text[0] == '[' || strchr(text, ',');
}

/* Goes over "0,1" or "[0, 1]", freezing its rows where there is a model. *largest is that of its numbers. */
static bool read_list(yti_model *model, const char *text, long *largest) {
    const bool brackets = *text == '[';
    long row;
    text += brackets;
    do {
        if (!read_number(&text, &row)) return false;
        if (row > *largest) *largest = row;
        if (model) freeze_row(model, (int)row);
    } while (*text == ',' && *++text);
    return brackets ? strcmp(text, "]") == 0 : *text == '\0' && text[-1] != ',';
}

/* The number of rows, or the largest in a list. */
static yt_status read_largest(const char *rows, long *largest, yt_err *err) {
    const char *end = rows;
    *largest = 0;
    if (is_list(rows) ? read_list(NULL, rows, largest) : read_number(&end, largest) && !*end) return YT_OK;
    return yt_fail(err, YT_ERR_ARGUMENT, "--freeze: \"%s\" is neither a number of rows nor a list of rows like 0,1,2",
                   rows);
}

yt_status yti_freeze_check(const char *rows, yt_err *err) {
    long largest;
    return rows[0] ? read_largest(rows, &largest, err) : YT_OK;
}

yt_status yti_model_freeze(yti_model *model, const char *rows, yt_err *err) {
    long largest;
    if (!rows[0]) return YT_OK;
    YT_TRY(read_largest(rows, &largest, err));
    if (!is_list(rows) && largest > model->n_rows)
        return yt_fail(err, YT_ERR_ARGUMENT, "--freeze: %ld rows, but %s has %d", largest, model->name, model->n_rows);
    if (is_list(rows) && largest >= model->n_rows)
        return yt_fail(err, YT_ERR_ARGUMENT, "--freeze: row %ld, but %s has rows 0 to %d", largest, model->name,
                       model->n_rows - 1);
    if (is_list(rows)) read_list(model, rows, &largest);
    for (int i = 0; !is_list(rows) && i < (int)largest; i++) freeze_row(model, i);
    for (int i = 0; i < model->n_params; i++)
        if (yti_param_is_trainable(&model->params[i]) && !model->params[i].frozen) return YT_OK;
    return yt_fail(err, YT_ERR_ARGUMENT,
                   "--freeze: \"%s\" would freeze every row of %s that has parameters; leave one to train", rows,
                   model->name);
}
