/* pt_tensors.c: the values of a pickled tensor (spec architecture 8.4): a storage seen through an offset, sizes and
 * strides, all in elements.
 *
 * A tensor in one piece is lent from its storage; another is gathered into a copy. A tensor may not have more elements
 * than its storage, and all copies together no more bytes than the archive, so strides of zero cannot make much of
 * little.
 */
#include "formats/pt_tensors.h"

#include "formats/safetensors_types.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

yt_status yti_pt_tensors_init(const yti_pt_zip *zip, const char *name, yti_arena *arena, yti_pt_tensors *out,
                              yt_err *err) {
    void **storages = calloc(yti_pt_zip_members(zip) + 1, sizeof *storages);
    if (!storages) return yt_fail(err, YT_ERR_NO_MEMORY, "%s: no memory to read its tensors", name);
    *out = (yti_pt_tensors){
        .zip = zip, .name = name, .arena = arena, .storages = storages, .spare = yti_pt_zip_unpacked(zip)};
    return YT_OK;
}

void yti_pt_tensors_deinit(yti_pt_tensors *tensors) {
    free(tensors->storages);
    *tensors = (yti_pt_tensors){0};
}

/* The member of a storage, whose size must be that of its elements. */
static yt_status find_storage(const yti_pt_tensors *t, const yti_pt_storage *storage, const char *tensor,
                              int64_t *member, yt_err *err) {
    char name[64];
    int length = snprintf(name, sizeof name, "data/%.*s", (int)(storage->key.length < 40 ? storage->key.length : 40),
                          storage->key.bytes);
    bool whole = length > 0 && storage->key.length < 40 && !memchr(storage->key.bytes, 0, storage->key.length);
    *member = whole ? yti_pt_zip_find(t->zip, name) : -1;
    if (*member < 0)
        return yt_fail(err, YT_ERR_SYNTAX, "%s: tensor %.200s lies in %s, which is not in the archive", t->name, tensor,
                       name);
    if (!storage->known)
        return yt_fail(err, YT_ERR_SYNTAX, "%s: tensor %.200s is of type %.*s, which is not read", t->name, tensor,
                       (int)(storage->type.length < 60 ? storage->type.length : 60), storage->type.bytes);
    uint64_t has = yti_pt_zip_bytes(t->zip, *member), bytes;
    if (__builtin_mul_overflow((uint64_t)storage->count, yti_st_types[storage->number].bytes, &bytes) || bytes != has)
        return yt_fail(err, YT_ERR_SYNTAX,
                       "%s: %s has %llu bytes, but tensor %.200s needs %lld elements of %zu bytes there", t->name, name,
                       (unsigned long long)has, tensor, (long long)storage->count, yti_st_types[storage->number].bytes);
    return YT_OK;
}

static yt_status load_storage(yti_pt_tensors *t, int64_t member, const char **out, yt_err *err) {
    void **slot = &t->storages[member];
    if (!*slot) {
        void *bytes = yti_arena_take(t->arena, (size_t)yti_pt_zip_bytes(t->zip, member) + 1);
        if (!bytes) return yt_fail(err, YT_ERR_NO_MEMORY, "%s: no memory to read its tensors", t->name);
        YT_TRY(yti_pt_zip_read(t->zip, member, bytes, err));
        *slot = bytes;
    }
    *out = *slot;
    return YT_OK;
}

/* Number of elements, and whether the last of them lies in the storage. */
static yt_status check_view(const yti_pt_tensors *t, const yti_pt_tensor *tensor, yti_st_entry *entry, yt_err *err) {
    int64_t count = 1, last = tensor->offset, held = tensor->storage->count;
    bool fits = true, empty = false;
    for (int i = 0; i < tensor->n_dims; i++) empty |= tensor->dims[i] == 0;
    for (int i = 0; i < tensor->n_dims && !empty; i++) {
        int64_t reach;
        fits &= !__builtin_mul_overflow(count, tensor->dims[i], &count) &&
                !__builtin_mul_overflow(tensor->dims[i] - 1, tensor->strides[i], &reach) &&
                !__builtin_add_overflow(last, reach, &last);
    }
    if (empty) count = 0;
    if (!fits || (!empty && last >= held) || count > held)
        return yt_fail(err, YT_ERR_SYNTAX,
                       "%s: tensor %.200s reaches beyond its storage of %lld elements; the file is damaged", t->name,
                       entry->name, (long long)held);
    entry->count = (size_t)count;
    return YT_OK;
}

static bool in_one_piece(const yti_pt_tensor *tensor) {
    int64_t expected = 1;
    for (int i = tensor->n_dims; i-- > 0;) {
        if (tensor->dims[i] != 1 && tensor->strides[i] != expected) return false;
        expected *= tensor->dims[i]; /* no overflow: check_view has multiplied them all */
    }
    return true;
}

/* Copies the elements one by one, the last dimension fastest. */
static void gather(const yti_pt_tensor *tensor, size_t width, size_t count, const char *storage, char *out) {
    int64_t index[YT_ST_MAX_DIMS] = {0};
    size_t at = (size_t)tensor->offset;
    for (size_t i = 0; i < count; i++) {
        memcpy(out + i * width, storage + at * width, width);
        for (int d = tensor->n_dims; d-- > 0;) {
            at += (size_t)tensor->strides[d];
            if (++index[d] < tensor->dims[d]) break;
            at -= (size_t)tensor->strides[d] * (size_t)tensor->dims[d];
            index[d] = 0;
        }
    }
}

static yt_status gathered(yti_pt_tensors *t, const yti_pt_tensor *tensor, const char *storage, yti_st_entry *entry,
                          yt_err *err) {
    if (entry->bytes > t->spare)
        return yt_fail(err, YT_ERR_SYNTAX, "%s: its tensors overlap: with %.200s they have more bytes than the file",
                       t->name, entry->name);
    t->spare -= entry->bytes;
    char *copy = yti_arena_take(t->arena, entry->bytes);
    if (!copy) return yt_fail(err, YT_ERR_NO_MEMORY, "%s: no memory to read its tensors", t->name);
    gather(tensor, yti_st_types[entry->type].bytes, entry->count, storage, copy);
    entry->data = copy;
    return YT_OK;
}

yt_status yti_pt_tensors_read(yti_pt_tensors *t, const yti_pt_tensor *tensor, yti_st_entry *entry, yt_err *err) {
    int64_t member = -1;
    const char *storage = NULL;
    YT_TRY(find_storage(t, tensor->storage, entry->name, &member, err));
    YT_TRY(check_view(t, tensor, entry, err));
    YT_TRY(load_storage(t, member, &storage, err));
    entry->type = tensor->storage->number;
    entry->bytes = entry->count * yti_st_types[entry->type].bytes; /* at most the storage's */
    entry->n_dims = tensor->n_dims;
    memcpy(entry->dims, tensor->dims, sizeof entry->dims);
    entry->data = storage;
    if (entry->count == 0) return YT_OK;
    if (!in_one_piece(tensor)) return gathered(t, tensor, storage, entry, err);
    entry->data = storage + (size_t)tensor->offset * yti_st_types[entry->type].bytes;
    return YT_OK;
}
