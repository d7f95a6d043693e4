/* weights_file.h: weights on disk, whatever the format. Internal to the library. */
#ifndef YT_WEIGHTS_FILE_H
#define YT_WEIGHTS_FILE_H

#include "formats/onnx_weights.h"
#include "weights/weights_metadata.h"

/* Tensors and metadata as in a safetensors file; those of .pt and ONNX files are translated to that. */
typedef struct yti_weights_file {
    yti_st_file file;
    yti_pt_file pt;        /* owns the tensors of a .pt file */
    yti_metadata metadata; /* and its description */
    yti_onnx_weights onnx; /* owns those of an ONNX file */
    char *names;           /* of tensors whose names were wrapped in others; NULL: none were */
} yti_weights_file;

/* The format is recognised by the content. */
yt_status yti_weights_load(const char *path, yti_weights_file *out, yt_err *err);
void yti_weights_free(yti_weights_file *weights);

/* "ema." for a checkpoint, which holds the live weights and their moving average: detections come from the latter;
 * else "". */
const char *yti_weights_prefix(const yti_st_file *file);

/* The tensor prefix + name; NULL: absent. */
const yti_st_entry *yti_weights_find(const yti_st_file *file, const char *prefix, const char *name);

/* Where a tensor of the model lies in a state. */
float *yti_weights_values(const yti_param_info *info, const yti_state *state);

/* Why a tensor of a file (NULL: absent) cannot be one of the model; false and "" when it can. */
bool yti_weights_differ(const yti_st_entry *entry, const yti_param_info *info, char *why, size_t room);

/* Appends an entry as it is, with a name of its own; its data stay lent. */
yt_status yti_entries_lend(yti_entry_list *list, const yti_st_entry *lent, yt_err *err);

/* Gives a model the licence that a file names for the weights that were taken from it. */
yt_status yti_weights_pass_license(const yti_st_file *file, yti_model *model, yt_err *err);

/* Copies a tensor that fits. */
yt_status yti_weights_copy(const yti_st_entry *entry, const yti_param_info *info, float *memory, yt_err *err);

#endif
