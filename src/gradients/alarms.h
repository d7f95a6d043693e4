/* alarms.h: when something in a sampled step deserves a line to the person who trains. All about alarms is here; their
 * limits are in limits.h.
 *
 * One measurement is judged by yti_flow_alarm_excess; yti_raise_alarms judges a whole step and keeps the number of
 * lines small: a network whose gradients vanish does so in most of its layers at once, and a unit that dies is seldom
 * alone.
 */
#ifndef YT_FLOW_ALARMS_H
#define YT_FLOW_ALARMS_H

#include "gradients/gradients.h"

/* ---- one measurement ---- */

/* Code, word, statistic, its limit (a row of limits.h), relative to. "median": of the RMS of dL/dx over
 * the rows at that step. */
#define YT_FLOW_ALARM_MAP(X)                                                                                           \
    X(NON_FINITE, "non-finite", NON_FINITE, NON_FINITE, "")                                                            \
    X(VANISHING, "vanishing", MEAN_ABS, MEAN_LOW, "")                                                                  \
    X(FADING, "vanishing", RMS, VANISHING, "median")                                                                   \
    X(EXPLODING, "exploding", RMS, EXPLODING, "median")                                                                \
    X(DEAD, "dead", SATURATED, UNITS, "")                                                                              \
    X(SATURATED, "saturated", SATURATED, UNITS, "")

typedef enum yti_flow_alarm {
#define YT_FLOW_ALARM_ENUM(code, word, stat, limit, relative) YT_FLOW_ALARM_##code,
    YT_FLOW_ALARM_MAP(YT_FLOW_ALARM_ENUM)
#undef YT_FLOW_ALARM_ENUM
        YT_FLOW_ALARMS
} yti_flow_alarm;

/* A measurement and what it is judged by. */
typedef struct yti_flow_case {
    yti_flow_kind kind;
    yti_activation_kind act; /* of an activation map */
    const yti_flow_stats *stats;
    double median; /* NAN: not known, here and below */
    double update; /* the largest update ratio among the weights of the row, after the warm-up */
    double norm;   /* of all weight gradients, before clipping */
} yti_flow_case;

/* By what factor a measurement is beyond the limit of an alarm, at least 1; 0: the alarm is not raised. */
double yti_flow_alarm_excess(yti_flow_alarm alarm, const yti_flow_case *c);

/* ---- a step ---- */

/* What was measured at one step. */
typedef struct yti_flow_sample {
    int64_t step;
    bool warms_up; /* the learning rates are still below those of the run */
    double norm;   /* of all weight gradients, before clipping; NAN: no update followed */
    const yti_flow_record *records;
    size_t count;
} yti_flow_sample;

/* How far each alarm has spread. */
typedef struct yti_alarm_spread {
    int places[YT_FLOW_ALARMS];   /* where it was raised so far */
    int reported[YT_FLOW_ALARMS]; /* places when a line was last reported */
    double *sorted;               /* [rows of the model], scratch, owned by the caller */
} yti_alarm_spread;

/* Reports one line for each alarm that is raised for the first time, or in twice as many places as when it was last
 * reported:
 *   step 0, row 0 Conv: vanishing, here and in 51 other places: mean_abs of activation_gradient is 1.2e-26, ...
 * about the place where it is worst. Each record's `raised` remembers its alarms. report NULL: nobody listens. */
void yti_raise_alarms(yti_alarm_spread *spread, const yti_flow_sample *sample,
                      void (*report)(void *context, const char *line), void *context);

#endif
