/* tensor.h: views of float32 feature maps.
 *
 * A tensor is a view: it owns nothing and is copied by value. Layout is NHWC with `ld` floats from one pixel to the
 * next; channel c of pixel (n, y, x) is data[((n*h + y)*w + x)*ld + c]. ld >= c; where ld > c the rest belongs to
 * somebody else (a neighbour's slice of a concatenation) and is never written.
 */
#ifndef YT_TENSOR_H
#define YT_TENSOR_H

#include <stddef.h>

typedef struct yti_tensor {
    float *data; /* NULL: absent */
    int n, h, w, c;
    ptrdiff_t ld;
} yti_tensor;

/* A view of tightly packed memory (ld = c). */
yti_tensor yti_tensor_of(float *data, int n, int h, int w, int c);

/* Channels [c0, c0 + c) of t. */
yti_tensor yti_tensor_slice(yti_tensor t, int c0, int c);

/* n*h*w */
size_t yti_tensor_pixels(yti_tensor t);

/* n*h*w*c */
size_t yti_tensor_elements(yti_tensor t);

#endif
