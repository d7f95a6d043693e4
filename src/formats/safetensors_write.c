/* safetensors_write.c: writing safetensors files; the layout is described in safetensors.c.
 *
 * Tensors with wide elements come first and the header is padded to a multiple of 8 bytes, so that every tensor is
 * aligned to its element: readers that map the file need that.
 */
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "formats/safetensors_types.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put_tensor(yti_json_writer *w, const yti_st_entry *entry, size_t begin) {
    yti_json_object(w, entry->name);
    yti_json_text(w, "dtype", yti_st_types[entry->type].name);
    yti_json_array(w, "shape");
    for (int i = 0; i < entry->n_dims; i++) yti_json_number(w, NULL, (double)entry->dims[i]);
    yti_json_end(w);
    yti_json_array(w, "data_offsets");
    yti_json_number(w, NULL, (double)begin);
    yti_json_number(w, NULL, (double)(begin + entry->bytes));
    yti_json_end(w);
    yti_json_end(w);
}

static void put_metadata(yti_json_writer *w, const char *const *keys, const char *const *values, size_t count,
                         const char *hash) {
    yti_json_object(w, "__metadata__");
    for (size_t i = 0; i < count; i++)
        if (!(hash[0] && strcmp(keys[i], YTI_ST_HASH) == 0)) /* of another file */
            yti_json_text(w, keys[i], values[i]);
    if (hash[0]) yti_json_text(w, YTI_ST_HASH, hash);
    yti_json_end(w);
}

/* Entries by descending element size, otherwise as given: their order in the file. */
static void order_by_width(const yti_st_entry *entries, size_t count, const yti_st_entry **order) {
    size_t placed = 0;
    for (size_t width = 8; width > 0; width /= 2)
        for (size_t i = 0; i < count; i++)
            if (yti_st_types[entries[i].type].bytes == width) order[placed++] = &entries[i];
}

/* The header as text; NULL without memory. */
static char *make_header(const yti_st_entry *const *order, size_t n_entries, const char *const *keys,
                         const char *const *values, size_t n_metadata, const char *hash) {
    yti_json_writer w = {0};
    yti_json_object(&w, NULL);
    if (n_metadata > 0) put_metadata(&w, keys, values, n_metadata, hash);
    size_t begin = 0;
    for (size_t i = 0; i < n_entries; i++) {
        put_tensor(&w, order[i], begin);
        begin += order[i]->bytes;
    }
    return yti_json_finish(&w, YTI_JSON_ON_ONE_LINE);
}

static bool is_utf8(const char *text) {
    return yti_text_is_utf8(text, strlen(text));
}

/* JSON is UTF-8 text, and readers of the format hold to that. */
static yt_status check_texts(const char *path, const yti_st_entry *entries, size_t n_entries, const char *const *keys,
                             const char *const *values, size_t n_metadata, yt_err *err) {
    for (size_t i = 0; i < n_entries; i++)
        if (!is_utf8(entries[i].name))
            return yt_fail(err, YT_ERR_ARGUMENT, "%s: is not written: the name of tensor %.200s is not UTF-8 text",
                           path, entries[i].name);
    for (size_t i = 0; i < n_metadata; i++)
        if (!is_utf8(keys[i]) || !is_utf8(values[i]))
            return yt_fail(err, YT_ERR_ARGUMENT, "%s: is not written: its metadata entry %.200s is not UTF-8 text",
                           path, keys[i]);
    return YT_OK;
}

/* Room for the largest entry that is converted. */
static void *make_room(const yti_st_entry *entries, size_t count) {
    size_t most = 1;
    for (size_t i = 0; i < count; i++)
        if (entries[i].convert && entries[i].bytes > most) most = entries[i].bytes;
    return malloc(most);
}

/* The bytes of an entry as they stand in the file. */
static const void *bytes_of(const yti_st_entry *entry, void *room) {
    if (!entry->convert || entry->bytes == 0) return entry->data;
    entry->convert(entry->context, entry->data, room);
    return room;
}

static void write_entry(FILE *stream, const yti_st_entry *entry, void *room) {
    if (entry->bytes) fwrite(bytes_of(entry, room), 1, entry->bytes, stream);
}

/* "" where the file is not one of ours. */
static void make_hash(const yti_st_entry *entries, size_t n_entries, const char *const *keys, size_t n_metadata,
                      void *room, char hash[YTI_ST_HASH_ROOM]) {
    uint64_t sum = 0;
    size_t k = 0;
    hash[0] = '\0';
    while (k < n_metadata && strcmp(keys[k], YTI_ST_OWN) != 0) k++;
    if (k == n_metadata) return;
    for (size_t i = 0; i < n_entries; i++)
        sum += yti_st_hash(entries[i].name, bytes_of(&entries[i], room), entries[i].bytes);
    snprintf(hash, YTI_ST_HASH_ROOM, "%016llx", (unsigned long long)sum);
}

/* Short writes stay visible in the stream's error flag, which the commit checks. */
static void write_file(FILE *stream, const char *header, const yti_st_entry *const *order, size_t n_entries,
                       void *room) {
    size_t length = strlen(header), padding = (8 - length % 8) % 8;
    uint64_t total = length + padding;
    fwrite(&total, sizeof total, 1, stream);
    fwrite(header, 1, length, stream);
    fwrite("        ", 1, padding, stream);
    for (size_t i = 0; i < n_entries; i++) write_entry(stream, order[i], room);
}

yt_status yti_st_save(const char *path, const yti_st_entry *entries, size_t n_entries, const char *const *metadata_keys,
                      const char *const *metadata_values, size_t n_metadata, yt_err *err) {
    YT_TRY(yti_st_check_names(path, entries, n_entries, err));
    YT_TRY(check_texts(path, entries, n_entries, metadata_keys, metadata_values, n_metadata, err));
    const yti_st_entry **order = malloc((n_entries + 1) * sizeof *order);
    void *room = make_room(entries, n_entries);
    char *header = NULL;
    if (order && room) {
        char hash[YTI_ST_HASH_ROOM];
        order_by_width(entries, n_entries, order);
        make_hash(entries, n_entries, metadata_keys, n_metadata, room, hash);
        header = make_header(order, n_entries, metadata_keys, metadata_values, n_metadata, hash);
    }
    yti_file_writer writer;
    yt_status status = header ? yti_file_writer_open(path, &writer, err)
                              : yt_fail(err, YT_ERR_NO_MEMORY, "%s: no memory to write it", path);
    if (status == YT_OK) {
        write_file(writer.stream, header, order, n_entries, room);
        status = yti_file_writer_commit(&writer, err);
    }
    free(header);
    free(room);
    free(order);
    return status;
}
