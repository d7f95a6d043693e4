/* pt_values.c: looking into the values of a pickle. */
#include "formats/pt_values.h"

#include <string.h>

bool yti_pt_text_is(yti_pt_text text, const char *word) {
    size_t length = strlen(word);
    return text.length == length && memcmp(text.bytes, word, length) == 0;
}

const yti_pt_value *yti_pt_find(const yti_pt_value *map, const char *key) {
    if (!map || map->kind != YT_PT_MAP) return NULL;
    for (size_t i = map->items.count; i >= 2; i -= 2) {
        const yti_pt_value *candidate = map->items.at[i - 2];
        if (candidate->kind == YT_PT_TEXT && yti_pt_text_is(candidate->text, key)) return map->items.at[i - 1];
    }
    return NULL;
}
