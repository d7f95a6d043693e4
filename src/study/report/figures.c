/* figures.c: the figures of a study: data files, one script, and gnuplot.
 *
 * figures/ holds a file of numbers for every series, figures.gp, and the figures it draws, so that they can be drawn
 * again with other colours. Variants differ by dash and point as well as by colour, and the colours of the heat maps
 * rise in lightness, so that both can be printed in black and white. A figure without a value is left out.
 */
#include "base/file.h"
#include "study/report/drawing.h"
#include "study/report/gnuplot.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { N_COLOURS = 6, N_DASHES = 5, MOST_DECADES = 12, FINE_DECADES = 5 };

static const char SCRIPT[] = "figures.gp";

/* Bars of few seeds may be longer than all else: an axis follows them for this factor. */
static const double BAR = 30;

/* Of an axis: how far variants stand apart that have the same place on it. */
static const double BESIDE = 0.003;

/* One point of a series. */
typedef struct place {
    double x;
    yti_interval y; /* as drawn: not a logarithm */
    bool hollow;    /* after the backbone */
} place;

/* ---- series ---- */

/* Bars of two seeds may be wider than the numbers of a double; no axis is. */
static double power_of_ten(double exponent) {
    return pow(10, fmax(-300, fmin(300, exponent)));
}

static yti_interval powers_of_ten(yti_interval i) {
    if (!isfinite(i.value)) return i;
    if (!yti_interval_known(i)) return (yti_interval){power_of_ten(i.value), i.low, i.high, i.count};
    return (yti_interval){power_of_ten(i.value), power_of_ten(i.low), power_of_ten(i.high), i.count};
}

/* What of a series is in its file. */
typedef struct contents {
    int points, hollow;
} contents;

/* Writes figures/NAME.dat: x y low high hollow. Points without a value are left out. */
static yt_status write_series(const study_drawing *d, const char *name, const place *places, int count,
                              contents *written, yt_err *err) {
    yti_file_writer writer;
    YT_TRY(study_open_numbers(d, name, &writer, err));
    for (int i = 0; i < count; i++) {
        const yti_interval *y = &places[i].y;
        if (!isfinite(y->value)) continue;
        bool known = yti_interval_known(*y);
        fprintf(writer.stream, "%.9g %.9g %.9g %.9g %d\n", places[i].x, y->value, known ? y->low : y->value,
                known ? y->high : y->value, places[i].hollow);
        written->points++;
        written->hollow += places[i].hollow;
    }
    return yti_file_writer_commit(&writer, err);
}

/* ---- the script ---- */

/* Dash, point and colour of every variant: colours of Okabe and Ito (2008), which colour-blind readers tell apart,
 * and two darker ones. */
static void begin_lines(study_drawing *d, const char *x, const char *y) {
    static const char *const colours[N_COLOURS] = {"#000000", "#d55e00", "#0072b2", "#009e73", "#aa4499", "#8a6d00"};
    static const int points[N_COLOURS] = {7, 5, 9, 11, 13, 15}; /* filled */
    for (int i = 0; i < STUDY_MAX_VARIANTS; i++)
        fprintf(d->script, "set linetype %d linecolor rgb '%s' dashtype %d pointtype %d linewidth 1.7 pointsize 0.7\n",
                i + 1, colours[i % N_COLOURS], i % N_DASHES + 1, points[i % N_COLOURS]);
    fprintf(d->script,
            "set pointintervalbox 0\nset grid ytics linecolor rgb '#cccccc' linetype "
            "1 dashtype 1 linewidth 0.6\n"
            "set key outside top center horizontal Left reverse\nset xlabel '%s'\nset ylabel '%s'\n",
            x, y);
}

/* 10 with an exponent in raised digits; noenhanced text has no other way to raise them. */
static void raised_power(FILE *out, int exponent) {
    static const char *const raised[] = {"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
    char digits[16];
    snprintf(digits, sizeof digits, "%d", abs(exponent));
    fprintf(out, "10%s", exponent < 0 ? "⁻" : "");
    for (const char *c = digits; *c; c++) fputs(raised[*c - '0'], out);
}

/* A mark at every decade, or where there are many, at every n-th; small ones between where there is room. */
static void mark_decades(FILE *out, int bottom, int top) {
    int every = (top - bottom + MOST_DECADES - 1) / MOST_DECADES;
    for (int decade = bottom; decade <= top; decade += every) {
        fputs(decade > bottom ? ", '" : "'", out);
        raised_power(out, decade);
        fprintf(out, "' 1e%d", decade);
        for (int digit = 2; digit < 10 && top - bottom <= FINE_DECADES && decade < top; digit++)
            fprintf(out, ", '' %de%d 1", digit, decade);
    }
}

/* A vertical axis over whole decades, at least one. */
static void logarithmic(study_drawing *d, double low, double high) {
    int bottom = (int)floor(log10(low)), top = (int)ceil(log10(high));
    if (top <= bottom) top = bottom + 1;
    fprintf(d->script, "set logscale y\nset yrange [1e%d:1e%d]\nset ytics (", bottom, top);
    mark_decades(d->script, bottom, top);
    fputs(")\n", d->script);
}

static int deepest_place(const study_drawing *d) {
    int deepest = 1;
    for (int v = 0; v < d->study->n_variants; v++) {
        const study_points *points = &d->study->variants[v].points;
        if (points->count && points->at[points->count - 1].depth > deepest)
            deepest = points->at[points->count - 1].depth;
    }
    return deepest;
}

/* Half a layer of air on both sides. */
static void depth_axis(study_drawing *d) {
    fprintf(d->script, "set xrange [0.5:%d.5]\n", deepest_place(d));
}

/* What is drawn of a variant: fills places and returns how many. */
typedef int (*series)(const study_comparison *study, int variant, int moment, place *places);

/* One variant: bars, the line with its points, and a white spot on those that are to be hollow. */
static void plot_variant(study_drawing *d, int variant, const char *name, double beside, contents has) {
    int style = variant + 1;
    fprintf(d->script,
            "'%s.dat' using ($1%+.3f):2:3:4 with yerrorbars linetype %d dashtype 1 linewidth 0.9 pointsize 0 "
            "notitle, \\\n  '%s.dat' using ($1%+.3f):2 with linespoints linetype %d title ",
            name, beside, style, name, beside, style);
    study_gnuplot_text(d->script, d->study->variants[variant].words.name);
    if (has.hollow)
        fprintf(d->script,
                ", \\\n  '%s.dat' using ($1%+.3f):($5 > 0 ? $2 : NaN) with points linetype %d linecolor rgb "
                "'white' pointsize 0.4 notitle",
                name, beside, style);
}

/* plot: every variant that has points, a little beside its neighbours so that bars do not cover each other. base: of
 * the data files' names; axis: its length. */
static yt_status plot_variants(study_drawing *d, double axis, const char *base, series get, int moment, place *places,
                               yt_err *err) {
    bool first = true;
    for (int v = 0; v < d->study->n_variants; v++) {
        char name[STUDY_TEXT];
        snprintf(name, sizeof name, "%.200s-%d", base, v);
        int count = get(d->study, v, moment, places);
        contents written = {0};
        YT_TRY(write_series(d, name, places, count, &written, err));
        if (written.points == 0) continue;
        fputs(first ? "plot " : ", \\\n  ", d->script);
        plot_variant(d, v, name, BESIDE * axis * (v - (d->study->n_variants - 1) / 2.0), written);
        first = false;
    }
    fputc('\n', d->script);
    return YT_OK;
}

static study_span range_of(const study_drawing *d, series get, int moment, place *places) {
    study_span all = STUDY_EMPTY_SPAN;
    for (int v = 0; v < d->study->n_variants; v++) {
        int count = get(d->study, v, moment, places);
        for (int i = 0; i < count; i++) {
            study_span_widen(&all, places[i].y.value);
            if (!yti_interval_known(places[i].y)) continue;
            study_span_widen(&all, fmax(places[i].y.low, places[i].y.value / BAR));
            study_span_widen(&all, fmin(places[i].y.high, places[i].y.value * BAR));
        }
    }
    return all;
}

/* ---- profiles and ratios ---- */

/* size: its logarithm. */
static place place_of(const study_point *point, yti_interval size) {
    return (place){point->depth, powers_of_ten(size), !point->in_backbone};
}

static int get_profile(const study_comparison *study, int variant, int moment, place *places) {
    const study_variant *v = &study->variants[variant];
    for (int i = 0; i < v->points.count; i++) places[i] = place_of(&v->points.at[i], v->moments[moment].profile[i]);
    return v->points.count;
}

static int get_ratio(const study_comparison *study, int variant, int moment, place *places) {
    const study_variant *v = &study->variants[variant];
    for (int i = 0; i < v->points.count; i++) places[i] = place_of(&v->points.at[i], v->moments[moment].ratio[i]);
    return v->points.count;
}

/* base receives the figure's name. */
static void begin_by_depth(study_drawing *d, const char *what, int moment, const char *title, const char *explained,
                           const char *y, char base[64]) {
    char when[64], caption[STUDY_SENTENCE];
    study_moment_name(d->study, moment, when, sizeof when);
    snprintf(caption, sizeof caption,
             "%s %s: %s Bars: 95 %% intervals. Filled points: backbone; hollow ones: the rows after it.", title, when,
             explained);
    snprintf(base, 64, "%s-step%ld", what, d->study->moment_steps[moment]);
    study_begin_figure(d, base, caption, 480);
    begin_lines(d, "depth (convolutions from the input)", y);
    depth_axis(d);
}

static yt_status draw_profile(study_drawing *d, int moment, place *places, yt_err *err) {
    study_span range = range_of(d, get_profile, moment, places);
    if (study_span_is_empty(range)) return YT_OK;
    char base[64];
    begin_by_depth(d, "profile", moment, "Gradient by depth",
                   "RMS of dL/dx at the output of every row and block, geometric means over seeds. Gradients "
                   "travel from right to left: a line that falls to the left loses gradient on its way to the "
                   "input.",
                   "RMS of dL/dx", base);
    logarithmic(d, range.low, range.high);
    return plot_variants(d, deepest_place(d), base, get_profile, moment, places, err);
}

static yt_status draw_ratio(study_drawing *d, int moment, place *places, yt_err *err) {
    study_span range = range_of(d, get_ratio, moment, places);
    if (study_span_is_empty(range)) return YT_OK;
    study_span_widen(&range, 0.1);
    study_span_widen(&range, 10);
    char base[64];
    begin_by_depth(d, "ratio", moment, "Ratio across each row or block",
                   "RMS of dL/dx before it over RMS after it. 1: the gradient passes unchanged; below 1: it "
                   "shrinks on its way to the input.",
                   "RMS before / RMS after", base);
    logarithmic(d, range.low, range.high);
    fprintf(d->script,
            "set arrow from graph 0, first 1 to graph 1, first 1 nohead linecolor rgb '#666666' linewidth 1\n");
    return plot_variants(d, deepest_place(d), base, get_ratio, moment, places, err);
}

/* ---- curves of training ---- */

typedef double (*epoch_value)(const yti_results_row *epoch);

static double log_loss_of(const yti_results_row *epoch) {
    return log10(epoch->train_loss);
}

static double ap_of(const yti_results_row *epoch) {
    return epoch->ap;
}

static int longest(const study_comparison *study, int variant) {
    int epochs = 0;
    for (int s = 0; s < study->n_seeds; s++)
        if (study_run_of(study, variant, s)->end.n_epochs > epochs)
            epochs = study_run_of(study, variant, s)->end.n_epochs;
    return epochs;
}

/* The mean over the seeds that came so far. */
static int get_curve(const study_comparison *study, int variant, epoch_value value, place *places) {
    int epochs = longest(study, variant);
    for (int e = 0; e < epochs; e++) {
        double values[STUDY_MAX_SEEDS];
        int n = 0;
        for (int s = 0; s < study->n_seeds; s++) {
            const study_run *run = study_run_of(study, variant, s);
            if (e < run->end.n_epochs) values[n++] = value(&run->end.epochs[e]);
        }
        places[e] = (place){.x = e + 1, .y = yti_interval_mean(values, n)};
    }
    return epochs;
}

static int get_loss(const study_comparison *study, int variant, int moment, place *places) {
    (void)moment;
    int epochs = get_curve(study, variant, log_loss_of, places);
    for (int e = 0; e < epochs; e++) places[e].y = powers_of_ten(places[e].y);
    return epochs;
}

static int get_ap(const study_comparison *study, int variant, int moment, place *places) {
    (void)moment;
    return get_curve(study, variant, ap_of, places);
}

static int most_epochs(const study_comparison *study) {
    int epochs = 0;
    for (int v = 0; v < study->n_variants; v++)
        if (longest(study, v) > epochs) epochs = longest(study, v);
    return epochs;
}

static void begin_curve(study_drawing *d, const char *base, const char *caption, const char *y, int epochs) {
    study_begin_figure(d, base, caption, 420);
    begin_lines(d, "epoch", y);
    fprintf(d->script, "set xrange [0.5:%d.5]\n", epochs);
    if (epochs <= 20) fprintf(d->script, "set xtics 1\n");
}

/* On a logarithmic axis where some variant's loss is far above the others. */
static yt_status draw_loss(study_drawing *d, int epochs, place *places, yt_err *err) {
    study_span range = range_of(d, get_loss, 0, places);
    if (study_span_is_empty(range)) return YT_OK;
    begin_curve(d, "loss",
                "Training loss: sum of the terms, geometric mean over the seeds that came so far, bars: 95 % "
                "intervals.",
                "training loss", epochs);
    if (range.high > 20 * range.low)
        logarithmic(d, range.low, range.high);
    else
        fprintf(d->script, "set yrange [0:*]\n");
    return plot_variants(d, epochs, "loss", get_loss, 0, places, err);
}

static yt_status draw_ap(study_drawing *d, int epochs, place *places, yt_err *err) {
    study_span range = range_of(d, get_ap, 0, places);
    if (!(range.high > 0)) return YT_OK; /* nothing was found yet */
    begin_curve(d, "ap", "Validation: AP at IoU 0.50 to 0.95, mean over seeds, bars: 95 % intervals.", "mAP50-95",
                epochs);
    fprintf(d->script, "set yrange [0:*]\n");
    return plot_variants(d, epochs, "ap", get_ap, 0, places, err);
}

/* ---- all ---- */

static yt_status draw_all(study_drawing *d, place *places, yt_err *err) {
    const study_comparison *study = d->study;
    for (int m = 0; m < study->n_moments; m++) YT_TRY(draw_profile(d, m, places, err));
    for (int m = 0; m < study->n_moments; m++)
        if (m == 0 || m == study->n_moments - 1) YT_TRY(draw_ratio(d, m, places, err));
    YT_TRY(study_draw_heat_maps(d, err));
    int epochs = most_epochs(study);
    if (epochs == 0) return YT_OK;
    YT_TRY(draw_loss(d, epochs, places, err));
    return draw_ap(d, epochs, places, err);
}

/* Room for the longest series. */
static place *make_places(const study_comparison *study) {
    int most = most_epochs(study);
    for (int v = 0; v < study->n_variants; v++)
        if (study->variants[v].points.count > most) most = study->variants[v].points.count;
    return calloc((size_t)most + 1, sizeof(place));
}

static yt_status write_script(study_drawing *d, yt_err *err) {
    char *path = yti_path_join(d->folder, SCRIPT);
    place *places = make_places(d->study);
    yti_file_writer writer;
    yt_status status = path && places ? yti_file_writer_open(path, &writer, err) : yti_no_memory(err, "the figures");
    if (status == YT_OK) {
        d->script = writer.stream;
        fprintf(d->script, "# Draws the figures of this folder: gnuplot figures.gp\n");
        status = draw_all(d, places, err);
        fprintf(d->script, "unset output\n");
        if (status == YT_OK)
            status = yti_file_writer_commit(&writer, err);
        else
            yti_file_writer_discard(&writer);
    }
    free(path);
    free(places);
    return status;
}

static bool ends_with(const char *text, const char *end) {
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

/* Files of figures are known by how their names begin and end; whatever else lies there is not ours. */
static bool is_of_figures(const char *name, bool drawn_only) {
    static const char *const begins[] = {"profile-step", "ratio-step", "heat-", "loss.", "loss-", "ap.", "ap-"};
    if (!drawn_only && strcmp(name, SCRIPT) == 0) return true;
    if (!ends_with(name, ".svg") && (drawn_only || !ends_with(name, ".dat"))) return false;
    for (size_t i = 0; i < sizeof begins / sizeof begins[0]; i++)
        if (strncmp(name, begins[i], strlen(begins[i])) == 0) return true;
    return false;
}

/* Removes what a former report has drawn, or half of this one. */
static yt_status clear(const char *folder, bool drawn_only, yt_err *err) {
    DIR *dir = opendir(folder);
    if (!dir) return YT_OK;
    const char *name;
    yt_status status = YT_OK;
    while (status == YT_OK && (status = yti_folder_next(dir, folder, &name, err)) == YT_OK && name) {
        if (!is_of_figures(name, drawn_only)) continue;
        char *path = yti_path_join(folder, name);
        if (!path)
            status = yti_no_memory(err, "the figures");
        else if (unlink(path) != 0)
            status = yt_fail(err, YT_ERR_IO, "%s: this figure of a former comparison cannot be removed", path);
        free(path);
    }
    closedir(dir);
    return status;
}

static yt_status draw(study_drawing *d, yt_err *err) {
    YT_TRY(clear(d->folder, false, err));
    char why[256];
    if (!study_gnuplot_works(why, sizeof why)) return yt_fail(err, YT_ERR_IO, "%s", why);
    YT_TRY(yti_path_make_dirs(d->folder, err));
    YT_TRY(write_script(d, err));
    yt_status status = study_gnuplot_run(d->folder, SCRIPT, err);
    if (status != YT_OK) clear(d->folder, true, NULL); /* script and numbers show what was wrong */
    return status;
}

yt_status study_figures_draw(const study_comparison *study, study_figure *out, int *count, yt_err *err) {
    study_drawing d = {.study = study, .figures = out, .folder = yti_path_join(study->folder, "figures")};
    if (!d.folder) return yti_no_memory(err, "the figures");
    yt_status status = draw(&d, err);
    free(d.folder);
    *count = status == YT_OK ? d.count : 0;
    return status;
}
