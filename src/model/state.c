/* state.c: the order of axes of a tensor in memory and in files. */
#include "model/model.h"

#include <string.h>

enum { LINE = 64 / sizeof(float) };

/* Files: [out][in][kh][kw]; memory: [kh][kw][in][out]. Calls move(file index, memory index) for every element, a
 * cache line of memory at a time. */
#define FOR_EACH_WEIGHT(info, f, m)                                                                                    \
    const size_t n_out = (size_t)(info)->dims[0], n_in = (size_t)(info)->dims[1],                                      \
                 n_tap = (size_t)(info)->dims[2] * (size_t)(info)->dims[3];                                            \
    for (size_t first = 0; first < n_out; first += LINE)                                                               \
        for (size_t i = 0; i < n_in; i++)                                                                              \
            for (size_t t = 0; t < n_tap; t++)                                                                         \
                for (size_t o = first, f = (o * n_in + i) * n_tap + t, m = (t * n_in + i) * n_out + o;                 \
                     o < n_out && o < first + LINE; o++, f += n_in * n_tap, m++)

void yti_param_to_file_order(const yti_param_info *info, const float *memory, float *file) {
    if (info->n_dims != 4 || info->kind == YT_PARAM_CONSTANT) {
        memcpy(file, memory, info->count * sizeof *file);
        return;
    }
    FOR_EACH_WEIGHT(info, f, m) file[f] = memory[m];
}

void yti_param_from_file_order(const yti_param_info *info, const float *file, float *memory) {
    if (info->n_dims != 4 || info->kind == YT_PARAM_CONSTANT) {
        memcpy(memory, file, info->count * sizeof *file);
        return;
    }
    FOR_EACH_WEIGHT(info, f, m) memory[m] = file[f];
}
