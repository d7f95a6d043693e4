/* alarms.c: when a measurement is worth a line to the person who trains; the limits are those of verdict.h.
 *
 * Absolute limits depend on the scale of the loss and almost never fire in float32; so each row is also compared with
 * the median row of the same step. Neither relation is an alarm by itself. A small gradient alone is none, because the
 * deepest level of a head has next to none on pictures without large objects (YOLO26n at initialisation: 1/1300 of the
 * median) and its weights still move; a large one is none where the median row is what has vanished.
 */
#include "flow/flow.h"
#include "flow/verdict.h"

#include <math.h>

static const struct alarm_row {
    const char *word, *relative;
    yti_flow_stat stat;
    yti_verdict_limit_code limit;
} rows[] = {
#define ALARM_ROW(code, word, stat, limit, relative)                                                                   \
    [YT_FLOW_ALARM_##code] = {word, relative, YT_FLOW_STAT_##stat, YT_LIMIT_##limit},
    YT_FLOW_ALARM_MAP(ALARM_ROW)
#undef ALARM_ROW
};

static double limit_of(yti_verdict_limit_code code) {
    return yti_verdict_limits()[code].value;
}

static bool is_map_gradient(yti_flow_kind kind) {
    return kind == YT_FLOW_ACTIVATION_GRADIENT || kind == YT_FLOW_BLOCK_GRADIENT;
}

static double value_of(yti_flow_alarm alarm, const yti_flow_case *c) {
    const yti_flow_stat stat = rows[alarm].stat;
    return yti_flow_has(c->kind, stat) ? yti_flow_value(c->stats, stat) : (double)NAN;
}

/* NAN compares false: what is not known raises nothing. */
static bool is_raised(yti_flow_alarm alarm, const yti_flow_case *c, double value, double limit) {
    switch (alarm) {
    case YT_FLOW_ALARM_NON_FINITE:
        return value >= limit;
    case YT_FLOW_ALARM_VANISHING:
        return is_map_gradient(c->kind) && value < limit;
    case YT_FLOW_ALARM_FADING:
        return is_map_gradient(c->kind) && value < limit * c->median && c->update < limit_of(YT_LIMIT_UPDATE_LOW);
    case YT_FLOW_ALARM_EXPLODING:
        return is_map_gradient(c->kind) && value > limit * c->median && c->median > 0 &&
               (c->update > limit_of(YT_LIMIT_UPDATE_HIGH) || c->norm > limit_of(YT_LIMIT_NORM_HIGH));
    case YT_FLOW_ALARM_DEAD:
        return value > limit && !yti_flow_is_bounded(c->act);
    case YT_FLOW_ALARM_SATURATED:
        return value > limit && yti_flow_is_bounded(c->act);
    case YT_FLOW_ALARMS:
        break;
    }
    return false;
}

double yti_flow_alarm_excess(yti_flow_alarm alarm, const yti_flow_case *c) {
    const double value = value_of(alarm, c), limit = limit_of(rows[alarm].limit);
    if (!is_raised(alarm, c, value, limit)) return 0;
    const double bound = rows[alarm].relative[0] ? limit * c->median : limit;
    return value < bound ? bound / value : value / bound; /* of 0: infinitely far */
}

const char *yti_flow_alarm_word(yti_flow_alarm alarm) {
    return rows[alarm].word;
}

void yti_flow_alarm_reason(yti_flow_alarm alarm, const yti_flow_case *c, char *text, size_t room) {
    const yti_verdict_limit *limit = &yti_verdict_limits()[rows[alarm].limit];
    const double value = value_of(alarm, c);
    const char *stat = yti_flow_stat_word(rows[alarm].stat), *kind = yti_flow_kind_word(c->kind);
    if (rows[alarm].relative[0])
        snprintf(text, room, "%s of %s is %.3g, %.3g of the median row's, limit %g (%s)", stat, kind, value,
                 value / c->median, limit->value, limit->source);
    else
        snprintf(text, room, "%s of %s is %.3g, limit %g (%s)", stat, kind, value, limit->value, limit->source);
}
