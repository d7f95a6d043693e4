/* gnuplot.h: the plotting program as a process. Internal to src/study. */
#ifndef YT_STUDY_GNUPLOT_H
#define YT_STUDY_GNUPLOT_H

#include "base/status.h"

#include <stdbool.h>
#include <stdio.h>

/* Whether the program can be started; else a sentence that says what to install. */
bool study_gnuplot_works(char *why_not, size_t room);

/* Runs a script in a folder. */
yt_status study_gnuplot_run(const char *folder, const char *script, yt_err *err);

/* A text as a string of gnuplot's, in quotes within which it substitutes nothing. */
void study_gnuplot_text(FILE *out, const char *text);

#endif
