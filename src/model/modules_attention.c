/* modules_attention.c: self-attention over the pixels of a map (Vaswani et al. 2017) with its convolutions: the blocks
 * of YOLOv10 and 11 (spec architecture 3.9, 3.10), and area attention (Tian et al. 2025, arXiv 2502.12524).
 */
#include "model/modules.h"

/* How one kind of attention differs from another. */
typedef struct attention_opts {
    int heads, areas;
    int key_share; /* a key has 1/key_share of the channels of a head's value */
    int position;  /* kernel of the convolution that tells pixels apart */
    bool residual; /* a shortcut around the whole */
} attention_opts;

static yti_value attention(yti_builder *b, yti_value x, yti_path at, attention_opts o) {
    const int dim = yti_channels(b, x), heads = o.heads;
    if (b->status != YT_OK) return 0;
    if (heads < 1 || dim % heads)
        return yti_fail(b, "attention over %d channels in %d heads; they must divide evenly", dim, heads);
    const int head_dim = dim / heads, key_dim = head_dim / o.key_share, per_head = 2 * key_dim + head_dim;
    if (key_dim < 1 || heads > YT_MAX_SOURCES)
        return yti_fail(b, "attention over %d channels in %d heads is too thin", dim, heads);
    const yti_value qkv = yti_conv(b, x, yti_sub(at, "qkv"), dim + 2 * key_dim * heads, 1,
                                   (yti_conv_opts){.no_act = true});
    yti_value per_head_values[YT_MAX_SOURCES];
    for (int i = 0; i < heads; i++)
        per_head_values[i] = yti_slice(b, qkv, yti_sub(at, "v.%d", i), i * per_head + 2 * key_dim, head_dim);
    const yti_value v = yti_concat(b, per_head_values, heads, yti_sub(at, "v"));
    const yti_attention_attr attr = {.heads = heads, .key_dim = key_dim, .head_dim = head_dim, .areas = o.areas};
    const yti_value out = yti_attention(b, qkv, yti_sub(at, "softmax"), &attr);
    const yti_value position = yti_conv(b, v, yti_sub(at, "pe"), dim, o.position,
                                        (yti_conv_opts){.groups = dim, .no_act = true, .shortcut = &out});
    return yti_conv(b, position, yti_sub(at, "proj"), dim, 1,
                    (yti_conv_opts){.no_act = true, .shortcut = o.residual ? &x : NULL});
}

/* Two 1x1 convolutions, the second without an activation. */
static yti_value feed_forward(yti_builder *b, yti_value x, yti_path at, int hidden, bool residual) {
    const int c = yti_channels(b, x);
    const yti_value h = yti_conv(b, x, yti_sub(at, "0"), hidden, 1, (yti_conv_opts){0});
    return yti_conv(b, h, yti_sub(at, "1"), c, 1, (yti_conv_opts){.no_act = true, .shortcut = residual ? &x : NULL});
}

yti_value yti_psa_block(yti_builder *b, yti_value x, yti_path at, int heads) {
    const bool add = b->cut < YT_CUT_ADD;
    const attention_opts o = {.heads = heads, .areas = 1, .key_share = 2, .position = 3, .residual = add};
    const yti_value attended = attention(b, x, yti_sub(at, "attn"), o);
    return feed_forward(b, attended, yti_sub(at, "ffn"), 2 * yti_channels(b, x), add);
}

/* The two halves of cv1, the second of which continues in *attended; *bypass is only there while nothing cuts it. */
static bool split_for_attention(yti_builder *b, yti_value x, yti_path at, int c, yti_value *bypass,
                                yti_value *attended) {
    const bool bypassed = b->cut < YT_CUT_CSP;
    const yti_value in = yti_conv(b, x, yti_sub(at, "cv1"), bypassed ? 2 * c : c, 1, (yti_conv_opts){0});
    *bypass = 0;
    *attended = in;
    if (!bypassed) return false;
    *bypass = yti_slice(b, in, yti_sub(at, "split.0"), 0, c);
    *attended = yti_slice(b, in, yti_sub(at, "split.1"), c, c);
    return true;
}

static yti_value join_after_attention(yti_builder *b, bool bypassed, yti_value bypass, yti_value attended, yti_path at,
                                      int c2) {
    if (bypassed) attended = yti_concat(b, (const yti_value[]){bypass, attended}, 2, yti_sub(at, "cat"));
    return yti_conv(b, attended, yti_sub(at, "cv2"), c2, 1, (yti_conv_opts){0});
}

yti_value yti_c2psa(yti_builder *b, yti_value x, yti_path at, int c2, int n, double expansion) {
    const int c = (int)(c2 * expansion);
    yti_value bypass, h;
    const bool bypassed = split_for_attention(b, x, at, c, &bypass, &h);
    for (int i = 0; i < n && b->status == YT_OK; i++) {
        const yti_path block = yti_sub(at, "m.%d", i);
        h = yti_block(b, block, yti_psa_block(b, h, block, c / 64 > 1 ? c / 64 : 1));
    }
    return join_after_attention(b, bypassed, bypass, h, at, c2);
}

/* YOLOv10's (arXiv 2405.14458, section 3.3): one block whose tensors are the module's own. */
yti_value yti_psa(yti_builder *b, yti_value x, yti_path at, int c2, double expansion) {
    const int c = (int)(c2 * expansion);
    yti_value bypass, h;
    const bool bypassed = split_for_attention(b, x, at, c, &bypass, &h);
    h = yti_psa_block(b, h, at, c / 64 > 1 ? c / 64 : 1);
    return join_after_attention(b, bypassed, bypass, h, at, c2);
}

/* ---- area attention ---- */

enum { AREA_HEAD = 32 }; /* channels of a head */

/* The weights of a block's convolutions start normal: the paper's initial values, which others here do not share. */
static void draw_normal(yti_builder *b, int first_param) {
    static const float DEVIATION = 0.02f;
    for (int i = first_param; b->status == YT_OK && i < b->model->n_params; i++) {
        yti_param_info *info = &b->model->params[i];
        if (info->kind == YT_PARAM_WEIGHT) info->init_deviation = DEVIATION;
        if (info->kind != YT_PARAM_NORM && info->kind != YT_PARAM_BUFFER) info->init_bound = 0;
    }
}

static yti_value area_block(yti_builder *b, yti_value x, yti_path at, const yti_a2c2f_opts *of) {
    const bool add = b->cut < YT_CUT_ADD;
    const int c = yti_channels(b, x), first_param = b->model->n_params;
    const attention_opts o = {
        .heads = c / AREA_HEAD, .areas = of->areas, .key_share = 1, .position = 7, .residual = add};
    const yti_value attended = attention(b, x, yti_sub(at, "attn"), o);
    x = feed_forward(b, attended, yti_sub(at, "mlp"), (int)(c * of->mlp_ratio), add);
    draw_normal(b, first_param);
    return yti_block(b, at, x);
}

/* One inner module: two blocks of area attention, or a C3k. */
static yti_value a2c2f_inner(yti_builder *b, yti_value x, yti_path at, const yti_a2c2f_opts *o) {
    if (!o->attend) {
        const yti_bottleneck_opts inner = {.shortcut = o->shortcut, .groups = o->groups, .kernel1 = 3, .kernel2 = 3};
        return yti_block(b, at, yti_c3(b, x, at, yti_channels(b, x), 2, 0.5, YTI_BOTTLENECK, inner));
    }
    x = area_block(b, x, yti_sub(at, "0"), o);
    return area_block(b, x, yti_sub(at, "1"), o);
}

yti_value yti_a2c2f(yti_builder *b, yti_value x, yti_path at, int c2, int n, yti_a2c2f_opts o) {
    static const float GAMMA = 0.01f; /* where gamma starts */
    const int c = (int)(c2 * o.expansion);
    if (b->status != YT_OK) return 0;
    if (n + 1 > YT_MAX_SOURCES) return yti_fail(b, "%d repeats; the limit is %d", n, YT_MAX_SOURCES - 1);
    if (o.attend && (c % AREA_HEAD || c < AREA_HEAD))
        return yti_fail(b, "area attention over %d channels; it must be a multiple of %d", c, AREA_HEAD);
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
