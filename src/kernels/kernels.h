/* kernels.h: the arithmetic of the engine, behind one table of function pointers.
 *
 * Every slot is an operation on views (tensor.h) and flat arrays; it knows nothing of the graph. `ref` fills all slots
 * with plain loops that a reader can check against the formula; the other rows of kernel_list.inc are one source
 * compiled for a vector width. The table is chosen once (CPU, and YT_MAX_ISA=ref|generic|avx2|avx512 as a cap) and
 * never changes.
 *
 * Laws of every slot
 *  - `d_x` is the gradient of the loss with respect to x. Gradients of parameters are ADDED to (`+=`);
 * gradients of feature maps are stored, or added where the argument `accumulate` is true.
 *  - Nothing is written outside the channels [0, c) of an output view. Reads may run past c by less than
 *    YT_READ_SLACK floats, so buffers end with that much readable memory.
 *  - Work is split into items whose bounds depend on the shape only, and partial sums are added in item
 * order: results are bit-identical for any number of threads.
 *  - No allocation: temporary memory comes from `scratch`, whose needed size the *_scratch slots return.
 *  - Arguments are right (the caller checked shapes); nothing can fail.
 */
#ifndef YT_KERNELS_H
#define YT_KERNELS_H

#include "base/activation.h"
#include "base/cpu.h"
#include "base/status.h"
#include "tensor/tensor.h"

#include <stdbool.h>
#include <stdint.h>

enum { YT_READ_SLACK = 32 };

/* A two-dimensional convolution: y[n,oy,ox,o] = bias[o] + sum over kh,kw,i of
 *   x[n, oy*stride - pad + kh*dilation, ox*stride - pad + kw*dilation, g*cin/groups + i] * w[kh][kw][i][o],
 * x outside the map being 0 and g the group of output channel o.
 * Weights lie in memory as [kh][kw][cin/groups][cout] (files: [cout][cin/groups][kh][kw]). */
typedef struct yti_conv_geometry {
    int cin, cout, kernel, stride, pad, dilation, groups;
} yti_conv_geometry;

/* Temporary memory for one call. `threads` is the number of threads to use. */
typedef struct yti_scratch {
    void *data; /* 64-byte aligned */
    size_t bytes;
    int threads;
} yti_scratch;

/* Batch normalisation with activation and shortcut; see norm_act_* below. All arrays have c entries. */
typedef struct yti_norm {
    const float *mean, *inv_std; /* both NULL: no normalisation, z = y */
    const float *gamma, *beta;   /* NULL exactly when mean is */
    bool fixed_stats;            /* mean and inv_std do not depend on y (running statistics): simpler backward */
} yti_norm;

/* The last step of a normalisation's gradient, which needs sums over all pixels first and is one multiply-add per
 * value then, left to the convolution before it, which reads these values anyway:
 *   d_y = scale * ((g - mean_g) - (y - mean_y) * slope). */
typedef struct yti_norm_tail {
    const float *scale, *mean_g, *mean_y, *slope; /* [c] */
    yti_tensor y;
} yti_norm_tail;

/* The four arrays one after the other, as norm_act_backward writes them. */
static inline yti_norm_tail yti_norm_tail_of(const float *values, yti_tensor y) {
    return (yti_norm_tail){values, values + y.c, values + 2 * y.c, values + 3 * y.c, y};
}

/* One step of Adam or AdamW; t = 1, 2, ... In double, so that 1 - beta2 is what the caller meant. */
typedef struct yti_adam {
    double lr, beta1, beta2, eps;
    double decay; /* decoupled: AdamW */
    double l2;    /* added to the gradient, times p: Adam */
    double scale; /* of the gradient */
    int64_t t;
} yti_adam;

typedef struct yti_kernels {
    const char *name; /* "ref", "generic", "avx2", "avx512", "neon" */
    int vector_floats;

    /* ---- convolution; any kernel, stride, pad, dilation, groups ---- */
    /* Bytes of scratch that the largest of the three passes needs for input maps n x h x w. */
    size_t (*conv2d_scratch)(const yti_conv_geometry *conv, int n, int h, int w, int threads);

    /* y = conv(x, w) + bias. bias may be NULL. moments, when not NULL, is [2][cout] and receives per output channel
     * the mean and the biased variance of y over n, h, w (computed per item from shifted sums and merged in double
     * in item order; Chan, Golub, LeVeque 1979). */
    void (*conv2d_forward)(const yti_conv_geometry *conv, const yti_tensor *x, const float *w, const float *bias,
                           const yti_tensor *y, float *moments, const yti_scratch *scratch);

    /* Weights in the order in which the forward pass reads them, for maps of any size: made once where they stay the
     * same from call to call. conv2d_packed_bytes: their size, 0: there is nothing to make. packed is 64-byte
     * aligned. */
    size_t (*conv2d_packed_bytes)(const yti_conv_geometry *conv);
    void (*conv2d_pack)(const yti_conv_geometry *conv, const float *w, float *packed);

    /* y = act(conv(x, w) + bias) + shortcut: a layer whose normalisation is folded into its weights. packed: of w by
     * conv2d_pack, NULL: not made. shortcut->data NULL: none; y is not the shortcut. */
    void (*conv2d_act_forward)(const yti_conv_geometry *conv, const yti_tensor *x, const float *w, const float *packed,
                               const float *bias, yti_activation act, const yti_tensor *shortcut, const yti_tensor *y,
                               const yti_scratch *scratch);

    /* d_x (+)= transposed convolution of d_y. */
    void (*conv2d_backward_data)(const yti_conv_geometry *conv, const yti_tensor *d_y, const float *w,
                                 const yti_tensor *d_x, bool accumulate, const yti_scratch *scratch);

    /* d_w += sum over pixels x * d_y; d_bias += sum over pixels d_y (NULL: not wanted). tail, when not NULL: d_y
     * comes as g and is brought to its end, in place, on the way. */
    void (*conv2d_backward_weights)(const yti_conv_geometry *conv, const yti_tensor *x, const yti_tensor *d_y,
                                    const yti_norm_tail *tail, float *d_w, float *d_bias, const yti_scratch *scratch);

    /* ---- batch norm + activation + shortcut, one pass each way ---- */
    /* z = gamma * (y - mean) * inv_std + beta;  out = act(z) + shortcut.  shortcut->data NULL: none.
     * out may be the same view as y (in place). */
    void (*norm_act_forward)(yti_activation act, const yti_norm *norm, const yti_tensor *y, const yti_tensor *shortcut,
                             const yti_tensor *out, int threads);

    size_t (*norm_act_scratch)(int c, size_t pixels, int threads);

    /* In: y as in the forward pass, d_out in *d. Out: d_y in *d (in place); d_shortcut (+)= d_out when its
     * data is not NULL; d_gamma, d_beta (+=; both NULL: not wanted, or no normalisation). With batch
     * statistics g = d_out * act'(z),  xhat = (y - mean) * inv_std,  m = n*h*w,
     * d_y = gamma * inv_std * (g - sum(g)/m - xhat * sum(g*xhat)/m)          (Ioffe & Szegedy 2015)
     * and with fixed statistics d_y = gamma * inv_std * g; without normalisation d_y = g.
     * tail, when not NULL (batch statistics only), receives the [4][c] values of a yti_norm_tail, and g is left
     * in *d. */
    void (*norm_act_backward)(yti_activation act, const yti_norm *norm, const yti_tensor *y, const yti_tensor *d,
                              const yti_tensor *d_shortcut, bool accumulate_shortcut, float *d_gamma, float *d_beta,
                              float *tail, const yti_scratch *scratch);

    /* g in *d becomes d_y. */
    void (*norm_tail)(const yti_norm_tail *tail, const yti_tensor *d, int threads);

    /* ---- pooling, resampling, copies ---- */
    /* Maximum over kernel x kernel windows, padding acts as -inf. index, when not NULL, receives kh*kernel+kw of the
     * first maximum in row-major order, [n][oh][ow][c] tightly packed (kernel <= 15). */
    void (*maxpool_forward)(int kernel, int stride, int pad, const yti_tensor *x, const yti_tensor *y, uint8_t *index,
                            int threads);
    void (*maxpool_backward)(int kernel, int stride, int pad, const uint8_t *index, const yti_tensor *d_y,
                             const yti_tensor *d_x, bool accumulate, int threads);

    /* Nearest neighbour by an integer factor: y[oy][ox] = x[oy/factor][ox/factor]. */
    void (*upsample_forward)(int factor, const yti_tensor *x, const yti_tensor *y, int threads);
    void (*upsample_backward)(int factor, const yti_tensor *d_y, const yti_tensor *d_x, bool accumulate, int threads);

    /* dst (+)= src, same shape, disjoint memory. */
    void (*copy)(const yti_tensor *src, const yti_tensor *dst, bool accumulate, int threads);
    void (*fill)(const yti_tensor *dst, float value, int threads);

    /* dst = src / 255, pixel by pixel, src tightly packed [n][h][w][c]. True division. */
    void (*from_bytes)(const uint8_t *src, const yti_tensor *dst, int threads);

    /* ---- multi-head self-attention over the N = h*w pixels of each image (Vaswani et al. 2017) ---- */
    size_t (*attention_scratch)(int heads, int key_dim, int head_dim, int n, int pixels, int threads);

    /* qkv channels, head-major: per head key_dim q, key_dim k, head_dim v. Per image and head
     *   P[i,j] = softmax over j of (key_dim^-0.5 * sum_d q[i,d] k[j,d]),  out[i, head*head_dim + d] = sum_j
     * P[i,j] v[j,d]. probs, when not NULL, keeps P as [n][heads][N][N] for the backward pass. */
    void (*attention_forward)(int heads, int key_dim, int head_dim, const yti_tensor *qkv, const yti_tensor *out,
                              float *probs, const yti_scratch *scratch);
    void (*attention_backward)(int heads, int key_dim, int head_dim, const yti_tensor *qkv, const float *probs,
                               const yti_tensor *d_out, const yti_tensor *d_qkv, bool accumulate,
                               const yti_scratch *scratch);

    /* ---- products of matrices, row-major and tightly packed; on the caller's thread alone ---- */
    /* Bytes of scratch, 64-byte aligned, of matmul for a b of rows x cols, of gram for a matrix of cols columns, and
     * of symmetric_product where rows and cols are the side. */
    size_t (*matrix_scratch)(int rows, int cols);

    /* a[cols][cols] = x^T x, for x of rows x cols. */
    void (*gram)(const float *x, int rows, int cols, float *a, void *scratch);

    /* y[rows][cols] = x[rows][depth] . b[depth][cols]; y is neither x nor b. */
    void (*matmul)(const float *x, int rows, int depth, const float *b, int cols, float *y, void *scratch);

    /* c = a . b for symmetric matrices that commute, so that c is symmetric too: half of it is computed. c is
     * neither a nor b. */
    void (*symmetric_product)(const float *a, const float *b, int side, float *c, void *scratch);

    /* ---- loss and optimizer sweeps ---- */
    /* Binary cross-entropy of logits x against an all-zero target: returns sum of w[channel] * softplus(x); when
     * d_x->data is not NULL stores d_x = weight * w[channel] * sigmoid(x). w, a weight per channel, may be NULL: all
     * 1. (The few positive targets are added by the caller.) */
    double (*bce_background)(const yti_tensor *x, float weight, const float *w, const yti_tensor *d_x, int threads);

    /* sum of x[i]^2, in double per fixed chunk. */
    double (*sum_squares)(const float *x, size_t count, int threads);

    /* Nesterov SGD: g = scale*g + decay*p; buf = momentum*buf + g; p -= lr*(g + momentum*buf). */
    void (*sgd_step)(float *p, const float *g, float *buf, size_t count, float scale, float lr, float momentum,
                     float decay, int threads);

    /* Adam (Kingma & Ba 2015) and AdamW (Loshchilov & Hutter 2019): g = scale*g + l2*p; p *= 1 - lr*decay; m = b1*m
     * + (1-b1)*g; v = b2*v + (1-b2)*g^2; p -= lr/(1-b1^t) * m / (sqrt(v)/sqrt(1-b2^t) + eps). */
    void (*adam_step)(float *p, const float *g, float *m, float *v, size_t count, const yti_adam *adam, int threads);

    /* dst = decay*dst + (1-decay)*src. */
    void (*ema_step)(float *dst, const float *src, size_t count, float decay, int threads);
} yti_kernels;

/* The table for this machine; the same pointer for the life of the process. Thread-safe. */
const yti_kernels *yti_kernels_get(void);

/* Whether the environment's YT_MAX_ISA, the widest table that yti_kernels_get takes, is one of them, or not set. */
yt_status yti_kernels_check(yt_err *err);

/* "ref, generic, avx2, ..." */
void yti_kernels_list(char *text, size_t room);

/* The table of one ISA, or NULL where it was not built or the CPU lacks it. For tests and benchmarks. */
const yti_kernels *yti_kernels_of(yti_isa isa);

/* Output side of a convolution or pooling: floor((in + 2*pad - dilation*(kernel-1) - 1)/stride) + 1. */
int yti_conv_out(int in, int kernel, int stride, int pad, int dilation);

#endif
