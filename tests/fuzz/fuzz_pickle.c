/* fuzz_pickle.c: the pickle of a checkpoint, in an archive made around it: checksums do not stand in the way here as
 * they do in fuzz_pt.c. The archive has storages "0" to "31" of 128 bytes each, as make_corpus.py knows. */
#include "formats/pt.h"
#include "fuzz.h"

#include <stdlib.h>
#include <zip.h>

enum { STORAGES = 32, STORAGE_BYTES = 128, MAX_PICKLE = 1 << 16, ROOM = MAX_PICKLE + STORAGES * 512 };

static void must(bool good) {
    if (!good) abort();
}

static void add(zip_t *zip, const char *name, const void *data, size_t size) {
    zip_source_t *source = zip_source_buffer(zip, data, size, 0);
    const zip_int64_t index = zip_file_add(zip, name, source, 0);
    must(index >= 0 && zip_set_file_compression(zip, (zip_uint64_t)index, ZIP_CM_STORE, 0) == 0);
}

/* Returns the size of the archive in `out`. */
static size_t make_archive(const uint8_t *pickle, size_t size, uint8_t out[ROOM]) {
    static const uint8_t storage[STORAGE_BYTES] = {0x66, 0x3c, 0, 0, 0x80, 0x3f};
    zip_source_t *archive = zip_source_buffer_create(NULL, 0, 0, NULL);
    must(archive != NULL);
    zip_source_keep(archive);
    zip_t *zip = zip_open_from_source(archive, ZIP_TRUNCATE, NULL);
    must(zip != NULL);
    add(zip, "net/data.pkl", pickle, size);
    for (int i = 0; i < STORAGES; i++) {
        char name[32];
        snprintf(name, sizeof name, "net/data/%d", i);
        add(zip, name, storage, sizeof storage);
    }
    must(zip_close(zip) == 0 && zip_source_open(archive) == 0);
    const zip_int64_t bytes = zip_source_read(archive, out, ROOM);
    must(bytes > 0 && bytes < ROOM);
    zip_source_close(archive);
    zip_source_free(archive);
    return (size_t)bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static uint8_t archive[ROOM];
    yt_err err = {.text = ""};
    yti_pt_file file = {0};
    if (size > MAX_PICKLE) return 0;
    const size_t bytes = make_archive(data, size, archive);
    if (fuzz_done(yti_pt_parse(archive, bytes, "fuzz.pt", &file, &err), &err)) return 0;
    yti_pt_free(&file);
    fuzz_use_weights(archive, bytes);
    return 0;
}
