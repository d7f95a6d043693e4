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

/* The weights of a block's convolutions start normal: the paper's initial values, which others here do not share. */
static void draw_normal(yti_builder *b, int first_param) {
    static const float DEVIATION = 0.02f;
    for (int i = first_param; b->status == YT_OK && i < b->model->n_params; i++) {
        yti_param_info *info = &b->model->params[i];
        if (info->kind == YT_PARAM_WEIGHT) info->init_deviation = DEVIATION;
        if (info->kind != YT_PARAM_NORM && info->kind != YT_PARAM_BUFFER) info->init_bound = 0;
    }
}

yti_value yti_area_block(yti_builder *b, yti_value x, yti_path at, int areas, double mlp_ratio) {
    const bool add = b->cut < YT_CUT_ADD;
    const int c = yti_channels(b, x), first_param = b->model->n_params;
    const attention_opts o = {
        .heads = c / YTI_AREA_HEAD, .areas = areas, .key_share = 1, .position = 7, .residual = add};
    const yti_value attended = attention(b, x, yti_sub(at, "attn"), o);
    x = feed_forward(b, attended, yti_sub(at, "mlp"), (int)(c * mlp_ratio), add);
    draw_normal(b, first_param);
    return yti_block(b, at, x);
}
