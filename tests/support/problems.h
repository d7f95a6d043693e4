/* problems.h: collects what is reported, one line each, to be compared with what should be. */
#ifndef YT_TEST_PROBLEMS_H
#define YT_TEST_PROBLEMS_H

typedef struct test_problems {
    char text[8192];
    int count;
} test_problems;

/* A yti_scan_options.problem; context is a test_problems. */
void test_problems_note(void *context, const char *text);

#endif
