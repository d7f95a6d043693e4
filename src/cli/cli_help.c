/* cli_help.c: two columns, option and explanation, with range and default appended; see cli_options.h. */
#include "cli/cli_help.h"
#include "base/text.h"
#include "kernels/kernels.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

enum { HELP_COLUMN = 30, LINE_WIDTH = 100 };

const char *cli_metavar(const cli_option *row) {
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

void cli_explain(char *text, size_t room, const cli_option *row) {
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

/* Writes words with line breaks, continuation lines indented to the column where the first begins. */
static void print_wrapped(const char *text, int first, FILE *out) {
    int column = first;
    for (const char *word = text; *word;) {
        int length = (int)strcspn(word, " ");
        if (column > first && column + 1 + length > LINE_WIDTH) {
            fprintf(out, "\n%*s", first, "");
            column = first;
        }
        column += fprintf(out, "%s%.*s", column > first ? " " : "", length, word);
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
    print_wrapped(right, HELP_COLUMN, out);
}

bool cli_is_on_by_default(const cli_option *row) {
    return row->type == YT_OPTION_FLAG && row->fallback && strcmp(row->fallback, "true") == 0;
}

static void print_option(const cli_option *row, FILE *out) {
    char left[128], right[1024];
    const char *metavar = cli_metavar(row);
    char letter[5] = "    ";
    if (row->letter) snprintf(letter, sizeof letter, "-%c, ", row->letter);
    snprintf(left, sizeof left, "%s--%s%s%s%s", letter, cli_is_on_by_default(row) ? "[no-]" : "", row->name,
             metavar ? " " : "", metavar ? metavar : "");
    cli_explain(right, sizeof right, row);
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

size_t cli_next_in_order(const cli_line *cli, size_t at) {
    const size_t n = cli->n_options;
    size_t next = 0;
    if (at < n) {
        for (size_t i = at + 1; i < n; i++)
            if (in_one_group(cli, at, i)) return i;
        while (!in_one_group(cli, at, next)) next++;
        next++; /* after the first of its group */
    }
    while (next < n && !begins_group(cli, next)) next++;
    return next;
}

void cli_help_extras(const cli_line *cli, cli_help_sink sink, void *context) {
    sink(context, "Help", "-h, --help[=FORMAT]",
         "print this text; FORMAT man, bash, zsh or fish: the manual page, or completion for that shell");
    if (cli->version) sink(context, "Help", "    --version", "print the version");
    char names[128], isa[192];
    yti_kernels_list(names, sizeof names);
    snprintf(isa, sizeof isa, "widest instructions to use: %s", names);
    sink(context, "Environment", "YT_MAX_ISA=NAME", isa);
    sink(
        context, "Environment", "OMP_WAIT_POLICY=active",
        "let waiting threads spin; this, GOMP_SPINCOUNT or KMP_BLOCKTIME, set to anything, also keeps the program from "
        "starting itself over once to choose how they wait");
}

typedef struct text_page {
    FILE *out;
    const char *group;
} text_page;

static void print_extra(void *context, const char *group, const char *left, const char *right) {
    text_page *page = context;
    if (page->group != group && (!page->group || strcmp(page->group, group) != 0))
        fprintf(page->out, "\n%s\n", page->group = group);
    print_row(left, right, page->out);
}

void cli_print_help(const cli_line *cli, FILE *out) {
    fprintf(out, "usage: %s\n", cli->usage);
    if (cli->about) {
        fputc('\n', out);
        print_wrapped(cli->about, 0, out);
    }
    text_page page = {.out = out};
    for (size_t i = cli_next_in_order(cli, SIZE_MAX); i < cli->n_options; i = cli_next_in_order(cli, i)) {
        const char *group = cli->options[i].group;
        if (!page.group || strcmp(page.group, group) != 0) fprintf(out, "\n%s\n", page.group = group);
        print_option(&cli->options[i], out);
    }
    cli_help_extras(cli, print_extra, &page);
}
