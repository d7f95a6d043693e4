/* tensor.c: views of feature maps; shapes only, no arithmetic on the values. */
#include "tensor/tensor.h"

yti_tensor yti_tensor_of(float *data, int n, int h, int w, int c) {
    return (yti_tensor){.data = data, .n = n, .h = h, .w = w, .c = c, .ld = c};
}

yti_tensor yti_tensor_slice(yti_tensor t, int c0, int c) {
    t.data = t.data ? t.data + c0 : t.data;
    t.c = c;
    return t;
}

size_t yti_tensor_pixels(yti_tensor t) {
    return (size_t)t.n * (size_t)t.h * (size_t)t.w;
}

size_t yti_tensor_elements(yti_tensor t) {
    return yti_tensor_pixels(t) * (size_t)t.c;
}
