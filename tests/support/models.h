/* models.h: networks of models/ for tests. */
#ifndef YT_TEST_MODELS_H
#define YT_TEST_MODELS_H

#include "model/model.h"
#include "weights/weights.h"

/* "yolo26n" or "yolo26n.yaml", looked for in the repository's models/. Asserts that it builds; the caller destroys it.
 */
yti_model *test_model_load(const char *name, yti_model_options options);

/* The tensor of a name; NULL: there is none. */
const yti_param_info *test_model_find(const yti_model *model, const char *name);

/* Writes a state as a weights file that `steps` steps of training made, at that image size. */
yt_status test_weights_save(const char *path, const yti_model *model, const yti_state *state, int64_t steps,
                            const yti_class_names *names, int imgsz, yt_err *err);

#endif
