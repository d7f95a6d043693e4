/* advanced.h: for researchers and makers of tools: COCO's evaluation of boxes of your own, maps and gradients along a
 * training, the layers of a network, conversion of weights.
 *
 * MAY CHANGE WITH EVERY RELEASE: yolotrain.h does not include it, and no version number speaks for it. Its functions
 * are tested like all others.
 *
 * Threads: an object belongs to one thread at a time.
 */
#ifndef YOLOTRAIN_ADVANCED_H
#define YOLOTRAIN_ADVANCED_H

#include "yolotrain/detection.h"
#include "yolotrain/status.h"
#include "yolotrain/train.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- COCO's evaluation ---- */

/* Boxes of any detector judged as pycocotools does, to the same digits: in double, in pixels of the original images. */
typedef struct yt_coco yt_coco;

typedef struct yt_coco_box {
    double x, y, w, h; /* left upper corner, width and height */
    double area;       /* of a ground-truth object; below 0: w * h. Not read of a found box */
    double score;      /* of a found box */
    int class_id;
    int crowd; /* 1: a ground-truth box is a region of many objects */
} yt_coco_box;

/* Released with yt_coco_destroy. ARGUMENT: fewer than one class; NO_MEMORY. */
YT_API yt_status yt_coco_create(int n_classes, yt_coco **out, yt_err *err);
YT_API void yt_coco_destroy(yt_coco *coco); /* NULL is fine */

/* Adds an image: what was found, by descending score, and what there is, in the order of the file. image: its place
 * when images are sorted by id, which decides between equal scores; each once. The boxes are borrowed for the call.
 * ARGUMENT: a class that there is not; NO_MEMORY. */
YT_API yt_status yt_coco_add(yt_coco *coco, int64_t image, const yt_coco_box *found, size_t n_found,
                             const yt_coco_box *truth, size_t n_truth, yt_err *err);

/* The twelve numbers, in the order of yt_validation_coco. NO_MEMORY. */
YT_API yt_status yt_coco_compute(yt_coco *coco, double numbers[12], yt_err *err);

/* ---- maps and gradients along a training ---- */

/* The output of a layer for a batch, or the gradient of the loss by it: value (i, y, x, channel) is
 * data[((i * h + y) * w + x) * stride + channel]. Lent for the call. */
typedef struct yt_map {
    const char *layer; /* by the path of its parameters: "model.2.cv1.conv"; what has none is called by its operation */
    int is_gradient;
    int64_t step; /* batches of the run done before this one */
    const float *data;
    int n, h, w, c;
    ptrdiff_t stride;
} yt_map;

/* Shows the maps of every batch whose step is a multiple of `every`: all outputs in the order they are computed, then
 * all gradients, backwards. A batch that is shown takes longer; the weights that come out are the same to the last bit.
 * Before yt_training_run; fn NULL: nothing. every below 1 is 1. */
typedef void (*yt_train_map_fn)(void *context, const yt_map *map);
YT_API void yt_training_on_map(yt_training *training, int every, yt_train_map_fn fn, void *context);

/* ---- networks and weights ---- */

/* The layers of a network, one per row of its YAML. */
typedef struct yt_layers yt_layers;

typedef struct yt_layer {
    const char *module; /* "C3k2" */
    const char *from;   /* rows that it reads: "-1", "[-1, 6]" */
    int h, w, c;        /* of its output; 0 of the head */
    size_t parameters;
    double gflops; /* multiplications and additions, in 10^9 */
} yt_layer;

/* The network that a model YAML describes ("yolo26n.yaml": the letter selects the scale), for images of imgsz x imgsz
 * pixels. n_classes 0: as many as the YAML says. Released with yt_layers_destroy. IO, SYNTAX, MODEL, ARGUMENT,
 * NO_MEMORY. */
YT_API yt_status yt_layers_create(const char *model, int n_classes, int imgsz, yt_layers **out, yt_err *err);
YT_API void yt_layers_destroy(yt_layers *layers); /* NULL is fine */

/* Layer `index`, from 0; NULL: there are no more. Lent until the layers are destroyed. */
YT_API const yt_layer *yt_layers_at(const yt_layers *layers, size_t index);

/* Writes the weights of a file (a checkpoint, a .pt of Ultralytics) as a safetensors file of weights alone, the moving
 * average preferred; half 1: all floats in 16 bits. Atomically. Thread-safe. IO, SYNTAX, NO_MEMORY; NON_FINITE: half of
 * an infinity. */
YT_API yt_status yt_weights_convert(const char *from, const char *to, int half, yt_err *err);

/* Writes the network of a file of weights as an ONNX file that other programs run. settings: pairs of texts, the name
 * of an option of `yoloexport --help` and its value, after the last a NULL; settings NULL: the defaults.
 *
 *     const char *settings[] = {"imgsz", "480x640", "head", "o2o", NULL};
 *     yt_network_export("best.safetensors", "best.onnx", settings, &err);
 *
 * Atomically. Thread-safe. ARGUMENT: no option is called so, a value is none of it, or they do not fit the network;
 * MODEL: it has an operation that ONNX has not; IO, SYNTAX, NON_FINITE, NO_MEMORY. */
YT_API yt_status yt_network_export(const char *from, const char *to, const char *const *settings, yt_err *err);

#ifdef __cplusplus
}
#endif

#endif
