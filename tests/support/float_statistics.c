/* float_statistics.c: a kernel table whose convolutions take their statistics anew, one value after the other. */
#include "kernels/kernels.h"
#include "support/float_statistics.h"

const yti_kernels *__real_yti_kernels_get(void);
const yti_kernels *__wrap_yti_kernels_get(void);

static bool wanted;
static yti_kernels table;

static void forward(const yti_conv_geometry *conv, const yti_tensor *x, const float *w, const float *bias,
                    const yti_tensor *y, float *moments, const yti_scratch *scratch) {
    __real_yti_kernels_get()->conv2d_forward(conv, x, w, bias, y, NULL, scratch);
    const float pixels = (float)yti_tensor_pixels(*y);
    for (int c = 0; moments && c < conv->cout; c++) {
        const float *first = y->data + c, *end = first + (ptrdiff_t)yti_tensor_pixels(*y) * y->ld;
        float sum = 0, squares = 0;
        for (const float *p = first; p < end; p += y->ld) sum += *p;
        const float mean = sum / pixels;
        for (const float *p = first; p < end; p += y->ld) squares += (*p - mean) * (*p - mean);
        moments[c] = mean, moments[conv->cout + c] = squares / pixels;
    }
}

void test_float_statistics(bool on) {
    table = *__real_yti_kernels_get();
    table.conv2d_forward = forward;
    wanted = on;
}

const yti_kernels *__wrap_yti_kernels_get(void) {
    return wanted ? &table : __real_yti_kernels_get();
}
