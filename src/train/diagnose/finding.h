/* finding.h: the first NaN or infinity of a training step: where it is, what led to it; in words, in lines, in bits.
 *
 * A step that would move the weights by something that is not finite is not made. The batch runs once more, with the
 * running statistics as they were, and every tensor is looked at in the order in which it is made (search.h): weights
 * and statistics, input, maps forwards, loss terms, gradients of maps backwards with the gradients of weights between
 * them. The first one that is not finite is the finding.
 */
#ifndef YT_FINDING_H
#define YT_FINDING_H

#include "base/status.h"
#include "loss/loss.h"
#include "model/model.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* What kind of value was found, in the order in which they are made. */
#define YT_FINDING_MAP(X)                                                                                              \
    X(NOTHING, "nothing")                                                                                              \
    X(WEIGHT, "weight")                                                                                                \
    X(STATISTIC, "running statistic")                                                                                  \
    X(MAP, "activation")                                                                                               \
    X(LOSS, "loss term")                                                                                               \
    X(MAP_GRADIENT, "gradient of the activation")                                                                      \
    X(WEIGHT_GRADIENT, "gradient of the weight")                                                                       \
    X(WAITING_GRADIENT, "gradient from earlier batches of the weight")                                                 \
    X(SUMMED_GRADIENT, "sum of gradients of the weight")

typedef enum yti_finding_kind {
#define YT_FINDING_ENUM(code, text) YT_FINDING_##code,
    YT_FINDING_MAP(YT_FINDING_ENUM)
#undef YT_FINDING_ENUM
} yti_finding_kind;

enum { YT_FINDING_NAME = 144, YT_FINDING_INPUTS = 8 };

/* A tensor in numbers. min, max and rms are of its finite values, 0 where it has none. */
typedef struct yti_value_range {
    yti_finding_kind kind;
    char name[YT_FINDING_NAME]; /* of the map ("model.3.cv1.conv"), parameter or loss term */
    size_t values, nan, infinite;
    double min, max, rms;
} yti_value_range;

typedef struct yti_finding {
    yti_value_range tensor; /* kind NOTHING: all is finite */
    int row;                /* of the model YAML; -1: belongs to none */
    char module[64];        /* "C3k2" */
    char place[96];         /* of the first value that is not finite: "image 0, y 3, x 5, channel 7" */
    double value;           /* which it has */
    uint64_t bits;          /* of the float, or of the double that a loss term is */
    int n_inputs;           /* what it was made from, as far as there is room */
    yti_value_range inputs[YT_FINDING_INPUTS];
    int n_branches; /* of the loss below, which is that of the whole batch; 0: not reached */
    double loss[2][YT_LOSS_TERMS], total;
} yti_finding;

/* "nan", "inf" or "-inf". The sign of a NaN says nothing to a person. */
const char *yti_value_text(double value);

/* "nan in the activation of model.3.cv1.conv (row 3, C2f) at image 0, y 3, x 5, channel 7". */
void yti_finding_sentence(const yti_finding *finding, char *text, size_t room);

/* The finding with its inputs and the loss, in lines. */
void yti_finding_print(const yti_finding *finding, const yti_model *model, FILE *out);

/* The finding as a text that is equal exactly where all of its bits are. malloc'd; NULL: no memory. */
char *yti_finding_bits(const yti_finding *finding);

#endif
