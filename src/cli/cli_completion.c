/* cli_completion.c: completion of a program's command line for bash, zsh and fish, from its table of options; see
 * cli_help.h. What a value may be follows from the row: its choices, or files or folders by its metavar. */
#include "base/option.h"
#include "cli/cli_help.h"

#include <stdint.h>
#include <string.h>

typedef enum value_kind { VALUE_NONE, VALUE_CHOICE, VALUE_FILE, VALUE_FOLDER, VALUE_OTHER } value_kind;

static value_kind kind_of(const cli_option *row) {
    const char *metavar = cli_metavar(row);
    if (row->type == YT_OPTION_CHOICE) return VALUE_CHOICE;
    if (!metavar) return VALUE_NONE;
    if (strstr(metavar, "FILE") || strstr(metavar, "YAML")) return VALUE_FILE;
    return strstr(metavar, "DIR") ? VALUE_FOLDER : VALUE_OTHER;
}

static void print_choices(const cli_option *row, FILE *out) {
    const char *words[YTI_MAX_CHOICES + 1];
    const size_t n = yti_option_words(row, words);
    for (size_t i = 0; i < n; i++) fprintf(out, "%s%s", i ? " " : "", words[i]);
}

/* The help up to where its details begin. */
static int brief_length(const char *help) {
    size_t n = strlen(help);
    static const char *const ends[] = {"; ", ": ", ". "};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        const char *end = strstr(help, ends[i]);
        if (end && (size_t)(end - help) < n) n = (size_t)(end - help);
    }
    return (int)n;
}

/* ---- bash ---- */

/* "-m|--model" */
static void print_bash_names(const cli_option *row, FILE *out) {
    if (row->letter) fprintf(out, "-%c|", row->letter);
    fprintf(out, "--%s", row->name);
}

static void print_bash_value(const cli_option *row, FILE *out) {
    static const char *const actions[] = {
        [VALUE_FILE] = "_yolo_files -f", [VALUE_FOLDER] = "_yolo_files -d", [VALUE_OTHER] = ":"};
    const value_kind kind = kind_of(row);
    if (kind == VALUE_NONE) return;
    fputs("    ", out);
    print_bash_names(row, out);
    fputs(") ", out);
    if (kind == VALUE_CHOICE) {
        fputs("_yolo_words \"", out);
        print_choices(row, out);
        fputc('"', out);
    } else {
        fputs(actions[kind], out);
    }
    fputs("; return ;;\n", out);
}

void cli_print_bash(const cli_line *cli, FILE *out) {
    const char *name = cli->program;
    fprintf(
        out,
        "# Completion of %s for bash, made by %s --help=bash.\n"
        "_yolo_words() { mapfile -t COMPREPLY < <(compgen -W \"$1\" -- \"$word\"); }\n"
        "_yolo_files() { compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen \"$1\" -- \"$word\"); }\n"
        "_%s() {\n"
        "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
        "    COMPREPLY=()\n"
        "    if [[ $word == = ]]; then word=\"\" # --option=, of which bash makes words of their own\n"
        "    elif [[ $before == = ]]; then before=${COMP_WORDS[COMP_CWORD-2]}; fi\n"
        "    if [[ $word == -* ]]; then\n"
        "        _yolo_words \"",
        name, name, name);
    for (size_t i = 0; i < cli->n_options; i++) {
        fprintf(out, "--%s ", cli->options[i].name);
        if (cli_is_on_by_default(&cli->options[i])) fprintf(out, "--no-%s ", cli->options[i].name);
    }
    fputs("--help --version\"; return\n    fi\n    case $before in\n", out);
    for (size_t i = 0; i < cli->n_options; i++) print_bash_value(&cli->options[i], out);
    fprintf(out, "    esac\n    _yolo_files -f\n}\ncomplete -F _%s %s\n", name, name);
}

/* ---- zsh ---- */

/* A text inside a specification of _arguments and inside single quotes. */
static void print_zsh_text(const char *text, int n, FILE *out) {
    for (int i = 0; i < n && text[i]; i++) {
        if (text[i] == '\'')
            fputs("'\\''", out);
        else
            fprintf(out, "%s%c", strchr("[]:\\", text[i]) ? "\\" : "", text[i]);
    }
}

static void print_zsh_value(const cli_option *row, FILE *out) {
    const value_kind kind = kind_of(row);
    if (kind == VALUE_NONE) return;
    fputs(yti_option_is_optional(row) ? "::" : ":", out);
    print_zsh_text(cli_metavar(row), 80, out);
    fputc(':', out);
    if (kind == VALUE_FILE) fputs("_files", out);
    if (kind == VALUE_FOLDER) fputs("_files -/", out);
    if (kind != VALUE_CHOICE) return;
    fputc('(', out);
    char words[1024];
    FILE *list = fmemopen(words, sizeof words, "w");
    if (list) {
        print_choices(row, list);
        fclose(list);
        words[sizeof words - 1] = '\0';
        print_zsh_text(words, (int)sizeof words, out);
    }
    fputc(')', out);
}

static void print_zsh_option(const cli_option *row, const char *prefix, FILE *out) {
    const char *equals = kind_of(row) == VALUE_NONE ? "" : "=";
    if (row->letter && !prefix[0])
        fprintf(out, "  '(-%c --%s)'{-%c,--%s%s}'", row->letter, row->name, row->letter, row->name, equals);
    else
        fprintf(out, "  '--%s%s%s", prefix, row->name, equals);
    fputc('[', out);
    print_zsh_text(prefix[0] ? "not: " : "", 8, out);
    print_zsh_text(row->help, brief_length(row->help), out);
    fputc(']', out);
    if (!prefix[0]) print_zsh_value(row, out);
    fputs("' \\\n", out);
}

void cli_print_zsh(const cli_line *cli, FILE *out) {
    fprintf(out, "#compdef %s\n# Completion of %s for zsh, made by %s --help=zsh.\n_arguments -s -S \\\n", cli->program,
            cli->program, cli->program);
    for (size_t i = 0; i < cli->n_options; i++) {
        print_zsh_option(&cli->options[i], "", out);
        if (cli_is_on_by_default(&cli->options[i])) print_zsh_option(&cli->options[i], "no-", out);
    }
    fputs("  '(-h --help)'{-h,--help}'[print help]' '--version[print the version]' '*:file:_files'\n", out);
}

/* ---- fish ---- */

static void print_fish_option(const cli_line *cli, const cli_option *row, const char *prefix, FILE *out) {
    const value_kind kind = prefix[0] ? VALUE_NONE : kind_of(row);
    fprintf(out, "complete -c %s -l %s%s", cli->program, prefix, row->name);
    if (row->letter && !prefix[0]) fprintf(out, " -s %c", row->letter);
    if (kind != VALUE_NONE && !yti_option_is_optional(row)) fputs(kind == VALUE_FILE ? " -r -F" : " -x", out);
    if (kind == VALUE_FOLDER) fputs(" -a '(__fish_complete_directories)'", out);
    if (kind == VALUE_CHOICE) {
        fputs(" -a '", out);
        print_choices(row, out);
        fputc('\'', out);
    }
    fprintf(out, " -d '%s", prefix[0] ? "not: " : "");
    for (int i = 0, n = brief_length(row->help); i < n; i++)
        fprintf(out, "%s%c", row->help[i] == '\'' || row->help[i] == '\\' ? "\\" : "", row->help[i]);
    fputs("'\n", out);
}

void cli_print_fish(const cli_line *cli, FILE *out) {
    fprintf(out, "# Completion of %s for fish, made by %s --help=fish.\n", cli->program, cli->program);
    for (size_t i = 0; i < cli->n_options; i++) {
        print_fish_option(cli, &cli->options[i], "", out);
        if (cli_is_on_by_default(&cli->options[i])) print_fish_option(cli, &cli->options[i], "no-", out);
    }
    fprintf(out, "complete -c %s -l help -s h -d 'print help'\ncomplete -c %s -l version -d 'print the version'\n",
            cli->program, cli->program);
}
