/* class_names.c: names of classes compared, and the classes of weights found among those of a data set.
 *
 * Two sets of classes are compared by name wherever they meet. Numbers decide only where names cannot: they are all
 * equal in place, one side has none, or a name stands twice. What is decided in a way that somebody might not expect is
 * said.
 */
#include "weights/class_names.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

bool yti_same_class_name(const char *a, const char *b) {
    return yti_text_compare_names(a, b) == 0;
}

bool yti_is_placeholder(const char *name) {
    static const char made[] = "class_";
    if (strncmp(name, made, sizeof made - 1) == 0) name += sizeof made - 1;
    size_t digits = strspn(name, "0123456789");
    return digits > 0 && name[digits] == '\0';
}

/* Index of a name in a list, -1: it is not there. */
static int find(const char *name, const char *const *list, int n) {
    for (int i = 0; i < n; i++)
        if (yti_same_class_name(name, list[i])) return i;
    return -1;
}

/* A name that stands twice in a list; NULL: none does. */
static const char *twice(const char *const *list, int n) {
    for (int i = 1; i < n; i++)
        if (find(list[i], list, i) >= 0) return list[i];
    return NULL;
}

static bool all_placeholders(const char *const *list, int n) {
    for (int i = 0; i < n; i++)
        if (!yti_is_placeholder(list[i])) return false;
    return true;
}

/* The first class that differs between lists of one length; n: none. */
static int first_difference(const char *const *a, const char *const *b, int n) {
    int i = 0;
    while (i < n && yti_same_class_name(a[i], b[i])) i++;
    return i;
}

/* What matching by name comes to: all of it in place, none found, the classes of the set that were not found. */
typedef struct {
    int found, unknown, first_unknown, moved, first_moved;
} outcome;

static outcome match(const char *const *weights, int n_weights, const char *const *set, int n_set, int *map) {
    outcome o = {.first_unknown = -1, .first_moved = -1};
    for (int w = 0; w < n_weights; w++) map[w] = -1;
    for (int c = 0; c < n_set; c++) {
        const int w = find(set[c], weights, n_weights);
        if (w < 0) {
            if (o.unknown++ == 0) o.first_unknown = c;
            continue;
        }
        map[w] = c;
        o.found++;
        if (w != c && o.moved++ == 0) o.first_moved = c;
    }
    return o;
}

static void say_by_name(const outcome *o, const char *const *weights, int n_weights, const char *const *set, char *note,
                        size_t room) {
    snprintf(note, room, "classes are matched by name");
    if (o->moved)
        yti_text_append(note, room, ": '%.60s', class %d of the data set, is %d in the weights", set[o->first_moved],
                        o->first_moved, find(set[o->first_moved], weights, n_weights));
    if (n_weights > o->found)
        yti_text_append(note, room, "; what is found of the %d other classes of the weights is left out",
                        n_weights - o->found);
    if (o->unknown == 1)
        yti_text_append(note, room, "; '%.60s' is unknown to the weights: its objects count as missed",
                        set[o->first_unknown]);
    if (o->unknown > 1)
        yti_text_append(note, room, "; '%.60s' and %d more are unknown to the weights: their objects count as missed",
                        set[o->first_unknown], o->unknown - 1);
}

yt_status yti_match_classes(const char *const *weights, int n_weights, const char *const *set, int n_set, int *map,
                            char *note, size_t room, yt_err *err) {
    const bool named = !all_placeholders(weights, n_weights) && !all_placeholders(set, n_set);
    const char *double_name = twice(weights, n_weights);
    if (!double_name) double_name = twice(set, n_set);
    const int differs = n_weights == n_set ? first_difference(weights, set, n_set) : 0;
    note[0] = '\0';
    if (named && !double_name && !(n_weights == n_set && differs == n_set)) {
        const outcome o = match(weights, n_weights, set, n_set, map);
        if (o.found > 0 && (o.moved > 0 || n_weights != n_set)) {
            say_by_name(&o, weights, n_weights, set, note, room);
            return YT_OK;
        }
    }
    if (n_weights != n_set) {
        if (named && double_name)
            return yt_fail(err, YT_ERR_MISMATCH,
                           "has %d classes, but the weights know %d, and they cannot be matched by name: "
                           "'%.60s' stands twice",
                           n_set, n_weights, double_name);
        return yt_fail(err, YT_ERR_MISMATCH, "has %d classes, but the weights know %d%s", n_set, n_weights,
                       named ? ", and none of the same name" : "");
    }
    for (int w = 0; w < n_weights; w++) map[w] = w;
    if (named && differs < n_set)
        snprintf(note, room,
                 "classes are taken by number: class %d is '%.60s' in the data set and '%.60s' in the weights%s",
                 differs, set[differs], weights[differs], double_name ? ", and a name stands twice" : "");
    return YT_OK;
}
