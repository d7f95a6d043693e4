/* limits.h: every limit by which gradients are judged, in an alarm while a run trains (alarms.h) or in the verdict of a
 * study (verdict.h), with where it comes from.
 */
#ifndef YT_FLOW_LIMITS_H
#define YT_FLOW_LIMITS_H

/* code, name, value, what it bounds, where it comes from */
#define YT_FLOW_LIMIT_MAP(X)                                                                                           \
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

typedef enum yti_flow_limit_code {
#define YT_FLOW_LIMIT_ENUM(code, name, value, meaning, source) YT_LIMIT_##code,
    YT_FLOW_LIMIT_MAP(YT_FLOW_LIMIT_ENUM)
#undef YT_FLOW_LIMIT_ENUM
        YT_FLOW_LIMITS
} yti_flow_limit_code;

typedef struct yti_flow_limit {
    const char *name;
    double value;
    const char *meaning, *source;
} yti_flow_limit;
const yti_flow_limit *yti_flow_limits(void); /* [YT_FLOW_LIMITS] */

#endif
