/* cli_compare.c: see cli_compare.h. Progress goes to stderr, the verdicts to stdout. */
#include "cli/cli_compare.h"
#include "cli/cli_common.h"

#include <stdio.h>

/* What the study's hooks need. */
typedef struct listener {
    yt_problem_sink problem;
    void *context;
} listener;

static void show_problem(void *context, const char *text) {
    const listener *l = context;
    l->problem(l->context, text);
}

static void show_run(void *context, const yt_compare_progress *p) {
    (void)context;
    if (!p->finished) return;
    fprintf(stderr, "run %d/%d  ", p->run, p->runs);
    yt_cli_print_text(stderr, 0, p->variant);
    fprintf(stderr, "  seed %d  %d epochs  mAP50-95 %.3f  %.1f s", p->seed, p->epochs, p->ap > 0 ? p->ap : 0,
            p->seconds);
    if (p->status != YT_OK) fprintf(stderr, "  ended with values that are not finite");
    if (p->first_epoch) fprintf(stderr, "  went on after epoch %d", p->first_epoch);
    fprintf(stderr, "%s\n", p->kept ? "  was complete already" : "");
}

static yt_status compare(yt_compare *study, const yt_compare_hooks *hooks, const volatile sig_atomic_t *stop,
                         yt_err *err) {
    fprintf(stderr, "comparing in %d runs below %s\n", yt_compare_runs(study), yt_compare_folder(study));
    yt_status status = yt_compare_run(study, hooks, stop, err);
    if (status == YT_STOPPED) fprintf(stderr, "interrupted; the same command goes on from here\n");
    if (status != YT_OK) return status;
    char why[sizeof err->text];
    YT_TRY(yt_compare_report(study, why, sizeof why, err));
    yt_compare_print(study, stdout);
    fflush(stdout); /* before what follows on stderr */
    if (why[0]) fprintf(stderr, "warning: %s\n", why);
    fprintf(stderr, "saved to %s: compare.html, compare.json%s\n", yt_compare_folder(study),
            why[0] ? "" : ", figures/");
    return YT_OK;
}

yt_status yt_cli_compare(const yt_train_config *config, const char *variants, int seeds,
                         const char *const *search_dirs, yt_problem_sink problem, void *context,
                         const volatile sig_atomic_t *stop, yt_err *err) {
    yt_compare *study;
    listener l = {.problem = problem, .context = context};
    yt_compare_hooks hooks = {.run = show_run, .problem = show_problem, .context = &l};
    YT_TRY(yt_compare_create(config, variants, seeds, search_dirs, &study, err));
    yt_status status = compare(study, &hooks, stop, err);
    yt_compare_destroy(study);
    return status;
}
