/* weights.h: a model's state in a file, under Ultralytics' tensor names and in its order of axes.
 *
 * Written are safetensors files. A weights file describes itself: its metadata holds the model YAML, the build options,
 * the class names and the image size it was trained at, so inference needs nothing else. A training checkpoint has more
 * tensors ("ema.*", "optim.*") and reads as a weights file too; its moving average is preferred. Ultralytics .pt files
 * say the same things and are read wherever a weights file is.
 */
#ifndef YT_WEIGHTS_H
#define YT_WEIGHTS_H

#include "base/half.h"
#include "formats/safetensors.h"
#include "model/model.h"

typedef struct yti_class_names {
    int count;
    char **names; /* owned */
} yti_class_names;
void yti_class_names_free(yti_class_names *names);

/* The result of a transfer by name and shape. */
typedef struct yti_transfer_report {
    int total, matched; /* tensors of the model; those taken whole */
    int partial;        /* those taken in part: rows by class name, or the overlap of the first convolution */
    int classes;        /* the model's classes found in the file by name; 0: names were not needed */
    bool folded;  /* normalisations were folded into convolutions: weights_unfold.h, train/parts/norm_statistics.h */
    int measured; /* images on which their statistics were measured since */
    unsigned char missed_rows[256]; /* a bit per row of the YAML: not all of its tensors were taken whole */
    char missed[256];               /* what was not taken, in groups: "model.23.cv3 (27), ..."; "" if nothing */
    char first_miss[256];           /* name and reason of the first of these */
} yti_transfer_report;

/* Appends the model's tensors (prefix + name) to a list of entries for yti_st_save. Parameters are lent to the list,
 * together with the model, until they are written; statistics are copied. num_batches_tracked entries (I64) carry
 * `steps`. */
typedef struct yti_entry_list {
    yti_st_entry *entries;
    size_t count, capacity;
} yti_entry_list;
yt_status yti_entries_add_state(yti_entry_list *list, const char *prefix, const yti_model *model,
                                const yti_state *state, int64_t steps, yt_err *err);
/* The same for a block laid out like the parameters (moments of an optimizer), without buffers. */
yt_status yti_entries_add_params(yti_entry_list *list, const char *prefix, const yti_model *model, const float *block,
                                 yt_err *err);
void yti_entries_free(yti_entry_list *list);

/* Builds the model that a weights file describes and loads its values into model->state (exactly: a missing or
 * misshapen tensor is an error). model_path, when not NULL, is the model YAML to use instead of the file's own
 * (files without metadata); without either the network is looked for in search_dirs. A value that is not finite is
 * an error. names falls back to class_0, class_1, ...; *imgsz to 640. */
yt_status yti_weights_open(const char *path, const char *model_path, const char *const *search_dirs, yti_model **model,
                           yti_class_names *names, int *imgsz, yt_err *err);

/* Whether a tensor of a row was not taken whole. */
static inline bool yti_transfer_missed(const yti_transfer_report *report, int row) {
    return row / 8 < (int)sizeof report->missed_rows && (report->missed_rows[row / 8] >> row % 8 & 1);
}

/* Fine-tuning: copies into model->state every tensor that exists in both with equal shape, and what overlaps of the
 * first convolution where only its channels differ. With `names`, the model's classes, the last class layers go by
 * name instead where the file has the same classes in another order or number (spec architecture 8.6); NULL: by
 * place. What is not copied stays as it is. */
yt_status yti_weights_transfer(const char *path, yti_model *model, const yti_class_names *names,
                               yti_transfer_report *report, yt_err *err);

/* The result of a conversion. */
typedef struct yti_conversion {
    size_t n_tensors;
    yti_half_loss loss;
    size_t n_bad;           /* tensors with a NaN or an infinity, which the file had already */
    char first_bad[128];    /* the first of them */
    char base_license[513]; /* that the file names; "": none */
} yti_conversion;

/* Rewrites a weights file, a checkpoint or a .pt file as a safetensors file of weights alone, the moving average
 * preferred, as they are or, with `half`, all floats as F16, where an infinity is an error. `report` may be NULL. */
yt_status yti_weights_convert(const char *path, const char *target, bool half, yti_conversion *report, yt_err *err);

/* Copies the tensors prefix + name of an open file into a state; exact. */
yt_status yti_weights_read(const yti_st_file *file, const char *prefix, const yti_model *model, const yti_state *state,
                           yt_err *err);

/* The same for a block laid out like the parameters. */
yt_status yti_weights_read_params(const yti_st_file *file, const char *prefix, const yti_model *model, float *block,
                                  yt_err *err);

#endif
