/* evaluation.h: trained weights judged on a split of a dataset, from the names of the files to the numbers: what
 * yoloval prints and what the public API hands out.
 *
 *     yti_options options;
 *     yti_evaluation *evaluation;
 *     YT_TRY(yti_options_init(yti_evaluation_rows, yti_evaluation_row_count, &options, err));
 *     yti_evaluation_input input = {.weights = "best.safetensors", .data = "coco8.yaml", .options = &options};
 *     YT_TRY(yti_evaluation_open(&input, &evaluation, err));
 *     YT_TRY(yti_evaluation_run(evaluation, NULL, false, err));
 *     printf("mAP50-95 %.3f\n", evaluation->result.metrics.ap);
 *     yti_evaluation_close(evaluation);
 *     yti_options_free(&options);
 */
#ifndef YT_EVALUATION_H
#define YT_EVALUATION_H

#include "base/option.h"
#include "infer/detect_options.h"
#include "infer/trained.h"
#include "validate/coco_validate.h"

/* Rows of an option table: what of the dataset, and how a box is matched with the truth. */
/* clang-format off */
#define YTI_SPLIT_ROWS                                                                                                 \
    {"split", 0, YT_OPTION_CHOICE, "val", 0, 0, yti_evaluation_splits, "NAME", "Data", "split of the dataset to measure"}, \
    {"classes", 0, YT_OPTION_TEXT, NULL, 0, 0, NULL, "LIST", "Data",                                                   \
     "measure only these classes: numbers or names, separated by commas"},                                             \
    {"single-cls", 0, YT_OPTION_FLAG, NULL, 0, 0, NULL, NULL, "Data", "treat all classes as one, named \"item\""},     \
    {"strict", 0, YT_OPTION_FLAG, NULL, 0, 0, NULL, NULL, "Data", "stop at a bad label or image"}

#define YTI_MATCHING_ROW                                                                                               \
    {"matching", 0, YT_OPTION_CHOICE, "free", 0, 0, yti_evaluation_matchings, "RULE", "Detection",                     \
     "the object that a box is matched to: the one it overlaps most of those not matched yet (free), as in COCO and "  \
     "the Ultralytics trainer since 8.4.176, or of all (single), as before"}

#define YTI_BATCH_ROW                                                                                                  \
    {"batch", 'b', YT_OPTION_INT, "16", 1, 4096, NULL, NULL, "Machine", "images per step"}
/* clang-format on */

extern const char *const yti_evaluation_splits[], *const yti_evaluation_matchings[];

/* All options of an evaluation. */
extern const yt_option yti_evaluation_rows[];
extern const size_t yti_evaluation_row_count;

typedef struct yti_evaluation_input {
    const char *weights, *data;
    yti_trained *trained; /* weights that are open already, and become shared; NULL: `weights` is opened */
    const yti_graph_observer *observer; /* of yti_validate_options; lent; NULL: none */
    yti_foreign_detect *detect;         /* as there */
    void *detect_context;
    const char *const *search_dirs; /* of yti_weights_open */
    const yti_options *options;     /* of yti_evaluation_rows; copied */
    yti_problem_sink message; /* what is wrong with the dataset, and what is worth knowing; NULL: nobody listens */
    void *context;
    void (*progress)(void *context, int done, int total);      /* batches; may be NULL */
    void (*opened)(void *context, const yti_trained *trained); /* the weights, before the data; may be NULL */
} yti_evaluation_input;

/* Read-only for whoever opened it. */
typedef struct yti_evaluation {
    yti_options options;
    yti_problem_sink message;
    void *context;
    void (*progress)(void *context, int done, int total);
    char *data;
    yti_trained *trained;
    const yti_graph_observer *observer;
    yti_foreign_detect *detect;
    void *detect_context;
    yti_dataset dataset;
    bool *classes;  /* of the dataset, that are judged; NULL: all */
    int *class_map; /* [n_classes of the weights] class of the dataset, -1: not judged; NULL with single-cls */
    int n_judged;
    const char *const *names; /* [n_judged] of the classes that are judged */
    yti_split split;
    yti_loader *loader;
    yti_validator *validator;
    yti_coco_validation *coco, *other_coco; /* of the branch that is judged, of the other one; NULL: there is none */

    /* After yti_evaluation_run. */
    yti_validation result;
    double coco_numbers[YT_COCO_NUMBERS], other_numbers[YT_COCO_NUMBERS];
} yti_evaluation;

/* Reads weights and dataset and checks both. Errors as of yti_trained_open and yti_dataset_scan; DATA where there is
 * nothing to measure; MISMATCH where the classes of the weights are not those of the dataset. */
yt_status yti_evaluation_open(const yti_evaluation_input *input, yti_evaluation **out, yt_err *err);

/* Measures, once. folder: of the files that yti_validator_save writes, NULL: none are written; writes_boxes: there,
 * too, predictions.json and, where the truth is not a COCO file anyway, ground_truth.json. NON_FINITE: the network
 * gives NaN or infinity. */
yt_status yti_evaluation_run(yti_evaluation *evaluation, const char *folder, bool writes_boxes, yt_err *err);

/* Whether the truth is written where boxes are. */
bool yti_evaluation_writes_truth(const yti_evaluation *evaluation);

void yti_evaluation_close(yti_evaluation *evaluation); /* NULL is fine */

/* AP on square inputs, as a file of a fixed size sees images: opened, run and closed. */
typedef struct yti_square_ap {
    int images;
    double ap50, ap;
} yti_square_ap;

/* side: in pixels. input->options: NULL, or those of an evaluation, whose imgsz, threads and rect are replaced. */
yt_status yti_evaluation_square(const yti_evaluation_input *input, int side, int threads, yti_square_ap *out,
                                yt_err *err);

#endif
