/* pt_tensors.h: from a pickled description of a tensor to its values. Internal to src/formats. */
#ifndef YT_PT_TENSORS_H
#define YT_PT_TENSORS_H

#include "formats/pt_values.h"
#include "formats/pt_zip.h"

/* Reads storages once each, into the arena. */
typedef struct yti_pt_tensors {
    const yti_pt_zip *zip;
    const char *name; /* of the file, for messages */
    yti_arena *arena;
    void **storages; /* by member; NULL: not read yet */
    uint64_t spare;  /* bytes that copies of tensors which do not lie in one piece may still take */
} yti_pt_tensors;

yt_status yti_pt_tensors_init(const yti_pt_zip *zip, const char *name, yti_arena *arena, yti_pt_tensors *out,
                              yt_err *err);
void yti_pt_tensors_deinit(yti_pt_tensors *tensors);

/* Fills all of an entry but its name, which is there and is for messages. */
yt_status yti_pt_tensors_read(yti_pt_tensors *tensors, const yti_pt_tensor *tensor, yti_st_entry *entry, yt_err *err);

#endif
