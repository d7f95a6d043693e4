/* auto_settings.c: the values chosen where the user typed none, and why.
 *
 * The reference trainer's defaults (spec training 4.2, 4.5, 4.10) are made for a hundred thousand images: 64 images per
 * update, three epochs of warm-up, ten epochs without mosaics. On four images they give one update in sixteen epochs
 * and nothing is learnt; a set is called small here when an epoch has fewer than sixteen updates of 64 images. The
 * recipe "family" knows no small sets, and no better rates for training from scratch: it is the reference trainer to
 * the letter, for comparisons.
 */
#include "base/cpu.h"
#include "optim/optim.h"
#include "train/settings/config.h"

enum {
    FAMILY_BATCH = 16,
    FAMILY_NOMINAL_BATCH = 64,
    SMALL_SET = 16 * FAMILY_NOMINAL_BATCH,
    LONG_RUN = 10000 /* iterations; spec training 4.2 */
};

static int smaller(int a, int b) {
    return a < b ? a : b;
}

/* Whether a setting is ours to choose. */
static bool is_auto(const yti_train_config *config, yti_train_key key) {
    return config->source[key] == YT_SOURCE_AUTO;
}

/* A batch is never larger than the set. Returns the one that was wanted. */
static int settle_batch(yti_train_config *config, int n_images, bool family) {
    /* Half the set at least twice per epoch, so that a tiny set is more than one update per epoch. */
    if (is_auto(config, YT_TRAIN_KEY_batch)) {
        config->batch = family ? FAMILY_BATCH : smaller(FAMILY_BATCH, n_images / 2);
        if (config->batch < 1) config->batch = 1;
    }
    int wanted = config->batch;
    if (config->batch > n_images) {
        config->batch = n_images;
        config->source[YT_TRAIN_KEY_batch] = YT_SOURCE_DATASET;
    }
    return wanted;
}

/* Rectangular batches hold whole images (spec training 2.2). */
static void settle_rect(yti_train_config *config) {
    static const yti_train_key mixing[] = {YT_TRAIN_KEY_mosaic, YT_TRAIN_KEY_mixup, YT_TRAIN_KEY_cutmix};
    if (!config->rect) return;
    config->mosaic = config->mixup = config->cutmix = 0;
    for (size_t i = 0; i < sizeof mixing / sizeof mixing[0]; i++)
        if (config->source[mixing[i]] == YT_SOURCE_DEFAULT) config->source[mixing[i]] = YT_SOURCE_AUTO;
}

/* The reference trainer's rule: short runs take AdamW, which needs no tuned rate; long ones MuSGD. */
static void settle_optimizer(yti_train_config *config, int n_images) {
    if (!is_auto(config, YT_TRAIN_KEY_optimizer)) return;
    int largest = config->batch > config->nbs ? config->batch : config->nbs;
    double iterations = ceil((double)n_images / largest) * config->epochs;
    config->optimizer = iterations > LONG_RUN ? YT_OPTIM_MUSGD : YT_OPTIM_ADAMW;
}

/* What goes with the optimizer. The reference trainer chooses for its `auto` only: an optimizer that is typed gets rate
 * 0.01, momentum 0.937 and warm-up from 0.1, whatever it is. We take that for the ones it suits. */
static void settle_rates(yti_train_config *config, int n_classes, bool pretrained, bool family) {
    bool adam = config->optimizer == YT_OPTIM_ADAM || config->optimizer == YT_OPTIM_ADAMW;
    bool fits = is_auto(config, YT_TRAIN_KEY_optimizer) || !family;

    /* Fine-tuning with Adam: the reference trainer's formula, 0.002 * 5 / (4 + classes). From scratch the network has
     * to move much further; measured with YOLO26n at 320 px on four images, best mAP50 at 0.001 and 0.002: 0.94 and
     * 0.96 (drawn set, other images, 200 epochs), 0.91 and 0.96 (COCO8, the same images, 300 epochs). */
    if (is_auto(config, YT_TRAIN_KEY_lr0)) {
        double fine = rint(0.002 * 5 / (4 + n_classes) * 1e6) / 1e6;
        config->lr0 = !adam || !fits ? 0.01 : pretrained || family ? fine : 0.002;
    }

    /* The reference trainer makes MuSGD with 0.9, which its warm-up replaces at once: it leads to 0.937. */
    bool warms_up = config->warmup_epochs > 0 && config->epochs > 1;
    bool low = is_auto(config, YT_TRAIN_KEY_optimizer) && !warms_up;
    if (is_auto(config, YT_TRAIN_KEY_momentum)) config->momentum = (adam && fits) || low ? 0.9 : 0.937;

    /* Adam's first steps are as long as the rate says, so biases must not start at 0.1. */
    if (is_auto(config, YT_TRAIN_KEY_warmup_bias_lr))
        config->warmup_bias_lr = (adam && fits) || is_auto(config, YT_TRAIN_KEY_optimizer) ? 0 : 0.1;
}

static bool is_small(const yti_train_config *config, int n_images) {
    return config->recipe != YT_RECIPE_FAMILY && n_images < SMALL_SET;
}

/* The last ten epochs without mosaics, as the reference trainer; a small set's last third, because a mosaic of four of
 * its few images is unlike any image it will be asked about. Best mAP50-95 on COCO8's own images after 300 epochs,
 * YOLO26n at 320 px: 0.49 closing ten epochs before the end, 0.55 closing a hundred. */
int yti_auto_close_mosaic(const yti_train_config *config, int n_images, int epochs) {
    if (config->recipe == YT_RECIPE_FAMILY) return 10;
    return is_small(config, n_images) ? epochs / 3 : smaller(10, epochs / 2);
}

void yti_train_config_resolve(yti_train_config *config, int n_images, int n_classes, bool pretrained) {
    bool family = config->recipe == YT_RECIPE_FAMILY, small = is_small(config, n_images);
    int wanted = settle_batch(config, n_images, family);
    settle_rect(config);

    /* Small set: an update after every batch. The reference trainer counts with the batch that was asked for also where
     * the set has fewer images: as many batches to an update, from a nominal batch that is smaller in proportion. */
    if (is_auto(config, YT_TRAIN_KEY_nbs))
        config->nbs = small ? config->batch : (int)rint((double)FAMILY_NOMINAL_BATCH * config->batch / wanted);
    if (config->nbs < 1) config->nbs = 1;

    /* Three epochs; on a small set no more than a tenth of the run, which may have ten epochs only. */
    if (is_auto(config, YT_TRAIN_KEY_warmup_epochs))
        config->warmup_epochs = small ? smaller(3, config->epochs / 10) : 3;

    settle_optimizer(config, n_images);
    settle_rates(config, n_classes, pretrained, family);

    if (is_auto(config, YT_TRAIN_KEY_close_mosaic))
        config->close_mosaic = yti_auto_close_mosaic(config, n_images, config->epochs);

    if (is_auto(config, YT_TRAIN_KEY_threads)) config->threads = yti_cpu_cores();
    config->resolved = true;
}
