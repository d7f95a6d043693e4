/* yaml_file.h: which file and which scale a model name means. */
#ifndef YT_MODEL_YAML_FILE_H
#define YT_MODEL_YAML_FILE_H

#include "yt/model.h"

/* The scale letter to build: the option, else that in the model's name; 0: none. */
char yti_scale_letter(const yt_model *model);

#endif
