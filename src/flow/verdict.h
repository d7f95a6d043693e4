/* verdict.h: what a gradient profile means, in one word and one sentence with the numbers behind it.
 *
 * The primary rules are relative, because absolute sizes depend on the scale of the loss and on the batch; the absolute
 * limits that other tools use count where they confirm a relative rule, and are named where they are passed. Every
 * limit is a row of one table.
 */
#ifndef YT_VERDICT_H
#define YT_VERDICT_H

#include "flow/slope.h"

/* code, name, value, what it bounds, where it comes from */
#define YT_VERDICT_LIMIT_MAP(X)                                                                                        \
    X(FLAT, "flat ratio", 10.0, "flat: the first layer's gradient is within this factor of the last layer's",          \
      "one order of magnitude; SageMaker PoorWeightInitialization uses 10 for variances")                              \
    X(VANISHING, "vanishing ratio", 1e-3,                                                                              \
      "vanishing: the first layer's gradient is below this part of the last layer's, unless its update is "            \
      "known and not below its limit",                                                                                 \
      "three orders of magnitude; relative, so independent of the scale of the loss")                                  \
    X(UPDATE_LOW, "lowest update : weight", 1e-5,                                                                      \
      "below: the first layer hardly learns (healthy is about 1e-3). Judged of SGD alone: Adam and MuSGD "             \
      "make updates nearly as large for small gradients",                                                              \
      "Karpathy, course notes")                                                                                        \
    X(MEAN_LOW, "lowest mean |g|", 1e-7, "below: vanishing, whatever the ratio",                                       \
      "SageMaker VanishingGradient; tensorlogic GradientMonitor")                                                      \
    X(EXPLODING, "exploding ratio", 1e3,                                                                               \
      "exploding: the first layer's gradient is above this multiple of the last layer's, and its update or "           \
      "the norm is above its limit",                                                                                   \
      "mirror of the vanishing ratio")                                                                                 \
    X(UPDATE_HIGH, "highest update : weight", 0.1, "above: the step destroys what was learnt",                         \
      "Karpathy, course notes")                                                                                        \
    X(NORM_HIGH, "highest norm", 100.0,                                                                                \
      "above: large gradients, before clipping; decides only beside the exploding ratio: weight gradients "            \
      "of a healthy YOLO26n begin at 183",                                                                             \
      "tensorlogic GradientMonitor")                                                                                   \
    X(UNITS, "units without slope", 0.5,                                                                               \
      "alarm while training, above: dead, or saturated where the activation function has two flat parts",              \
      "SageMaker DeadRelu: over half of the units")                                                                    \
    X(NON_FINITE, "values that are not finite", 1.0, "alarm while training, and a verdict: exploding",                 \
      "any NaN or infinity")

typedef enum yti_verdict_limit_code {
#define YT_VERDICT_LIMIT_ENUM(code, name, value, meaning, source) YT_LIMIT_##code,
    YT_VERDICT_LIMIT_MAP(YT_VERDICT_LIMIT_ENUM)
#undef YT_VERDICT_LIMIT_ENUM
        YT_VERDICT_LIMITS
} yti_verdict_limit_code;

typedef struct yti_verdict_limit {
    const char *name;
    double value;
    const char *meaning, *source;
} yti_verdict_limit;
const yti_verdict_limit *yti_verdict_limits(void); /* [YT_VERDICT_LIMITS] */

/* code, word */
#define YT_VERDICT_MAP(X)                                                                                              \
    X(FLAT, "flat")                                                                                                    \
    X(DECAYING, "decaying")                                                                                            \
    X(VANISHING, "vanishing")                                                                                          \
    X(GROWING, "growing")                                                                                              \
    X(EXPLODING, "exploding")                                                                                          \
    X(UNKNOWN, "unknown")

typedef enum yti_verdict {
#define YT_VERDICT_ENUM(code, word) YT_VERDICT_##code,
    YT_VERDICT_MAP(YT_VERDICT_ENUM)
#undef YT_VERDICT_ENUM
        YT_VERDICTS
} yti_verdict;
const char *yti_verdict_word(yti_verdict verdict);

/* What is known about the gradients of a variant at one moment. NaN: not measured. */
typedef struct yti_flow_facts {
    double first_to_last; /* rms(dL/dx) at the smallest depth over that at the largest */
    double update;        /* update : weight of the first layer */
    double mean_abs;      /* mean |g| of the first layer's weights */
    double norm;          /* of all weight gradients */
    bool non_finite;      /* a gradient or the loss was not finite */
} yti_flow_facts;

/* The word for the facts; sentence receives it with the numbers and limits that led to it. */
yti_verdict yti_verdict_of(const yti_flow_facts *facts, char *sentence, size_t room);

/* Two variants in one quantity, their slopes or their AP. */
typedef struct yti_contrast {
    const char *name, *other;
    yti_interval value, other_value;
    yti_interval difference; /* of the two over the same seeds */
} yti_contrast;

/* They differ where the interval of their difference excludes 0; where there is none, with one seed, where their own
 * intervals are apart. Returns whether they do. */
bool yti_verdict_compare(const yti_contrast *contrast, char *sentence, size_t room);

#endif
