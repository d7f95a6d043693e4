/* yolotrain.h: train and run small object detectors on a CPU.
 *
 *     status = yt_detector_open(argv[1], NULL, &detector, &err);
 *     if (status == YT_OK) status = yt_image_load(argv[2], &image, &err);
 *     pixels = yt_image_pixels(&image);
 *     if (status == YT_OK) status = yt_detector_run(detector, &pixels, found, CAPACITY, &n_found, &err);
 *
 * status.h     errors: every function that can fail returns a yt_status and writes a sentence
 * log.h        messages of the library, which it never prints itself
 * image.h      8-bit RGB images, from files and to files
 * detection.h  one found object
 * detector.h   trained weights, run on images
 * train.h      a training, with callbacks and a stop
 * validate.h   precision, recall and average precision of trained weights
 * option.h     options by name, as a table
 *
 * advanced.h is not included: it may change with every release.
 *
 * Everything is prefixed yt_ or YT_. Nothing here is for stdio, threads or third parties: plain C99, and C++11.
 */
#ifndef YOLOTRAIN_H
#define YOLOTRAIN_H

#include "yolotrain/detection.h"
#include "yolotrain/detector.h"
#include "yolotrain/image.h"
#include "yolotrain/log.h"
#include "yolotrain/option.h"
#include "yolotrain/status.h"
#include "yolotrain/train.h"
#include "yolotrain/validate.h"
#include "yolotrain/version.h"

#endif
