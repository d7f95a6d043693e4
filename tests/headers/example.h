/* example.h: what the examples in the headers presume (check_examples.sh). */
#ifndef YT_TEST_EXAMPLE_H
#define YT_TEST_EXAMPLE_H

#include "eval/coco_eval.h"
#include "formats/pt.h"
#include "image/image.h"
#include "infer/predict.h"
#include "study/study.h"
#include "tensor/batch.h"
#include "train/diagnose/replay.h"
#include "train/loop/train.h"
#include "validate/coco_validate.h"
#include "validate/validate.h"

#include <stdio.h>

/* One function for all; an example that declares a name of its own has it in a block of its own. */
#define EXAMPLE_PARAMETERS                                                                                             \
    yt_err *err, int threads, uint64_t seed, const yti_batch *batch, int n_classes, yti_model *model,                  \
        yti_trained *trained, yti_loader *loader, const char *const *search_dirs, const yti_coco_truth *truth,         \
        int n_truth, const yti_coco_found *found, int n_found, int64_t rank_of_its_id

static yti_train_observer observer;
static study_hooks hooks;
static yti_stop stop;
static yti_train_config config;
static yti_split split;

#endif
