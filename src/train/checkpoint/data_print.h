/* data_print.h: which data a run was trained on, to notice on --resume that it is other data. Internal to src/train. */
#ifndef YT_DATA_PRINT_H
#define YT_DATA_PRINT_H

#include "base/json.h"
#include "formats/safetensors.h"
#include "train/parts/data.h"
#include "train/settings/config.h"

/* What is remembered of a split. */
typedef struct yti_split_print {
    int images;
    int64_t boxes;
    uint64_t hash; /* of names, sizes and labels, in their order */
} yti_split_print;

yti_split_print yti_split_print_of(const yti_split *split);

/* As metadata of a checkpoint: the whole of a text. */
void yti_data_write(yti_json_writer *writer, const yti_run_data *data);

/* Whether the data are those that the checkpoint config->resume was trained on. Other classes are an error (MISMATCH);
 * other images or labels are reported to problem. */
yt_status yti_data_check(const yti_st_file *file, const yti_train_config *config, const yti_run_data *data,
                         yti_problem_sink problem, void *context, yt_err *err);

#endif
