/* ablation.h: how much of its shortcuts a network is built without.
 *
 * Three kinds of path lead past a weighted layer in these networks: "x +" around a block, the part of a block's input
 * that a concatenation carries past its chain, and the links by which a row of the neck reads another one than that
 * before it, in the backbone half way or earlier in the neck. A cut takes them away in this order, each one with those
 * before it. Backbone and neck are the two lists of a model YAML. What leads past no weighted layer stays: the poolings
 * side by side in SPPF, and v beside its own position in attention. So do two convolutions of the same map that are
 * added (RepConv), which are one when fused, and the maps that CBFuse adds inside a backbone. A shortcut with weights
 * of its own (GhostBottleneck of stride 2) goes with them.
 */
#ifndef YT_ABLATION_H
#define YT_ABLATION_H

typedef enum yti_cut {
    YT_CUT_NOTHING,
    YT_CUT_ADD, /* "x +" */
    YT_CUT_CSP, /* and the bypass of C2f, C3k2, C3, C3k, C2PSA and their like: they continue with their chain alone */
    YT_CUT_LATERAL /* and, in the neck: a Concat continues with its latest source, Detect with its deepest map */
} yti_cut;

/* code, word on the command line, cut of the backbone, cut of the neck */
#define YT_NO_RESIDUAL_MAP(X)                                                                                          \
    X(ADD, "add", ADD, ADD)                                                                                            \
    X(ADD_BACKBONE, "add:backbone", ADD, NOTHING)                                                                      \
    X(ADD_NECK, "add:neck", NOTHING, ADD)                                                                              \
    X(CSP, "csp", CSP, CSP)                                                                                            \
    X(CSP_BACKBONE, "csp:backbone", CSP, NOTHING)                                                                      \
    X(CSP_NECK, "csp:neck", NOTHING, CSP)                                                                              \
    X(LATERAL, "lateral", CSP, LATERAL)

typedef enum yti_no_residual {
    YT_RESIDUAL_KEPT,
#define YT_NO_RESIDUAL_ENUM(code, word, backbone, neck) YT_NO_RESIDUAL_##code,
    YT_NO_RESIDUAL_MAP(YT_NO_RESIDUAL_ENUM)
#undef YT_NO_RESIDUAL_ENUM
        YT_NO_RESIDUAL_COUNT
} yti_no_residual;

/* The word of a kind, "false" for YT_RESIDUAL_KEPT. */
const char *yti_no_residual_word(yti_no_residual kind);

/* The kind of a word; -1: unknown. */
int yti_no_residual_find(const char *word);

yti_cut yti_no_residual_backbone(yti_no_residual kind);
yti_cut yti_no_residual_neck(yti_no_residual kind);

#endif
