/* build_model.h: which network a run trains, and from which weights it begins. Internal to src/train. */
#ifndef YT_BUILD_MODEL_H
#define YT_BUILD_MODEL_H

#include "model/model.h"
#include "train/settings/config.h"
#include "weights/weights.h"

/* The network of a run, not yet initialised: of config->model, or where that is nobody's choice the one that
 * config->weights describes, whose name and build options then enter the settings. n_classes 0: as described. */
yt_status yti_train_build_model(yti_train_config *config, int n_classes, const char *const *search_dirs,
                                yti_model **out, yt_err *err);

/* The weights of the run's seed into model->state, and those of config->weights over them where there are any, which
 * are then reported in *transfer. names: the classes of the data. MISMATCH where none of its tensors fits. */
yt_status yti_initial_weights(const yti_train_config *config, const yti_class_names *names, yti_model *model,
                              yti_transfer_report *transfer, yt_err *err);

#endif
