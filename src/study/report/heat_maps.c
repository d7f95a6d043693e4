/* heat_maps.c: the gradients of a variant by layer and time, with one scale of colours for all variants. */
#include "study/report/drawing.h"
#include "study/report/gnuplot.h"

#include <string.h>

enum { MIN_LABELS = 8, MAX_LABELS = 32, MAX_COLUMNS = 80 };

/* The run of a variant that was looked at most often. */
static const study_run *most_seen(const study_comparison *study, int variant) {
    const study_run *best = study_run_of(study, variant, 0);
    for (int s = 1; s < study->n_seeds; s++)
        if (study_run_of(study, variant, s)->seen.n_steps > best->seen.n_steps) best = study_run_of(study, variant, s);
    return best;
}

/* Which of n steps stands in a column of the map, where there are more steps than columns. */
static int step_in_column(int column, int columns, int n) {
    return columns < 2 ? 0 : (int)((long)column * (n - 1) / (columns - 1));
}

/* Mean over seeds of log10 rms; NaN: not seen. */
static double heat(const study_comparison *study, int variant, long step, int point) {
    double sum = 0;
    int n = 0, width = study->variants[variant].points.count;
    for (int s = 0; s < study->n_seeds; s++) {
        const study_run *run = study_run_of(study, variant, s);
        for (int i = 0; i < run->seen.n_steps; i++) {
            if (run->seen.steps[i] != step) continue;
            double value = log10(run->seen.rms[i * width + point]);
            if (!isfinite(value)) break;
            sum += value;
            n++;
            break;
        }
    }
    return n ? sum / n : (double)NAN;
}

static study_span heat_range(const study_comparison *study, int variant) {
    const study_run *seen = most_seen(study, variant);
    int columns = seen->seen.n_steps < MAX_COLUMNS ? seen->seen.n_steps : MAX_COLUMNS;
    study_span range = STUDY_EMPTY_SPAN;
    for (int c = 0; c < columns; c++)
        for (int p = 0; p < study->variants[variant].points.count; p++)
            study_span_widen(&range,
                             heat(study, variant, seen->seen.steps[step_in_column(c, columns, seen->seen.n_steps)], p));
    return range;
}

/* Labels at so few places that they do not overlap. */
static void heat_labels(study_drawing *d, int variant, const study_run *seen, int columns) {
    const study_points *points = &d->study->variants[variant].points;
    int every = (points->count + MAX_LABELS - 1) / MAX_LABELS;
    fprintf(d->script, "set ytics (");
    for (int p = 0; p < points->count; p += every) {
        if (p) fputs(", ", d->script);
        study_gnuplot_text(d->script, points->at[p].name);
        fprintf(d->script, " %d", p);
    }
    fprintf(d->script, ") font ',11'\nset xtics (");
    every = (columns + 9) / 10;
    for (int c = 0; c < columns; c += every)
        fprintf(d->script, "%s'%ld' %d", c ? ", " : "",
                seen->seen.steps[step_in_column(c, columns, seen->seen.n_steps)], c);
    fprintf(d->script, ")\nset xrange [-0.5:%d.5]\nset yrange [%d.5:-0.5]\n", columns - 1, points->count - 1);
}

static yt_status write_heat(const study_drawing *d, int variant, const study_run *seen, int columns, const char *base,
                            yt_err *err) {
    yti_file_writer writer;
    YT_TRY(study_open_numbers(d, base, &writer, err));
    for (int c = 0; c < columns; c++)
        for (int p = 0; p < d->study->variants[variant].points.count; p++) {
            double value = heat(d->study, variant, seen->seen.steps[step_in_column(c, columns, seen->seen.n_steps)], p);
            if (isfinite(value)) fprintf(writer.stream, "%d %d %.6g\n", c, p, value);
        }
    return yti_file_writer_commit(&writer, err);
}

static yt_status draw_heat(study_drawing *d, int variant, study_span range, yt_err *err) {
    const study_run *seen = most_seen(d->study, variant);
    int points = d->study->variants[variant].points.count;
    int columns = seen->seen.n_steps < MAX_COLUMNS ? seen->seen.n_steps : MAX_COLUMNS;
    if (study_span_is_empty(heat_range(d->study, variant))) return YT_OK;
    char caption[STUDY_SENTENCE], base[64];
    snprintf(caption, sizeof caption,
             "Gradient by layer and time, %s: log10 of the RMS of dL/dx, mean over seeds; the input is at "
             "the top. All "
             "variants share one scale.",
             d->study->variants[variant].words.name);
    snprintf(base, sizeof base, "heat-%d", variant);
    YT_TRY(write_heat(d, variant, seen, columns, base, err));
    int lines = points < MIN_LABELS ? MIN_LABELS : points > MAX_LABELS ? MAX_LABELS : points;
    study_begin_figure(d, base, caption, 200 + 16 * lines);
    /* cividis (Nunez, Anderton and Renslow 2018): even steps for normal and for colour-blind eyes. */
    fprintf(d->script,
            "set palette defined (0 '#00204d', 0.25 '#414d6b', 0.5 '#7c7b78', 0.75 '#bcaf6f', 1 '#ffea46')\n"
            "set cbrange [%.6g:%.6g]\nset cblabel 'log10 RMS(dL/dx)' offset 1.5\nset rmargin 14\nset "
            "xlabel 'step (batches trained "
            "before)'\n"
            "set ylabel 'row or block'\nunset key\n",
            range.low, range.high > range.low ? range.high : range.low + 1);
    heat_labels(d, variant, seen, columns);
    fprintf(d->script,
            "plot '%s.dat' using 1:2:($1-0.5):($1+0.5):($2-0.5):($2+0.5):3 with boxxyerror fillstyle solid "
            "1.0 noborder "
            "fillcolor palette\n",
            base);
    return YT_OK;
}

yt_status study_draw_heat_maps(study_drawing *d, yt_err *err) {
    const study_comparison *study = d->study;
    study_span range = STUDY_EMPTY_SPAN;
    for (int v = 0; v < study->n_variants; v++) {
        study_span own = heat_range(study, v);
        study_span_widen(&range, own.low);
        study_span_widen(&range, own.high);
    }
    for (int v = 0; v < study->n_variants; v++) YT_TRY(draw_heat(d, v, range, err));
    return YT_OK;
}
