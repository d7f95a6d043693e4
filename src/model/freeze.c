/* freeze.c: which rows of a model are not trained (spec training 8).
 *
 * A number means so many rows from the first, a list its rows. Brackets make a list of one: "[3]".
 */
#include "yt/model.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static void freeze_row(yt_model *model, int row) {
    const int end = row + 1 < model->n_rows ? model->rows[row + 1].first_node : yt_graph_nodes(model->graph);
    for (yt_value v = model->rows[row].first_node; v < end; v++) yt_graph_freeze(model->graph, v);
    for (int i = 0; i < model->n_params; i++) model->params[i].frozen |= model->params[i].row == row;
}

/* Reads a whole number from 0 to most; *text moves behind it and behind spaces. */
static bool read_number(const char **text, long most, long *number) {
    while (isspace((unsigned char)**text)) ++*text;
    if (!isdigit((unsigned char)**text)) return false;
    char *end;
    *number = strtol(*text, &end, 10); /* too large a number gives LONG_MAX */
    while (isspace((unsigned char)*end)) end++;
    *text = end;
    return *number <= most;
}

/* "0,1" or "[0, 1]"; *text is at its beginning. */
static bool freeze_list(yt_model *model, const char *text) {
    const bool brackets = *text == '[';
    long row;
    text += brackets;
    do {
        if (!read_number(&text, model->n_rows - 1, &row)) return false;
        freeze_row(model, (int)row);
    } while (*text == ',' && *++text);
    return brackets ? strcmp(text, "]") == 0 : *text == '\0' && text[-1] != ',';
}

static bool freeze_first(yt_model *model, const char *text) {
    long count;
    if (!read_number(&text, model->n_rows, &count) || *text) return false;
    for (int i = 0; i < (int)count; i++) freeze_row(model, i);
    return true;
}

yt_status yt_model_freeze(yt_model *model, const char *rows, yt_err *err) {
    if (!rows[0]) return YT_OK;
    bool list = rows[0] == '[' || strchr(rows, ',');
    if (!(list ? freeze_list : freeze_first)(model, rows))
        return yt_fail(
            err, YT_ARGUMENT,
            "freeze: \"%s\" is neither a number of rows nor a list of rows like 0,1,2; %s has rows 0 to %d",
            rows, model->name, model->n_rows - 1);
    for (int i = 0; i < model->n_params; i++)
        if (model->params[i].kind < YT_PARAM_FROZEN && !model->params[i].frozen) return YT_OK;
    return yt_fail(err, YT_ARGUMENT,
                   "freeze: \"%s\" are all the rows of %s that have parameters; leave one to train", rows,
                   model->name);
}
