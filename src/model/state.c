/* state.c: the values of a model: initial ones, and the order of axes in memory and in files. */
#include "yt/model.h"

#include "yt/rng.h"

#include <string.h>

/* The one-to-one branch starts as a copy of the one-to-many branch: it draws from that branch's streams. */
static uint64_t stream_of(const char *name) {
    static const char mark[] = "one2one_";
    char shared[160];
    const char *at = strstr(name, mark);
    if (!at || strlen(name) >= sizeof shared) return yt_hash64(name, strlen(name));
    const size_t head = (size_t)(at - name);
    memcpy(shared, name, head);
    strcpy(shared + head, at + sizeof mark - 1);
    return yt_hash64(shared, strlen(shared));
}

static void init_tensor(const yt_param_info *info, uint64_t seed, float *values) {
    yt_rng rng = yt_rng_make(seed, 0, stream_of(info->name), YT_RNG_INIT);
    const double bound = (double)info->init_bound, centre = (double)info->init_value;
    for (size_t i = 0; i < info->count; i++)
        values[i] = bound > 0 ? (float)(centre + yt_rng_uniform(&rng, -bound, bound)) : info->init_value;
    if (info->kind ==
        YT_PARAM_FROZEN) /* the ramp of the DFL expectation: 0, 1, ... (spec architecture 3.11) */
        for (size_t i = 0; i < info->count; i++) values[i] = (float)i;
}

static bool in_buffers(const yt_param_info *info) {
    return info->kind == YT_PARAM_FROZEN || info->kind == YT_PARAM_BUFFER;
}

void yt_model_init(const yt_model *model, uint64_t seed, const yt_state *state) {
    for (int i = 0; i < model->n_params; i++) {
        const yt_param_info *info = &model->params[i];
        init_tensor(info, seed, (in_buffers(info) ? state->buffers : state->params) + info->offset);
    }
}

enum { LINE = 64 / sizeof(float) };

/* Files: [out][in][kh][kw]; memory: [kh][kw][in][out]. Calls move(file index, memory index) for every
 * element, a cache line of memory at a time. */
#define FOR_EACH_WEIGHT(info, f, m)                                                                          \
    const size_t n_out = (size_t)(info)->dims[0], n_in = (size_t)(info)->dims[1],                            \
                 n_tap = (size_t)(info)->dims[2] * (size_t)(info)->dims[3];                                  \
    for (size_t first = 0; first < n_out; first += LINE)                                                     \
        for (size_t i = 0; i < n_in; i++)                                                                    \
            for (size_t t = 0; t < n_tap; t++)                                                               \
                for (size_t o = first, f = (o * n_in + i) * n_tap + t, m = (t * n_in + i) * n_out + o;       \
                     o < n_out && o < first + LINE; o++, f += n_in * n_tap, m++)

void yt_param_to_file_order(const yt_param_info *info, const float *memory, float *file) {
    if (info->n_dims != 4 || info->kind == YT_PARAM_FROZEN) {
        memcpy(file, memory, info->count * sizeof *file);
        return;
    }
    FOR_EACH_WEIGHT(info, f, m) file[f] = memory[m];
}

void yt_param_from_file_order(const yt_param_info *info, const float *file, float *memory) {
    if (info->n_dims != 4 || info->kind == YT_PARAM_FROZEN) {
        memcpy(memory, file, info->count * sizeof *file);
        return;
    }
    FOR_EACH_WEIGHT(info, f, m) memory[m] = file[f];
}
