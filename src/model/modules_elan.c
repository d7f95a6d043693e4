/* modules_elan.c: the modules of YOLOv9 (Wang et al. 2024, arXiv 2402.13616): generalised ELAN, its downsampling, and
 * the fusion of a second backbone's maps with those of the first (CBNet, Liang et al. 2021, arXiv 2107.00420).
 */
#include "model/modules.h"

/* A stage: RepCSP and a convolution, or the convolution alone. */
static yti_value elan_stage(yti_builder *b, yti_value x, yti_path at, const yti_elan_opts *o) {
    const yti_bottleneck_opts inner = {.shortcut = true, .kernel1 = 3, .kernel2 = 3};
    if (o->repeats == 0) return yti_conv(b, x, at, o->inner, 3, (yti_conv_opts){0});
    x = yti_c3(b, x, yti_sub(at, "0"), o->inner, o->repeats, 0.5, YTI_REP_BOTTLENECK, inner);
    return yti_block(b, at, yti_conv(b, x, yti_sub(at, "1"), o->inner, 3, (yti_conv_opts){0}));
}

/* Both halves of cv1 and the outputs of two stages, each of which reads the one before it, go side by side into cv4. */
yti_value yti_elan(yti_builder *b, yti_value x, yti_path at, int c2, yti_elan_opts o) {
    const int half = o.hidden / 2;
    const bool bypassed = b->cut < YT_CUT_CSP;
    if (o.hidden < 2 || o.hidden % 2)
        return yti_fail(b, "%d hidden channels, which are halved; the number must be even", o.hidden);
    yti_value parts[3];
    yti_value h = parts[0] = yti_conv(b, x, yti_sub(at, "cv1"), bypassed ? o.hidden : half, 1, (yti_conv_opts){0});
    if (bypassed) h = yti_slice(b, parts[0], yti_sub(at, "split"), half, half);
    parts[1] = h = elan_stage(b, h, yti_sub(at, "cv2"), &o);
    parts[2] = h = elan_stage(b, h, yti_sub(at, "cv3"), &o);
    if (bypassed) h = yti_concat(b, parts, 3, yti_sub(at, "cat"));
    return yti_conv(b, h, yti_sub(at, "cv4"), c2, 1, (yti_conv_opts){0});
}

/* Means of 2x2 pixels at every place: half a pixel to the right and down, one pixel smaller. */
static yti_value smooth(yti_builder *b, yti_value x, yti_path at) {
    return yti_pool(b, x, yti_sub(at, "mean"), &yti_op_avgpool2d, 2, 1, 0);
}

yti_value yti_aconv(yti_builder *b, yti_value x, yti_path at, int c2) {
    return yti_conv(b, smooth(b, x, at), yti_sub(at, "cv1"), c2, 3, (yti_conv_opts){.stride = 2});
}

/* One half of the channels is halved in size by a convolution, the other by its maxima. */
yti_value yti_adown(yti_builder *b, yti_value x, yti_path at, int c2) {
    const int half = yti_channels(b, x) / 2;
    if (b->status == YT_OK && (yti_channels(b, x) % 2 || c2 % 2))
        return yti_fail(b, "ADown halves %d and %d channels; both must be even", yti_channels(b, x), c2);
    x = smooth(b, x, at);
    const yti_value first = yti_slice(b, x, yti_sub(at, "split.0"), 0, half),
                    second = yti_slice(b, x, yti_sub(at, "split.1"), half, half);
    const yti_value largest = yti_pool(b, second, yti_sub(at, "max"), &yti_op_maxpool2d, 3, 2, 1);
    const yti_value parts[2] = {yti_conv(b, first, yti_sub(at, "cv1"), c2 / 2, 3, (yti_conv_opts){.stride = 2}),
                                yti_conv(b, largest, yti_sub(at, "cv2"), c2 / 2, 1, (yti_conv_opts){0})};
    return yti_concat(b, parts, 2, yti_sub(at, "cat"));
}

yti_value yti_sppelan(yti_builder *b, yti_value x, yti_path at, int c2, int hidden, int kernel) {
    yti_value parts[4];
    parts[0] = yti_conv(b, x, yti_sub(at, "cv1"), hidden, 1, (yti_conv_opts){0});
    for (int i = 0; i < 3; i++) parts[i + 1] = yti_maxpool(b, parts[i], yti_sub(at, "pool.%d", i), kernel);
    const yti_value all = yti_concat(b, parts, 4, yti_sub(at, "cat"));
    return yti_conv(b, all, yti_sub(at, "cv5"), c2, 1, (yti_conv_opts){0});
}

/* Where part `which` of a map of CBLinear lies in it; false: there is none. */
static bool find_part(const yti_yaml_node *parts, int which, int *first, int *count) {
    int64_t width = 0;
    *first = 0;
    for (int i = 0; parts && i <= which; i++) {
        if ((size_t)i >= parts->count || !yti_yaml_int(parts->items[i], &width)) return false;
        if (i < which) *first += (int)width;
    }
    *count = (int)width;
    return parts && which >= 0;
}

yti_value yti_cbfuse(yti_builder *b, const yti_value *maps, int n, const int *which, yti_path at) {
    yti_value sum = maps[n - 1];
    for (int i = 0; i < n - 1 && b->status == YT_OK; i++) {
        const int side = b->built[maps[i]].side, wanted = b->built[maps[n - 1]].side;
        int first, count;
        if (!find_part(b->built[maps[i]].parts, which[i], &first, &count))
            return yti_fail(b, "CBFuse takes part %d of map %d; it reads parts of CBLinear rows, from 0 up", which[i],
                            i + 1);
        if (wanted % side || wanted / side > 16)
            return yti_fail(b, "CBFuse enlarges a map of 1/%d of the image to 1/%d; the factor must be whole, up to 16",
                            YT_PROBE_SIDE / side, YT_PROBE_SIDE / wanted);
        const yti_value part = yti_slice(b, maps[i], yti_sub(at, "part.%d", i), first, count);
        const yti_value large = yti_upsample(b, part, yti_sub(at, "large.%d", i), wanted / side, true);
        sum = yti_add(b, large, sum, yti_sub(at, "sum.%d", i));
    }
    return sum;
}
