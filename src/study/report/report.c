/* report.c: what a study leaves: compare.json, compare.html, figures/, and a few lines for a terminal. */
#include "base/file.h"
#include "study/analysis/analyse.h"
#include "study/report/compare_json.h"
#include "study/report/figures.h"
#include "study/report/page.h"

#include <stdlib.h>
#include <string.h>

static yt_status write_json(const study_comparison *study, yt_err *err) {
    char *path = yti_path_join(study->folder, "compare.json");
    if (!path) return yti_no_memory(err, "the report");
    yt_status status = study_json_write(study, path, err);
    free(path);
    return status;
}

static yt_status write_page(const study_comparison *study, const study_figure *figures, int n_figures, const char *why,
                            yt_err *err) {
    char *path = yti_path_join(study->folder, "compare.html");
    if (!path) return yti_no_memory(err, "the report");
    yt_status status = study_page_write(study, figures, n_figures, why, path, err);
    free(path);
    return status;
}

static yt_status with_figures(const study_comparison *study, study_figure *figures, yt_err *why) {
    int count = 0;
    YT_TRY(study_figures_draw(study, figures, &count, why));
    return write_page(study, figures, count, "", why);
}

yt_status study_report(study_comparison *study, char *why_no_figures, size_t room, yt_err *err) {
    YT_TRY(study_analyse(study, err));
    YT_TRY(write_json(study, err));
    study_figure *figures = calloc(STUDY_MAX_FIGURES, sizeof *figures);
    if (!figures) return yti_no_memory(err, "the report");
    yt_err why = {.text = ""};
    yt_status status = with_figures(study, figures, &why);
    free(figures);
    snprintf(why_no_figures, room, "%s", status == YT_OK ? "" : why.text);
    return status == YT_OK ? YT_OK : write_page(study, NULL, 0, why.text, err);
}

static int longest_name(const study_comparison *study) {
    size_t longest = strlen("variant");
    for (int i = 0; i < study->n_variants; i++)
        if (strlen(study->variants[i].words.name) > longest) longest = strlen(study->variants[i].words.name);
    return (int)longest;
}

void study_print(const study_comparison *study, FILE *out) {
    for (int m = 0; m < study->n_moments; m++) {
        char when[64];
        study_moment_name(study, m, when, sizeof when);
        fprintf(out, "gradients %s\n", when);
        for (int v = 0; v < study->n_variants; v++) {
            const study_moment *moment = &study->variants[v].moments[m];
            fprintf(out, "  %s: %s\n", study->variants[v].words.name, moment->sentence);
            if (v > 0) fprintf(out, "    slope: %s\n", moment->against);
        }
    }
    int width = longest_name(study);
    fprintf(out, "%-*s %12s %8s %10s %10s  %s\n", width, "variant", "parameters", "GFLOPs", "loss", "mAP50-95",
            study->n_variants > 1 ? "against the first" : "");
    for (int i = 0; i < study->n_variants; i++) {
        const study_variant *v = &study->variants[i];
        fprintf(out, "%-*s %12zu %8.3f %10.4g %10.4g", width, v->words.name, v->parameters, v->gflops, v->loss.value,
                v->ap.value);
        if (v->ap_against[0]) fprintf(out, "  %.*s", (int)strcspn(v->ap_against, ":"), v->ap_against);
        if (v->failed) fprintf(out, "  %d of %d runs diverged (NaN or Inf)", v->failed, study->n_seeds);
        fputc('\n', out);
    }
}
