/* cli_plan.c: what a training run is going to do, said before it begins. */
#include "base/cpu.h"
#include "cli/cli_common.h"
#include "cli/cli_progress.h"
#include "kernels/kernels.h"

#include <stdio.h>
#include <string.h>

static const double MIB = 1048576;

/* Why an automatic value is what it is, for a person; the rules are in src/train/auto_settings.c. */
static const struct reason {
    yti_train_key key;
    const char *text;
    const char *family; /* with --recipe family; NULL: the same */
} reasons[] = {
    {YT_TRAIN_KEY_batch, "half of the training images, at most 16", "16, at most all images"},
    {YT_TRAIN_KEY_nbs, "small datasets update after every batch; --recipe family does as Ultralytics does", "always"},
    {YT_TRAIN_KEY_optimizer, "AdamW for runs of up to 10000 updates, MuSGD for longer ones", NULL},
    {YT_TRAIN_KEY_lr0, "by optimizer, and lower where training starts from weights", "by optimizer and classes"},
    {YT_TRAIN_KEY_momentum, "by optimizer", NULL},
    {YT_TRAIN_KEY_warmup_epochs, "3, on small datasets at most a tenth of the run", "always"},
    {YT_TRAIN_KEY_warmup_bias_lr, "by optimizer", NULL},
    {YT_TRAIN_KEY_close_mosaic, "10, at most half of the run; on small datasets its last third", "always"},
    {YT_TRAIN_KEY_threads, "every core this process may use", NULL},
};

static void print_split(const char *name, const yti_split *split) {
    char text[1024];
    yti_scan_summary_text(&split->summary, text, sizeof text);
    fprintf(stderr, "%-8s %s\n", name, text);
}

static void print_choices(const yti_train_config *config) {
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        yti_train_key key = reasons[i].key;
        if (config->source[key] != YT_SOURCE_AUTO) continue;
        char value[YT_TRAIN_TEXT];
        yti_train_config_text(config, key, value, sizeof value);
        bool family = config->recipe == YT_RECIPE_FAMILY && reasons[i].family;
        fprintf(stderr, "auto     %s %s: %s\n", yti_train_options()[key].key, value,
                family ? reasons[i].family : reasons[i].text);
    }
}

/* Where close_mosaic is as long as the run, or longer. */
static void print_mosaics(const yti_train_info *info) {
    const yti_train_config *c = info->config;
    const bool mixes = c->mosaic > 0 || c->mixup > 0 || c->cutmix > 0;
    if (!mixes || c->close_mosaic < info->epochs || c->time > 0 || info->first_epoch) return;
    if (c->reference == YT_REFERENCE_OLD && c->close_mosaic > info->epochs)
        fprintf(stderr, "mosaic   to the end: with --reference 8.4.104 close_mosaic %d does nothing in %d epochs\n",
                c->close_mosaic, info->epochs);
    else
        fprintf(stderr, "mosaic   none: close_mosaic %d leaves out mosaics and mixing in all %d epochs\n",
                c->close_mosaic, info->epochs);
}

/* Where rows are frozen: what is left to train. */
static void print_frozen(const yti_train_info *info) {
    size_t trained = 0, all = 0;
    for (int i = 0; i < info->model->n_params; i++) {
        const yti_param_info *param = &info->model->params[i];
        if (!yti_param_is_trainable(param)) continue;
        all += param->count;
        trained += param->frozen ? 0 : param->count;
    }
    if (trained < all)
        fprintf(stderr, "freeze   %s: %zu of %zu parameters are trained\n", info->config->freeze, trained, all);
}

/* One line per option that makes the network another one than its YAML describes. */
static yt_status print_ablations(const yti_train_info *info, yt_err *err) {
    yti_ablation ablations[YT_MAX_ABLATIONS];
    int n;
    YT_TRY(yti_model_ablations(info->model, info->config->imgsz, ablations, &n, err));
    for (int i = 0; i < n; i++) {
        const yti_model_counts *before = &ablations[i].before, *after = &ablations[i].after;
        fprintf(stderr, "ablation %s: %zu -> %zu parameters, %.3f -> %.3f GFLOPs\n", ablations[i].name, before->params,
                after->params, before->gflops, after->gflops);
    }
    const bool drawn = !info->transferred || info->transfer.matched < info->transfer.total;
    if (strcmp(info->config->init, "default") != 0 && !info->config->resume[0] && drawn)
        fprintf(stderr, "ablation init %s: other values, the same parameters and GFLOPs\n", info->config->init);
    return YT_OK;
}

/* One line: how much was taken, and what was not. */
static void print_transfer(const char *path, const yti_transfer_report *report, int n_classes) {
    const int fits = report->matched + report->partial;
    fprintf(stderr, "weights  %d of %d tensors taken from %s", report->matched, report->total, path);
    if (report->partial) fprintf(stderr, ", %d in part", report->partial);
    if (report->classes) fprintf(stderr, "; %d of %d classes found by name", report->classes, n_classes);
    if (report->missed[0]) fprintf(stderr, "; not taken: %s: %s", report->missed, report->first_miss);
    if (report->folded)
        fprintf(stderr, "; its normalisations were folded, and their statistics are those of %d training images",
                report->measured);
    fputc('\n', stderr);
    if (fits < report->total / 2)
        fprintf(stderr, "warning: fewer than half of the tensors were taken: these weights belong to another "
                        "network than "
                        "--model, and the rest begins at random\n");
}

yt_status cli_print_plan(const yti_train_info *info, const char *version, yt_err *err) {
    const yti_train_config *config = info->config;
    double gflops;
    YT_TRY(yti_model_gflops(info->model, config->imgsz, &gflops, err));
    fprintf(stderr, "yolotrain %s on %s, %s kernels, %d threads\n", version, yti_cpu_name(), yti_kernels_get()->name,
            config->threads);
    fprintf(stderr, "model    %s, %d classes: %zu parameters, %.1f GFLOPs at %d pixels\n", info->model->name,
            info->model->n_classes, yti_model_parameters(info->model), gflops, config->imgsz);
    cli_warn_of_scale(info->model);
    YT_TRY(print_ablations(info, err));
    if (info->transferred) print_transfer(config->weights, &info->transfer, info->model->n_classes);
    if (info->model->base_license)
        cli_print_license("license", "  ", info->transferred ? config->weights : config->resume,
                          info->model->base_license);
    print_frozen(info);
    fprintf(stderr, "data     %s\n", info->dataset->path);
    print_split("train", info->train);
    if (info->val->n_samples)
        print_split("val", info->val);
    else
        fprintf(stderr, "val      none: no mAP is measured, and best.safetensors is that of the last epoch\n");
    print_choices(config);
    print_mosaics(info);
    fprintf(stderr, "memory   %.0f MiB planned", (double)info->planned_bytes / MIB);
    if (info->available_bytes) fprintf(stderr, ", %.0f MiB available", (double)info->available_bytes / MIB);
    fputc('\n', stderr);
    return YT_OK;
}
