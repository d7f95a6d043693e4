/* weights_head.c: the head as its tensors have it.
 *
 * A model description does not say how wide the hidden layers of the head are: a rule makes that from the number of
 * classes (spec architecture 3.12). A network that was fine-tuned to other classes keeps the layers it had, so only the
 * tensors tell. For level l of row r:
 *
 *   model.r.cv2.l.0.conv.weight   [box hidden][input of the level][3][3]
 *   model.r.cv2.l.2.weight        [4 reg_max][box hidden][1][1]
 *   model.r.cv3.l.2.weight        [classes][class hidden][1][1]
 *
 * and the same after "one2one_", of which a file for inference may have nothing else.
 */
#include "weights/weights_head.h"

#include <stdio.h>
#include <string.h>

/* Takes "word" off the beginning of a text. */
static bool skip(const char **text, const char *word) {
    size_t length = strlen(word);
    if (strncmp(*text, word, length) != 0) return false;
    *text += length;
    return true;
}

/* A small number, and the dot after it. */
static bool skip_number(const char **text, int *number) {
    int value = 0, digits = 0;
    for (; **text >= '0' && **text <= '9' && digits < 5; ++*text, digits++) value = 10 * value + (**text - '0');
    *number = value;
    return digits > 0 && skip(text, ".");
}

/* Bounds what is read from a file before the model's own checks meet it. */
static int width(int64_t side) {
    enum { MAX_WIDTH = 1 << 16 };
    return side > 0 && side <= MAX_WIDTH ? (int)side : 0;
}

static void look_at(yti_head_facts *facts, const char *name, int n_dims, int64_t outputs, int64_t inputs) {
    int row, level;
    if (n_dims != 4 || !skip(&name, "model.") || !skip_number(&name, &row)) return;
    skip(&name, "one2one_");
    const bool box = skip(&name, "cv2.");
    if ((!box && !skip(&name, "cv3.")) || !skip_number(&name, &level) || level >= YT_MAX_LEVELS) return;
    const bool first = box && strcmp(name, "0.conv.weight") == 0, last = strcmp(name, "2.weight") == 0;
    if (!first && !last) return;
    if (row > facts->row) *facts = (yti_head_facts){.row = row};
    if (row < facts->row) return;
    if (level >= facts->n_levels) facts->n_levels = level + 1;
    if (first)
        facts->inputs[level] = width(inputs);
    else if (box)
        facts->widths.box[level] = width(inputs);
    else
        facts->widths.cls[level] = width(inputs), facts->n_classes = width(outputs);
}

yti_head_facts yti_head_of_file(const yti_st_file *file, const char *prefix) {
    yti_head_facts facts = {.row = -1};
    for (size_t i = 0; i < file->n_entries; i++) {
        const yti_st_entry *entry = &file->entries[i];
        const char *name = entry->name;
        if (skip(&name, prefix)) look_at(&facts, name, entry->n_dims, entry->dims[0], entry->dims[1]);
    }
    return facts;
}

yti_head_facts yti_head_of_model(const yti_model *model) {
    yti_head_facts facts = {.row = -1};
    for (int i = 0; i < model->n_params; i++) {
        const yti_param_info *info = &model->params[i];
        look_at(&facts, info->name, info->n_dims, info->dims[0], info->dims[1]);
    }
    return facts;
}

bool yti_same_head(const yti_head_facts *a, const yti_head_facts *b) {
    return a->row >= 0 && a->row == b->row && a->n_levels == b->n_levels &&
           memcmp(a->inputs, b->inputs, sizeof a->inputs) == 0;
}
