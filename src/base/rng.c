/* rng.c: Philox4x32-10. Constants are those of the paper (table 2 and section 4.3). */
#include "base/rng.h"

#include <math.h>
#include <string.h>

static void philox_block(const uint32_t key_in[2], const uint32_t counter[4], uint32_t out[4]) {
    uint32_t k0 = key_in[0], k1 = key_in[1];
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53u * c0, p1 = (uint64_t)0xCD9E8D57u * c2;
        uint32_t n0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0, n2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)p1;
        c3 = (uint32_t)p0;
        c0 = n0;
        c2 = n2;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    out[0] = c0, out[1] = c1, out[2] = c2, out[3] = c3;
}

yti_rng yti_rng_make(uint64_t seed, uint64_t epoch, uint64_t item, yti_rng_purpose purpose) {
    /* The counter's upper words name the stream, its first word counts the draws; the epoch goes into the key
     * together with the purpose, so streams that differ in any of the four never share a block. */
    yti_rng rng = {.used = 4};
    rng.key[0] = (uint32_t)seed ^ (uint32_t)(epoch * 0x9E3779B9u);
    rng.key[1] = (uint32_t)(seed >> 32) ^ (uint32_t)epoch;
    rng.counter[1] = (uint32_t)item;
    rng.counter[2] = (uint32_t)(item >> 32);
    rng.counter[3] = (uint32_t)purpose;
    return rng;
}

uint32_t yti_rng_u32(yti_rng *rng) {
    if (rng->used == 4) {
        philox_block(rng->key, rng->counter, rng->block);
        rng->counter[0]++;
        rng->used = 0;
    }
    return rng->block[rng->used++];
}

double yti_rng_unit(yti_rng *rng) {
    uint64_t hi = yti_rng_u32(rng) >> 5, lo = yti_rng_u32(rng) >> 6; /* 27 + 26 bits */
    return (double)((hi << 26) | lo) * 0x1p-53;
}

double yti_rng_uniform(yti_rng *rng, double lo, double hi) {
    return lo + (hi - lo) * yti_rng_unit(rng);
}

uint32_t yti_rng_below(yti_rng *rng, uint32_t n) {
    /* Lemire's multiply-shift with rejection of the short interval. */
    uint32_t threshold = (0u - n) % n;
    for (;;) {
        uint64_t product = (uint64_t)yti_rng_u32(rng) * n;
        if ((uint32_t)product >= threshold) return (uint32_t)(product >> 32);
    }
}

double yti_rng_normal(yti_rng *rng) {
    double u = 1.0 - yti_rng_unit(rng), v = yti_rng_unit(rng);
    return sqrt(-2.0 * log(u)) * cos(6.283185307179586 * v);
}

double yti_rng_beta(yti_rng *rng, int a, int b) {
    /* The a-th smallest of a + b - 1 uniform numbers has this distribution: exact, and without a function of libm
     * that could round differently elsewhere. */
    double sorted[64];
    for (int n = 0; n < a + b - 1; n++) {
        double drawn = yti_rng_unit(rng);
        int at = n;
        for (; at > 0 && sorted[at - 1] > drawn; at--) sorted[at] = sorted[at - 1];
        sorted[at] = drawn;
    }
    return sorted[a - 1];
}

uint64_t yti_hash64(const void *data, uint64_t n_bytes) {
    const unsigned char *bytes = data;
    uint64_t hash = 0xcbf29ce484222325u;
    for (uint64_t i = 0; i < n_bytes; i++) hash = (hash ^ bytes[i]) * 0x100000001b3u;
    return hash;
}

uint64_t yti_hash64_floats(const float *values, uint64_t n) {
    uint64_t hash = 0xcbf29ce484222325u;
    for (uint64_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        hash = (hash ^ bits) * 0x100000001b3u;
    }
    return hash;
}
