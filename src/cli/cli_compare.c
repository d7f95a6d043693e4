/* cli_compare.c: see cli_compare.h. Progress goes to stderr, the verdicts to stdout. */
#include "cli/cli_compare.h"
#include "cli/cli_common.h"

#include <stdio.h>
#include <unistd.h>

/* What the study's hooks need. */
typedef struct listener {
    yti_problem_sink problem;
    void *context;
    int trained;    /* runs of this process */
    double seconds; /* they took */
} listener;

static void show_problem(void *context, const char *text) {
    const listener *l = context;
    l->problem(l->context, text);
}

/* Runs of a study take about the same time. */
static void show_time_left(listener *l, const study_progress *p) {
    char left[32] = "";
    l->trained += !p->kept;
    l->seconds += p->kept ? 0 : p->seconds;
    if (l->trained == 0 || p->run == p->runs) return;
    cli_append_duration(left, sizeof left, l->seconds / l->trained * (p->runs - p->run));
    fprintf(stderr, "  %s left", left);
}

static void show_run(void *context, const study_progress *p) {
    listener *l = context;
    const bool drawn = isatty(STDERR_FILENO);
    if (!p->finished && !drawn) return;
    fprintf(stderr, "%srun %d/%d  ", drawn ? "\r" : "", p->run, p->runs);
    cli_print_text(stderr, 0, p->variant);
    fprintf(stderr, "  seed %d", p->seed);
    if (!p->finished) return; /* the line is written again */
    fprintf(stderr, "  %d epochs  mAP50-95 %.3f  %.1f s", p->epochs, p->ap > 0 ? p->ap : 0, p->seconds);
    if (p->status != YT_OK) fprintf(stderr, "  diverged (NaN or Inf)");
    if (p->first_epoch) fprintf(stderr, "  continued after epoch %d", p->first_epoch);
    if (p->kept) fprintf(stderr, "  already complete");
    show_time_left(l, p);
    fputc('\n', stderr);
}

static yt_status compare(study_comparison *study, const study_hooks *hooks, const yti_stop *stop, yt_err *err) {
    fprintf(stderr, "comparing in %d runs below %s\n", study_runs(study), study_folder(study));
    yt_status status = study_train(study, hooks, stop, err);
    if (status == YT_ERR_STOPPED) fprintf(stderr, "interrupted; the same command continues from here\n");
    if (status != YT_OK) return status;
    char why[sizeof err->text];
    YT_TRY(study_report(study, why, sizeof why, err));
    study_print(study, stdout);
    fflush(stdout); /* before what follows on stderr */
    if (why[0]) fprintf(stderr, "warning: %s\n", why);
    fprintf(stderr, "saved to %s: compare.html, compare.json%s\n", study_folder(study), why[0] ? "" : ", figures/");
    return YT_OK;
}

yt_status cli_compare(const yti_train_config *config, const char *variants, int seeds, const char *const *search_dirs,
                      yti_problem_sink problem, void *context, const yti_stop *stop, yt_err *err) {
    study_comparison *study;
    listener l = {.problem = problem, .context = context};
    study_hooks hooks = {.run = show_run, .problem = show_problem, .context = &l};
    YT_TRY(study_create(config, variants, seeds, search_dirs, &study, err));
    yt_status status = compare(study, &hooks, stop, err);
    study_destroy(study);
    return status;
}
