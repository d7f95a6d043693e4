/* cli_progress.c: the progress of a training run, one line per epoch.
 *
 * On a terminal the line of the running epoch is redrawn in place, a few times per second; elsewhere an epoch is one
 * plain line when it is finished.
 */
#include "cli/cli_progress.h"
#include "base/cpu.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/cli_common.h"
#include "validate/validate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const double MIB = 1048576;
static const double REDRAW_SECONDS = 0.2;

static double seconds_left(const cli_progress *p, int epochs_done, int batches_done_in_epoch) {
    double all = (double)(p->info->epochs - epochs_done) * p->info->batches - batches_done_in_epoch;
    return p->batches_done ? (yti_seconds() - p->begin) / p->batches_done * all : 0;
}

static void append_losses(char *text, size_t room, const yti_train_info *info, const double *loss) {
    for (int i = 0; i < YT_LOSS_TERMS; i++) yti_text_append(text, room, "  %s %.4g", info->loss_names[i], loss[i]);
}

static void append_epoch(char *text, size_t room, const yti_train_info *info, int epoch) {
    char all[16];
    int width = snprintf(all, sizeof all, "%d", info->epochs);
    yti_text_append(text, room, "epoch %*d/%s", width, epoch, all);
}

/* Replaces the live line; a shorter one is padded over the rest of the former. */
static void draw(cli_progress *p, const char *text, bool finished) {
    int length = (int)strlen(text), rest = p->drawn > length ? p->drawn - length : 0;
    if (p->live) fputc('\r', stderr);
    fprintf(stderr, "%s%*s", text, rest, "");
    if (finished) fputc('\n', stderr);
    fflush(stderr);
    p->drawn = finished ? 0 : length;
}

static yt_status start(void *context, const yti_train_info *info, yt_err *err) {
    (void)err;
    cli_progress *p = context;
    *p = (cli_progress){.live = isatty(STDERR_FILENO), .info = info, .begin = yti_seconds()};
    if (info->first_epoch && info->first_epoch == info->epochs)
        fprintf(stderr, "%s has all its epochs; writing the files that it lacks\n", info->folder);
    else if (info->first_epoch)
        fprintf(stderr, "resuming %s at epoch %d of %d\n", info->folder, info->first_epoch + 1, info->epochs);
    else if (info->config->time > 0)
        fprintf(stderr, "training for %g hours, in epochs of %d batches, into %s\n", info->config->time, info->batches,
                info->folder);
    else
        fprintf(stderr, "training for %d epochs of %d batches into %s\n", info->epochs, info->batches, info->folder);
    return YT_OK;
}

static void batch(void *context, const yti_train_batch *report) {
    cli_progress *p = context;
    p->batches_done++;
    double now = yti_seconds();
    if (!p->live || now - p->last_draw < REDRAW_SECONDS) return;
    p->last_draw = now;
    char text[512] = "";
    append_epoch(text, sizeof text, p->info, report->epoch + 1);
    append_losses(text, sizeof text, p->info, report->loss);
    yti_text_append(text, sizeof text, "  batch %d/%d  %.1f images/s  ", report->batch + 1, report->batches,
                    report->images_per_second);
    cli_append_duration(text, sizeof text, seconds_left(p, report->epoch, report->batch + 1));
    yti_text_append(text, sizeof text, " left  %.0f MiB", (double)yti_peak_memory() / MIB);
    draw(p, text, false);
}

/* The report of the first one and of the one that ends the run; what lies between is counted. */
static void non_finite(void *context, const yti_non_finite *event) {
    cli_progress *p = context;
    if (p->drawn) fputc('\n', stderr);
    p->drawn = 0;
    if (!p->reported || event->action == YT_ON_NAN_STOP) {
        fputs("not finite: ", stderr);
        cli_print_lines(stderr, event->report);
        if (event->dump) fprintf(stderr, "the step is kept in %s; yolotrain --replay repeats it\n", event->dump);
    }
    p->reported = true;
    if (event->action == YT_ON_NAN_ROLLBACK)
        fprintf(stderr, "going back from epoch %d to the %s, with half the learning rates\n", event->epoch + 1,
                event->to_initial ? "initial weights" : "last checkpoint");
}

static yt_status epoch(void *context, const yti_train_epoch *row, yt_err *err) {
    (void)err;
    cli_progress *p = context;
    char text[512] = "";
    append_epoch(text, sizeof text, p->info, row->epoch);
    append_losses(text, sizeof text, p->info, row->train_loss);
    if (row->validated)
        yti_text_append(text, sizeof text, "  P %.3f  R %.3f  mAP50 %.3f  mAP50-95 %.3f", row->precision, row->recall,
                        row->ap50, row->ap);
    if (row->validated && p->info->other_head)
        yti_text_append(text, sizeof text, "  %s %.3f", p->info->other_head, row->other.ap);
    yti_text_append(text, sizeof text, "  %.1f images/s  ", row->images_per_second);
    cli_append_duration(text, sizeof text, seconds_left(p, row->epoch, 0));
    yti_text_append(text, sizeof text, " left  %.0f MiB%s", (double)yti_peak_memory() / MIB,
                    !row->is_best    ? ""
                    : row->ap > 0    ? "  best"
                    : row->validated ? "  no object found yet"
                                     : "");
    if (row->skips) yti_text_append(text, sizeof text, "  %d batch%s skipped", row->skips, row->skips > 1 ? "es" : "");
    draw(p, text, true);
    return YT_OK;
}

/* ---- the end ---- */

static void print_row(const char *name, int images, int boxes, const double values[4]) {
    cli_print_text(stdout, 22, name);
    printf(" %11d %11d", images, boxes);
    for (int i = 0; i < 4; i++) printf(" %11.3g", values[i]);
    putchar('\n');
}

/* The reference trainer's table: all, then every class that occurs. */
static void print_table(const yti_class_names *names, const yti_train_summary *summary) {
    const yti_metrics_result *all = &summary->best;
    printf("%22s %11s %11s %11s %11s %11s %11s\n", "Class", "Images", "Instances", "Box(P", "R", "mAP50", "mAP50-95)");
    print_row("all", all->n_images, all->n_truth, (double[]){all->precision, all->recall, all->ap50, all->ap});
    for (int i = 0; i < all->n_classes && all->n_classes > 1; i++) {
        const yti_class_metrics *c = &summary->classes[i];
        if (c->n_truth)
            print_row(names->names[i], c->n_images, c->n_truth, (double[]){c->precision, c->recall, c->ap50, c->ap});
    }
}

/* Totals of the whole run, including what it did before it was resumed. */
static void print_non_finite(const yti_train_summary *summary) {
    if (summary->skips)
        fprintf(stderr, "%lld batch%s skipped, in which something was not finite\n", (long long)summary->skips,
                summary->skips > 1 ? "es" : "");
    if (summary->rollbacks)
        fprintf(stderr, "went back %d time%s, because something was not finite; learning rates are %g of those set\n",
                summary->rollbacks, summary->rollbacks > 1 ? "s" : "", summary->rate_factor);
}

static void print_watching(const cli_progress *p, const yti_train_summary *summary) {
    if (!p->info->config->log_gradients || summary->train_seconds <= 0) return;
    fprintf(stderr, "gradients: logging them took %.2f s of %.1f s of training, %.2f %%\n", summary->watch_seconds,
            summary->train_seconds, 100 * summary->watch_seconds / summary->train_seconds);
}

static void alarm_line(void *context, const char *text) {
    cli_progress *p = context;
    char line[1100];
    snprintf(line, sizeof line, "warning: %s", text);
    draw(p, line, true);
}

/* Lists one file of the run, or counts it as missing: it may have been removed since it was written. */
static void list_file(const char *folder, const char *name, int *listed, char *missing, size_t room) {
    char *path = yti_path_join(folder, name);
    if (path && !yti_path_exists(path))
        yti_text_append(missing, room, "%s%s", missing[0] ? ", " : "", name);
    else
        fprintf(stderr, "%s%s", (*listed)++ ? ", " : "", name);
    free(path);
}

/* Without a best epoch there are no weights of one, and nothing that shows their work. */
static void print_files(const yti_train_info *info, bool has_best) {
    static const char *const always[] = {"weights/best.safetensors", "weights/last.safetensors", "results.csv",
                                         "args.yaml"},
                             *const logged[] = {"gradients.csv", "gradients.jsonl", "events.out.tfevents.gradients"};
    char missing[512] = "";
    int n = 0;
    fprintf(stderr, "saved to %s: ", info->folder);
    for (size_t i = has_best ? 0 : 1; i < sizeof always / sizeof *always; i++)
        list_file(info->folder, always[i], &n, missing, sizeof missing);
    for (size_t i = 0; info->config->log_gradients && i < sizeof logged / sizeof *logged; i++)
        list_file(info->folder, logged[i], &n, missing, sizeof missing);
    if (info->val->n_samples) list_file(info->folder, "results_per_class.csv", &n, missing, sizeof missing);
    for (const char *const *file = yti_validator_file_names(info->names->count);
         has_best && info->val->n_samples && *file; file++)
        list_file(info->folder, *file, &n, missing, sizeof missing);
    fputc('\n', stderr);
    if (missing[0]) fprintf(stderr, "warning: missing, because they were removed meanwhile: %s\n", missing);
}

static void finish(void *context, const yti_train_summary *summary) {
    cli_progress *p = context;
    const yti_train_info *info = p->info;
    if (p->drawn) fputc('\n', stderr);
    p->drawn = 0;
    if (summary->status != YT_OK) {
        if (summary->epochs)
            fprintf(stderr, "%d epochs are saved; --resume %s/weights/last.safetensors continues from there\n",
                    summary->epochs, info->folder);
        return;
    }
    if (summary->stopped_early)
        fprintf(stderr, "stopped early: no improvement in %s in %d epochs\n", yti_fitness_name(info->config->fitness),
                info->config->patience);
    if (summary->out_of_time) fprintf(stderr, "stopped after the %g hours of --time\n", info->config->time);
    char text[64] = "";
    cli_append_duration(text, sizeof text, summary->seconds);
    fprintf(stderr, "%d epochs in %s; ", summary->epochs, text);
    if (summary->best_fitness > 0)
        fprintf(stderr, "best epoch %d, %s %.5f", summary->best_epoch, yti_fitness_name(info->config->fitness),
                summary->best_fitness);
    else
        fputs(info->val->n_samples ? "no object was found in any epoch" : "without validation", stderr);
    fprintf(stderr, "; weights hash %016llx; peak memory %.0f MiB\n", (unsigned long long)summary->weights_hash,
            (double)yti_peak_memory() / MIB);
    print_non_finite(summary);
    print_watching(p, summary);
    if (summary->classes) print_table(info->names, summary);
    print_files(info, summary->best_epoch > 0);
    if (summary->best_epoch == 0)
        fputs("warning: there are no best weights: no epoch had an object to learn from and a loss that is "
              "finite\n",
              stderr);
}

yti_train_observer cli_progress_observer(cli_progress *progress) {
    return (yti_train_observer){.start = start,
                                .batch = batch,
                                .non_finite = non_finite,
                                .epoch = epoch,
                                .alarm = alarm_line,
                                .finish = finish,
                                .context = progress};
}
