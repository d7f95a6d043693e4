/* drawing.h: what the figures of a study share. Internal to src/study.
 *
 * figures.c holds the script and all lines, heat_maps.c the maps of layer and time, drawing.c what both begin with.
 */
#ifndef YT_STUDY_DRAWING_H
#define YT_STUDY_DRAWING_H

#include "base/file.h"
#include "study/report/figures.h"

/* Everything that is drawn goes through one of these. */
typedef struct study_drawing {
    const study_comparison *study;
    char *folder;
    FILE *script;
    study_figure *figures;
    int count;
} study_drawing;

/* Of values that were seen; empty: none was. */
typedef struct study_span {
    double low, high;
} study_span;

static const study_span STUDY_EMPTY_SPAN = {HUGE_VAL, -HUGE_VAL};

static inline bool study_span_is_empty(study_span s) {
    return !(s.low <= s.high);
}

/* Values that are not finite are none. */
static inline void study_span_widen(study_span *s, double value) {
    if (!isfinite(value)) return;
    s->low = fmin(s->low, value);
    s->high = fmax(s->high, value);
}

/* ---- drawing.c ---- */

/* figures/NAME.dat, to be written. */
yt_status study_open_numbers(const study_drawing *drawing, const char *name, yti_file_writer *writer, yt_err *err);

/* Begins NAME.svg in the script. */
void study_begin_figure(study_drawing *drawing, const char *name, const char *caption, int height);

/* ---- heat_maps.c ---- */
yt_status study_draw_heat_maps(study_drawing *drawing, yt_err *err);

#endif
