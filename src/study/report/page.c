/* page.c: compare.html: the study on one page that needs nothing else: no network, no script, figures inlined.
 *
 * Every text that comes from outside goes through study_html_text. In print each figure stays on one page.
 */
#include "study/report/page.h"
#include "base/file.h"
#include "base/text.h"
#include "gradients/limits.h"
#include "study/record/run_record.h"

#include <stdlib.h>
#include <string.h>

enum {
    MAX_SVG_BYTES = 1 << 26,
    MOST_OPEN = 40 /* rows of a table that are shown unasked */,
    MOST_COLUMNS = 4 /* variants side by side */
};

static const char HEAD[] =
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>Gradient flow "
    "compared</title>\n"
    "<style>\n"
    "body { font: 16px/1.5 system-ui, sans-serif; color: #111; background: #fff; max-width: 62rem; margin: "
    "2rem auto; "
    "padding: 0 1rem; }\n"
    "h1, h2, h3 { line-height: 1.2; } h2 { margin-top: 2.2rem; border-bottom: 1px solid #999; }\n"
    "table { border-collapse: collapse; margin: 1rem 0; font-size: 0.9rem; }\n"
    "th, td { border: 1px solid #999; padding: 0.25rem 0.6rem; text-align: left; vertical-align: top; }\n"
    "td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }\n"
    "td.n { white-space: nowrap; } .v { overflow-wrap: anywhere; min-width: 7.5rem; }\n"
    "figure { margin: 1.5rem 0; break-inside: avoid; } figure svg { width: 100%; height: auto; }\n"
    "figcaption, .small { font-size: 0.85rem; color: #333; } .wide { overflow-x: auto; }\n"
    "@media print { body { max-width: none; margin: 0; font-size: 11pt; }\n"
    "h2, h3, summary, thead, tr.moment { break-after: avoid; } tr, .whole, li { break-inside: avoid; }\n"
    ".wide { overflow: visible; } figure svg { max-height: 10.5cm; } }\n"
    "</style>\n</head>\n<body>\n";

static const char ABOUT[] =
    "<p>The gradient dL/dx of a feature map x says how much the loss L changes with it. It is computed\n"
    "from the output of the network back to its input, layer by layer, and every layer learns from what\n"
    "arrives there. Where it vanishes on its way, the first layers hardly learn; where it explodes,\n"
    "training becomes unstable. Below, its size is the root mean square (RMS) over a map, and the depth of\n"
    "a map is the number of convolutions on the longest way to it from the input.</p>\n";

void study_html_text(FILE *out, const char *text) {
    for (const char *c = text; *c; c++) {
        switch (*c) {
        case '&':
            fputs("&amp;", out);
            break;
        case '<':
            fputs("&lt;", out);
            break;
        case '>':
            fputs("&gt;", out);
            break;
        case '"':
            fputs("&quot;", out);
            break;
        case '\'':
            fputs("&#39;", out);
            break;
        default:
            fputc(yti_text_is_control(*c) ? '?' : *c, out);
        }
    }
}

/* ---- pieces ---- */

static void cell(FILE *out, const char *text) {
    fputs("<td>", out);
    study_html_text(out, text);
    fputs("</td>", out);
}

/* The name of a variant may be long: it breaks anywhere. */
static void name_cell(FILE *out, const char *name) {
    fputs("<td class=\"v\">", out);
    study_html_text(out, name);
    fputs("</td>", out);
}

/* The value, and below it its interval in the same form. */
static void interval_cell(FILE *out, yti_interval i, const char *format) __attribute__((format(printf, 3, 0)));
static void interval_cell(FILE *out, yti_interval i, const char *format) {
    if (!isfinite(i.value)) {
        fputs("<td class=\"n\">&ndash;</td>", out);
        return;
    }
    fputs("<td class=\"n\">", out);
    fprintf(out, format, i.value);
    if (yti_interval_known(i)) {
        fputs("<br><span class=\"small\">", out);
        fprintf(out, format, i.low);
        fputs(" &hellip; ", out);
        fprintf(out, format, i.high);
        fputs("</span>", out);
    }
    fputs("</td>", out);
}

/* 10^exponent with three digits, also where no double holds it. */
static void print_power(FILE *out, double exponent) {
    if (exponent >= -3 && exponent < 5) {
        fprintf(out, exponent < 2 ? "%.3g" : "%.0f", pow(10, exponent));
        return;
    }
    double whole = floor(exponent), digits = rint(pow(10, exponent - whole) * 100) / 100;
    if (digits >= 10) {
        digits /= 10;
        whole++;
    }
    fprintf(out, "%.2fe%+03.0f", digits, whole);
}

static void size_cell(FILE *out, double value) {
    fputs("<td class=\"n\">", out);
    if (!isfinite(value))
        fputs("&ndash;", out);
    else if (value > 0)
        print_power(out, log10(value));
    else
        fprintf(out, "%g", value);
    fputs("</td>", out);
}

/* As interval_cell, of a logarithm. */
static void power_cell(FILE *out, yti_interval i) {
    fputs("<td class=\"n\">", out);
    if (isfinite(i.value))
        print_power(out, i.value);
    else
        fputs("&ndash;", out);
    if (yti_interval_known(i)) {
        fputs("<br><span class=\"small\">", out);
        print_power(out, i.low);
        fputs(" &hellip; ", out);
        print_power(out, i.high);
        fputs("</span>", out);
    }
    fputs("</td>", out);
}

/* ---- sections ---- */

static void write_verdicts(const study_comparison *study, FILE *out) {
    fputs("<h2>Verdict</h2>\n", out);
    for (int m = 0; m < study->n_moments; m++) {
        char when[64];
        study_moment_name(study, m, when, sizeof when);
        fprintf(out, "<h3>Gradients %s</h3>\n<ul>\n", when);
        for (int v = 0; v < study->n_variants; v++) {
            const study_moment *moment = &study->variants[v].moments[m];
            fputs("<li><b>", out);
            study_html_text(out, study->variants[v].words.name);
            fputs("</b>: ", out);
            study_html_text(out, moment->sentence);
            if (v > 0) {
                fputs(".<br>Decay slope: ", out);
                study_html_text(out, moment->against);
            }
            fputs(".</li>\n", out);
        }
        fputs("</ul>\n", out);
    }
    if (study->n_variants > 1) fputs("<h3>Final mAP50-95</h3>\n<ul>\n", out);
    for (int v = 1; v < study->n_variants; v++) {
        fputs("<li>", out);
        study_html_text(out, study->variants[v].ap_against);
        fputs(".</li>\n", out);
    }
    if (study->n_variants > 1) fputs("</ul>\n", out);
    if (study->n_moments == 0) fputs("<p>No run lived long enough to show a gradient.</p>\n", out);
}

static void write_variants(const study_comparison *study, FILE *out) {
    fputs("<h2>Variants and results</h2>\n<div class=\"wide\"><table "
          "class=\"whole\">\n<tr><th>variant</th><th>settings</th>"
          "<th class=\"n\">parameters</th><th class=\"n\">GFLOPs</th><th class=\"n\">runs</th>"
          "<th class=\"n\">not finite</th><th class=\"n\">final loss</th><th class=\"n\">final "
          "mAP50-95</th></tr>\n",
          out);
    for (int i = 0; i < study->n_variants; i++) {
        const study_variant *v = &study->variants[i];
        fputs("<tr>", out);
        name_cell(out, v->words.name);
        fputs("<td>", out);
        for (int k = 0; k < v->words.n_settings; k++) {
            fputs(k ? ", " : "", out);
            study_html_text(out, v->words.settings[k].key);
            fputs(": ", out);
            study_html_text(out, v->words.settings[k].value);
        }
        fprintf(out, "</td><td class=\"n\">%zu</td>", v->parameters);
        fprintf(out, "<td class=\"n\">%.3f</td><td class=\"n\">%d</td><td class=\"n\">%d</td>", v->gflops,
                study->n_seeds, v->failed);
        interval_cell(out, v->loss, "%.4g");
        interval_cell(out, v->ap, "%.4f");
        fputs("</tr>\n", out);
    }
    fputs("</table></div>\n<p class=\"small\">Loss and AP of the last epoch, of the runs that ended "
          "well.</p>\n",
          out);
}

static void write_failures(const study_comparison *study, FILE *out) {
    bool any = false;
    for (int i = 0; i < study_runs(study); i++) any |= study->runs[i].end.status != YT_OK;
    if (!any) return;
    fputs("<h3>Runs that diverged (NaN or Inf)</h3>\n<ul>\n", out);
    for (int i = 0; i < study_runs(study); i++) {
        const study_run *run = &study->runs[i];
        if (run->end.status == YT_OK) continue;
        fputs("<li>", out);
        study_html_text(out, study->variants[run->variant].words.name);
        fprintf(out, ", seed %d: ", run->seed);
        study_html_text(out, run->end.message);
        fputs("</li>\n", out);
    }
    fputs("</ul>\n", out);
}

static void write_slope_row(const study_variant *variant, const study_moment *moment, FILE *out) {
    fputs("<tr>", out);
    name_cell(out, variant->words.name);
    interval_cell(out, moment->slope, "%+.4f");
    power_cell(out, moment->first_to_last);
    size_cell(out, moment->update);
    size_cell(out, moment->facts.mean_abs);
    size_cell(out, moment->facts.norm);
    cell(out, yti_verdict_word(moment->verdict));
    fputs("</tr>\n", out);
}

static void write_slopes(const study_comparison *study, FILE *out) {
    fputs("<h2>Decay slope</h2>\n<p>Least squares line of log10 RMS(dL/dx) over depth in the backbone. "
          "Positive: "
          "gradients shrink on their way to the input; +0.3 per layer is a halving at every layer.</p>\n<div "
          "class=\"wide\"><table>\n"
          "<thead><tr><th>variant</th><th class=\"n\">log10 per layer</th><th class=\"n\">first / last</th>"
          "<th class=\"n\">update : weight</th><th class=\"n\">mean |g|</th><th class=\"n\">norm</th>"
          "<th>verdict</th></tr></thead>\n",
          out);
    for (int m = 0; m < study->n_moments; m++) {
        char when[64];
        study_moment_name(study, m, when, sizeof when);
        fprintf(out, "<tr class=\"moment\"><th colspan=\"7\">%s</th></tr>\n", when);
        for (int v = 0; v < study->n_variants; v++)
            write_slope_row(&study->variants[v], &study->variants[v].moments[m], out);
    }
    fputs("</table></div>\n<p class=\"small\">First / last: RMS at the smallest depth over that at the "
          "largest of the backbone; after it the paths to the head's levels diverge. Update, mean |g|: of the "
          "first layer's weights; norm: of all weight gradients before clipping. ",
          out);
    fputs(study->n_seeds > 1
              ? "Slope and first / last are means over seeds, small: their 95 % intervals, Student's t over "
                "seeds. The other numbers and the verdict are of the median over seeds.</p>\n"
              : "Small: 95 % intervals, of the line within the one run.</p>\n",
          out);
}

/* Whether the places of two variants are the same ones. */
static bool same_places(const study_points *a, const study_points *b) {
    if (a->count != b->count) return false;
    for (int i = 0; i < a->count; i++)
        if (strcmp(a->at[i].name, b->at[i].name) != 0 || a->at[i].depth != b->at[i].depth ||
            a->at[i].before != b->at[i].before)
            return false;
    return true;
}

/* One table of variants with the same places, a column each. */
static void write_ratio_table(const study_comparison *study, const int *variants, int count, int moment, FILE *out) {
    const study_points *points = &study->variants[variants[0]].points;
    fprintf(out, "<details%s><summary>", points->count <= MOST_OPEN ? " open" : "");
    for (int i = 0; i < count; i++) {
        fputs(i ? ", " : "", out);
        study_html_text(out, study->variants[variants[i]].words.name);
    }
    fputs("</summary>\n<div class=\"wide\"><table>\n<thead><tr><th>row or block</th><th class=\"n\">depth</th>"
          "<th>before it</th>",
          out);
    for (int i = 0; i < count; i++) {
        fputs("<th class=\"n v\">", out);
        study_html_text(out, study->variants[variants[i]].words.name);
        fputs("</th>", out);
    }
    fputs("</tr></thead>\n", out);
    for (int p = 0; p < points->count; p++) {
        const study_point *point = &points->at[p];
        if (point->before < 0) continue;
        fputs("<tr>", out);
        cell(out, point->name);
        fprintf(out, "<td class=\"n\">%d</td>", point->depth);
        cell(out, points->at[point->before].name);
        for (int i = 0; i < count; i++) power_cell(out, study->variants[variants[i]].moments[moment].ratio[p]);
        fputs("</tr>\n", out);
    }
    fputs("</table></div></details>\n", out);
}

/* The same numbers as the figure of ratios, for whoever wants to read them. */
static void write_ratios(const study_comparison *study, FILE *out) {
    if (study->n_moments == 0) return;
    int last = study->n_moments - 1;
    char when[64];
    study_moment_name(study, last, when, sizeof when);
    fprintf(out,
            "<h2>Ratio across each block</h2>\n<p>RMS(dL/dx) before a row or block over that after it, %s; "
            "rows without an interval come from a single run. 1: the gradient passes unchanged; below 1: it "
            "shrinks on its way to the input.</p>\n",
            when);
    bool written[STUDY_MAX_VARIANTS] = {false};
    for (int i = 0; i < study->n_variants; i++) {
        int variants[MOST_COLUMNS], count = 0;
        for (int k = i; !written[i] && k < study->n_variants && count < MOST_COLUMNS; k++)
            if (!written[k] && same_places(&study->variants[i].points, &study->variants[k].points))
                variants[count++] = k;
        for (int k = 0; k < count; k++) written[variants[k]] = true;
        if (count) write_ratio_table(study, variants, count, last, out);
    }
}

static void write_thresholds(FILE *out) {
    fputs("<h2>Thresholds</h2>\n<div class=\"wide\"><table>\n<tr><th>name</th><th "
          "class=\"n\">value</th><th>meaning</th>"
          "<th>source</th></tr>\n",
          out);
    for (int i = 0; i < YT_FLOW_LIMITS; i++) {
        const yti_flow_limit *row = &yti_flow_limits()[i];
        fputs("<tr>", out);
        cell(out, row->name);
        fprintf(out, "<td class=\"n\">%g</td>", row->value);
        cell(out, row->meaning);
        cell(out, row->source);
        fputs("</tr>\n", out);
    }
    fputs("</table></div>\n<p class=\"small\">Two variants differ where the 95 % interval of their "
          "difference, seed "
          "by seed, excludes 0 (with one seed: where their own intervals are apart); else: no "
          "difference.</p>\n",
          out);
}

static bool variants_set(const study_comparison *study, int key) {
    for (int i = 0; i < study->n_variants; i++)
        for (int k = 0; k < study->variants[i].words.n_settings; k++)
            if (yti_train_option_find(study->variants[i].words.settings[k].key) == key) return true;
    return false;
}

/* Whether variants that set it begin with other weights in layers of the same name and shape. */
static bool changes_weights(int key) {
    return key == YT_TRAIN_KEY_init || key == YT_TRAIN_KEY_weights || key == YT_TRAIN_KEY_cls_remap;
}

/* Whether they see other batches. */
static bool changes_batches(int key) {
    const char *group = yti_train_options()[key].group;
    return strcmp(group, "Data") == 0 || strcmp(group, "Augmentation") == 0 || key == YT_TRAIN_KEY_recipe ||
           key == YT_TRAIN_KEY_epochs || key == YT_TRAIN_KEY_time;
}

/* The settings of one kind that variants set, as a list; whether there are any. */
static bool list_set(const study_comparison *study, bool (*is_kind)(int key), char *out, size_t room) {
    out[0] = '\0';
    for (int i = 0; i < YT_TRAIN_KEYS; i++) {
        size_t used = strlen(out);
        if (is_kind(i) && variants_set(study, i))
            snprintf(out + used, room - used, "%s%s", used ? ", " : "", yti_train_options()[i].key);
    }
    return out[0] != '\0';
}

/* With the same seed goes much that is the same, unless a variant says otherwise. */
static void write_what_is_shared(const study_comparison *study, FILE *out) {
    char weights[STUDY_TEXT], batches[STUDY_TEXT];
    bool other_weights = list_set(study, changes_weights, weights, sizeof weights),
         other_batches = list_set(study, changes_batches, batches, sizeof batches);
    fputs("<h2>Settings</h2>\n<p class=\"small\">All variants share these and the seeds", out);
    if (!other_weights && !other_batches)
        fputs(", and with them the initial weights of the layers they have in common and the batches in their "
              "order",
              out);
    else if (!other_weights)
        fputs(", and with them the initial weights of the layers they have in common", out);
    else if (!other_batches)
        fputs(", and with them the batches in their order", out);
    if (other_weights) fprintf(out, ". Their initial weights differ by %s", weights);
    if (other_batches) fprintf(out, ". Their batches differ by %s", batches);
    fputs(":</p>\n", out);
}

static void write_settings(const study_comparison *study, FILE *out) {
    write_what_is_shared(study, out);
    fputs("<p class=\"small\">", out);
    for (int i = 0; i < YT_TRAIN_KEYS; i++) {
        char text[YT_TRAIN_TEXT];
        if (!study_setting_counts(i) || i == YT_TRAIN_KEY_seed || variants_set(study, i)) continue;
        yti_train_config_text(&study->base, (yti_train_key)i, text, sizeof text);
        if (text[0] == '\0') continue;
        fprintf(out, "%s: <b>", yti_train_options()[i].key);
        study_html_text(out, text);
        fputs("</b>; ", out);
    }
    fprintf(out, "seeds: <b>%d to %d</b>.</p>\n", study->base.seed, study_last_seed(study));
}

/* ---- figures ---- */

/* The figure from its tag on, without what comes before it in a file of its own. */
static yt_status inline_figure(const study_comparison *study, const study_figure *figure, FILE *out, yt_err *err) {
    char file[STUDY_TEXT + 16];
    snprintf(file, sizeof file, "figures/%s", figure->file);
    char *path = yti_path_join(study->folder, file), *text = NULL;
    if (!path) return yti_no_memory(err, "the figures");
    size_t bytes;
    yt_status status = yti_file_read(path, MAX_SVG_BYTES, &text, &bytes, err);
    const char *svg = status == YT_OK ? strstr(text, "<svg") : NULL;
    if (status == YT_OK && !svg) status = yt_fail(err, YT_ERR_SYNTAX, "%s: is not an SVG image", path);
    if (svg) {
        fputs("<figure>\n", out);
        fputs(svg, out);
        fputs("\n<figcaption>", out);
        study_html_text(out, figure->caption);
        fputs("</figcaption>\n</figure>\n", out);
    }
    free(text);
    free(path);
    return status;
}

static yt_status write_figures(const study_comparison *study, const study_figure *figures, int count,
                               const char *why_none, FILE *out, yt_err *err) {
    fputs("<h2>Figures</h2>\n", out);
    if (count == 0) {
        fputs("<p>There are none: ", out);
        study_html_text(out, why_none);
        fputs(".</p>\n", out);
    }
    for (int i = 0; i < count; i++) YT_TRY(inline_figure(study, &figures[i], out, err));
    return YT_OK;
}

static yt_status write_page(const study_comparison *study, const study_figure *figures, int n_figures,
                            const char *why_none, FILE *out, yt_err *err) {
    fputs(HEAD, out);
    fputs("<h1>Gradient flow compared</h1>\n<p>", out);
    study_html_text(out, study->base.model);
    fputs(" on ", out);
    study_html_text(out, study->base.data);
    fprintf(out, ": %d variant%s, %d seed%s each.</p>\n%s", study->n_variants, study->n_variants > 1 ? "s" : "",
            study->n_seeds, study->n_seeds > 1 ? "s" : "", ABOUT);
    write_verdicts(study, out);
    write_variants(study, out);
    write_failures(study, out);
    write_slopes(study, out);
    YT_TRY(write_figures(study, figures, n_figures, why_none, out, err));
    write_ratios(study, out);
    write_thresholds(out);
    write_settings(study, out);
    fputs("<p class=\"small\">All numbers are in compare.json beside this page, the figures in figures/.</p>\n"
          "</body>\n</html>\n",
          out);
    return YT_OK;
}

yt_status study_page_write(const study_comparison *study, const study_figure *figures, int n_figures,
                           const char *why_no_figures, const char *path, yt_err *err) {
    yti_file_writer writer;
    YT_TRY(yti_file_writer_open(path, &writer, err));
    yt_status status = write_page(study, figures, n_figures, why_no_figures, writer.stream, err);
    if (status == YT_OK) return yti_file_writer_commit(&writer, err);
    yti_file_writer_discard(&writer);
    return status;
}
