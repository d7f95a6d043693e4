/* finding.c: a finding in words, in lines, and in bits. */
#include "train/diagnose/finding.h"
#include "train/step/step_loss.h"

#include "base/text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *kind_text(yti_finding_kind kind) {
    static const char *const texts[] = {
#define FINDING_TEXT(code, text) [YT_FINDING_##code] = text,
        YT_FINDING_MAP(FINDING_TEXT)
#undef FINDING_TEXT
    };
    return texts[kind];
}

/* "the weight model.0.conv.weight", but "the activation of model.0". */
static const char *joint(yti_finding_kind kind) {
    return kind == YT_FINDING_MAP || kind == YT_FINDING_MAP_GRADIENT ? " of" : "";
}

const char *yti_value_text(double value) {
    return isnan(value) ? "nan" : value > 0 ? "inf" : "-inf";
}

void yti_finding_sentence(const yti_finding *f, char *text, size_t room) {
    const yti_value_range *t = &f->tensor;
    if (t->kind == YT_FINDING_NOTHING) {
        snprintf(text, room, "every value of the step is finite");
        return;
    }
    char row[96] = "";
    if (f->row >= 0) snprintf(row, sizeof row, " (row %d, %s)", f->row, f->module);
    if (t->kind == YT_FINDING_LOSS)
        snprintf(text, room, "%s is %s", t->name, yti_value_text(f->value));
    else
        snprintf(text, room, "%s in the %s%s %s%s at %s", yti_value_text(f->value), kind_text(t->kind), joint(t->kind),
                 t->name, row, f->place);
}

static void print_range(const yti_value_range *r, FILE *out) {
    fprintf(out, "%zu values", r->values);
    if (r->nan) fprintf(out, ", %zu nan", r->nan);
    if (r->infinite) fprintf(out, ", %zu infinite", r->infinite);
    if (r->nan + r->infinite < r->values)
        fprintf(out, ", %s%.4g to %.4g, rms %.4g", r->nan + r->infinite ? "the others " : "", r->min, r->max, r->rms);
    fputc('\n', out);
}

void yti_finding_print(const yti_finding *f, const yti_model *model, FILE *out) {
    char sentence[512];
    yti_finding_sentence(f, sentence, sizeof sentence);
    fprintf(out, "  first     %s\n", sentence);
    if (f->tensor.kind != YT_FINDING_NOTHING && f->tensor.kind != YT_FINDING_LOSS) {
        fputs("            ", out);
        print_range(&f->tensor, out);
    }
    for (int i = 0; i < f->n_inputs; i++) {
        const yti_value_range *input = &f->inputs[i];
        fprintf(out, "%s%s%s %s: ", i ? "            " : "  made from ", kind_text(input->kind), joint(input->kind),
                input->name);
        print_range(input, out);
    }
    for (int b = 0; b < f->n_branches; b++) {
        fprintf(out, "%s", b ? "            " : "  loss      ");
        for (int i = 0; i < YT_LOSS_TERMS; i++) {
            fprintf(out, "%s%s ", i ? ", " : "", yti_loss_name(model, i));
            if (isfinite(f->loss[b][i]))
                fprintf(out, "%.6g", f->loss[b][i]);
            else
                fputs(yti_value_text(f->loss[b][i]), out);
        }
        fprintf(out, "%s\n", yti_branch_text(model, b));
    }
}

static void put_double(double value, FILE *out) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    fprintf(out, " %016" PRIx64, bits);
}

static void put_range(const yti_value_range *r, FILE *out) {
    fprintf(out, "%d %s %zu %zu %zu", (int)r->kind, r->name, r->values, r->nan, r->infinite);
    put_double(r->min, out);
    put_double(r->max, out);
    put_double(r->rms, out);
    fputc('\n', out);
}

char *yti_finding_bits(const yti_finding *f) {
    yti_text_stream stream;
    if (!yti_text_open(&stream)) return NULL;
    FILE *out = stream.out;
    put_range(&f->tensor, out);
    fprintf(out, "%d %s %s %016" PRIx64 "\n", f->row, f->module, f->place, f->bits);
    for (int i = 0; i < f->n_inputs; i++) put_range(&f->inputs[i], out);
    for (int b = 0; b < f->n_branches; b++)
        for (int i = 0; i < YT_LOSS_TERMS; i++) put_double(f->loss[b][i], out);
    put_double(f->total, out);
    return yti_text_close(&stream);
}
