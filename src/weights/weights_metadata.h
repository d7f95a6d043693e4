/* weights_metadata.h: what a weights file says about itself. Internal to the library. */
#ifndef YT_WEIGHTS_METADATA_H
#define YT_WEIGHTS_METADATA_H

#include "base/json.h"
#include "formats/pt.h"
#include "weights/weights.h"

/* Says which file an error is about, in front of what was said; passes the status on. */
yt_status yti_name_file(yt_status status, const char *path, yt_err *err);

/* Pairs of texts, owned. */
typedef struct yti_metadata {
    char **keys, **values;
    size_t count, capacity;
} yti_metadata;

yt_status yti_metadata_add(yti_metadata *metadata, const char *key, const char *value, yt_err *err);

/* Adds what was written as JSON, on one line, and empties the writer, also on failure. */
yt_status yti_metadata_add_json(yti_metadata *metadata, const char *key, yti_json_writer *json, yt_err *err);
void yti_metadata_free(yti_metadata *metadata);

/* Adds format version, model YAML, build options, class names and image size. */
yt_status yti_metadata_describe(yti_metadata *metadata, const yti_model *model, const yti_class_names *names, int imgsz,
                                yt_err *err);

/* Format version, model YAML and build options alone: for files that say the rest in words of others. */
yt_status yti_metadata_describe_network(yti_metadata *metadata, const yti_model *model, yt_err *err);

/* The same from what a .pt file says about its network; nothing where it holds tensors only. */
yt_status yti_metadata_describe_pt(yti_metadata *metadata, const yti_pt_file *pt, const char *path, yt_err *err);

/* The licence that a file names for the weights in it, lent; NULL: it names none. */
const char *yti_metadata_license(const yti_st_file *file);

/* Whether a key is one of those that describe a model. */
bool yti_metadata_is_description(const char *key);

/* Name, YAML text and build options of the model a file describes, lent by it; *yaml NULL: it says nothing.
 * options->search_dirs stays. */
yt_status yti_metadata_model(const yti_st_file *file, const char *path, const char **name, const char **yaml,
                             yti_model_options *options, yt_err *err);

/* The class names of a file; count 0 where it has none. */
yt_status yti_metadata_own_names(const yti_st_file *file, const char *path, yti_class_names *out, yt_err *err);

/* The class names, or class_0, class_1, ... where the file has none. */
yt_status yti_metadata_names(const yti_st_file *file, const char *path, int n_classes, yti_class_names *out,
                             yt_err *err);

/* The image size, or 640. */
int yti_metadata_imgsz(const yti_st_file *file);

#endif
