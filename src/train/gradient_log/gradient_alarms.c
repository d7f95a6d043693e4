/* gradient_alarms.c: telling of a sampled step what is not sound, in few lines: a network whose gradients vanish
 * does so in most of its layers at once, and a unit that dies is seldom alone. */
#include "train/gradient_log/gradient_alarms.h"
#include "flow/slope.h"

/* RMS of dL/dx of the median row. */
static double median_row(const yti_flow_step *step, double *sorted) {
    int n = 0;
    for (size_t i = 0; i < step->count; i++)
        if (step->records[i].kind == YT_FLOW_ACTIVATION_GRADIENT)
            sorted[n++] = yti_flow_value(&step->records[i].stats, YT_FLOW_STAT_RMS);
    return yti_median(sorted, n);
}

/* Not of a step whose rates are those of the warm-up: small updates are what it is for. */
static double largest_update(const yti_flow_step *step, int row) {
    double largest = (double)NAN;
    if (step->batch.warms_up) return largest;
    for (size_t i = 0; i < step->count; i++)
        if (step->records[i].kind == YT_FLOW_UPDATE && step->records[i].row == row)
            largest = fmax(largest, step->records[i].stats.ratio);
    return largest;
}

static void tell(yti_gradient_alarms *alarms, yti_flow_alarm alarm, const yti_flow_step *step,
                 const yti_flow_record *worst, const yti_flow_case *found, yti_problem_sink sink, void *context) {
    char reason[256], others[64] = "", line[512];
    const int n = alarms->places[alarm] - 1;
    if (n > 0) snprintf(others, sizeof others, ", here and in %d other place%s", n, n > 1 ? "s" : "");
    yti_flow_alarm_reason(alarm, found, reason, sizeof reason);
    snprintf(line, sizeof line, "step %lld, row %d %s: %s%s: %s", (long long)step->batch.step, worst->row, worst->name,
             yti_flow_alarm_word(alarm), others, reason);
    sink(context, line);
    alarms->told[alarm] = alarms->places[alarm];
}

/* Tells of one alarm; returns whether it is raised anywhere. */
static bool raise_alarm(yti_gradient_alarms *alarms, yti_flow_alarm alarm, const yti_flow_step *step, double median,
                        yti_problem_sink sink, void *context) {
    const yti_flow_record *worst = NULL;
    yti_flow_case worst_case;
    double most = 0;
    for (size_t i = 0; i < step->count; i++) {
        const yti_flow_record *r = &step->records[i];
        const yti_flow_case found = {r->kind,
                                     r->act,
                                     &r->stats,
                                     median,
                                     largest_update(step, r->row),
                                     step->batch.updates ? step->batch.gradient_norm : (double)NAN};
        const double excess = yti_flow_alarm_excess(alarm, &found);
        if (excess == 0) continue;
        if (!(*r->raised & 1u << alarm)) alarms->places[alarm]++;
        *r->raised |= 1u << alarm;
        if (excess > most) {
            most = excess;
            worst = r;
            worst_case = found;
        }
    }
    const int told = alarms->told[alarm];
    if (sink && worst && (told == 0 || alarms->places[alarm] >= 2 * told))
        tell(alarms, alarm, step, worst, &worst_case, sink, context);
    return worst != NULL;
}

/* Where gradients vanish, nothing is said of how they compare with each other. */
void yti_raise_alarms(yti_gradient_alarms *alarms, const yti_flow_step *step, yti_problem_sink sink, void *context) {
    const double median = median_row(step, alarms->sorted);
    bool vanishing = false;
    for (int a = 0; a < YT_FLOW_ALARMS; a++) {
        if (vanishing && (a == YT_FLOW_ALARM_FADING || a == YT_FLOW_ALARM_EXPLODING)) continue;
        const bool raised = raise_alarm(alarms, (yti_flow_alarm)a, step, median, sink, context);
        vanishing |= raised && (a == YT_FLOW_ALARM_VANISHING || a == YT_FLOW_ALARM_FADING);
    }
}
