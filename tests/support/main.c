/* main.c: the main function of every test program. Criterion's own exits with 0 when every case was skipped and when
 * none matched the filter, so that ctest would report success. Here 77 means that nothing failed and something was
 * skipped, and a filter that matches no case is a failure. */
#include <criterion/criterion.h>
#include <criterion/hooks.h>
#include <criterion/options.h>
#include <stdio.h>

enum { SKIPPED = 77 };

/* Criterion's own count of skipped cases includes those that the filter leaves out. */
static int started, skipped;

ReportHook(PRE_INIT)(struct criterion_test *test) {
    (void)test;
    started++;
}

ReportHook(POST_FINI)(struct criterion_test_stats *stats) {
    if (stats->test_status != CR_STATUS_SKIPPED) return;
    printf("SKIPPED %s: %s\n", stats->test->name, stats->message ? stats->message : "");
    skipped++;
}

static int run(struct criterion_test_set *tests) {
    if (!criterion_run_all_tests(tests)) return 1;
    if (started == 0) {
        printf("FAILED: no case matches the filter\n");
        return 1;
    }
    return skipped > 0 ? SKIPPED : 0;
}

int main(int argc, char **argv) {
    struct criterion_test_set *tests = criterion_initialize();
    const int code = criterion_handle_args(argc, argv, true) ? run(tests) : 0;
    criterion_finalize(tests);
    return code;
}
