/* cli_man.c: the manual page of a program, from its table of options; see cli_help.h. The macros are those of man(7).
 */
#include "cli/cli_help.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

/* A text as it is: what roff would act on, or print as something that cannot be typed, is escaped. */
static void print_text(const char *text, size_t n, FILE *out) {
    if (n && (text[0] == '.' || text[0] == '\'')) fputs("\\&", out);
    for (size_t i = 0; i < n; i++) {
        static const struct {
            char plain;
            const char *escaped;
        } special[] = {{'\\', "\\(rs"}, {'-', "\\-"}, {'\'', "\\(aq"}, {'^', "\\(ha"}, {'~', "\\(ti"}, {'`', "\\(ga"}};
        const char *shown = NULL;
        for (size_t k = 0; k < sizeof special / sizeof *special; k++)
            if (special[k].plain == text[i]) shown = special[k].escaped;
        if (shown)
            fputs(shown, out);
        else
            fputc(text[i], out);
    }
}

static void print_words(const char *text, FILE *out) {
    print_text(text, strlen(text), out);
    fputc('\n', out);
}

static void print_heading(const char *macro, const char *text, FILE *out) {
    fprintf(out, ".%s \"", macro);
    for (const char *c = text; *c; c++) fputc(macro[1] == 'H' ? toupper((unsigned char)*c) : *c, out);
    fputs("\"\n", out);
}

/* NAME: the first sentence of what the program is about, as a part of one. */
static void print_name(const cli_line *cli, FILE *out) {
    const char *about = cli->about ? cli->about : cli->usage, *end = strstr(about, ". ");
    size_t n = end ? (size_t)(end - about) : strlen(about);
    if (n && about[n - 1] == '.') n--;
    fprintf(out, ".SH NAME\n%s \\- %c", cli->program, tolower((unsigned char)about[0]));
    print_text(about + 1, n ? n - 1 : 0, out);
    fputc('\n', out);
}

/* SYNOPSIS: a line of usage each, the program's name in bold. */
static void print_synopsis(const cli_line *cli, FILE *out) {
    fputs(".SH SYNOPSIS\n.nf\n", out);
    for (const char *line = cli->usage; *line;) {
        line += strspn(line, " ");
        const size_t n = strcspn(line, "\n"), name = strcspn(line, " \n");
        fprintf(out, "\\fB%.*s\\fR", (int)name, line);
        print_text(line + name, n - name, out);
        fputc('\n', out);
        line += n + (line[n] == '\n');
    }
    fputs(".fi\n", out);
}

static void print_option(const cli_option *row, FILE *out) {
    const char *metavar = cli_metavar(row);
    char text[1024];
    fputs(".TP\n", out);
    if (row->letter) fprintf(out, "\\fB\\-%c\\fR, ", row->letter);
    fputs("\\fB\\-\\-", out);
    print_text(row->name, strlen(row->name), out);
    fputs("\\fR", out);
    if (cli_is_on_by_default(row)) {
        fputs(", \\fB\\-\\-no\\-", out);
        print_text(row->name, strlen(row->name), out);
        fputs("\\fR", out);
    }
    if (metavar) {
        fputs(" \\fI", out);
        print_text(metavar, strlen(metavar), out);
        fputs("\\fR", out);
    }
    fputc('\n', out);
    cli_explain(text, sizeof text, row);
    print_words(text, out);
}

typedef struct page {
    FILE *out;
    const char *group;
} page;

static void print_extra(void *context, const char *group, const char *left, const char *right) {
    page *p = context;
    if (!p->group || strcmp(p->group, group) != 0)
        print_heading(group[0] == 'H' ? "SS" : "SH", p->group = group, p->out);
    left += strspn(left, " ");
    fputs(".TP\n\\fB", p->out);
    print_text(left, strlen(left), p->out);
    fputs("\\fR\n", p->out);
    print_words(right, p->out);
}

void cli_print_man(const cli_line *cli, FILE *out) {
    fputs(".TH \"", out);
    for (const char *c = cli->program; *c; c++) fputc(toupper((unsigned char)*c), out);
    fprintf(out, "\" 1 \"\" \"yolotrain %s\" \"User Commands\"\n.nh\n.ad l\n", cli->version ? cli->version : "");
    print_name(cli, out);
    print_synopsis(cli, out);
    if (cli->about) {
        fputs(".SH DESCRIPTION\n", out);
        print_words(cli->about, out);
    }
    fputs(".SH OPTIONS\n", out);
    print_words(
        "An underscore in the name of an option counts as a dash. A value follows after a space or after =; one in "
        "brackets may be left out.",
        out);
    page p = {.out = out};
    for (size_t i = cli_next_in_order(cli, SIZE_MAX); i < cli->n_options; i = cli_next_in_order(cli, i)) {
        const char *group = cli->options[i].group;
        if (!p.group || strcmp(p.group, group) != 0) print_heading("SS", p.group = group, out);
        print_option(&cli->options[i], out);
    }
    cli_help_extras(cli, print_extra, &p);
    fputs(".SH FILES\n.TP\n\\fI../share/yolotrain/models\\fR, \\fI../share/yolotrain/data\\fR\n", out);
    print_words(
        "beside the folder of the program: the models and the starter dataset that are found by their names alone, "
        "after those in the working folder.",
        out);
    fputs(".SH \"EXIT STATUS\"\n", out);
    print_words("0: success. 1: a failure. 2: a mistyped command line. 128 and the number of the signal: stopped by a "
                "signal. Results go to standard output, everything else to standard error.",
                out);
    fputs(".SH \"SEE ALSO\"\n", out);
    static const char *const programs[] = {"yolotrain", "yoloinfer", "yoloval", "yoloexport"};
    const char *separator = "";
    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) {
        if (strcmp(programs[i], cli->program) == 0) continue;
        fprintf(out, "%s.BR %s (1)", separator, programs[i]);
        separator = " ,\n";
    }
    fputc('\n', out);
}
