/* cli_help.c: two columns, option and explanation, with range and default appended; see cli_options.h. */
#include "cli/cli_help.h"
#include "base/text.h"
#include "kernels/kernels.h"

#include <math.h>
#include <string.h>

enum { HELP_COLUMN = 30, LINE_WIDTH = 100 };

static const char *metavar_of(const cli_option *row) {
    static const char *const by_type[] = {[YT_OPTION_FLAG] = NULL,
                                          [YT_OPTION_INT] = "N",
                                          [YT_OPTION_DOUBLE] = "X",
                                          [YT_OPTION_TEXT] = "TEXT",
                                          [YT_OPTION_CHOICE] = "NAME"};
    return row->metavar ? row->metavar : by_type[row->type];
}

static void append_range(char *text, size_t room, const cli_option *row) {
    char part[80] = "";
    bool low = row->min > -HUGE_VAL, high = row->max < HUGE_VAL;
    if (low && high)
        snprintf(part, sizeof part, "%.10g to %.10g", row->min, row->max);
    else if (low)
        snprintf(part, sizeof part, "at least %.10g", row->min);
    else if (high)
        snprintf(part, sizeof part, "at most %.10g", row->max);
    yti_text_append(text, room, "%s", part);
}

static void append_choices(char *text, size_t room, const cli_option *row) {
    for (size_t i = 0; row->choices[i]; i++) {
        if (i) yti_text_append(text, room, ", ");
        yti_text_append(text, room, "%s", row->choices[i]);
    }
}

/* "help text (1 to 100; default 16)" */
static void explain(char *text, size_t room, const cli_option *row) {
    char limits[512] = "";
    if (row->type == YT_OPTION_INT || row->type == YT_OPTION_DOUBLE) append_range(limits, sizeof limits, row);
    if (row->type == YT_OPTION_CHOICE) append_choices(limits, sizeof limits, row);
    bool has_default = row->fallback && row->fallback[0] &&
                       !(row->type == YT_OPTION_FLAG && strcmp(row->fallback, "false") == 0);
    snprintf(text, room, "%s", row->help);
    if (!limits[0] && !has_default) return;
    yti_text_append(text, room, " (");
    yti_text_append(text, room, "%s", limits);
    if (has_default) {
        yti_text_append(text, room, "%s", limits[0] ? "; default " : "default ");
        yti_text_append(text, room, "%s", row->fallback);
    }
    yti_text_append(text, room, ")");
}

/* Writes words with line breaks, continuation lines indented to the help column, where the first begins. */
static void print_wrapped(const char *text, FILE *out) {
    int column = HELP_COLUMN;
    for (const char *word = text; *word;) {
        int length = (int)strcspn(word, " ");
        if (column > HELP_COLUMN && column + 1 + length > LINE_WIDTH) {
            fprintf(out, "\n%*s", HELP_COLUMN, "");
            column = HELP_COLUMN;
        }
        column += fprintf(out, "%s%.*s", column > HELP_COLUMN ? " " : "", length, word);
        word += length;
        word += strspn(word, " ");
    }
    fputc('\n', out);
}

static void print_row(const char *left, const char *right, FILE *out) {
    int used = fprintf(out, "  %s", left);
    if (used > HELP_COLUMN - 2) {
        fputc('\n', out);
        used = 0;
    }
    fprintf(out, "%*s", HELP_COLUMN - used, "");
    print_wrapped(right, out);
}

static void print_option(const cli_option *row, FILE *out) {
    char left[128], right[1024];
    const char *metavar = metavar_of(row);
    bool on_by_default = row->type == YT_OPTION_FLAG && row->fallback && strcmp(row->fallback, "true") == 0;
    char letter[5] = "    ";
    if (row->letter) snprintf(letter, sizeof letter, "-%c, ", row->letter);
    snprintf(left, sizeof left, "%s--%s%s%s%s", letter, on_by_default ? "[no-]" : "", row->name, metavar ? " " : "",
             metavar ? metavar : "");
    explain(right, sizeof right, row);
    print_row(left, right, out);
}

static bool in_one_group(const cli_line *cli, size_t i, size_t k) {
    return strcmp(cli->options[i].group, cli->options[k].group) == 0;
}

static bool begins_group(const cli_line *cli, size_t i) {
    for (size_t k = 0; k < i; k++)
        if (in_one_group(cli, i, k)) return false;
    return true;
}

/* Every option of the group that `first` begins, wherever it stands in the table. */
static void print_group(const cli_line *cli, size_t first, FILE *out) {
    fprintf(out, "\n%s\n", cli->options[first].group);
    for (size_t i = first; i < cli->n_options; i++)
        if (in_one_group(cli, first, i)) print_option(&cli->options[i], out);
}

void cli_print_help(const cli_line *cli, FILE *out) {
    fprintf(out, "usage: %s\n", cli->usage);
    if (cli->about) fprintf(out, "\n%s\n", cli->about);
    for (size_t i = 0; i < cli->n_options; i++)
        if (begins_group(cli, i)) print_group(cli, i, out);
    fprintf(out, "\nHelp\n");
    print_row("-h, --help", "print this text", out);
    if (cli->version) print_row("    --version", "print the version", out);
    fprintf(out, "\nEnvironment\n");
    char names[128], isa[192];
    yti_kernels_list(names, sizeof names);
    snprintf(isa, sizeof isa, "widest instructions to use: %s", names);
    print_row("YT_MAX_ISA=NAME", isa, out);
    print_row("OMP_WAIT_POLICY=active",
              "let waiting threads spin; this, GOMP_SPINCOUNT or KMP_BLOCKTIME, set to anything, also keeps the "
              "program from starting itself over once to choose how they wait",
              out);
}
