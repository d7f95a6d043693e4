/* words.c: the tables of gradients.h and limits.h as functions: words of kinds and statistics, which kind has which,
 * the limits.
 */
#include "gradients/gradients.h"
#include "gradients/limits.h"

#include <math.h>
#include <string.h>

const char *yti_flow_kind_word(yti_flow_kind kind) {
    static const char *const words[] = {
#define KIND_WORD(code, word, class, meaning) [YT_FLOW_##code] = word,
        YT_FLOW_KIND_MAP(KIND_WORD)
#undef KIND_WORD
    };
    return words[kind];
}

const char *yti_flow_stat_word(yti_flow_stat stat) {
    static const char *const words[] = {
#define STAT_WORD(code, word, classes, meaning) [YT_FLOW_STAT_##code] = word,
        YT_FLOW_STAT_MAP(STAT_WORD)
#undef STAT_WORD
    };
    return words[stat];
}

yti_flow_kind yti_flow_kind_find(const char *word) {
    int kind = 0;
    while (kind < YT_FLOW_KINDS && strcmp(word, yti_flow_kind_word((yti_flow_kind)kind)) != 0) kind++;
    return (yti_flow_kind)kind;
}

yti_flow_stat yti_flow_stat_find(const char *word) {
    int stat = 0;
    while (stat < YT_FLOW_STATS && strcmp(word, yti_flow_stat_word((yti_flow_stat)stat)) != 0) stat++;
    return (yti_flow_stat)stat;
}

bool yti_flow_has(yti_flow_kind kind, yti_flow_stat stat) {
    static const int class_of[] = {
#define KIND_CLASS(code, word, class, meaning) [YT_FLOW_##code] = YT_FLOW_CLASS_##class,
        YT_FLOW_KIND_MAP(KIND_CLASS)
#undef KIND_CLASS
    };
    static const int classes_with[] = {
#define STAT_CLASSES(code, word, classes, meaning) [YT_FLOW_STAT_##code] = YT_FLOW_CLASS_##classes,
        YT_FLOW_STAT_MAP(STAT_CLASSES)
#undef STAT_CLASSES
    };
    return (class_of[kind] & classes_with[stat]) != 0;
}

yti_flow_kind yti_flow_level_kind(int stride) {
    for (int n = 0; YT_FLOW_P1 + n < YT_FLOW_KINDS; n++)
        if (stride == 2 << n) return (yti_flow_kind)(YT_FLOW_P1 + n);
    return YT_FLOW_KINDS;
}

double yti_flow_value(const yti_flow_stats *s, yti_flow_stat stat) {
    const double n = (double)(s->count - s->non_finite), all = (double)s->count;
    switch (stat) {
    case YT_FLOW_STAT_RMS:
        return n > 0 ? sqrt(s->sum_squares / n) : 0;
    case YT_FLOW_STAT_L2:
        return sqrt(s->sum_squares);
    case YT_FLOW_STAT_MEAN_ABS:
        return n > 0 ? s->sum_abs / n : 0;
    case YT_FLOW_STAT_MEAN:
        return n > 0 ? s->sum / n : 0;
    case YT_FLOW_STAT_MAX_ABS:
        return s->max_abs;
    case YT_FLOW_STAT_SPREAD:
        return n > 0 ? sqrt(fmax(0, s->sum_squares / n - s->sum / n * (s->sum / n))) : 0;
    case YT_FLOW_STAT_ZEROS:
        return all > 0 ? (double)s->zeros / all : 0;
    case YT_FLOW_STAT_NON_FINITE:
        return (double)s->non_finite;
    case YT_FLOW_STAT_SATURATED:
        return s->saturated;
    case YT_FLOW_STAT_RATIO:
        return s->ratio;
    case YT_FLOW_STATS:
        break;
    }
    return (double)NAN;
}

const yti_flow_limit *yti_flow_limits(void) {
    static const yti_flow_limit rows[] = {
#define LIMIT_ROW(code, name, value, meaning, source) {name, value, meaning, source},
        YT_FLOW_LIMIT_MAP(LIMIT_ROW)
#undef LIMIT_ROW
    };
    return rows;
}
