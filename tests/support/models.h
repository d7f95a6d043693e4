/* models.h: networks of models/ for tests. */
#ifndef YT_TEST_MODELS_H
#define YT_TEST_MODELS_H

#include "model/model.h"

/* "yolo26n" or "yolo26n.yaml", looked for in the repository's models/. Asserts that it builds; the caller destroys it.
 */
yti_model *test_model_load(const char *name, yti_model_options options);

/* The tensor of a name; NULL: there is none. */
const yti_param_info *test_model_find(const yti_model *model, const char *name);

#endif
