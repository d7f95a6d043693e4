/* yolotrain.h: train and run small object detectors on a CPU.
 *
 * status.h     errors: every function that can fail returns a yt_status and writes a sentence
 * log.h        messages of the library, which it never prints itself
 * image.h      8-bit RGB images, from files and to files
 * detection.h  one found object
 */
#ifndef YOLOTRAIN_H
#define YOLOTRAIN_H

#include "yolotrain/detection.h"
#include "yolotrain/image.h"
#include "yolotrain/log.h"
#include "yolotrain/status.h"
#include "yolotrain/version.h"

#endif
