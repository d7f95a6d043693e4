/* alarms.c: see alarms.h.
 *
 * Absolute limits depend on the scale of the loss and almost never fire in float32; so each row is also compared with
 * the median row of the same step. Neither relation is an alarm by itself. A small gradient alone is none, because the
 * deepest level of a head has next to none on images without large objects (YOLO26n at initialisation: 1/1300 of the
 * median) and its weights still move; a large one is none where the median row is what has vanished.
 */
#include "gradients/alarms.h"
#include "gradients/limits.h"
#include "gradients/slope.h"

#include <math.h>
#include <stdio.h>

/* ---- one measurement ---- */

static const struct alarm_row {
    const char *word, *relative;
    yti_flow_stat stat;
    yti_flow_limit_code limit;
} rows[] = {
#define ALARM_ROW(code, word, stat, limit, relative)                                                                   \
    [YT_FLOW_ALARM_##code] = {word, relative, YT_FLOW_STAT_##stat, YT_LIMIT_##limit},
    YT_FLOW_ALARM_MAP(ALARM_ROW)
#undef ALARM_ROW
};

static double limit_of(yti_flow_limit_code code) {
    return yti_flow_limits()[code].value;
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

static const char *alarm_word(yti_flow_alarm alarm) {
    return rows[alarm].word;
}

/* "mean_abs of activation_gradient is 3e-09, limit 1e-07 (SageMaker VanishingGradient)". */
static void alarm_reason(yti_flow_alarm alarm, const yti_flow_case *c, char *text, size_t room) {
    const yti_flow_limit *limit = &yti_flow_limits()[rows[alarm].limit];
    const double value = value_of(alarm, c);
    const char *stat = yti_flow_stat_word(rows[alarm].stat), *kind = yti_flow_kind_word(c->kind);
    if (rows[alarm].relative[0])
        snprintf(text, room, "%s of %s is %.3g, %.3g of the median row's, limit %g (%s)", stat, kind, value,
                 value / c->median, limit->value, limit->source);
    else
        snprintf(text, room, "%s of %s is %.3g, limit %g (%s)", stat, kind, value, limit->value, limit->source);
}

/* ---- a step ---- */

typedef void (*reporter)(void *context, const char *line);

/* RMS of dL/dx of the median row. */
static double median_row(const yti_flow_sample *step, double *sorted) {
    int n = 0;
    for (size_t i = 0; i < step->count; i++)
        if (step->records[i].kind == YT_FLOW_ACTIVATION_GRADIENT)
            sorted[n++] = yti_flow_value(&step->records[i].stats, YT_FLOW_STAT_RMS);
    return yti_median(sorted, n);
}

/* NAN in the warm-up: small updates are what it is for. */
static double largest_update(const yti_flow_sample *step, int row) {
    double largest = (double)NAN;
    if (step->warms_up) return largest;
    for (size_t i = 0; i < step->count; i++)
        if (step->records[i].kind == YT_FLOW_UPDATE && step->records[i].row == row)
            largest = fmax(largest, step->records[i].stats.ratio);
    return largest;
}

static void report_alarm(yti_alarm_spread *spread, yti_flow_alarm alarm, const yti_flow_sample *step,
                         const yti_flow_record *worst, const yti_flow_case *found, reporter report, void *context) {
    char reason[256], others[64] = "", line[512];
    const int n = spread->places[alarm] - 1;
    if (n > 0) snprintf(others, sizeof others, ", here and in %d other place%s", n, n > 1 ? "s" : "");
    alarm_reason(alarm, found, reason, sizeof reason);
    snprintf(line, sizeof line, "step %lld, row %d %s: %s%s: %s", (long long)step->step, worst->row, worst->name,
             alarm_word(alarm), others, reason);
    report(context, line);
    spread->reported[alarm] = spread->places[alarm];
}

/* Returns whether the alarm is raised anywhere. */
static bool raise_alarm(yti_alarm_spread *spread, yti_flow_alarm alarm, const yti_flow_sample *step, double median,
                        reporter report, void *context) {
    const yti_flow_record *worst = NULL;
    yti_flow_case worst_case;
    double most = 0;
    for (size_t i = 0; i < step->count; i++) {
        const yti_flow_record *r = &step->records[i];
        const yti_flow_case found = {r->kind, r->act, &r->stats, median, largest_update(step, r->row), step->norm};
        const double excess = yti_flow_alarm_excess(alarm, &found);
        if (excess == 0) continue;
        if (!(*r->raised & 1u << alarm)) spread->places[alarm]++;
        *r->raised |= 1u << alarm;
        if (excess > most) {
            most = excess;
            worst = r;
            worst_case = found;
        }
    }
    const int reported = spread->reported[alarm];
    if (report && worst && (reported == 0 || spread->places[alarm] >= 2 * reported))
        report_alarm(spread, alarm, step, worst, &worst_case, report, context);
    return worst != NULL;
}

/* Where gradients vanish, how they compare with each other is no news. */
void yti_raise_alarms(yti_alarm_spread *spread, const yti_flow_sample *step, reporter report, void *context) {
    const double median = median_row(step, spread->sorted);
    bool vanishing = false;
    for (int a = 0; a < YT_FLOW_ALARMS; a++) {
        if (vanishing && (a == YT_FLOW_ALARM_FADING || a == YT_FLOW_ALARM_EXPLODING)) continue;
        const bool raised = raise_alarm(spread, (yti_flow_alarm)a, step, median, report, context);
        vanishing |= raised && (a == YT_FLOW_ALARM_VANISHING || a == YT_FLOW_ALARM_FADING);
    }
}
