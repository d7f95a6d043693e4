/* moments.inl: mean and variance of a convolution's output, taken while it is written.
 *
 * Per item and channel: the shift (the item's first value), the sum s and the sum of squares q of the n
 * differences from it; within a row in float, across rows in double:
 *   mean_i = shift + s / n,   M2_i = q - s^2 / n.
 * Items are merged in index order in double (Chan, Golub, LeVeque 1979), n_before being the values so far:
 *   delta = mean_i - mean,   mean += delta n_i / n,   M2 += M2_i + delta^2 n_before n_i / n.
 */

typedef struct moment_parts {
    double *values; /* [items][3][padded]: shift, sum, sum of squares */
    double *counts; /* [items] */
    int items, padded;
} moment_parts;

static moment_parts carve_moments(carver *from, int items, int padded) {
    moment_parts parts = {.items = items, .padded = padded};
    parts.values = carve(from, (size_t)items * 3 * (size_t)padded * sizeof(double));
    parts.counts = carve(from, (size_t)items * sizeof(double));
    return parts;
}

static double *moment_part(const moment_parts *parts, int item, int channel) {
    return parts->values + (size_t)item * 3 * (size_t)parts->padded + channel;
}

/* `lanes` is rounded up to whole vectors, for which there is room. */
static void begin_sums(tile_sums *sums, double *part, int padded, int lanes) {
    memset(sums, 0, sizeof *sums);
    for (int lane = 0; lane < lanes; lane += YT_VL)
        for (int which = 0; which < 3; which++) *(vd_mem *)(part + which * padded + lane) = (vd){0};
}

/* After each row: adds the row's sums to the item's. */
static void fold_sums(tile_sums *sums, double *part, int padded, int lanes) {
    for (int lane = 0; lane < lanes; lane += YT_VL) {
        *(vd_mem *)(part + lane) = __builtin_convertvector(load(sums->shift + lane), vd);
        add_to_double(part + padded + lane, load(sums->sum + lane));
        add_to_double(part + 2 * padded + lane, load(sums->square + lane));
        store(sums->sum + lane, (vf){0});
        store(sums->square + lane, (vf){0});
    }
}

/* The first item's part becomes the mean and M2 of the items so far. */
static void merge_moments(const moment_parts *parts, int channels, float *mean_out, float *variance_out) {
    const int padded = parts->padded;
    double *mean = parts->values, *m2 = mean + 2 * padded, n = parts->counts[0];
    for (int c = 0; c < padded; c++) {
        m2[c] -= mean[padded + c] * mean[padded + c] / n;
        mean[c] += mean[padded + c] / n;
    }
    for (int item = 1; item < parts->items; item++) {
        const double *shift = moment_part(parts, item, 0), *sum = shift + padded, *square = sum + padded;
        double count = parts->counts[item], inverse = 1 / count, share = count / (n + count);
        for (int c = 0; c < padded; c++) {
            double delta = shift[c] + sum[c] * inverse - mean[c];
            m2[c] += square[c] - sum[c] * sum[c] * inverse + delta * delta * n * share;
            mean[c] += delta * share;
        }
        n += count;
    }
    for (int c = 0; c < channels; c++) {
        mean_out[c] = (float)mean[c];
        variance_out[c] = m2[c] > 0 ? (float)(m2[c] / n) : (m2[c] == m2[c] ? 0.0f : (float)m2[c]);
    }
}
