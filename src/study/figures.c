/* figures.c: the pictures of a study: data files, one script, and gnuplot.
 *
 * figures/ holds a file of numbers for every series, figures.gp, and the pictures it draws, so that they can be drawn
 * again with other colours. Variants differ by dash and point as well as by colour, and the colours of the heat maps
 * rise in lightness, so that both can be printed in black and white.
 */
#include "study/study.h"
#include "yt/file.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_LABELS = 32, MAX_COLUMNS = 80, N_STYLES = 6 };

/* Bars of few seeds may be longer than all else: an axis follows them for this factor. */
static const double BAR = 30;

/* Everything that is drawn goes through one of these. */
typedef struct drawing {
    const yt_compare *study;
    char *folder;
    FILE *script;
    study_figure *figures;
    int count;
} drawing;

/* One point of a series. */
typedef struct place {
    double x;
    yt_interval y; /* as drawn: not a logarithm */
} place;

/* ---- series ---- */

static yt_interval power_of_ten(yt_interval i) {
    return (yt_interval){pow(10, i.value), pow(10, i.low), pow(10, i.high), i.count};
}

/* Writes figures/NAME.dat: x y low high. Points without a value are left out; *written says how many there are. */
static yt_status write_series(const drawing *d, const char *name, const place *places, int count,
                              int *written, yt_err *err) {
    char file[STUDY_TEXT + 8];
    snprintf(file, sizeof file, "%s.dat", name);
    char *path = yt_path_join(d->folder, file);
    if (!path) return yt_fail(err, YT_NO_MEMORY, "no memory for the names of figures");
    yt_file_writer writer;
    yt_status status = yt_file_writer_open(path, &writer, err);
    free(path);
    if (status != YT_OK) return status;
    for (int i = 0; i < count; i++) {
        const yt_interval *y = &places[i].y;
        if (!isfinite(y->value)) continue;
        bool known = yt_interval_known(*y);
        fprintf(writer.stream, "%.9g %.9g %.9g %.9g\n", places[i].x, y->value, known ? y->low : y->value,
                known ? y->high : y->value);
        ++*written;
    }
    return yt_file_writer_commit(&writer, err);
}

/* ---- the script ---- */

static void begin_figure(drawing *d, const char *file, const char *caption, int height) {
    study_figure *f = &d->figures[d->count++];
    snprintf(f->file, sizeof f->file, "%s.svg", file);
    snprintf(f->caption, sizeof f->caption, "%s", caption);
    fprintf(d->script,
            "\nreset\nset encoding utf8\nset terminal svg size 960,%d dynamic noenhanced font "
            "'sans-serif,15' background "
            "rgb 'white' name 'figure%d'\nset output '%s'\nset border 3\nset tics nomirror out\n",
            height, d->count, f->file);
}

/* Dash, point and colour of every variant. */
static void begin_lines(drawing *d, const char *x, const char *y) {
    static const char *const colours[N_STYLES] = {"#000000", "#d55e00", "#0072b2",
                                                  "#009e73", "#aa4499", "#8a6d00"};
    static const int points[N_STYLES] = {7, 5, 9, 6, 4, 8};
    for (int i = 0; i < N_STYLES; i++)
        fprintf(d->script,
                "set linetype %d linecolor rgb '%s' dashtype %d pointtype %d linewidth 1.7 pointsize 0.7\n",
                i + 1, colours[i], i % 5 + 1, points[i]);
    fprintf(d->script,
            "set linetype cycle %d\nset pointintervalbox 0\nset grid ytics linecolor rgb '#cccccc' linetype "
            "1 dashtype 1 linewidth 0.6\n"
            "set key outside top center horizontal\nset xlabel '%s'\nset ylabel '%s'\n",
            N_STYLES, x, y);
}

/* A logarithmic axis over whole decades, at least one; and the line at 1 where that is the middle. */
static void logarithmic(drawing *d, double low, double high, const char *axis) {
    double bottom = floor(low), top = ceil(high);
    if (top <= bottom) top = bottom + 1;
    fprintf(d->script, "set logscale %s\nset format %s '%%.0e'\nset %srange [1e%.0f:1e%.0f]\n", axis, axis,
            axis, bottom, top);
}

typedef struct span {
    double low, high;
} span;

static void widen(span *s, double value) {
    if (!isfinite(value)) return;
    if (value < s->low) s->low = value;
    if (value > s->high) s->high = value;
}

/* Half a layer of air on both sides. */
static void depth_axis(drawing *d) {
    int deepest = 1;
    for (int v = 0; v < d->study->n_variants; v++) {
        const study_points *points = &d->study->variants[v].points;
        if (points->count && points->at[points->count - 1].depth > deepest)
            deepest = points->at[points->count - 1].depth;
    }
    fprintf(d->script, "set xrange [0.5:%d.5]\n", deepest);
}

/* What is drawn of a variant: fills places and returns how many. */
typedef int (*series)(const yt_compare *study, int variant, int moment, place *places);

/* plot: every variant that has points, as a line with its intervals, a little beside its neighbours' so that these do
 * not cover each other. base: of the data files' names. */
static yt_status plot_variants(drawing *d, double dodge, const char *base, series get, int moment,
                               place *places, yt_err *err) {
    bool first = true;
    for (int v = 0; v < d->study->n_variants; v++) {
        char name[STUDY_TEXT];
        snprintf(name, sizeof name, "%.200s-%d", base, v);
        int count = get(d->study, v, moment, places), written = 0;
        YT_TRY(write_series(d, name, places, count, &written, err));
        if (written == 0) continue;
        double beside = dodge * (v - (d->study->n_variants - 1) / 2.0);
        fprintf(d->script,
                "%s'%s.dat' using ($1%+.3f):2:3:4 with yerrorbars linetype %d dashtype 1 linewidth 0.9 "
                "pointsize 0 "
                "notitle, \\\n  '%s.dat' using ($1%+.3f):2 with linespoints linetype %d title ",
                first ? "plot " : ", \\\n  ", name, beside, v % N_STYLES + 1, name, beside, v % N_STYLES + 1);
        yti_gnuplot_text(d->script, d->study->variants[v].words.name);
        first = false;
    }
    fputc('\n', d->script);
    return YT_OK;
}

static span range_of(const drawing *d, series get, int moment, place *places) {
    span all = {HUGE_VAL, -HUGE_VAL};
    for (int v = 0; v < d->study->n_variants; v++) {
        int count = get(d->study, v, moment, places);
        for (int i = 0; i < count; i++) {
            widen(&all, places[i].y.value);
            if (!yt_interval_known(places[i].y)) continue;
            widen(&all, fmax(places[i].y.low, places[i].y.value / BAR));
            widen(&all, fmin(places[i].y.high, places[i].y.value * BAR));
        }
    }
    return all;
}

/* ---- profiles and ratios ---- */

static int get_profile(const yt_compare *study, int variant, int moment, place *places) {
    const study_variant *v = &study->variants[variant];
    for (int i = 0; i < v->points.count; i++)
        places[i] = (place){v->points.at[i].depth, power_of_ten(v->moments[moment].profile[i])};
    return v->points.count;
}

static int get_ratio(const yt_compare *study, int variant, int moment, place *places) {
    const study_variant *v = &study->variants[variant];
    for (int i = 0; i < v->points.count; i++)
        places[i] = (place){v->points.at[i].depth, power_of_ten(v->moments[moment].ratio[i])};
    return v->points.count;
}

static yt_status draw_profile(drawing *d, int moment, place *places, yt_err *err) {
    span range = range_of(d, get_profile, moment, places);
    if (!(range.low > 0 && range.high < HUGE_VAL)) return YT_OK; /* nothing was seen */
    char when[64], caption[STUDY_SENTENCE], base[64];
    yti_moment_name(d->study, moment, when, sizeof when);
    snprintf(caption, sizeof caption,
             "Gradient by depth %s: RMS of dL/dx at the output of every row and block; means over seeds, "
             "bars: 95 %% "
             "intervals. A line that falls to the left loses gradient on its way to the input.",
             when);
    snprintf(base, sizeof base, "profile-step%ld", d->study->moment_steps[moment]);
    begin_figure(d, base, caption, 480);
    begin_lines(d, "depth (convolutions from the input)", "RMS of dL/dx");
    depth_axis(d);
    logarithmic(d, log10(range.low), log10(range.high), "y");
    return plot_variants(d, 0.06, base, get_profile, moment, places, err);
}

static yt_status draw_ratio(drawing *d, int moment, place *places, yt_err *err) {
    span range = range_of(d, get_ratio, moment, places);
    if (!(range.low > 0 && range.high < HUGE_VAL)) return YT_OK;
    widen(&range, 0.1);
    widen(&range, 10);
    char when[64], caption[STUDY_SENTENCE], base[64];
    yti_moment_name(d->study, moment, when, sizeof when);
    snprintf(caption, sizeof caption,
             "Ratio across each row or block %s: RMS of dL/dx before it over RMS behind it. 1: the gradient "
             "passes "
             "unchanged; below 1: it shrinks on its way to the input.",
             when);
    snprintf(base, sizeof base, "ratio-step%ld", d->study->moment_steps[moment]);
    begin_figure(d, base, caption, 420);
    begin_lines(d, "depth (convolutions from the input)", "RMS before / RMS behind");
    depth_axis(d);
    logarithmic(d, log10(range.low), log10(range.high), "y");
    fprintf(
        d->script,
        "set arrow from graph 0, first 1 to graph 1, first 1 nohead linecolor rgb '#666666' linewidth 1\n");
    return plot_variants(d, 0.06, base, get_ratio, moment, places, err);
}

/* ---- curves of training ---- */

typedef double (*epoch_value)(const study_epoch *epoch);

static double log_loss_of(const study_epoch *epoch) {
    return log10(epoch->loss);
}

static double ap_of(const study_epoch *epoch) {
    return epoch->ap;
}

static int longest(const yt_compare *study, int variant) {
    int epochs = 0;
    for (int s = 0; s < study->n_seeds; s++)
        if (yti_study_run(study, variant, s)->n_epochs > epochs)
            epochs = yti_study_run(study, variant, s)->n_epochs;
    return epochs;
}

/* The mean over the seeds that came so far. */
static int get_curve(const yt_compare *study, int variant, epoch_value value, place *places) {
    int epochs = longest(study, variant);
    for (int e = 0; e < epochs; e++) {
        double values[YT_MAX_SEEDS];
        int n = 0;
        for (int s = 0; s < study->n_seeds; s++) {
            const study_run *run = yti_study_run(study, variant, s);
            if (e < run->n_epochs) values[n++] = value(&run->epochs[e]);
        }
        places[e] = (place){e + 1, yt_interval_mean(values, n)};
    }
    return epochs;
}

static int get_loss(const yt_compare *study, int variant, int moment, place *places) {
    (void)moment;
    int epochs = get_curve(study, variant, log_loss_of, places);
    for (int e = 0; e < epochs; e++) places[e].y = power_of_ten(places[e].y);
    return epochs;
}

static int get_ap(const yt_compare *study, int variant, int moment, place *places) {
    (void)moment;
    return get_curve(study, variant, ap_of, places);
}

static int most_epochs(const yt_compare *study) {
    int epochs = 0;
    for (int v = 0; v < study->n_variants; v++)
        if (longest(study, v) > epochs) epochs = longest(study, v);
    return epochs;
}

static void begin_curve(drawing *d, const char *base, const char *caption, const char *y, int epochs) {
    begin_figure(d, base, caption, 420);
    begin_lines(d, "epoch", y);
    fprintf(d->script, "set xrange [0.5:%d.5]\n", epochs);
    if (epochs <= 20) fprintf(d->script, "set xtics 1\n");
}

/* On a logarithmic axis where some variant's loss leaves the others far behind. */
static yt_status draw_loss(drawing *d, int epochs, place *places, yt_err *err) {
    span range = range_of(d, get_loss, 0, places);
    if (!(range.low > 0 && range.high < HUGE_VAL)) return YT_OK;
    begin_curve(d, "loss",
                "Training loss: sum of the terms, geometric mean over the seeds that came so far, bars: 95 % "
                "intervals.",
                "training loss", epochs);
    if (range.high > 20 * range.low)
        logarithmic(d, log10(range.low), log10(range.high), "y");
    else
        fprintf(d->script, "set yrange [0:*]\n");
    return plot_variants(d, 0.002 * epochs, "loss", get_loss, 0, places, err);
}

static yt_status draw_ap(drawing *d, int epochs, place *places, yt_err *err) {
    span range = range_of(d, get_ap, 0, places);
    if (!(range.high > 0)) return YT_OK; /* nothing was found yet */
    begin_curve(d, "ap", "Validation: AP at IoU 0.50 to 0.95, mean over seeds, bars: 95 % intervals.",
                "mAP50-95", epochs);
    fprintf(d->script, "set yrange [0:*]\n");
    return plot_variants(d, 0.002 * epochs, "ap", get_ap, 0, places, err);
}

/* ---- heat maps ---- */

/* The run of a variant that was looked at most often. */
static const study_run *most_seen(const yt_compare *study, int variant) {
    const study_run *best = yti_study_run(study, variant, 0);
    for (int s = 1; s < study->n_seeds; s++)
        if (yti_study_run(study, variant, s)->n_steps > best->n_steps)
            best = yti_study_run(study, variant, s);
    return best;
}

/* Which of n steps stands in a column of the map, where there are more steps than columns. */
static int step_in_column(int column, int columns, int n) {
    return columns < 2 ? 0 : (int)((long)column * (n - 1) / (columns - 1));
}

/* Mean over seeds of log10 rms; NaN: not seen. */
static double heat(const yt_compare *study, int variant, long step, int point) {
    double sum = 0;
    int n = 0, width = study->variants[variant].points.count;
    for (int s = 0; s < study->n_seeds; s++) {
        const study_run *run = yti_study_run(study, variant, s);
        for (int i = 0; i < run->n_steps; i++) {
            if (run->steps[i] != step) continue;
            double value = log10(run->rms[i * width + point]);
            if (!isfinite(value)) break;
            sum += value;
            n++;
            break;
        }
    }
    return n ? sum / n : (double)NAN;
}

static void heat_range(const yt_compare *study, span *range) {
    for (int v = 0; v < study->n_variants; v++) {
        const study_run *seen = most_seen(study, v);
        int columns = seen->n_steps < MAX_COLUMNS ? seen->n_steps : MAX_COLUMNS;
        for (int c = 0; c < columns; c++)
            for (int p = 0; p < study->variants[v].points.count; p++)
                widen(range, heat(study, v, seen->steps[step_in_column(c, columns, seen->n_steps)], p));
    }
}

/* Labels at about every so many places that they do not overlap. */
static void heat_labels(drawing *d, int variant, const study_run *seen, int columns) {
    const study_points *points = &d->study->variants[variant].points;
    int every = (points->count + MAX_LABELS - 1) / MAX_LABELS;
    fprintf(d->script, "set ytics (");
    for (int p = 0; p < points->count; p += every) {
        if (p) fputs(", ", d->script);
        yti_gnuplot_text(d->script, points->at[p].name);
        fprintf(d->script, " %d", p);
    }
    fprintf(d->script, ") font ',11'\nset xtics (");
    every = (columns + 9) / 10;
    for (int c = 0; c < columns; c += every)
        fprintf(d->script, "%s'%ld' %d", c ? ", " : "",
                seen->steps[step_in_column(c, columns, seen->n_steps)], c);
    fprintf(d->script, ")\nset xrange [-0.5:%d.5]\nset yrange [%d.5:-0.5]\n", columns - 1, points->count - 1);
}

static yt_status write_heat(const drawing *d, int variant, const study_run *seen, int columns,
                            const char *base, yt_err *err) {
    char file[STUDY_TEXT];
    snprintf(file, sizeof file, "%.200s.dat", base);
    char *path = yt_path_join(d->folder, file);
    if (!path) return yt_fail(err, YT_NO_MEMORY, "no memory for the names of figures");
    yt_file_writer writer;
    yt_status status = yt_file_writer_open(path, &writer, err);
    free(path);
    if (status != YT_OK) return status;
    for (int c = 0; c < columns; c++)
        for (int p = 0; p < d->study->variants[variant].points.count; p++) {
            double value = heat(d->study, variant, seen->steps[step_in_column(c, columns, seen->n_steps)], p);
            if (isfinite(value)) fprintf(writer.stream, "%d %d %.6g\n", c, p, value);
        }
    return yt_file_writer_commit(&writer, err);
}

static yt_status draw_heat(drawing *d, int variant, span range, yt_err *err) {
    const study_run *seen = most_seen(d->study, variant);
    int points = d->study->variants[variant].points.count;
    int columns = seen->n_steps < MAX_COLUMNS ? seen->n_steps : MAX_COLUMNS;
    if (columns == 0 || points == 0 || !(range.low <= range.high)) return YT_OK;
    char caption[STUDY_SENTENCE], base[64];
    snprintf(caption, sizeof caption,
             "Gradient by layer and time, %s: log10 of the RMS of dL/dx, mean over seeds; the input is at "
             "the top. All "
             "variants share one scale.",
             d->study->variants[variant].words.name);
    snprintf(base, sizeof base, "heat-%d", variant);
    YT_TRY(write_heat(d, variant, seen, columns, base, err));
    begin_figure(d, base, caption, 200 + 16 * (points < MAX_LABELS ? points : MAX_LABELS));
    fprintf(d->script,
            "set palette defined (0 '#00204d', 0.25 '#414d6b', 0.5 '#7c7b78', 0.75 '#bcaf6f', 1 '#ffea46')\n"
            "set cbrange [%.6g:%.6g]\nset cblabel 'log10 of RMS of dL/dx' offset 1.5\nset rmargin 14\nset "
            "xlabel 'step (batches trained "
            "before)'\n"
            "set ylabel 'row or block of the network'\nunset key\n",
            range.low, range.high > range.low ? range.high : range.low + 1);
    heat_labels(d, variant, seen, columns);
    fprintf(d->script,
            "plot '%s.dat' using 1:2:($1-0.5):($1+0.5):($2-0.5):($2+0.5):3 with boxxyerror fillstyle solid "
            "1.0 noborder "
            "fillcolor palette\n",
            base);
    return YT_OK;
}

/* ---- all ---- */

static yt_status draw_all(drawing *d, place *places, yt_err *err) {
    const yt_compare *study = d->study;
    for (int m = 0; m < study->n_moments; m++) YT_TRY(draw_profile(d, m, places, err));
    for (int m = 0; m < study->n_moments; m++)
        if (m == 0 || m == study->n_moments - 1) YT_TRY(draw_ratio(d, m, places, err));
    span range = {HUGE_VAL, -HUGE_VAL};
    heat_range(study, &range);
    for (int v = 0; v < study->n_variants; v++) YT_TRY(draw_heat(d, v, range, err));
    int epochs = most_epochs(study);
    if (epochs == 0) return YT_OK;
    YT_TRY(draw_loss(d, epochs, places, err));
    return draw_ap(d, epochs, places, err);
}

/* Room for the longest series. */
static place *make_places(const yt_compare *study) {
    int most = most_epochs(study);
    for (int v = 0; v < study->n_variants; v++)
        if (study->variants[v].points.count > most) most = study->variants[v].points.count;
    return calloc((size_t)most + 1, sizeof(place));
}

static yt_status write_script(drawing *d, yt_err *err) {
    char *path = yt_path_join(d->folder, "figures.gp");
    place *places = make_places(d->study);
    yt_file_writer writer;
    yt_status status = path && places ? yt_file_writer_open(path, &writer, err)
                                      : yt_fail(err, YT_NO_MEMORY, "no memory for the figures");
    if (status == YT_OK) {
        d->script = writer.stream;
        fprintf(d->script, "# Draws the figures of this folder: gnuplot figures.gp\n");
        status = draw_all(d, places, err);
        fprintf(d->script, "unset output\n");
        if (status == YT_OK)
            status = yt_file_writer_commit(&writer, err);
        else
            yt_file_writer_discard(&writer);
    }
    free(path);
    free(places);
    return status;
}

yt_status yti_figures_draw(const yt_compare *study, study_figure *out, int *count, yt_err *err) {
    drawing d = {.study = study, .figures = out, .folder = yt_path_join(study->folder, "figures")};
    if (!d.folder) return yt_fail(err, YT_NO_MEMORY, "no memory for the figures");
    yt_status status = yt_path_make_dirs(d.folder, err);
    if (status == YT_OK) status = write_script(&d, err);
    if (status == YT_OK) status = yti_gnuplot_run(d.folder, "figures.gp", err);
    free(d.folder);
    *count = status == YT_OK ? d.count : 0;
    return status;
}
