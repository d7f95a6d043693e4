/* modules_light.c: modules that save weights: ghost convolutions (Han et al. 2020, arXiv 1911.11907), and the compact
 * blocks and the decoupled downsampling of YOLOv10 (Wang et al. 2024, arXiv 2405.14458, section 3.2).
 */
#include "model/modules.h"

/* Half of the channels are computed from the map, the other half from those by a depth-wise kernel of 5. */
yti_value yti_ghost_conv(yti_builder *b, yti_value x, yti_path at, int c2, int kernel, yti_conv_opts opts) {
    if (c2 % 2) return yti_fail(b, "a ghost convolution of %d channels; the number must be even", c2);
    const int half = c2 / 2;
    const yti_value made = yti_conv(b, x, yti_sub(at, "cv1"), half, kernel, opts);
    const yti_value ghost = yti_conv(b, made, yti_sub(at, "cv2"), half, 5,
                                     (yti_conv_opts){.groups = half, .no_act = opts.no_act, .act = opts.act});
    return yti_concat(b, (const yti_value[]){made, ghost}, 2, yti_sub(at, "cat"));
}

yti_value yti_ghost_bottleneck(yti_builder *b, yti_value x, yti_path at, int c2, int kernel, int stride) {
    const int c1 = yti_channels(b, x), hidden = c2 / 2;
    const bool halves = stride == 2, add = b->cut < YT_CUT_ADD;
    if (b->status != YT_OK) return 0;
    if (stride != 1 && !halves) return yti_fail(b, "a ghost bottleneck of stride %d; it must be 1 or 2", stride);
    if (!halves && add && c1 != c2)
        return yti_fail(b, "a ghost bottleneck adds its %d channels to the %d it reads; they must be equal", c2, c1);
    yti_value h = yti_ghost_conv(b, x, yti_sub(at, "conv.0"), hidden, 1, (yti_conv_opts){0});
    if (halves)
        h = yti_conv(b, h, yti_sub(at, "conv.1"), hidden, kernel,
                     (yti_conv_opts){.stride = 2, .groups = hidden, .no_act = true});
    h = yti_ghost_conv(b, h, yti_sub(at, "conv.2"), c2, 1, (yti_conv_opts){.no_act = true});
    if (!add) return yti_block(b, at, h);
    yti_value shortcut = x;
    if (halves) {
        shortcut = yti_conv(b, x, yti_sub(at, "shortcut.0"), c1, kernel,
                            (yti_conv_opts){.stride = 2, .groups = c1, .no_act = true});
        shortcut = yti_conv(b, shortcut, yti_sub(at, "shortcut.1"), c2, 1, (yti_conv_opts){.no_act = true});
    }
    return yti_block(b, at, yti_add(b, h, shortcut, at));
}

/* Channels first, then the size, by a depth-wise convolution without an activation. */
yti_value yti_scdown(yti_builder *b, yti_value x, yti_path at, int c2, int kernel, int stride) {
    const yti_value h = yti_conv(b, x, yti_sub(at, "cv1"), c2, 1, (yti_conv_opts){0});
    return yti_conv(b, h, yti_sub(at, "cv2"), c2, kernel,
                    (yti_conv_opts){.stride = stride, .groups = c2, .no_act = true});
}

/* CIB: depth-wise and 1x1 convolutions in turn, the middle depth-wise one with a kernel of 7 when large. */
yti_value yti_inverted(yti_builder *b, yti_value x, yti_path at, int c2, bool shortcut, double expansion, bool large) {
    static const yti_branch kernels[2] = {{"conv", 7}, {"conv1", 3}};
    const int c1 = yti_channels(b, x), hidden = 2 * (int)(c2 * expansion);
    const bool add = shortcut && c1 == c2 && b->cut < YT_CUT_ADD;
    const yti_path chain = yti_sub(at, "cv1"), middle = yti_sub(chain, "2");
    const yti_conv_opts depthwise = {.groups = hidden};
    yti_value h = yti_conv(b, x, yti_sub(chain, "0"), c1, 3, (yti_conv_opts){.groups = c1});
    h = yti_conv(b, h, yti_sub(chain, "1"), hidden, 1, (yti_conv_opts){0});
    h = large ? yti_conv_pair(b, h, middle, hidden, kernels, depthwise) : yti_conv(b, h, middle, hidden, 3, depthwise);
    h = yti_conv(b, h, yti_sub(chain, "3"), c2, 1, (yti_conv_opts){0});
    h = yti_conv(b, h, yti_sub(chain, "4"), c2, 3, (yti_conv_opts){.groups = c2, .shortcut = add ? &x : NULL});
    return yti_block(b, at, h);
}
