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

static void begin_sums(tile_sums *sums, double *part, int padded, int lanes) {
    memset(sums, 0, sizeof *sums);
    for (int which = 1; which < 3; which++) memset(part + which * padded, 0, (size_t)lanes * sizeof(double));
}

/* After each row: adds the row's sums to the item's. */
static void fold_sums(tile_sums *sums, double *part, int padded, int lanes) {
    for (int lane = 0; lane < lanes; lane++) {
        part[lane] = (double)sums->shift[lane];
        part[padded + lane] += (double)sums->sum[lane];
        part[2 * padded + lane] += (double)sums->square[lane];
        sums->sum[lane] = sums->square[lane] = 0;
    }
}

static void merge_moments(const moment_parts *parts, int channels, float *mean_out, float *variance_out) {
    for (int c = 0; c < channels; c++) {
        double n = 0, mean = 0, m2 = 0;
        for (int item = 0; item < parts->items; item++) {
            const double *part = moment_part(parts, item, c);
            double count = parts->counts[item], sum = part[parts->padded];
            double delta = part[0] + sum / count - mean;
            m2 += part[2 * parts->padded] - sum * sum / count + delta * delta * n * count / (n + count);
            mean += delta * count / (n + count);
            n += count;
        }
        mean_out[c] = (float)mean;
        variance_out[c] = m2 > 0 ? (float)(m2 / n) : (m2 == m2 ? 0.0f : (float)m2);
    }
}
