/* alarms.c: when a measurement is worth a line to the person who trains; the table of limits is in flow.h.
 *
 * Absolute limits depend on the scale of the loss and almost never fire in float32; so each row is also compared with
 * the median row of the same step. A small gradient alone is no alarm there: the deepest level of a head has next to
 * none on pictures without large objects (YOLO26n at initialisation: 1/1300 of the median), and its weights still move.
 */
#include "yt/flow.h"

#include <math.h>

static const double SMALL_UPDATE = 1e-5;

static const struct limit {
    const char *word, *relative, *source;
    yt_flow_stat stat;
    double limit;
} limits[] = {
#define ALARM_ROW(code, word, stat, limit, relative, source)                                                 \
    [YT_FLOW_ALARM_##code] = {word, relative, source, YT_FLOW_STAT_##stat, limit},
    YT_FLOW_ALARM_MAP(ALARM_ROW)
#undef ALARM_ROW
};

static bool is_map_gradient(yt_flow_kind kind) {
    return kind == YT_FLOW_ACTIVATION_GRADIENT || kind == YT_FLOW_BLOCK_GRADIENT;
}

/* NAN compares false: what is not known raises nothing. */
static bool is_raised(yt_flow_alarm alarm, const yt_flow_case *c, double value) {
    const double limit = limits[alarm].limit;
    switch (alarm) {
    case YT_FLOW_ALARM_NON_FINITE:
        return value >= limit;
    case YT_FLOW_ALARM_VANISHING:
        return is_map_gradient(c->kind) && value < limit;
    case YT_FLOW_ALARM_FADING:
        return is_map_gradient(c->kind) && value < limit * c->median && c->update < SMALL_UPDATE;
    case YT_FLOW_ALARM_EXPLODING:
        return is_map_gradient(c->kind) && value > limit * c->median && c->median > 0;
    case YT_FLOW_ALARM_DEAD:
        return value > limit && !yt_flow_is_bounded(c->act);
    case YT_FLOW_ALARM_SATURATED:
        return value > limit && yt_flow_is_bounded(c->act);
    case YT_FLOW_ALARMS:
        break;
    }
    return false;
}

bool yt_flow_is_alarming(yt_flow_alarm alarm, const yt_flow_case *c, char *text, size_t room) {
    const struct limit *l = &limits[alarm];
    const double value = yt_flow_has(c->kind, l->stat) ? yt_flow_value(c->stats, l->stat) : (double)NAN;
    if (!is_raised(alarm, c, value)) return false;
    const char *stat = yt_flow_stat_word(l->stat), *kind = yt_flow_kind_word(c->kind);
    if (l->relative[0])
        snprintf(text, room, "%s: %s of %s is %.3g, %.3g of the median row's; limit %g, %s", l->word, stat,
                 kind, value, value / c->median, l->limit, l->source);
    else
        snprintf(text, room, "%s: %s of %s is %.3g; limit %g, %s", l->word, stat, kind, value, l->limit,
                 l->source);
    return true;
}
