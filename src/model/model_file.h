/* model_file.h: which file and which scale a model name means. */
#ifndef YT_MODEL_YAML_FILE_H
#define YT_MODEL_YAML_FILE_H

#include <stddef.h>

/* The scale letter after the number in a model's name ("yolo26n.yaml": n); 0: none. */
char yti_scale_letter(const char *path);

/* malloc'd path of the file that a model name means, in the working folder or a search folder; NULL: there is none.
 * *scale: the letter by which the name means a scale of it; 0: none. */
char *yti_find_model_file(const char *path, const char *const *search_dirs, char *scale);

/* The models in the search folders whose names begin with "yolo", as "yolo11, yolo12, ..."; "" where there are none. */
void yti_list_models(const char *const *search_dirs, char *text, size_t room);

#endif
