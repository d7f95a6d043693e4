/* weights.h: a model's state in a safetensors file, under the family's tensor names and in its order of axes.
 *
 * A weights file describes itself: its metadata holds the model YAML, the build options, the class names and
 * the image size it was trained at, so inference needs nothing else. A training checkpoint has more tensors
 * ("ema.*", "optim.*") and reads as a weights file too; its moving average is preferred.
 */
#ifndef YT_WEIGHTS_H
#define YT_WEIGHTS_H

#include "yt/model.h"
#include "yt/safetensors.h"

typedef struct yt_class_names {
    int count;
    char **names; /* owned */
} yt_class_names;
void yt_class_names_free(yt_class_names *names);

/* What a transfer by name and shape came to. */
typedef struct yt_transfer_report {
    int matched, total;   /* tensors of the model */
    char first_miss[256]; /* name and reason of the first that did not match, "" if all did */
} yt_transfer_report;

/* Appends the model's tensors (prefix + name) to a list of entries for yt_st_save. The values are converted
 * copies owned by the list. num_batches_tracked entries (I64) carry `steps`. */
typedef struct yt_entry_list {
    yt_st_entry *entries;
    size_t count, capacity;
} yt_entry_list;
yt_status yt_entries_add_state(yt_entry_list *list, const char *prefix, const yt_model *model,
                               const yt_state *state, int64_t steps, yt_err *err);
/* The same for a block laid out like the parameters (moments of an optimiser), without buffers. */
yt_status yt_entries_add_params(yt_entry_list *list, const char *prefix, const yt_model *model,
                                const float *block, yt_err *err);
yt_status yt_entries_add_floats(yt_entry_list *list, const char *name, const float *values, size_t count,
                                yt_err *err);
void yt_entries_free(yt_entry_list *list);

/* Writes weights alone: state as F32 tensors, self-describing metadata, plus pairs of the caller's. */
yt_status yt_weights_save(const char *path, const yt_model *model, const yt_state *state, int64_t steps,
                          const yt_class_names *names, int imgsz, const char *const *extra_keys,
                          const char *const *extra_values, size_t n_extra, yt_err *err);

/* Builds the model that a weights file describes and loads its values into model->state (exactly: a missing
 * or misshapen tensor is an error). model_path, when not NULL, is the model YAML to use instead of the file's
 * own (files without metadata). names falls back to class_0, class_1, ...; *imgsz to 640. */
yt_status yt_weights_open(const char *path, const char *model_path, const char *const *search_dirs,
                          yt_model **model, yt_class_names *names, int *imgsz, yt_err *err);

/* Copies every tensor that exists in both with equal shape into model->state (fine-tuning). */
yt_status yt_weights_transfer(const char *path, yt_model *model, yt_transfer_report *report, yt_err *err);

/* Copies the tensors prefix + name of an open file into a state; exact. */
yt_status yt_weights_read(const yt_st_file *file, const char *prefix, const yt_model *model,
                          const yt_state *state, yt_err *err);

/* The same for a block laid out like the parameters. */
yt_status yt_weights_read_params(const yt_st_file *file, const char *prefix, const yt_model *model,
                                 float *block, yt_err *err);

#endif
