/* safetensors_types.h: what reading and writing of safetensors files share. Internal to src/ckpt. */
#ifndef YT_SAFETENSORS_TYPES_H
#define YT_SAFETENSORS_TYPES_H

#include "yt/safetensors.h"

typedef struct yt_st_type_row {
    const char *name; /* "F32", as in the header */
    size_t bytes;     /* of one element */
} yt_st_type_row;

/* Indexed by yt_st_type. */
extern const yt_st_type_row yt_st_types[];

/* SYNTAX where two entries have the same name. */
yt_status yt_st_check_names(const char *path, const yt_st_entry *entries, size_t count, yt_err *err);

/* For qsort over an array of names. */
int yt_st_compare_names(const void *a, const void *b);

#endif
