/* weights_network.h: which network a file of weights belongs to. Internal to the library. */
#ifndef YT_WEIGHTS_NETWORK_H
#define YT_WEIGHTS_NETWORK_H

#include "weights/weights_file.h"

/* yti_model_load, which a file of weights is no model YAML for: says where it is to be named instead. */
yt_status yti_load_model_yaml(const char *path, const yti_model_options *options, yti_model **out, yt_err *err);

/* What a file says about its network and what its tensors give away: name, YAML text (both lent; *yaml NULL: the
 * file does not say) and build options. options->search_dirs stays. */
yt_status yti_network_describe(const yti_st_file *file, const char *path, const char **name, const char **yaml,
                               yti_model_options *options, yt_err *err);

/* The network a file describes; else that of model_path with the file's options; else, of the YAMLs in the search
 * folders, the one that has exactly these tensors. Weights are not read. */
yt_status yti_network_build(const yti_st_file *file, const char *path, const char *model_path,
                            const char *const *search_dirs, yti_model **out, yt_err *err);

/* Whether the convolutions of a file have swallowed their normalisation: the form of inference. */
yt_status yti_network_is_folded(const yti_st_file *file, const char *path, bool *folded, yt_err *err);

#endif
