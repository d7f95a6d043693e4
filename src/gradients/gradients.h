/* gradients.h: gradient flow in numbers: what is measured of a tensor and of the units of an activation function.
 *
 * The tables below are the only place where kinds and statistics are named: columns of files, documentation and tests
 * are made from them. What is made of the numbers: alarms.h (a line to the person who trains), slope.h and verdict.h (a
 * study), gradient_table.h and event_file.h (files).
 */
#ifndef YT_FLOW_H
#define YT_FLOW_H

#include "base/activation.h"
#include "tensor/tensor.h"

#include <stdbool.h>
#include <stdint.h>

/* What is measured: code, word in files, class of statistics (below), meaning. A part of the loss is a term or a
 * level of the head; Pn is the level of stride 2^n. */
#define YT_FLOW_KIND_MAP(X)                                                                                            \
    X(WEIGHT, "weight", GRADIENT, "gradient of a weight tensor as the optimizer gets it, before clipping")             \
    X(ACTIVATION_GRADIENT, "activation_gradient", GRADIENT, "dL/dx of the map that leaves a row")                      \
    X(BLOCK_GRADIENT, "block_gradient", GRADIENT, "dL/dx of the map that leaves a block inside a row")                 \
    X(ACTIVATION, "activation", MAP, "the map itself")                                                                 \
    X(UPDATE, "update", UPDATE, "change of a weight tensor by one update, over the tensor")                            \
    X(BOX, "box", GRADIENT, "dL/dx of the box term alone")                                                             \
    X(CLS, "cls", GRADIENT, "dL/dx of the class term alone")                                                           \
    X(DFL, "dfl", GRADIENT, "dL/dx of the distribution term alone")                                                    \
    X(L1, "l1", GRADIENT, "dL/dx of the L1 term alone")                                                                \
    X(P1, "P1", GRADIENT, "dL/dx of the loss at the level of stride 2 alone")                                          \
    X(P2, "P2", GRADIENT, "stride 4")                                                                                  \
    X(P3, "P3", GRADIENT, "stride 8")                                                                                  \
    X(P4, "P4", GRADIENT, "stride 16")                                                                                 \
    X(P5, "P5", GRADIENT, "stride 32")                                                                                 \
    X(P6, "P6", GRADIENT, "stride 64")                                                                                 \
    X(P7, "P7", GRADIENT, "stride 128")

typedef enum yti_flow_kind {
#define YT_FLOW_KIND_ENUM(code, word, class, meaning) YT_FLOW_##code,
    YT_FLOW_KIND_MAP(YT_FLOW_KIND_ENUM)
#undef YT_FLOW_KIND_ENUM
        YT_FLOW_KINDS
} yti_flow_kind;

/* Which statistics a kind has. */
enum { YT_FLOW_CLASS_GRADIENT = 1, YT_FLOW_CLASS_MAP = 2, YT_FLOW_CLASS_UPDATE = 4 };

/* Code, word in files, classes that have it, meaning. Means and norms are over the finite values. */
#define YT_FLOW_STAT_MAP(X)                                                                                            \
    X(RMS, "rms", GRADIENT | YT_FLOW_CLASS_MAP, "root of the mean square: independent of size")                        \
    X(L2, "l2", GRADIENT, "root of the sum of squares")                                                                \
    X(MEAN_ABS, "mean_abs", GRADIENT, "mean magnitude")                                                                \
    X(MEAN, "mean", GRADIENT | YT_FLOW_CLASS_MAP, "mean")                                                              \
    X(MAX_ABS, "max_abs", GRADIENT | YT_FLOW_CLASS_MAP, "largest magnitude")                                           \
    X(SPREAD, "spread", MAP, "standard deviation")                                                                     \
    X(ZEROS, "zeros", GRADIENT | YT_FLOW_CLASS_MAP, "share of exact zeros")                                            \
    X(NON_FINITE, "non_finite", GRADIENT | YT_FLOW_CLASS_MAP, "number of NaN and infinite values")                     \
    X(SATURATED, "saturated", MAP, "share of units (channels) in a flat part of the activation function")              \
    X(RATIO, "ratio", UPDATE, "L2 of the change over L2 of the weights before it")

typedef enum yti_flow_stat {
#define YT_FLOW_STAT_ENUM(code, word, classes, meaning) YT_FLOW_STAT_##code,
    YT_FLOW_STAT_MAP(YT_FLOW_STAT_ENUM)
#undef YT_FLOW_STAT_ENUM
        YT_FLOW_STATS
} yti_flow_stat;

const char *yti_flow_kind_word(yti_flow_kind kind);
const char *yti_flow_stat_word(yti_flow_stat stat);

/* The other way; YT_FLOW_KINDS or YT_FLOW_STATS: there is no such word. */
yti_flow_kind yti_flow_kind_find(const char *word);
yti_flow_stat yti_flow_stat_find(const char *word);

/* Whether a kind has a statistic. */
bool yti_flow_has(yti_flow_kind kind, yti_flow_stat stat);

/* The kind of a head level; YT_FLOW_KINDS: its stride is no power of two from 2 to 128. */
yti_flow_kind yti_flow_level_kind(int stride);

/* Bin 0: magnitudes below 2^YT_FLOW_LOWEST that are not 0; bin i: from 2^(YT_FLOW_LOWEST + i - 1) to twice that; the
 * last: all above. */
enum { YT_FLOW_LOWEST = -48, YT_FLOW_HIGHEST = 16, YT_FLOW_BINS = YT_FLOW_HIGHEST - YT_FLOW_LOWEST + 2 };

/* One pass over a tensor. Sums are over its finite values. */
typedef struct yti_flow_stats {
    uint64_t count, zeros, non_finite;
    double sum, sum_abs, sum_squares, max_abs;
    uint64_t histogram[YT_FLOW_BINS]; /* of log2 of the magnitudes; without zeros and non-finite values */
    double saturated, ratio;          /* not from the pass; NAN: not known */
} yti_flow_stats;

/* Bit-identical for any number of threads. */
yti_flow_stats yti_flow_measure(yti_tensor x, int threads);

/* 0 where there is no finite value. */
double yti_flow_value(const yti_flow_stats *stats, yti_flow_stat stat);

/* The share of channels of a map, fresh from its activation function, that are in a flat part of it at more than 99
 * % of the pixels. NAN: the function has no flat part. */
double yti_flow_saturated(yti_activation_kind act, yti_tensor y, int threads);

/* L2 of after - before, over L2 of before; NAN where before is all 0. */
double yti_flow_update_ratio(const float *before, const float *after, size_t count, int threads);

/* Whether the function has flat parts on both sides, so that its units saturate; else they die. */
bool yti_flow_is_bounded(yti_activation_kind act);

/* What was measured at one place of a network. */
typedef struct yti_flow_record {
    int row;          /* of the model YAML */
    const char *name; /* of the module, block or parameter; borrowed */
    yti_flow_kind kind;
    yti_flow_stats stats;
    yti_activation_kind act; /* of ACTIVATION */
    unsigned *raised;        /* bits of the alarms that this place and kind has raised already; borrowed */
} yti_flow_record;

#endif
