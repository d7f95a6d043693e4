/* build_model.h: which network a run trains. Internal to src/train. */
#ifndef YT_BUILD_MODEL_H
#define YT_BUILD_MODEL_H

#include "model/model.h"
#include "train/settings/config.h"

/* The network of a run, not yet initialised: of config->model, or where that is nobody's choice the one that
 * config->weights describes, whose name and build options then enter the settings. n_classes 0: as described. */
yt_status yti_train_build_model(yti_train_config *config, int n_classes, const char *const *search_dirs,
                                yti_model **out, yt_err *err);

#endif
