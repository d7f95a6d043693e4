/* attention_ref.inl: multi-head self-attention by the formula of kernels.h. YT_REAL, YT_MAP: see conv_ref.inl.
 *
 * N pixels per image; q, k, v of a head are channel ranges of the qkv pixels. Scratch holds two rows of N doubles.
 */

static size_t ref_attention_scratch(int heads, int key_dim, int head_dim, int n, int pixels, int threads) {
    (void)heads, (void)key_dim, (void)head_dim, (void)n, (void)threads;
    return 2 * (size_t)pixels * sizeof(double);
}

/* Row i of P. q points at the head's first channel of pixel 0 of the image; row receives N values. */
static void attention_row(int key_dim, const YT_REAL *q, ptrdiff_t ld, ptrdiff_t i, ptrdiff_t pixels,
                          double *row) {
    double most = -(double)INFINITY, sum = 0;
    for (ptrdiff_t j = 0; j < pixels; j++) {
        double dot = 0;
        for (int d = 0; d < key_dim; d++) dot += (double)q[i * ld + d] * (double)q[j * ld + key_dim + d];
        row[j] = dot / sqrt((double)key_dim);
        most = fmax(most, row[j]);
    }
    for (ptrdiff_t j = 0; j < pixels; j++) sum += row[j] = exp(row[j] - most);
    for (ptrdiff_t j = 0; j < pixels; j++) row[j] /= sum;
}

static void ref_attention_forward(int heads, int key_dim, int head_dim, const YT_MAP *qkv, const YT_MAP *out,
                                  YT_REAL *probs, const yti_scratch *scratch) {
    ptrdiff_t pixels = (ptrdiff_t)qkv->h * qkv->w, per_head = 2 * key_dim + head_dim;
    double *row = scratch->data;
    for (int n = 0; n < qkv->n; n++)
        for (int head = 0; head < heads; head++)
            for (ptrdiff_t i = 0; i < pixels; i++) {
                const YT_REAL *q = qkv->data + n * pixels * qkv->ld + head * per_head;
                YT_REAL *o = out->data + (n * pixels + i) * out->ld + head * head_dim;
                attention_row(key_dim, q, qkv->ld, i, pixels, row);
                for (int d = 0; d < head_dim; d++) {
                    double sum = 0;
                    for (ptrdiff_t j = 0; j < pixels; j++)
                        sum += row[j] * (double)q[j * qkv->ld + 2 * key_dim + d];
                    o[d] = (YT_REAL)sum;
                }
                for (ptrdiff_t j = 0; probs && j < pixels; j++)
                    probs[((n * heads + head) * pixels + i) * pixels + j] = (YT_REAL)row[j];
            }
}

/* What row i of P passes back: dP = d_out . v, dS = P (dP - sum P dP) / sqrt(key_dim), then d_q[i] += dS k, d_k[j]
 * += dS[j] q[i], d_v[j] += P[j] d_out[i]. */
static void attention_row_backward(int key_dim, int head_dim, const YT_REAL *q, ptrdiff_t ld,
                                   const YT_REAL *p, const YT_REAL *d_out, ptrdiff_t i, ptrdiff_t pixels,
                                   YT_REAL *d_q, ptrdiff_t d_ld, double *d_row) {
    double mean = 0;
    for (ptrdiff_t j = 0; j < pixels; j++) {
        d_row[j] = 0;
        for (int d = 0; d < head_dim; d++) d_row[j] += (double)d_out[d] * (double)q[j * ld + 2 * key_dim + d];
        mean += d_row[j] * (double)p[j];
    }
    for (ptrdiff_t j = 0; j < pixels; j++) {
        double d_s = (double)p[j] * (d_row[j] - mean) / sqrt((double)key_dim);
        for (int d = 0; d < key_dim; d++) {
            d_q[i * d_ld + d] += (YT_REAL)(d_s * (double)q[j * ld + key_dim + d]);
            d_q[j * d_ld + key_dim + d] += (YT_REAL)(d_s * (double)q[i * ld + d]);
        }
        for (int d = 0; d < head_dim; d++)
            d_q[j * d_ld + 2 * key_dim + d] += (YT_REAL)((double)p[j] * (double)d_out[d]);
    }
}

static void ref_attention_backward(int heads, int key_dim, int head_dim, const YT_MAP *qkv,
                                   const YT_REAL *probs, const YT_MAP *d_out, const YT_MAP *d_qkv,
                                   bool accumulate, const yti_scratch *scratch) {
    ptrdiff_t pixels = (ptrdiff_t)qkv->h * qkv->w, per_head = 2 * key_dim + head_dim;
    if (!accumulate) ref_fill(d_qkv, 0, 1);
    for (int n = 0; n < qkv->n; n++)
        for (int head = 0; head < heads; head++)
            for (ptrdiff_t i = 0; i < pixels; i++)
                attention_row_backward(key_dim, head_dim, qkv->data + n * pixels * qkv->ld + head * per_head,
                                       qkv->ld, probs + ((n * heads + head) * pixels + i) * pixels,
                                       d_out->data + (n * pixels + i) * d_out->ld + head * head_dim, i,
                                       pixels, d_qkv->data + n * pixels * d_qkv->ld + head * per_head,
                                       d_qkv->ld, scratch->data);
}
