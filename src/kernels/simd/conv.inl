/* conv.inl: the convolution slots: depthwise, or dense group by group. */

static bool is_depthwise(const yti_conv_geometry *conv) {
    return conv->groups > 1 && conv->groups == conv->cin && conv->groups == conv->cout;
}

static size_t most_of(size_t a, size_t b) {
    return a > b ? a : b;
}

static size_t conv2d_scratch(const yti_conv_geometry *conv, int n, int h, int w, int threads) {
    size_t most = 0;
    for (int backward = 0; backward < 2; backward++) {
        if (is_depthwise(conv)) {
            depthwise_run run = plan_depthwise(conv, backward, n, h, w);
            most = most_of(most, carve_depthwise(&run, NULL, threads));
        } else {
            correlate_run run = {.plan = plan_correlation(conv, backward, n, h, w)};
            most = most_of(most, carve_correlation(&run, NULL, threads));
        }
    }
    if (is_depthwise(conv)) {
        depthwise_weights run = plan_depthwise_weights(conv, n, h);
        return most_of(most, carve_depthwise_weights(&run, NULL));
    }
    weights_run run = {.plan = plan_weights(conv, n, h, w)};
    return most_of(most, carve_weights(&run, NULL, threads));
}

static size_t conv2d_packed_bytes(const yti_conv_geometry *conv) {
    return is_depthwise(conv) ? 0 : (size_t)conv->groups * panel_floats(conv) * sizeof(float);
}

static void conv2d_pack(const yti_conv_geometry *conv, const float *w, float *packed) {
    int side = conv->dilation * (conv->kernel - 1) + 1; /* any map will do */
    correlate_run run = {.plan = plan_correlation(conv, false, 1, side, side)};
    for (int g = 0; g < conv->groups && !is_depthwise(conv); g++) {
        run.w = w + g * run.plan.width;
        run.packed = packed + (size_t)g * panel_floats(conv);
        for (int block = 0; block < run.plan.blocks.count; block++) pack_panel(&run, 0, block);
    }
}

static void convolve(const yti_conv_geometry *conv, const yti_tensor *x, const float *w, const float *packed,
                     const float *bias, const yti_tensor *y, float *moments, epilogue after,
                     const yti_scratch *scratch) {
    if (is_depthwise(conv)) {
        depthwise(conv, false, x, w, bias, y, false, moments, after, x->h, x->w, scratch);
        return;
    }
    correlation plan = plan_correlation(conv, false, x->n, x->h, x->w);
    for (int g = 0; g < conv->groups; g++) {
        yti_tensor source = yti_tensor_slice(*x, g * plan.depth, plan.depth);
        yti_tensor dest = yti_tensor_slice(*y, g * plan.width, plan.width), shortcut = {0};
        int first = g * plan.width;
        epilogue of_group = {after.act, &shortcut};
        if (after.act && after.shortcut->data) shortcut = yti_tensor_slice(*after.shortcut, first, plan.width);
        correlate(&plan, &source, w + first, packed ? packed + (size_t)g * panel_floats(conv) : NULL,
                  bias ? bias + first : NULL, &dest, false, moments ? moments + first : NULL,
                  moments ? moments + conv->cout + first : NULL, of_group, scratch);
    }
}

static void conv2d_forward(const yti_conv_geometry *conv, const yti_tensor *x, const float *w, const float *bias,
                           const yti_tensor *y, float *moments, const yti_scratch *scratch) {
    convolve(conv, x, w, NULL, bias, y, moments, (epilogue){0}, scratch);
}

static void conv2d_act_forward(const yti_conv_geometry *conv, const yti_tensor *x, const float *w, const float *packed,
                               const float *bias, yti_activation act, const yti_tensor *shortcut,
                               const yti_tensor *y, const yti_scratch *scratch) {
    convolve(conv, x, w, packed, bias, y, NULL, (epilogue){&act, shortcut}, scratch);
}

static void conv2d_backward_data(const yti_conv_geometry *conv, const yti_tensor *d_y, const float *w,
                                 const yti_tensor *d_x, bool accumulate, const yti_scratch *scratch) {
    if (is_depthwise(conv)) {
        depthwise(conv, true, d_y, w, NULL, d_x, accumulate, NULL, (epilogue){0}, d_x->h, d_x->w, scratch);
        return;
    }
    correlation plan = plan_correlation(conv, true, d_x->n, d_x->h, d_x->w);
    for (int g = 0; g < conv->groups; g++) {
        yti_tensor source = yti_tensor_slice(*d_y, g * plan.depth, plan.depth);
        yti_tensor dest = yti_tensor_slice(*d_x, g * plan.width, plan.width);
        correlate(&plan, &source, w + g * plan.depth, NULL, NULL, &dest, accumulate, NULL, NULL,
                  (epilogue){0}, scratch);
    }
}

static void conv2d_backward_weights(const yti_conv_geometry *conv, const yti_tensor *x, const yti_tensor *d_y,
                                    const yti_norm_tail *tail, float *d_w, float *d_bias,
                                    const yti_scratch *scratch) {
    if (is_depthwise(conv)) {
        if (tail) norm_tail(tail, d_y, scratch->threads);
        depthwise_weight_gradient(conv, x, d_y, d_w, d_bias, scratch);
        return;
    }
    weights_plan plan = plan_weights(conv, x->n, x->h, x->w);
    for (int g = 0; g < conv->groups; g++) {
        int first = g * plan.width;
        yti_tensor source = yti_tensor_slice(*x, g * plan.depth, plan.depth);
        yti_tensor gradient = yti_tensor_slice(*d_y, first, plan.width);
        yti_norm_tail of_group;
        if (tail)
            of_group = (yti_norm_tail){tail->scale + first, tail->mean_g + first, tail->mean_y + first,
                                      tail->slope + first, yti_tensor_slice(tail->y, first, plan.width)};
        weight_gradient(&plan, &source, &gradient, tail ? &of_group : NULL, d_w + first,
                        d_bias ? d_bias + first : NULL, scratch);
    }
}
