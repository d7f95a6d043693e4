/* train.c: fine-tunes a detector: train DATA.yaml [OPTION VALUE]...
 *
 * Prints a line after every epoch. Ctrl-C stops after the present batch; train DATA.yaml resume FOLDER continues.
 */
#include <signal.h>
#include <stdio.h>
#include <yolotrain.h>

static yt_training *training; /* of the signal handler */

static void on_interrupt(int number) {
    (void)number;
    yt_training_stop(training);
}

static void print_epoch(void *context, const yt_train_epoch *e) {
    (void)context;
    printf("epoch %d of %d: loss %.3f %.3f %.3f, mAP50-95 %.4f%s\n", e->epoch, e->epochs, e->train_loss[0],
           e->train_loss[1], e->train_loss[2], e->map50_95, e->is_best ? ", the best so far" : "");
    fflush(stdout);
}

static void print_message(void *context, const char *text) {
    (void)context;
    fprintf(stderr, "train: %s\n", text);
}

int main(int argc, char **argv) {
    yt_train_options *options = NULL;
    const yt_train_result *result;
    yt_err err;
    yt_status status;
    if (argc < 2 || argc % 2) return fprintf(stderr, "usage: train DATA.yaml [OPTION VALUE]...\n"), 2;

    status = yt_train_options_create(&options, &err);
    if (status == YT_OK) status = yt_train_options_set(options, "data", argv[1], &err);
    for (int i = 2; i + 1 < argc && status == YT_OK; i += 2)
        status = yt_train_options_set(options, argv[i], argv[i + 1], &err);
    if (status == YT_OK) status = yt_training_create(options, &training, &err);
    yt_train_options_destroy(options);

    if (status == YT_OK) yt_training_on_epoch(training, print_epoch, NULL);
    if (status == YT_OK) yt_training_on_message(training, print_message, NULL);
    if (status == YT_OK) signal(SIGINT, on_interrupt);
    if (status == YT_OK) status = yt_training_run(training, &err);
    signal(SIGINT, SIG_DFL); /* before the training is destroyed */

    result = training ? yt_training_result(training) : NULL;
    if (result && result->best_epoch > 0)
        printf("best: epoch %d, mAP50-95 %.4f, %s\n", result->best_epoch, result->best_map50_95, result->best_weights);
    if (status != YT_OK) fprintf(stderr, "train: %s\n", err.text);
    yt_training_destroy(training);
    return status == YT_OK ? 0 : status == YT_ERR_STOPPED ? 3 : 1;
}
