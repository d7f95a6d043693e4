/* words.c: the nearest word of a list, for "unknown X; did you mean Y?".
 *
 * Levenshtein distance by dynamic programming over one row, letters compared without case.
 */
#include "base/file.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { MAX_LETTERS = 64 }; /* a longer word has no near neighbour worth naming */

static int letter(char c) {
    return tolower((unsigned char)c);
}

static size_t edit_distance(const char *a, size_t a_length, const char *b, size_t b_length) {
    size_t row[MAX_LETTERS + 1];
    for (size_t j = 0; j <= b_length; j++) row[j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            size_t change = diagonal + (letter(a[i - 1]) != letter(b[j - 1]));
            size_t remove = row[j] + 1, insert = row[j - 1] + 1;
            diagonal = row[j];
            row[j] = change < remove ? change : remove;
            if (insert < row[j]) row[j] = insert;
        }
    }
    return row[b_length];
}

const char *yti_nearest_word(const char *word, const char *const *candidates, size_t count) {
    size_t length = strlen(word);
    if (length > MAX_LETTERS) return NULL;
    size_t best_distance = 1 + length / 3;
    const char *best = NULL;
    for (size_t i = 0; i < count; i++) {
        size_t candidate_length = strlen(candidates[i]);
        if (candidate_length > MAX_LETTERS) continue;
        size_t distance = edit_distance(word, length, candidates[i], candidate_length);
        if (distance < best_distance || (!best && distance == best_distance)) {
            best_distance = distance;
            best = candidates[i];
        }
    }
    return best;
}

yti_suggestion yti_suggest(const char *word, const char *const *candidates, size_t count) {
    yti_suggestion suggestion = {""};
    const char *near = yti_nearest_word(word, candidates, count);
    if (near) snprintf(suggestion.text, sizeof suggestion.text, "; did you mean %s?", near);
    return suggestion;
}
