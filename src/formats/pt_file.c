/* pt_file.c: a .pt file from its bytes to tensors: archive, pickle, network. */
#include "base/file.h"
#include "formats/pt_network.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_FILE_BYTES ((size_t)1 << 34)
enum { MAX_PICKLE_BYTES = 64 << 20, MAX_WHERE = 600, MAGIC_BYTES = 4 };

/* A ZIP archive begins with a local header. Before 1.6, and on request today, the framework writes pickles one after
 * the other, the first of them a magic number of ten bytes. */
static const unsigned char zip_magic[MAGIC_BYTES] = "PK\x03\x04", old_magic[MAGIC_BYTES] = "\x80\x02\x8a\x0a";

static bool begins_with(const void *data, size_t size, const unsigned char magic[MAGIC_BYTES]) {
    return size >= MAGIC_BYTES && memcmp(data, magic, MAGIC_BYTES) == 0;
}

bool yti_pt_probe(const char *path) {
    unsigned char begin[MAGIC_BYTES];
    FILE *file = fopen(path, "rb");
    size_t got = file ? fread(begin, 1, sizeof begin, file) : 0;
    if (file) fclose(file);
    return begins_with(begin, got, zip_magic) || begins_with(begin, got, old_magic);
}

static yt_status check_magic(const void *data, size_t size, const char *name, yt_err *err) {
    if (begins_with(data, size, zip_magic)) return YT_OK;
    if (begins_with(data, size, old_magic))
        return yt_fail(
            err, YT_ERR_SYNTAX,
            "%s: is in the format of torch before 1.6 (or of _use_new_zipfile_serialization=False), which is "
            "not read; load it in Python and save it once with torch.save as it is by default",
            name);
    return yt_fail(err, YT_ERR_SYNTAX, "%s: is no .pt file, which is a ZIP archive", name);
}

/* The pickle's bytes, in the arena. */
static yt_status read_pickle(const yti_pt_zip *zip, const char *name, yti_arena *arena, char **out, size_t *size,
                             yt_err *err) {
    int64_t member = yti_pt_zip_find(zip, "data.pkl");
    uint64_t bytes = yti_pt_zip_bytes(zip, member);
    if (bytes > MAX_PICKLE_BYTES)
        return yt_fail(err, YT_ERR_SYNTAX, "%s: data.pkl has %llu bytes; at most %d are accepted", name,
                       (unsigned long long)bytes, MAX_PICKLE_BYTES);
    char *pickle = yti_arena_take(arena, (size_t)bytes + 1);
    if (!pickle) return yt_fail(err, YT_ERR_NO_MEMORY, "%s: no memory to read data.pkl", name);
    YT_TRY(yti_pt_zip_read(zip, member, pickle, err));
    *out = pickle;
    *size = (size_t)bytes;
    return YT_OK;
}

/* `scratch` holds the pickle and its values, `kept` what the file keeps. */
static yt_status read_archive(const yti_pt_zip *zip, const char *name, yti_arena *scratch, yti_arena *kept,
                              yti_pt_file *out, yt_err *err) {
    char where[MAX_WHERE], *pickle = NULL;
    size_t size = 0;
    const yti_pt_value *root = NULL;
    snprintf(where, sizeof where, "%.500s: data.pkl", name);
    YT_TRY(read_pickle(zip, name, scratch, &pickle, &size, err));
    YT_TRY(yti_pt_unpickle(pickle, size, where, scratch, &root, err));
    yti_pt_tensors tensors;
    YT_TRY(yti_pt_tensors_init(zip, name, kept, &tensors, err));
    yt_status status = yti_pt_read_network(root, name, &tensors, kept, out, err);
    yti_pt_tensors_deinit(&tensors);
    return status;
}

yt_status yti_pt_parse(const void *data, size_t size, const char *name, yti_pt_file *out, yt_err *err) {
    yti_arena scratch = {0}, kept = {0};
    yti_pt_file file = {0};
    yti_pt_zip *zip = NULL;
    *out = file;
    YT_TRY(check_magic(data, size, name, err));
    YT_TRY(yti_pt_zip_open(data, size, name, &zip, err));
    yt_status status = read_archive(zip, name, &scratch, &kept, &file, err);
    yti_pt_zip_close(zip);
    yti_arena_free(&scratch);
    file.storage = kept.chunks;
    if (status == YT_OK)
        *out = file;
    else
        yti_pt_free(&file);
    return status;
}

yt_status yti_pt_open(const char *path, yti_pt_file *out, yt_err *err) {
    char *data;
    size_t size;
    *out = (yti_pt_file){0};
    YT_TRY(yti_file_read(path, MAX_FILE_BYTES, &data, &size, err));
    yt_status status = yti_pt_parse(data, size, path, out, err);
    free(data);
    return status;
}

void yti_pt_free(yti_pt_file *file) {
    free(file->tensors);
    yti_arena_free(&(yti_arena){file->storage});
    *file = (yti_pt_file){0};
}
