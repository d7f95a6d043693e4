/* data.h: what a run is trained and validated on. Internal to src/train. */
#ifndef YT_RUN_DATA_H
#define YT_RUN_DATA_H

#include "data/feed/loader.h"
#include "data/index/dataset.h"
#include "weights/weights.h"

typedef struct yti_run_data {
    yti_dataset dataset;
    yti_class_names names; /* that the network learns: one with single_cls */
    yti_split train, val;
    yti_loader *train_loader, *val_loader; /* val_loader NULL: there is nothing to validate on */
} yti_run_data;

static inline bool yti_can_validate(const yti_run_data *data) {
    return data->val.n_samples > 0;
}

#endif
