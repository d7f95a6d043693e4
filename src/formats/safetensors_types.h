/* safetensors_types.h: what reading and writing of safetensors files share. Internal to src/formats. */
#ifndef YT_SAFETENSORS_TYPES_H
#define YT_SAFETENSORS_TYPES_H

#include "formats/safetensors.h"

typedef struct yti_st_type_row {
    const char *name; /* "F32", as in the header */
    size_t bytes;     /* of one element */
} yti_st_type_row;

/* Indexed by yti_st_type. */
extern const yti_st_type_row yti_st_types[];

/* SYNTAX where two entries have the same name. */
yt_status yti_st_check_names(const char *path, const yti_st_entry *entries, size_t count, yt_err *err);

/* The metadata entry by which a file of ours is known to be whole: the sum of yti_st_hash over its tensors, in
 * whatever order they stand there. Only files with the entry YTI_ST_OWN get one. */
#define YTI_ST_OWN  "yt_format"
#define YTI_ST_HASH "yt_hash"
enum { YTI_ST_HASH_ROOM = 17 };

/* Of a tensor's name and bytes. */
uint64_t yti_st_hash(const char *name, const void *data, size_t bytes);

/* For qsort over an array of names. */
int yti_st_compare_names(const void *a, const void *b);

#endif
