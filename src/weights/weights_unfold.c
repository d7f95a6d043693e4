/* weights_unfold.c: the tensors that fusing has taken away; see weights_unfold.h. */
#include "weights/weights_unfold.h"
#include "base/arena.h"
#include "model/builder.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_NAME = 512, PER_TENSOR = 5 /* a bias gives four of a normalisation, and perhaps one of another branch */ };

typedef struct unfolding {
    const yti_st_file *fused;
    yti_unfolded out;
    yti_arena *arena;
    yt_err *err;
} unfolding;

static yt_status add(unfolding *u, const char *name, const yti_st_entry *like, const void *data) {
    const size_t room = strlen(name) + 1;
    char *copy = yti_arena_take(u->arena, room);
    if (!copy) return yti_no_memory(u->err, "tensor %s", name);
    memcpy(copy, name, room);
    yti_st_entry entry = *like;
    entry.name = copy;
    if (data) {
        entry.type = YT_ST_F32;
        entry.data = data;
        entry.bytes = entry.count * sizeof(float);
    }
    u->out.file.entries[u->out.file.n_entries++] = entry;
    return YT_OK;
}

static yt_status add_filled(unfolding *u, const char *name, const yti_st_entry *like, float value) {
    float *values = yti_arena_take(u->arena, like->count * sizeof *values);
    if (!values) return yti_no_memory(u->err, "tensor %s", name);
    for (size_t i = 0; i < like->count; i++) values[i] = value;
    return add(u, name, like, values);
}

/* The normalisation after the convolution of a bias. */
static yt_status add_normalisation(unfolding *u, const yti_st_entry *bias) {
    static const char ending[] = "conv.bias";
    char name[MAX_NAME];
    const size_t length = strlen(bias->name), stem = length - (sizeof ending - 1);
    if (length < sizeof ending || length + 16 > sizeof name || strcmp(bias->name + stem, ending) != 0) return YT_OK;
    if (stem && bias->name[stem - 1] != '.') return YT_OK;
    const struct {
        const char *suffix;
        float value;
    } made[] = {{"bn.weight", sqrtf(1 + YTI_BN_EPS)}, {"bn.running_mean", 0}, {"bn.running_var", 1}};
    for (size_t i = 0; i < sizeof made / sizeof *made; i++) {
        snprintf(name, sizeof name, "%.*s%s", (int)stem, bias->name, made[i].suffix);
        YT_TRY(add_filled(u, name, bias, made[i].value));
    }
    snprintf(name, sizeof name, "%.*sbn.bias", (int)stem, bias->name);
    return add(u, name, bias, NULL);
}

/* "model.23.cv3.0.2.bias" is called "model.23.one2one_cv3.0.2.bias" in the other branch. false: it is of no branch. */
static bool other_branch(const char *name, char to[MAX_NAME]) {
    static const char word[] = "one2one_";
    const char *at = strstr(name, ".cv2."), *one = strstr(name, ".one2one_cv");
    if (!at) at = strstr(name, ".cv3.");
    const char *parts = one ? one : at;
    if (!parts || strlen(name) + sizeof word > MAX_NAME || strchr(name + 6, '.') != parts) return false;
    const int stem = (int)(parts + 1 - name);
    if (one)
        snprintf(to, MAX_NAME, "%.*s%s", stem, name, one + sizeof word);
    else
        snprintf(to, MAX_NAME, "%.*s%s%s", stem, name, word, name + stem);
    return true;
}

static yt_status add_branches(unfolding *u) {
    yti_st_file *file = &u->out.file;
    const size_t n = file->n_entries;
    char name[MAX_NAME];
    for (size_t i = 0; i < n; i++)
        if (strncmp(file->entries[i].name, "model.", 6) == 0 && other_branch(file->entries[i].name, name) &&
            !yti_st_find(file, name))
            YT_TRY(add(u, name, &file->entries[i], NULL));
    return YT_OK;
}

static yt_status unfold(unfolding *u) {
    const yti_st_file *fused = u->fused;
    yti_st_file *file = &u->out.file;
    file->entries = malloc((fused->n_entries * 2 * PER_TENSOR + 1) * sizeof *file->entries);
    if (!file->entries) return yti_no_memory(u->err, "a list of tensors");
    memcpy(file->entries, fused->entries, fused->n_entries * sizeof *file->entries);
    for (size_t i = 0; i < fused->n_entries; i++) YT_TRY(add_normalisation(u, &fused->entries[i]));
    return add_branches(u);
}

yt_status yti_weights_unfold(const yti_st_file *fused, yti_unfolded *out, yt_err *err) {
    unfolding u = {.fused = fused, .arena = calloc(1, sizeof *u.arena), .err = err};
    if (!u.arena) return yti_no_memory(err, "tensors");
    u.out = (yti_unfolded){.file = *fused, .made = u.arena};
    u.out.file.storage = NULL;
    u.out.file.entries = NULL;
    const yt_status status = unfold(&u);
    if (status == YT_OK)
        *out = u.out;
    else
        yti_unfolded_free(&u.out);
    return status;
}

void yti_unfolded_free(yti_unfolded *unfolded) {
    free(unfolded->file.entries);
    if (unfolded->made) yti_arena_free(unfolded->made);
    free(unfolded->made);
    *unfolded = (yti_unfolded){0};
}
