/* weights_head.h: what tensors say about the head they belong to. Internal to the library. */
#ifndef YT_WEIGHTS_HEAD_H
#define YT_WEIGHTS_HEAD_H

#include "formats/safetensors.h"
#include "model/model.h"

/* The tensors of a head: its row, and what their shapes give away. */
typedef struct yti_head_facts {
    int row;       /* -1: there is no head among them */
    int n_levels;  /* one more than the highest number of a level */
    int n_classes; /* 0: not known */
    int inputs[YT_MAX_LEVELS];
    yti_head_widths widths;
} yti_head_facts;

/* From the tensors prefix + name of a file. */
yti_head_facts yti_head_of_file(const yti_st_file *file, const char *prefix);

/* From a network that was built. */
yti_head_facts yti_head_of_model(const yti_model *model);

/* Whether two heads are the same but for their classes and hidden layers: one row, one list of inputs. */
bool yti_same_head(const yti_head_facts *a, const yti_head_facts *b);

#endif
