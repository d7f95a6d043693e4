/* activation.h: the activation functions a model may use. */
#ifndef YT_ACTIVATION_H
#define YT_ACTIVATION_H

/* code, name on the command line, name of the module in a model YAML, formula */
#define YT_ACTIVATION_MAP(X)                                                                                           \
    X(IDENTITY, "identity", "Identity", "x")                                                                           \
    X(SILU, "silu", "SiLU", "x * sigmoid(x)")                                                                          \
    X(RELU, "relu", "ReLU", "max(x, 0)")                                                                               \
    X(LEAKY_RELU, "leaky_relu", "LeakyReLU", "x > 0 ? x : slope * x")                                                  \
    X(TANH, "tanh", "Tanh", "tanh(x)")                                                                                 \
    X(SIGMOID, "sigmoid", "Sigmoid", "1 / (1 + exp(-x))")                                                              \
    X(GELU, "gelu", "GELU", "x * (1 + erf(x / sqrt 2)) / 2")                                                           \
    X(HARDSWISH, "hardswish", "Hardswish", "x * min(max(x + 3, 0), 6) / 6")

typedef enum yti_activation_kind {
#define YT_ACTIVATION_ENUM(code, name, module, formula) YT_ACT_##code,
    YT_ACTIVATION_MAP(YT_ACTIVATION_ENUM)
#undef YT_ACTIVATION_ENUM
        YT_ACT_COUNT
} yti_activation_kind;

typedef struct yti_activation {
    yti_activation_kind kind;
    float slope; /* of LEAKY_RELU below zero; ignored by the others */
} yti_activation;

const char *yti_activation_name(yti_activation_kind kind);

/* Finds a kind by its command-line name ("silu"); -1: unknown. */
int yti_activation_find(const char *name);

/* Parses the text of a model YAML: "nn.SiLU()", "torch.nn.LeakyReLU(0.1)", "nn.ReLU(inplace=True)". Returns 0 and
 * fills *out, or -1 and leaves it. */
int yti_activation_parse(const char *text, yti_activation *out);

#endif
