/* detector.h: objects in images: open trained weights, run them on pixels, close.
 *
 *     status = yt_detector_open(argv[1], NULL, &detector, &err);
 *     if (status == YT_OK) status = yt_image_load(argv[2], &image, &err);
 *     pixels = yt_image_pixels(&image);
 *     if (status == YT_OK) status = yt_detector_run(detector, &pixels, found, CAPACITY, &n_found, &err);
 *
 * (examples/detect.c; with options examples/detect.cpp, with threads examples/detect_threads.c.)
 *
 * Threads: a yt_detector belongs to one thread at a time. Any number of threads may each run a detector of their own
 * over the same weights: yt_detector_share makes one from another, and may be called while the other one runs.
 */
#ifndef YOLOTRAIN_DETECTOR_H
#define YOLOTRAIN_DETECTOR_H

#include "yolotrain/detection.h"
#include "yolotrain/image.h"
#include "yolotrain/option.h"
#include "yolotrain/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- options ---- */

/* What to detect and how, by name: those of the program yoloinfer, with its ranges and defaults. */
typedef struct yt_detector_options yt_detector_options;

/* All options at their defaults. Released with yt_detector_options_destroy. NO_MEMORY. */
YT_API yt_status yt_detector_options_create(yt_detector_options **out, yt_err *err);
YT_API void yt_detector_options_destroy(yt_detector_options *options); /* NULL is fine */

/* "conf", "0.4". The value is copied. ARGUMENT: there is no such option, or the value is not one of its; the options
 * are as before. NO_MEMORY. */
YT_API yt_status yt_detector_options_set(yt_detector_options *options, const char *name, const char *value,
                                         yt_err *err);

/* The value as text, as set or the default; NULL: no such option, or one without a value. Lent until it is set anew. */
YT_API const char *yt_detector_options_get(const yt_detector_options *options, const char *name);

/* The row of option `index`, from 0; NULL: there are no more. Thread-safe; cannot fail. */
YT_API const yt_option *yt_detector_option(size_t index);

/* ---- the detector ---- */

typedef struct yt_detector yt_detector;

/* Opens trained weights (.safetensors, .onnx, or a .pt of Ultralytics) with the options, NULL for the defaults; they
 * are copied. Released with yt_detector_close. The option `threads` is every core unless it is set: set it to 1 where
 * several detectors run at once.
 * IO: the file cannot be read; SYNTAX: it is no weights file, or a damaged one; MISMATCH: its tensors are not those of
 * its network; MODEL; NON_FINITE: a weight is NaN or infinite; ARGUMENT: the options do not suit these weights (a
 * class they do not have); NO_MEMORY. */
YT_API yt_status yt_detector_open(const char *weights, const yt_detector_options *options, yt_detector **out,
                                  yt_err *err);

/* Another detector with the same weights and options, for another thread. The weights are in memory once, and are
 * released with the last of their detectors, in whichever order these are closed. NO_MEMORY. */
YT_API yt_status yt_detector_share(const yt_detector *detector, yt_detector **out, yt_err *err);

YT_API void yt_detector_close(yt_detector *detector); /* NULL is fine */

/* Finds objects in an image of any size. Writes the best of them, at most `capacity`, to found[] by descending score,
 * in pixels of the image and clipped to it, and how many there are to *n_found: where that is more than capacity, the
 * rest was left out. There are never more than the option max-det (yt_detector_max_found). `found` may be NULL with
 * capacity 0. The pixels are borrowed for the call.
 * The first image of a shape costs a plan; images of the same shape in a row do not.
 * ARGUMENT: the pixels do not describe an image; NON_FINITE: the network gives NaN or infinity for this image;
 * MISMATCH: the input is larger than the network can take; NO_MEMORY. After a failure the detector may be used on. */
YT_API yt_status yt_detector_run(yt_detector *detector, const yt_pixels *pixels, yt_detection *found, size_t capacity,
                                 size_t *n_found, yt_err *err);

/* ---- what it is; none of these can fail ---- */

/* Number of classes; and their names, UTF-8, by yt_detection.class_id: lent until the detector is closed; NULL: there
 * is no such class. */
YT_API int yt_detector_classes(const yt_detector *detector);
YT_API const char *yt_detector_class_name(const yt_detector *detector, int class_id);

/* Name of the network: "yolo26n". Lent until the detector is closed. */
YT_API const char *yt_detector_model(const yt_detector *detector);

/* Long side of the network's input, in pixels: images are resized to it, so that objects of a few pixels there are not
 * found. */
YT_API int yt_detector_input_size(const yt_detector *detector);

/* The capacity that is always enough. */
YT_API size_t yt_detector_max_found(const yt_detector *detector);

/* The licence that the weights file names ("AGPL-3.0"), which binds whoever passes the weights on; NULL: it names none.
 * Lent until the detector is closed. */
YT_API const char *yt_detector_license(const yt_detector *detector);

/* Bytes of memory that this detector holds by itself (grows with the largest image so far), and of what it shares. */
YT_API size_t yt_detector_own_bytes(const yt_detector *detector);
YT_API size_t yt_detector_shared_bytes(const yt_detector *detector);

#ifdef __cplusplus
}
#endif

#endif
