/* activate.inl: activation functions of vectors, and the pass that activates what a convolution has just written.
 *
 *   y = act(y) + shortcut
 *
 * is done row by row, while the row is in the first-level cache, by the thread that wrote it: no pass over memory of
 * its own.
 */

YT_INLINE vf act_value(const int kind, float slope, vf z) {
    switch (kind) {
    case YT_ACT_SILU:
        return z * vsigmoid(z);
    case YT_ACT_RELU:
        return vmax(z, splat(0));
    case YT_ACT_LEAKY_RELU:
        return select(z < 0, z * slope, z);
    case YT_ACT_TANH:
        return vtanh(z);
    case YT_ACT_SIGMOID:
        return vsigmoid(z);
    case YT_ACT_GELU:
        return 0.5f * z * (1.0f + verf(z * 0.707106781f));
    case YT_ACT_HARDSWISH:
        return z * (vmin(vmax(z + 3.0f, splat(0)), splat(6)) * (1.0f / 6));
    default:
        return z;
    }
}

YT_INLINE vf act_slope(const int kind, float slope, vf z) {
    switch (kind) {
    case YT_ACT_SILU: {
        vf s = vsigmoid(z);
        return s + z * s * (1.0f - s);
    }
    case YT_ACT_RELU:
        return select(z > 0, splat(1), splat(0));
    case YT_ACT_LEAKY_RELU:
        return select(z > 0, splat(1), splat(slope));
    case YT_ACT_TANH: {
        vf t = vtanh(z);
        return 1.0f - t * t;
    }
    case YT_ACT_SIGMOID: {
        vf s = vsigmoid(z);
        return s * (1.0f - s);
    }
    case YT_ACT_GELU: /* Phi(z) + z phi(z); 0.398942280 = 1 / sqrt(2 pi) */
        return 0.5f * (1.0f + verf(z * 0.707106781f)) + z * vexp(-0.5f * z * z) * 0.398942280f;
    case YT_ACT_HARDSWISH: /* a NaN stays one */
        return select(z <= -3.0f, splat(0), select(z >= 3.0f, splat(1), z * (1.0f / 3) + 0.5f));
    default:
        return splat(1);
    }
}

/* Up to YT_VL floats, zeros after `lanes`. */
YT_INLINE vf load_any(const float *p, int lanes) {
    return lanes >= YT_VL ? load(p) : load_part(p, lanes);
}

YT_INLINE void store_any(float *p, vf v, int lanes) {
    if (lanes >= YT_VL)
        store(p, v);
    else
        store_part(p, v, lanes);
}

/* What follows a convolution; act NULL: nothing does. */
typedef struct epilogue {
    const yti_activation *act;
    const yti_tensor *shortcut; /* data NULL: none */
} epilogue;

/* Lanes of consecutive pixels. */
typedef struct activate_range {
    float *y;
    const float *shortcut; /* NULL: none */
    ptrdiff_t y_ld, shortcut_ld;
    int pixels, lanes;
    float slope;
} activate_range;

/* NV whole vectors of each pixel. */
YT_INLINE void activate_vectors(const int kind, const int NV, const activate_range *r) {
    for (int p = 0; p < r->pixels; p++) {
        float *y = r->y + p * r->y_ld;
        YT_UNROLL
        for (int j = 0; j < NV; j++) {
            vf value = act_value(kind, r->slope, load(y + j * YT_VL));
            if (r->shortcut) value += load(r->shortcut + p * r->shortcut_ld + j * YT_VL);
            store(y + j * YT_VL, value);
        }
    }
}

YT_INLINE void activate(const int kind, const activate_range *r) {
    if (r->lanes == 3 * YT_VL) {
        activate_vectors(kind, 3, r);
        return;
    }
    if (r->lanes == 2 * YT_VL) {
        activate_vectors(kind, 2, r);
        return;
    }
    if (r->lanes == YT_VL) {
        activate_vectors(kind, 1, r);
        return;
    }
    for (int p = 0; p < r->pixels; p++) {
        float *y = r->y + p * r->y_ld;
        const float *shortcut = r->shortcut ? r->shortcut + p * r->shortcut_ld : NULL;
        for (int c = 0; c < r->lanes; c += YT_VL) {
            int lanes = r->lanes - c;
            vf value = act_value(kind, r->slope, load_any(y + c, lanes));
            if (shortcut) value += load_any(shortcut + c, lanes);
            store_any(y + c, value, lanes);
        }
    }
}

#define ACTIVATE_KERNEL(code, name, module, formula)                                                         \
    static void activate_##code(const activate_range *r) {                                                   \
        activate(YT_ACT_##code, r);                                                                          \
    }
YT_ACTIVATION_MAP(ACTIVATE_KERNEL)

#define ACTIVATE_ROW(code, name, module, formula) activate_##code,
static void (*const activate_table[])(const activate_range *) = {YT_ACTIVATION_MAP(ACTIVATE_ROW)};

/* `pixels` pixels of y from number `first` on, `lanes` channels from `channel` on. */
static void run_epilogue(const epilogue *e, const yti_tensor *y, ptrdiff_t first, int pixels, int channel,
                         int lanes) {
    if (!e->act || (e->act->kind == YT_ACT_IDENTITY && !e->shortcut->data)) return;
    activate_range r = {.y = y->data + first * y->ld + channel,
                        .y_ld = y->ld,
                        .shortcut_ld = e->shortcut->ld,
                        .pixels = pixels,
                        .lanes = lanes,
                        .slope = e->act->slope};
    if (e->shortcut->data) r.shortcut = e->shortcut->data + first * e->shortcut->ld + channel;
    activate_table[e->act->kind](&r);
}
