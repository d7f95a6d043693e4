/* init.h: the distributions that the weights of convolutions may be drawn from at the start. */
#ifndef YT_INIT_H
#define YT_INIT_H

#include "base/status.h"

/* code, word on the command line, what it is */
#define YT_INIT_MAP(X)                                                                                                 \
    X(DEFAULT, "default", "uniform in +-1/sqrt(fan_in)")                                                               \
    X(KAIMING, "kaiming", "normal, variance 1/(fan_in E[f(z)^2]) for the model's activation f, z normal")              \
    X(XAVIER, "xavier", "uniform in +-sqrt(6/(fan_in + fan_out))")                                                     \
    X(ORTHOGONAL, "orthogonal", "orthonormal rows or columns of the matrix [out][in kh kw]")                           \
    X(SCALED, "scaled", "scaled:G, the default times G")

typedef enum yti_init_kind {
#define YT_INIT_ENUM(code, word, text) YT_INIT_##code,
    YT_INIT_MAP(YT_INIT_ENUM)
#undef YT_INIT_ENUM
        YT_INIT_COUNT
} yti_init_kind;

typedef struct yti_init {
    yti_init_kind kind;
    double gain; /* of SCALED; 1 for the others */
} yti_init;

/* ARGUMENT: no word of the table, or a gain that is not a positive number of at most 1e6. */
yt_status yti_init_parse(const char *text, yti_init *out, yt_err *err);

#endif
