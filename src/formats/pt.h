/* pt.h: Ultralytics' .pt checkpoints (spec architecture 8): a ZIP archive that holds a pickled network and the raw
 * bytes of its tensors.
 *
 * A pickle is a program for a stack machine. This reader runs it with a machine that can only build tensors,
 * containers, numbers, texts and opaque records: nothing in a file can make it execute anything, and what it allocates
 * is bounded by the size of the file.
 *
 *     yti_pt_file file;
 *     YT_TRY(yti_pt_open("yolo26n.pt", &file, err));
 *     for (size_t i = 0; i < file.n_tensors; i++) puts(file.tensors[i].name);
 *     yti_pt_free(&file);
 */
#ifndef YT_PT_H
#define YT_PT_H

#include "formats/safetensors.h"

/* What a checkpoint says, the moving average preferred to the live weights. Owns everything. */
typedef struct yti_pt_file {
    size_t n_tensors;
    yti_st_entry *tensors; /* the network's state under Ultralytics' names, in its order; values in memory */
    char *yaml;            /* the model YAML as text; NULL: the file holds a plain map of tensors only */
    char *model_name;      /* what that YAML was called, without its folder; NULL: not said */
    char scale;            /* its letter; 0: not said */
    int n_classes;         /* 0: not said */
    size_t n_names;        /* 0: not said */
    char **names;          /* of the classes */
    int imgsz;             /* trained at; 0: not said */
    char *license;         /* of the weights; NULL: not said */
    int sppf_activation;   /* cv1 of SPPF has an activation: 1, 0, -1 where there is no SPPF */
    void *storage;
} yti_pt_file;

/* Whether a file begins like a .pt file, today's or that of before 1.6 (which yti_pt_open refuses by name). False
 * too where it cannot be read. */
bool yti_pt_probe(const char *path);

/* Errors name the file, the member and, in a pickle, the byte. On failure *out is empty. */
yt_status yti_pt_open(const char *path, yti_pt_file *out, yt_err *err);

/* The same from memory, which is not needed afterwards; `name` as messages shall call it. */
yt_status yti_pt_parse(const void *data, size_t size, const char *name, yti_pt_file *out, yt_err *err);
void yti_pt_free(yti_pt_file *file);

#endif
