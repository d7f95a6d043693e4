/* modules_area.c: A2C2f of YOLO12 (Tian et al. 2025, arXiv 2502.12524): a chain of area attention, or of C3k, whose
 * outputs all go side by side into one convolution.
 */
#include "model/modules.h"

/* One inner module: two blocks of area attention, or a C3k. */
static yti_value a2c2f_inner(yti_builder *b, yti_value x, yti_path at, const yti_a2c2f_opts *o) {
    if (!o->attend) {
        const yti_bottleneck_opts inner = {.shortcut = o->shortcut, .groups = o->groups, .kernel1 = 3, .kernel2 = 3};
        return yti_block(b, at, yti_c3(b, x, at, yti_channels(b, x), 2, 0.5, YTI_BOTTLENECK, inner));
    }
    x = yti_area_block(b, x, yti_sub(at, "0"), o->areas, o->mlp_ratio);
    return yti_area_block(b, x, yti_sub(at, "1"), o->areas, o->mlp_ratio);
}

yti_value yti_a2c2f(yti_builder *b, yti_value x, yti_path at, int c2, int n, yti_a2c2f_opts o) {
    static const float GAMMA = 0.01f; /* where gamma starts */
    const int c = (int)(c2 * o.expansion);
    if (b->status != YT_OK) return 0;
    if (n + 1 > YT_MAX_SOURCES) return yti_fail(b, "%d repeats; the limit is %d", n, YT_MAX_SOURCES - 1);
    if (o.attend && (c % YTI_AREA_HEAD || c < YTI_AREA_HEAD))
        return yti_fail(b, "area attention over %d channels; it must be a multiple of %d", c, YTI_AREA_HEAD);
    if (o.attend && (o.areas < 1 || o.areas > 64))
        return yti_fail(b, "attention in %d areas; the range is 1 to 64", o.areas);
    const bool residual = o.attend && o.residual && b->cut < YT_CUT_ADD;
    if (residual && yti_channels(b, x) != c2)
        return yti_fail(b, "A2C2f adds its %d channels to the %d it reads; they must be equal", c2, yti_channels(b, x));
    yti_value parts[YT_MAX_SOURCES];
    yti_value h = parts[0] = yti_conv(b, x, yti_sub(at, "cv1"), c, 1, (yti_conv_opts){0});
    for (int i = 0; i < n && b->status == YT_OK; i++) parts[i + 1] = h = a2c2f_inner(b, h, yti_sub(at, "m.%d", i), &o);
    if (b->cut < YT_CUT_CSP) h = yti_concat(b, parts, n + 1, yti_sub(at, "cat"));
    h = yti_conv(b, h, yti_sub(at, "cv2"), c2, 1, (yti_conv_opts){0});
    if (!residual) return h;
    h = yti_gain(b, h, yti_sub(at, "gamma"), GAMMA);
    return yti_add(b, h, x, yti_sub(at, "residual"));
}
