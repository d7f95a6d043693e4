/* validate.h: a model over a validation split: losses, average precision, and which classes are taken for which. Used
 * in training and by yoloval.
 */
#ifndef YT_VALIDATE_H
#define YT_VALIDATE_H

#include "data/feed/loader.h"
#include "eval/confusion.h"
#include "eval/metrics.h"
#include "loss/loss.h"
#include "model/model.h"

/* The detections of an image; lent during the call that shows them. */
typedef struct yti_validated_image {
    int sample;                     /* index into the split */
    const yt_detection *detections; /* by descending score, in pixels of the network input */
    int n_detections;
    yti_fit fit; /* back to the original image: each axis by its own gain, as since 8.4.171 to .174 */
} yti_validated_image;

/* Finds objects in image `image` of a batch in place of the model: by descending score, at most max_det, in pixels of
 * the network input. */
typedef yt_status yti_foreign_detect(void *context, const yti_batch *batch, int image, yt_detection *out, int max_det,
                                     int *n_out, yt_err *err);

typedef struct yti_validate_options {
    float conf, iou;      /* 0.001, 0.7 */
    int max_det;          /* 300 */
    yti_nms nms;          /* which branch of a head with two is judged; the other one is measured beside it */
    bool agnostic;        /* as in yti_detect_options */
    bool single_class;    /* the truth is all of class 0, and so is every detection; implies agnostic */
    float confusion_conf; /* of the confusion matrix: YT_CONFUSION_CONF */
    bool match_single;    /* yti_metrics_match_single */
    const bool *classes;  /* [n_classes] of the model, copied: which detections are kept; NULL: all */
    const int *class_map; /* [n_classes] of the model, copied: the class that its detections count as, -1: they are left
                                    out; NULL: their own. Not with classes or single_class */
    int n_mapped;         /* classes of the truth, with class_map */
    yti_loss_gains gains;
    const float *class_weights;         /* [n_classes], copied; NULL: all 1 */
    bool widen_below_first;             /* of yti_assigner */
    const yti_graph_observer *observer; /* of every forward run, which it may change; NULL: none */
    yti_foreign_detect *detect; /* judged in place of the model, which does not run: there are no losses, and the
                                   branch that is judged is the only one; NULL: the model is judged */
    void *detect_context;
    int threads;
    void (*progress)(void *context, int done, int total); /* batches; may be NULL */
    void *context;
    yt_status (*image)(void *context, const yti_validated_image *image, yt_err *err); /* may be NULL */
    void *image_context, *other_context; /* for the branch that is judged, and for the other one; NULL: not called */
} yti_validate_options;

/* The results of branches live as long as the validator. */
typedef struct yti_validation {
    double loss[YT_LOSS_TERMS]; /* mean over batches of the reported items: of the last branch, as in training */
    bool one_to_one;            /* metrics are of the one-to-one branch */
    yti_metrics_result metrics;
    bool has_other; /* the head has two branches */
    yti_metrics_result other;
    int non_finite; /* images for which the network gives something that is not finite: nothing is found in them */
    double seconds;
} yti_validation;

typedef struct yti_validator yti_validator;

/* Borrows model and loader (made with train = false). Re-plans the model's graph in evaluation mode for every batch
 * shape; the caller plans again before it continues training. */
yt_status yti_validator_create(yti_model *model, yti_loader *loader, const yti_validate_options *options,
                               yti_validator **out, yt_err *err);

/* Shows every image of later runs, with what the branch that is judged finds in it, in place of the hook of the
 * options. */
void yti_validator_watch(yti_validator *validator,
                         yt_status (*image)(void *context, const yti_validated_image *image, yt_err *err),
                         void *context);
void yti_validator_destroy(yti_validator *validator);
yt_status yti_validator_run(yti_validator *validator, const yti_state *state, yti_validation *out, yt_err *err);

/* Of the last run and the branch that is judged, into an existing folder: confusion_matrix.csv (yti_confusion_save;
 * not beyond YT_CONFUSION_CLASSES), pr_curve.csv and confidence_curves.csv (yti_metrics_save_curves). names: of the
 * classes judged. */
yt_status yti_validator_save(const yti_validator *validator, const char *const *names, const char *folder, yt_err *err);

/* What it writes for that many classes, for a message: their names with commas between. */
const char *yti_validator_files(int n_classes);
const char *const *yti_validator_file_names(int n_classes); /* ends with NULL */

#endif
