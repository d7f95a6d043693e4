/* problems.h: collects what is reported, one line each, to be compared with what should be. */
#ifndef YT_TEST_PROBLEMS_H
#define YT_TEST_PROBLEMS_H

typedef struct yt_problems {
    char text[8192];
    int count;
} yt_problems;

/* A yt_scan_options.problem; context is a yt_problems. */
void yt_problems_note(void *context, const char *text);

#endif
