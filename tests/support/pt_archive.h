/* pt_archive.h: made .pt files: a pickle written opcode by opcode, and an archive around it. */
#ifndef YT_TEST_PT_ARCHIVE_H
#define YT_TEST_PT_ARCHIVE_H

#include <stddef.h>
#include <stdint.h>

/* ---- the pickle: one at a time, growing at its end ---- */

void pickle_begin(void); /* empty, with its protocol */
void pickle_bytes(const void *bytes, size_t count);
void pickle_op(int code);
void pickle_text(const char *text);
void pickle_int(int64_t number);
void pickle_global(const char *module, const char *name);
void pickle_storage(const char *type, const char *key, int64_t count);
void pickle_sizes(int count, const int64_t *sizes);
void pickle_tensor(const char *type, const char *key, int64_t count, int64_t offset, int n_dims, const int64_t *dims,
                   const int64_t *strides);
/* { and pairs of key and value until map_end. */
void pickle_map_begin(void);
void pickle_map_end(void);
/* An object of a class; pairs of its state until object_end. */
void pickle_object_begin(const char *module, const char *class);
void pickle_object_end(void);

/* A whole checkpoint: a detector under `key` and nothing under the other one of ema and model. Its tensors are
 * model.0.weight, 2 x 3 over storage 0, and model.0.num_batches_tracked over storage 1; model.1 is an SPPF whose
 * cv1.act has the class `activation`. */
void pickle_checkpoint(const char *key, const char *activation);

/* A whole plain map with one tensor "w" over storage 0. */
void pickle_plain(const char *type, int64_t count, int64_t offset, int n_dims, const int64_t *dims,
                  const int64_t *strides);

/* ---- the archive: one at a time ---- */

/* Storages 0 and 1. */
extern const float archive_weights[6];
extern const int64_t archive_steps;

enum { ARCHIVE_ROOM = 1 << 16 };
typedef struct archive {
    unsigned char bytes[ARCHIVE_ROOM];
    size_t size;
} archive;

void archive_begin(void);
void archive_add(const char *name, const void *bytes, size_t count); /* the bytes are copied */
void archive_add_compressed(const char *name, const void *bytes, size_t count);
void archive_add_pickle(void); /* "net/data.pkl" */
void archive_end(archive *out);

/* All of it: the pickle and both storages. */
void archive_checkpoint(archive *out);

#endif
