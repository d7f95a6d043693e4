/* page.h: compare.html. Internal to src/study. */
#ifndef YT_STUDY_PAGE_H
#define YT_STUDY_PAGE_H

#include "study/report/figures.h"

void study_html_text(FILE *out, const char *text);
yt_status study_page_write(const study_comparison *study, const study_figure *figures, int n_figures,
                           const char *why_no_figures, const char *path, yt_err *err);

#endif
