/* modules.h: the composite modules, written as the networks read. Each takes the map it reads, the path of its tensors
 * and what a row of a YAML says; forms.c reads those rows.
 *
 * A split costs nothing: a concatenation takes the whole of cv1's output where a paper writes its two halves. The
 * shortcut of a block is added inside its last normalisation pass. Paths that a cut takes away (ablation.h) take their
 * weights with them: what is left has no tensor that nothing reads.
 */
#ifndef YT_MODEL_MODULES_H
#define YT_MODEL_MODULES_H

#include "model/builder.h"

/* The files call each other in this order only: attention and light, modules.c, area and elan. */

/* ---- modules.c: bottlenecks, and the modules that lead a part of their input past a chain of them ---- */

typedef struct yti_bottleneck_opts {
    bool shortcut;
    int groups, kernel1, kernel2;
    double expansion;
} yti_bottleneck_opts;

/* The kinds of units in a chain. */
typedef enum yti_inner_kind {
    YTI_BOTTLENECK,
    YTI_REP_BOTTLENECK, /* its first convolution trains as two */
    YTI_GHOST,          /* ghost bottlenecks */
    YTI_C3K,            /* C3k of two bottlenecks */
    YTI_ATTENTION,      /* a bottleneck, then attention */
    YTI_INVERTED,       /* CIB */
    YTI_INVERTED_LARGE, /* CIB with a kernel of 7 */
} yti_inner_kind;

/* One that trains as two, of `kernel` and of 1 x 1 (Ding et al. 2021, arXiv 2101.03697). */
yti_value yti_rep_conv(yti_builder *b, yti_value x, yti_path at, int c2, int kernel, yti_conv_opts opts);
yti_value yti_bottleneck(yti_builder *b, yti_value x, yti_path at, int c2, yti_bottleneck_opts o);
/* C3 (kernel1 = 1, kernel2 = 3), C3k (both k), C3Ghost, RepCSP: two paths, one through a chain of n. */
yti_value yti_c3(yti_builder *b, yti_value x, yti_path at, int c2, int n, double expansion, yti_inner_kind kind,
                 yti_bottleneck_opts inner);
/* C2f, C3k2, C2fCIB: both halves of cv1 and the output of every inner module go side by side into cv2. */
yti_value yti_c2f(yti_builder *b, yti_value x, yti_path at, int c2, int n, double expansion, yti_inner_kind kind,
                  yti_bottleneck_opts inner);
yti_value yti_c2(yti_builder *b, yti_value x, yti_path at, int c2, int n, double expansion, yti_bottleneck_opts inner);
yti_value yti_sppf(yti_builder *b, yti_value x, yti_path at, int c2, int kernel, int n, bool shortcut, bool active);
yti_value yti_spp(yti_builder *b, yti_value x, yti_path at, int c2, const int *kernels, int n);

/* ---- modules_attention.c ---- */
yti_value yti_psa_block(yti_builder *b, yti_value x, yti_path at, int heads);
yti_value yti_c2psa(yti_builder *b, yti_value x, yti_path at, int c2, int n, double expansion);
yti_value yti_psa(yti_builder *b, yti_value x, yti_path at, int c2, double expansion);
enum { YTI_AREA_HEAD = 32 }; /* channels of a head of area attention */
yti_value yti_area_block(yti_builder *b, yti_value x, yti_path at, int areas, double mlp_ratio);

/* ---- modules_area.c ---- */
typedef struct yti_a2c2f_opts {
    bool attend; /* area attention inside; else C3k */
    int areas;
    bool residual; /* with attend: the module's input plus gamma times its output */
    double mlp_ratio, expansion;
    int groups;
    bool shortcut; /* of C3k's bottlenecks */
} yti_a2c2f_opts;

yti_value yti_a2c2f(yti_builder *b, yti_value x, yti_path at, int c2, int n, yti_a2c2f_opts o);

/* ---- modules_light.c: modules with few weights ---- */
yti_value yti_ghost_conv(yti_builder *b, yti_value x, yti_path at, int c2, int kernel, yti_conv_opts opts);
yti_value yti_ghost_bottleneck(yti_builder *b, yti_value x, yti_path at, int c2, int kernel, int stride);
yti_value yti_scdown(yti_builder *b, yti_value x, yti_path at, int c2, int kernel, int stride);
yti_value yti_inverted(yti_builder *b, yti_value x, yti_path at, int c2, bool shortcut, double expansion, bool large);

/* ---- modules_elan.c: those of YOLOv9 ---- */
typedef struct yti_elan_opts {
    int hidden, inner; /* channels of cv1 and of the two stages */
    int repeats;       /* bottlenecks in each stage; 0: a stage is one convolution (ELAN1) */
} yti_elan_opts;

yti_value yti_elan(yti_builder *b, yti_value x, yti_path at, int c2, yti_elan_opts o);
yti_value yti_aconv(yti_builder *b, yti_value x, yti_path at, int c2);
yti_value yti_adown(yti_builder *b, yti_value x, yti_path at, int c2);
yti_value yti_sppelan(yti_builder *b, yti_value x, yti_path at, int c2, int hidden, int kernel);
/* maps[0 .. n - 2] are outputs of CBLinear, of which part which[i] is taken; the last one gives the size. */
yti_value yti_cbfuse(yti_builder *b, const yti_value *maps, int n, const int *which, yti_path at);

#endif
