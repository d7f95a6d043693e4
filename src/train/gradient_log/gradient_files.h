/* gradient_files.h: where the numbers of a sampled step go. Internal to src/train. */
#ifndef YT_GRADIENT_FILES_H
#define YT_GRADIENT_FILES_H

#include "gradients/event_file.h"
#include "gradients/gradients.h"
#include "train/observe/observer.h"

/* What one step has shown. */
typedef struct yti_flow_step {
    yti_train_batch batch;
    bool complete; /* losses and norm are those of this step; else the run ended within it */
    yti_flow_record *records;
    size_t count;
} yti_flow_step;

typedef struct yti_gradient_files {
    const yti_train_info *info;
    char *csv_path, *json_path;
    FILE *csv, *json;
    yti_event_file *events;
} yti_gradient_files;

/* In the folder of the run. What is there from first_step on is dropped: steps after the checkpoint that the run
 * continues from. Closes what was open. */
yt_status yti_gradient_files_open(yti_gradient_files *files, const yti_train_info *info, int64_t first_step,
                                  yt_err *err);
yt_status yti_gradient_files_write(yti_gradient_files *files, const yti_flow_step *step, yt_err *err);
void yti_gradient_files_close(yti_gradient_files *files);

#endif
