/* attention.inl: self-attention from the tile kernels; one item is one head of one image.
 *
 * Rows of queries are taken ROWS at a time, so that their part of the N x N matrices stays in a cache:
 *   forward   S = q k^T (k^T packed as a panel), P = softmax(S / sqrt(key_dim)), out = P v
 *   backward  dP = d_out v^T, dS = P (dP - row sum of P dP) / sqrt(key_dim), d_q = dS k,
 *             d_v += P^T d_out and d_k += dS^T q by the outer-product kernel
 */

enum { ATTENTION_ROWS = 48 };

/* Areas of one thread. Panels of N lanes and depth channels are "_t" (transposed). */
typedef struct attention_areas {
    float *keys, *values; /* k or v as panels: forward keys_t and values, backward keys and values_t */
    float *rows;          /* [ATTENTION_ROWS][N]: S and P, or dP and dS */
    float *packed;        /* [ATTENTION_ROWS][PANEL] of d_out or q */
    float *d_keys, *d_values;
} attention_areas;

static attention_areas carve_attention(carver *from, int key_dim, int head_dim, int pixels) {
    size_t n = (size_t)blocks_of(pixels).padded;
    size_t keys = (size_t)blocks_of(key_dim).padded, values = (size_t)blocks_of(head_dim).padded;
    attention_areas a;
    a.keys = carve(from, n * keys * sizeof(float));
    a.values = carve(from, n * values * sizeof(float));
    a.rows = carve(from, ATTENTION_ROWS * n * sizeof(float));
    a.packed = carve(from, ATTENTION_ROWS * PANEL * sizeof(float));
    a.d_keys = carve(from, n * keys * sizeof(float));
    a.d_values = carve(from, n * values * sizeof(float));
    return a;
}

static size_t attention_scratch(int heads, int key_dim, int head_dim, int n, int pixels, int threads) {
    (void)heads, (void)n;
    carver from = {0};
    carve_attention(&from, key_dim, head_dim, pixels);
    return from.used * (size_t)threads;
}

static attention_areas areas_of_thread(const yti_scratch *scratch, int key_dim, int head_dim, int pixels) {
    size_t each = attention_scratch(0, key_dim, head_dim, 0, pixels, 1);
    carver from = {.data = (char *)scratch->data + each * (size_t)thread_id()};
    return carve_attention(&from, key_dim, head_dim, pixels);
}

typedef void pack_fn(const float *from, ptrdiff_t ld, ptrdiff_t depth, int vectors, int lanes, float *to);

/* All blocks of a matrix of `channels` lanes; from_step floats from lane to lane in the source. */
static void pack_panels(pack_fn *pack, const float *from, ptrdiff_t ld, int depth, int channels,
                        ptrdiff_t from_step, float *to) {
    channel_blocks all = blocks_of(channels);
    for (int b = 0; b < all.count; b++)
        pack(from + block_first(all, b) * from_step, ld, depth, block_vectors(all, b), block_lanes(all, b),
             to + (ptrdiff_t)block_first(all, b) * depth);
}

/* y[rows][channels] (+)= x[rows][depth] . panels[block][depth][lane] */
static void multiply(const float *x, ptrdiff_t x_step, int depth, const float *panels, int channels, float *y,
                     ptrdiff_t y_step, int rows, bool accumulate) {
    static const float no_bias[PANEL];
    channel_blocks all = blocks_of(channels);
    tile_job job = {.x_step = x_step, .runs_y = 1, .runs_x = 1, .length = depth, .bias = no_bias};
    job.y_step = y_step, job.accumulate = accumulate;
    for (int b = 0; b < all.count; b++) {
        job.panel = panels + (ptrdiff_t)block_first(all, b) * depth;
        job.lanes = block_lanes(all, b);
        run_tiles(&job, block_vectors(all, b), x, y + block_first(all, b), rows);
    }
}

/* acc[block][window][lane] += x[rows][window]^T . y[rows][channels] */
static void add_products(const float *x, ptrdiff_t x_step, int window, const float *y, ptrdiff_t y_ld,
                         int channels, int rows, float *packed, float *acc) {
    channel_blocks all = blocks_of(channels);
    outer_job job = {.x_step = x_step, .rows = 1, .pixels = rows};
    for (int b = 0; b < all.count; b++) {
        int vectors = block_vectors(all, b);
        pack_rows(y + block_first(all, b), y_ld, rows, vectors, block_lanes(all, b), packed);
        run_outer(&job, vectors, x, packed, acc + (ptrdiff_t)block_first(all, b) * window, window);
    }
}

/* y[pixels][channels] (+)= acc[block][pixels][lane] */
static void unpack(const float *acc, int channels, float *y, ptrdiff_t y_ld, int pixels, bool accumulate) {
    channel_blocks all = blocks_of(channels);
    for (int b = 0; b < all.count; b++) {
        int width = block_vectors(all, b) * YT_VL, lanes = block_lanes(all, b);
        const float *from = acc + (ptrdiff_t)block_first(all, b) * pixels;
        for (int p = 0; p < pixels; p++)
            copy_floats(from + (ptrdiff_t)p * width, y + p * y_ld + block_first(all, b), lanes, accumulate);
    }
}

static float row_maximum(const float *row, int n) {
    float most = row[0];
    int i = 0;
    if (n >= YT_VL) {
        vf best = load(row);
        for (i = YT_VL; i + YT_VL <= n; i += YT_VL) best = vmax(best, load(row + i));
        for (int lane = 0; lane < YT_VL; lane++) most = best[lane] > most ? best[lane] : most;
    }
    for (; i < n; i++) most = row[i] > most ? row[i] : most;
    return most;
}

/* In place; row holds n values of q . k. */
static void softmax_row(float *row, int n, float scale) {
    float most = row_maximum(row, n);
    vf sum = {0};
    for (int i = 0; i < n; i += YT_VL) {
        store_any(row + i, vexp((load_any(row + i, n - i) - most) * scale), n - i);
        sum += load_any(row + i, n - i);
    }
    float inverse = (float)(1 / lane_sum(&sum));
    for (int i = 0; i < n; i++) row[i] *= inverse;
}

static void attend(int key_dim, int head_dim, const float *q, ptrdiff_t ld, int n, float *out,
                   ptrdiff_t out_ld, float *probs, const attention_areas *area) {
    const float *k = q + key_dim, *v = k + key_dim;
    float scale = 1 / sqrtf((float)key_dim);
    pack_panels(pack_columns, k, ld, key_dim, n, ld, area->keys);
    pack_panels(pack_rows, v, ld, n, head_dim, 1, area->values);
    for (int i = 0; i < n; i += ATTENTION_ROWS) {
        int rows = n - i < ATTENTION_ROWS ? n - i : ATTENTION_ROWS;
        float *p = probs ? probs + (ptrdiff_t)i * n : area->rows;
        multiply(q + i * ld, ld, key_dim, area->keys, n, p, n, rows, false);
        for (int r = 0; r < rows; r++) softmax_row(p + (ptrdiff_t)r * n, n, scale);
        multiply(p, n, n, area->values, head_dim, out + i * out_ld, out_ld, rows, false);
    }
}

static void attention_forward(int heads, int key_dim, int head_dim, const yti_tensor *qkv,
                              const yti_tensor *out, float *probs, const yti_scratch *scratch) {
    int n = qkv->h * qkv->w, per_head = 2 * key_dim + head_dim;
#pragma omp parallel for schedule(dynamic) num_threads(scratch->threads)
    for (int item = 0; item < qkv->n * heads; item++) {
        attention_areas area = areas_of_thread(scratch, key_dim, head_dim, n);
        ptrdiff_t pixel = (ptrdiff_t)(item / heads) * n;
        attend(key_dim, head_dim, qkv->data + pixel * qkv->ld + item % heads * per_head, qkv->ld, n,
               out->data + pixel * out->ld + item % heads * head_dim, out->ld,
               probs ? probs + (ptrdiff_t)item * n * n : NULL, &area);
    }
}

/* d_row = dP becomes dS. */
static void softmax_row_backward(const float *p, float *d_row, int n, float scale) {
    vf dot = {0};
    for (int i = 0; i < n; i += YT_VL) dot += load_any(p + i, n - i) * load_any(d_row + i, n - i);
    float mean = (float)lane_sum(&dot);
    for (int i = 0; i < n; i++) d_row[i] = p[i] * (d_row[i] - mean) * scale;
}

typedef struct attention_head {
    int key_dim, head_dim, n;
    const float *q, *probs, *d_out;
    float *d_q;
    ptrdiff_t ld, d_out_ld, d_ld;
    bool accumulate;
} attention_head;

static void attend_backward(const attention_head *h, const attention_areas *area) {
    int n = h->n, key_dim = h->key_dim, head_dim = h->head_dim;
    const float *k = h->q + key_dim, *v = k + key_dim;
    float scale = 1 / sqrtf((float)key_dim);
    pack_panels(pack_rows, k, h->ld, n, key_dim, 1, area->keys);
    pack_panels(pack_columns, v, h->ld, head_dim, n, h->ld, area->values);
    memset(area->d_keys, 0, (size_t)n * (size_t)blocks_of(key_dim).padded * sizeof(float));
    memset(area->d_values, 0, (size_t)n * (size_t)blocks_of(head_dim).padded * sizeof(float));
    for (int i = 0; i < n; i += ATTENTION_ROWS) {
        int rows = n - i < ATTENTION_ROWS ? n - i : ATTENTION_ROWS;
        const float *p = h->probs + (ptrdiff_t)i * n, *d_out = h->d_out + i * h->d_out_ld;
        multiply(d_out, h->d_out_ld, head_dim, area->values, n, area->rows, n, rows, false);
        for (int r = 0; r < rows; r++)
            softmax_row_backward(p + (ptrdiff_t)r * n, area->rows + (ptrdiff_t)r * n, n, scale);
        multiply(area->rows, n, n, area->keys, key_dim, h->d_q + i * h->d_ld, h->d_ld, rows, h->accumulate);
        add_products(p, n, n, d_out, h->d_out_ld, head_dim, rows, area->packed, area->d_values);
        add_products(area->rows, n, n, h->q + i * h->ld, h->ld, key_dim, rows, area->packed, area->d_keys);
    }
    unpack(area->d_keys, key_dim, h->d_q + key_dim, h->d_ld, n, h->accumulate);
    unpack(area->d_values, head_dim, h->d_q + 2 * key_dim, h->d_ld, n, h->accumulate);
}

static void attention_backward(int heads, int key_dim, int head_dim, const yti_tensor *qkv, const float *probs,
                               const yti_tensor *d_out, const yti_tensor *d_qkv, bool accumulate,
                               const yti_scratch *scratch) {
    int n = qkv->h * qkv->w, per_head = 2 * key_dim + head_dim;
#pragma omp parallel for schedule(dynamic) num_threads(scratch->threads)
    for (int item = 0; item < qkv->n * heads; item++) {
        attention_areas area = areas_of_thread(scratch, key_dim, head_dim, n);
        ptrdiff_t pixel = (ptrdiff_t)(item / heads) * n, channel = item % heads * per_head;
        attention_head head = {.key_dim = key_dim, .head_dim = head_dim, .n = n, .accumulate = accumulate};
        head.q = qkv->data + pixel * qkv->ld + channel, head.ld = qkv->ld;
        head.probs = probs + (ptrdiff_t)item * n * n;
        head.d_out = d_out->data + pixel * d_out->ld + item % heads * head_dim, head.d_out_ld = d_out->ld;
        head.d_q = d_qkv->data + pixel * d_qkv->ld + channel, head.d_ld = d_qkv->ld;
        attend_backward(&head, &area);
    }
}
