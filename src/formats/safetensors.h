/* safetensors.h: named, shaped arrays in one file (the safetensors format: u64 header length, JSON header, bytes).
 * Knows neither models nor optimizers. Reads and writes every type of yti_st_type.
 */
#ifndef YT_SAFETENSORS_H
#define YT_SAFETENSORS_H

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

enum { YT_ST_MAX_DIMS = 8 };

typedef enum yti_st_type {
    YT_ST_F32,
    YT_ST_F16,
    YT_ST_BF16,
    YT_ST_F64,
    YT_ST_I64,
    YT_ST_I32,
    YT_ST_I16,
    YT_ST_I8,
    YT_ST_U8,
    YT_ST_BOOL
} yti_st_type;

typedef struct yti_st_entry {
    char *name;
    yti_st_type type;
    int n_dims;
    int64_t dims[YT_ST_MAX_DIMS];
    size_t count;     /* product of dims (1 for a scalar) */
    const void *data; /* reading: into the file's memory, unaligned; writing: lent by the caller */
    size_t bytes;
    /* Writing: makes the bytes of the file from data when their turn comes. NULL: data are these bytes. */
    void (*convert)(const void *context, const void *data, void *out);
    const void *context;
} yti_st_entry;

/* A file read into memory; owns everything its entries point to. */
typedef struct yti_st_file {
    size_t n_entries;
    yti_st_entry *entries; /* in file order */
    size_t n_metadata;
    char **metadata_keys, **metadata_values;
    void *storage;
} yti_st_file;

/* Whether a file begins like a safetensors file: a length the format allows and the brace of a JSON object. False
 * too where it cannot be read. */
bool yti_st_probe(const char *path);

/* Checks everything (header length, JSON, types, shapes against sizes, overlaps, gaps at the end) before it returns;
 * of files of ours also that the tensors are those that were written. Tensors of types that are not in yti_st_type
 * are left out. */
yt_status yti_st_load(const char *path, yti_st_file *out, yt_err *err);
void yti_st_free(yti_st_file *file);

/* Gives the memory of a tensor of a file that was loaded back to the system, whole pages of it: its data are gone. For
 * whoever copies large files tensor by tensor. */
void yti_st_release(const yti_st_entry *entry);
const yti_st_entry *yti_st_find(const yti_st_file *file, const char *name); /* NULL: absent */
const char *yti_st_metadata(const yti_st_file *file, const char *key);      /* NULL: absent */

bool yti_st_is_float(yti_st_type type);

/* Converts an entry's values; false where the type does not fit (floats from any float type, ints from I64, I32). */
bool yti_st_to_float(const yti_st_entry *entry, float *out);
bool yti_st_to_int64(const yti_st_entry *entry, int64_t *out);

/* Writes a float entry's values as F16, rounded to nearest (src/base/half.h); false: no float type. */
bool yti_st_to_half(const yti_st_entry *entry, uint16_t *out);

/* Writes entries (lent) and metadata pairs, all texts UTF-8, atomically: temporary name, sync, rename. Metadata with
 * the key yt_format get the entry yt_hash, by which yti_st_load knows that the tensors are whole. */
yt_status yti_st_save(const char *path, const yti_st_entry *entries, size_t n_entries, const char *const *metadata_keys,
                      const char *const *metadata_values, size_t n_metadata, yt_err *err);

#endif
