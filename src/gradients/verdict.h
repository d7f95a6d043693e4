/* verdict.h: what a gradient profile means, in one word and one sentence with its numbers.
 *
 * The primary rules are relative, because absolute sizes depend on the scale of the loss and on the batch; the absolute
 * limits that other tools use count where they confirm a relative rule, and are named where they are passed. The
 * limits are in limits.h.
 */
#ifndef YT_VERDICT_H
#define YT_VERDICT_H

#include "gradients/slope.h"

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
