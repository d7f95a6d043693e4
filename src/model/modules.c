/* modules.c: bottlenecks and cross-stage partial modules (Wang et al. 2019, arXiv 1911.11929; spec architecture 3), and
 * pyramids of poolings.
 */
#include "model/modules.h"

yti_value yti_rep_conv(yti_builder *b, yti_value x, yti_path at, int c2, int kernel, yti_conv_opts opts) {
    const yti_branch kernels[2] = {{"conv1", kernel}, {"conv2", 1}};
    return yti_conv_pair(b, x, at, c2, kernels, opts);
}

/* rep: cv1 is a RepConv. */
static yti_value bottleneck(yti_builder *b, yti_value x, yti_path at, int c2, bool rep, yti_bottleneck_opts o) {
    const bool add = o.shortcut && yti_channels(b, x) == c2 && b->cut < YT_CUT_ADD;
    const int hidden = (int)(c2 * o.expansion);
    const yti_path first = yti_sub(at, "cv1");
    yti_value h = rep ? yti_rep_conv(b, x, first, hidden, o.kernel1, (yti_conv_opts){0})
                      : yti_conv(b, x, first, hidden, o.kernel1, (yti_conv_opts){0});
    h = yti_conv(b, h, yti_sub(at, "cv2"), c2, o.kernel2,
                 (yti_conv_opts){.groups = o.groups, .shortcut = add ? &x : NULL});
    return yti_block(b, at, h);
}

yti_value yti_bottleneck(yti_builder *b, yti_value x, yti_path at, int c2, yti_bottleneck_opts o) {
    return bottleneck(b, x, at, c2, false, o);
}

/* One module of a chain whose maps have c channels. The kernels of bottlenecks are those of `o`. */
static yti_value inner_module(yti_builder *b, yti_value x, yti_path at, int c, yti_inner_kind kind,
                              yti_bottleneck_opts o) {
    switch (kind) {
    case YTI_C3K:
        return yti_block(b, at, yti_c3(b, x, at, c, 2, 0.5, YTI_BOTTLENECK, o));
    case YTI_ATTENTION:
        x = yti_bottleneck(b, x, yti_sub(at, "0"), c, o);
        at = yti_sub(at, "1");
        return yti_block(b, at, yti_psa_block(b, x, at, c / 64 > 1 ? c / 64 : 1));
    case YTI_GHOST:
        return yti_ghost_bottleneck(b, x, at, c, 3, 1);
    case YTI_INVERTED:
    case YTI_INVERTED_LARGE:
        return yti_inverted(b, x, at, c, o.shortcut, o.expansion, kind == YTI_INVERTED_LARGE);
    case YTI_REP_BOTTLENECK:
    case YTI_BOTTLENECK:
        break;
    }
    return bottleneck(b, x, at, c, kind == YTI_REP_BOTTLENECK, o);
}

yti_value yti_c3(yti_builder *b, yti_value x, yti_path at, int c2, int n, double expansion, yti_inner_kind kind,
                 yti_bottleneck_opts inner) {
    const int hidden = (int)(c2 * expansion);
    inner.expansion = 1.0;
    const bool bypassed = b->cut < YT_CUT_CSP;
    yti_value chain = yti_conv(b, x, yti_sub(at, "cv1"), hidden, 1, (yti_conv_opts){0}), bypass = 0;
    if (bypassed) bypass = yti_conv(b, x, yti_sub(at, "cv2"), hidden, 1, (yti_conv_opts){0});
    for (int i = 0; i < n && b->status == YT_OK; i++)
        chain = inner_module(b, chain, yti_sub(at, "m.%d", i), hidden, kind, inner);
    if (bypassed) chain = yti_concat(b, (const yti_value[]){chain, bypass}, 2, yti_sub(at, "cat"));
    return yti_conv(b, chain, yti_sub(at, "cv3"), c2, 1, (yti_conv_opts){0});
}

yti_value yti_c2f(yti_builder *b, yti_value x, yti_path at, int c2, int n, double expansion, yti_inner_kind kind,
                  yti_bottleneck_opts inner) {
    const int c = (int)(c2 * expansion);
    if (n + 1 > YT_MAX_SOURCES) return yti_fail(b, "%d repeats; the limit is %d", n, YT_MAX_SOURCES - 1);
    const bool bypassed = b->cut < YT_CUT_CSP;
    inner.kernel1 = inner.kernel2 = 3;
    yti_value parts[YT_MAX_SOURCES];
    yti_value h = parts[0] = yti_conv(b, x, yti_sub(at, "cv1"), bypassed ? 2 * c : c, 1, (yti_conv_opts){0});
    if (bypassed) h = yti_slice(b, parts[0], yti_sub(at, "split"), c, c);
    for (int i = 0; i < n && b->status == YT_OK; i++)
        parts[i + 1] = h = inner_module(b, h, yti_sub(at, "m.%d", i), c, kind, inner);
    if (bypassed) h = yti_concat(b, parts, n + 1, yti_sub(at, "cat"));
    return yti_conv(b, h, yti_sub(at, "cv2"), c2, 1, (yti_conv_opts){0});
}

/* One half of cv1 goes through the chain, the other past it. */
yti_value yti_c2(yti_builder *b, yti_value x, yti_path at, int c2, int n, double expansion, yti_bottleneck_opts inner) {
    const int c = (int)(c2 * expansion);
    const bool bypassed = b->cut < YT_CUT_CSP;
    const yti_value in = yti_conv(b, x, yti_sub(at, "cv1"), bypassed ? 2 * c : c, 1, (yti_conv_opts){0});
    yti_value h = bypassed ? yti_slice(b, in, yti_sub(at, "split.0"), 0, c) : in;
    for (int i = 0; i < n && b->status == YT_OK; i++) h = yti_bottleneck(b, h, yti_sub(at, "m.%d", i), c, inner);
    if (bypassed) {
        const yti_value bypass = yti_slice(b, in, yti_sub(at, "split.1"), c, c);
        h = yti_concat(b, (const yti_value[]){h, bypass}, 2, yti_sub(at, "cat"));
    }
    return yti_conv(b, h, yti_sub(at, "cv2"), c2, 1, (yti_conv_opts){0});
}

/* SPPF (3.8); `active`: cv1 has an activation. */
yti_value yti_sppf(yti_builder *b, yti_value x, yti_path at, int c2, int kernel, int n, bool shortcut, bool active) {
    const int c1 = yti_channels(b, x);
    const bool add = shortcut && c1 == c2 && b->cut < YT_CUT_ADD;
    if (n < 1 || n + 1 > YT_MAX_SOURCES) return yti_fail(b, "%d poolings; 1 to %d work", n, YT_MAX_SOURCES - 1);
    yti_value parts[YT_MAX_SOURCES];
    parts[0] = yti_conv(b, x, yti_sub(at, "cv1"), c1 / 2, 1, (yti_conv_opts){.no_act = !active});
    for (int i = 0; i < n; i++) parts[i + 1] = yti_maxpool(b, parts[i], yti_sub(at, "pool.%d", i), kernel);
    yti_value all = yti_concat(b, parts, n + 1, yti_sub(at, "cat"));
    return yti_conv(b, all, yti_sub(at, "cv2"), c2, 1, (yti_conv_opts){.shortcut = add ? &x : NULL});
}

/* Spatial pyramid pooling (He et al. 2014, arXiv 1406.4729): poolings of several sizes beside the map. */
yti_value yti_spp(yti_builder *b, yti_value x, yti_path at, int c2, const int *kernels, int n) {
    const int c1 = yti_channels(b, x);
    yti_value parts[YT_MAX_SOURCES];
    if (n < 1 || n + 1 > YT_MAX_SOURCES) return yti_fail(b, "%d poolings; 1 to %d work", n, YT_MAX_SOURCES - 1);
    parts[0] = yti_conv(b, x, yti_sub(at, "cv1"), c1 / 2, 1, (yti_conv_opts){0});
    for (int i = 0; i < n; i++) parts[i + 1] = yti_maxpool(b, parts[0], yti_sub(at, "pool.%d", i), kernels[i]);
    const yti_value all = yti_concat(b, parts, n + 1, yti_sub(at, "cat"));
    return yti_conv(b, all, yti_sub(at, "cv2"), c2, 1, (yti_conv_opts){0});
}
