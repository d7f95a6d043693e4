/* norm_tail.inl: the end of a normalisation's gradient (yti_norm_tail in kernels.h),
 *
 *   d_y = scale ((g - mean_g) - (y - mean_y) slope),
 *
 * as a pass of its own, or by the gradient of the weights, the first to read d_y, while it packs: a pass over three
 * maps less. Both do the same arithmetic to the bit.
 */

YT_INLINE vf tail_value(vf g, vf y, const yti_norm_tail *tail, int c) {
    return ((g - load(tail->mean_g + c)) - (y - load(tail->mean_y + c)) * load(tail->slope + c)) *
           load(tail->scale + c);
}

YT_INLINE void tail_vector(const yti_norm_tail *tail, const float *y, float *d, int c, int lanes) {
    store_any(d + c, tail_value(load_any(d + c, lanes), load_any(y + c, lanes), tail, c), lanes);
}

/* The four arrays are read in whole vectors: memory after them must be readable. */
static void norm_tail(const yti_norm_tail *tail, const yti_tensor *d, int threads) {
    size_t pixels = yti_tensor_pixels(*d);
    int items = items_for(pixels, 512, 32), whole = d->c / YT_VL * YT_VL;
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int item = 0; item < items; item++) {
        ptrdiff_t end = item_begin(pixels, items, item + 1);
        for (ptrdiff_t p = item_begin(pixels, items, item); p < end; p++) {
            const float *y = tail->y.data + p * tail->y.ld;
            float *to = d->data + p * d->ld;
            for (int c = 0; c < whole; c += YT_VL) tail_vector(tail, y, to, c, YT_VL);
            if (whole < d->c) tail_vector(tail, y, to, whole, d->c - whole);
        }
    }
}

/* pack_rows of d_y, its end included. d and y: of the first pixel and lane; c: that lane's channel. */
YT_INLINE void tail_rows(const int VECTORS, const yti_norm_tail *tail, int c, float *d, ptrdiff_t d_ld,
                         const float *y, ptrdiff_t pixels, float *to) {
    for (ptrdiff_t p = 0; p < pixels; p++, d += d_ld, y += tail->y.ld, to += VECTORS * YT_VL) {
        YT_UNROLL
        for (int j = 0; j < VECTORS; j++) {
            vf value = tail_value(load(d + j * YT_VL), load(y + j * YT_VL), tail, c + j * YT_VL);
            store(d + j * YT_VL, value);
            store(to + j * YT_VL, value);
        }
    }
}

static void finish_and_pack(const yti_norm_tail *tail, int c, float *d, ptrdiff_t d_ld, const float *y,
                            ptrdiff_t pixels, int vectors, int lanes, float *to) {
    if (lanes == 3 * YT_VL) {
        tail_rows(3, tail, c, d, d_ld, y, pixels, to);
    } else if (lanes == 2 * YT_VL) {
        tail_rows(2, tail, c, d, d_ld, y, pixels, to);
    } else if (lanes == YT_VL && vectors == 1) {
        tail_rows(1, tail, c, d, d_ld, y, pixels, to);
    } else {
        for (ptrdiff_t p = 0; p < pixels; p++, d += d_ld, y += tail->y.ld, to += vectors * YT_VL)
            for (int j = 0; j < vectors * YT_VL; j += YT_VL) {
                int rest = lanes - j;
                vf value = {0};
                if (rest > 0) {
                    value = tail_value(load_any(d + j, rest), load_any(y + j, rest), tail, c + j);
                    store_any(d + j, value, rest);
                    value = load_any(d + j, rest);
                }
                store(to + j, value);
            }
    }
}
