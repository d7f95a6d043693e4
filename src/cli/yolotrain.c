/* yolotrain.c: the program that trains: options from the table of settings, a run, its progress. */
#include "cli/cli_common.h"
#include "cli/cli_compare.h"
#include "cli/cli_nms.h"
#include "cli/cli_options.h"
#include "cli/cli_progress.h"
#include "api/search.h"
#include "cli/cli_threads.h"
#include "base/run_folder.h"
#include "pictures/run_pictures.h"
#include "train/diagnose/replay.h"
#include "train/loop/train.h"
#include "train/parts/build_model.h"
#include "yolotrain/version.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    N_OPTIONS = YT_TRAIN_KEYS + 6,
    MAX_NAME = 32,
    MAX_PROBLEMS = 20,
    KILLED = 128 /* and the number of the signal, as a shell has it */
};

/* "residual, plain, ..., " */
#define VARIANT_WORD(word, key, value, meaning) word ", "
#define VARIANT_WORDS                           STUDY_VARIANT_MAP(VARIANT_WORD)

static yti_stop interrupted; /* the signal, 0: none */

static void on_interrupt(int signal_number) {
    static const char heard[] = "\nstopping as soon as this batch or validation is done; once more: at once\n";
    interrupted = signal_number;
    if (write(STDERR_FILENO, heard, sizeof heard - 1) < 0) return; /* nobody reads it: the terminal was closed */
}

/* The first Ctrl-C ends the run after the batch; the second one ends the program at once. nohup is left its way. */
static void catch_interrupts(void) {
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        struct sigaction action = {0}, former;
        if (signals[i] == SIGHUP && sigaction(SIGHUP, NULL, &former) == 0 && former.sa_handler == SIG_IGN) continue;
        action.sa_handler = on_interrupt;
        action.sa_flags = (int)SA_RESETHAND;
        sigemptyset(&action.sa_mask);
        sigaction(signals[i], &action, NULL);
    }
}

/* The command line: every row of the table of settings, and what else there is to do. */
typedef struct command_line {
    cli_option options[N_OPTIONS];
    char names[YT_TRAIN_KEYS][MAX_NAME];
} command_line;

static void make_command_line(command_line *line) {
    for (int i = 0; i < YT_TRAIN_KEYS; i++) {
        line->options[i] = yti_train_option_rows()[i];
        snprintf(line->names[i], MAX_NAME, "%s", line->options[i].name);
        for (char *c = line->names[i]; *c; c++)
            if (*c == '_') *c = '-';
        line->options[i].name = line->names[i];
    }
    line->options[YT_TRAIN_KEYS + 5] = (cli_option){
        .name = "plots",
        .type = YT_OPTION_FLAG,
        .fallback = "true",
        .group = "Output",
        .help = "draw what the network sees and finds into the run folder: train_batch0.jpg and others"};
    line->options[YT_TRAIN_KEYS] = (cli_option){.name = "summary",
                                                .type = YT_OPTION_FLAG,
                                                .group = "Output",
                                                .help = "print the layers of the model with their sizes, and exit"};
    line->options[YT_TRAIN_KEYS + 1] = (cli_option){.name = "replay",
                                                    .type = YT_OPTION_TEXT,
                                                    .metavar = "FILE",
                                                    .group = "Output",
                                                    .help = "repeat the step saved in a run's non-finite.safetensors, "
                                                            "print the first value that is not finite, and exit"};
    line->options[YT_TRAIN_KEYS + 2] = (cli_option){
        .name = "compare",
        .type = YT_OPTION_TEXT,
        .metavar = "LIST",
        .group = "Comparison",
        .help = "train variants on the same batches and compare their gradients: a list like "
                "residual,plain,plain+nobn, where a variant joins the words " VARIANT_WORDS
                "names of activation functions and KEY=VALUE with +; gradients are measured every " STUDY_LOG_INTERVAL
                " batches unless --log-gradients says otherwise; an interrupted comparison "
                "continues"};
    line->options[YT_TRAIN_KEYS + 3] = (cli_option){.name = "seeds",
                                                    .type = YT_OPTION_INT,
                                                    .fallback = "5",
                                                    .min = 1,
                                                    .max = STUDY_MAX_SEEDS,
                                                    .metavar = "N",
                                                    .group = "Comparison",
                                                    .help = "runs per variant, with the seeds from --seed on"};
    line->options[YT_TRAIN_KEYS + 4] = (cli_option)CLI_END2END_ROW;
    line->options[YT_TRAIN_KEYS + 4].group = yti_train_options()[YT_TRAIN_KEY_nms].group;
}

static yt_status read_settings(const cli_line *cli, yti_train_config *config, yt_err *err) {
    yti_train_config_defaults(config);
    for (int i = 0; i < YT_TRAIN_KEYS; i++)
        if (cli->values[i].typed)
            YT_TRY(yti_train_config_set(config, yti_train_options()[i].key, cli->values[i].text, YT_SOURCE_TYPED, err));
    if (cli->n_words) YT_TRY(yti_train_config_set(config, "data", cli->words[0], YT_SOURCE_TYPED, err));
    char data[4096];
    if (yti_search_data(config->data, data, sizeof data))
        YT_TRY(yti_train_config_set(config, "data", data, YT_SOURCE_TYPED, err));
    if (!cli_typed(cli, "resume") || cli_text(cli, "resume")[0]) return YT_OK;
    char *newest;
    YT_TRY(yti_newest_checkpoint(&newest, err));
    yt_status status = yti_train_config_set(config, "resume", newest, YT_SOURCE_TYPED, err);
    free(newest);
    return status;
}

/* --summary: the layers, with the classes of the dataset where one is named. */
static yt_status print_summary(yti_train_config *config, const yti_search *search, yt_err *err) {
    int n_classes = 0;
    if (config->data[0]) {
        yti_dataset dataset;
        YT_TRY(yti_dataset_open(config->data, &dataset, err));
        n_classes = config->single_cls ? 1 : dataset.n_classes;
        yti_dataset_close(&dataset);
    }
    yti_model *model;
    YT_TRY(yti_train_build_model(config, n_classes, search->dirs, &model, err));
    cli_warn_of_scale(model);
    yt_status status = yti_model_print(model, config->imgsz, stdout, err);
    yti_model_destroy(model);
    return status;
}

/* Problems of a dataset may be thousands; the counts come with the plan. */
typedef struct problems {
    int count;
    bool all;
} problems;

static void show_problem(void *context, const char *text) {
    problems *p = context;
    if (p->count++ >= MAX_PROBLEMS && !p->all) return;
    fputs("warning: ", stderr);
    cli_print_text(stderr, 0, text);
    fputc('\n', stderr);
}

static yt_status train(const yti_train_config *config, const yti_search *search, bool plots, yt_err *err) {
    problems found = {.all = config->strict};
    yti_training *training;
    yt_status status = yti_train_prepare(config, search->dirs, show_problem, &found, &training, err);
    if (!found.all && found.count > MAX_PROBLEMS)
        fprintf(stderr, "warning: %d more problems like these\n", found.count - MAX_PROBLEMS);
    if (status != YT_OK) return status;
    cli_progress progress;
    yti_train_observer observers[2] = {cli_progress_observer(&progress), {0}};
    status = cli_print_plan(yti_train_describe(training), yt_version_text(), err);
    if (status == YT_OK && plots) status = yti_run_pictures_create(show_problem, &found, &observers[1], err);
    catch_interrupts();
    if (status == YT_OK) status = yti_train_run(training, observers, plots ? 2 : 1, &interrupted, err);
    yti_run_pictures_destroy(&observers[1]);
    if (status == YT_OK && plots)
        fprintf(stderr,
                "images in the same folder: train_batch0.jpg, labels.jpg, results.png, BoxPR_curve.png and others\n");
    yti_train_destroy(training);
    return status;
}

static yt_status compare(const cli_line *cli, const yti_train_config *config, const yti_search *search, yt_err *err) {
    problems found = {.all = config->strict};
    catch_interrupts();
    return cli_compare(config, cli_text(cli, "compare"), cli_int(cli, "seeds"), search->dirs, show_problem, &found,
                       &interrupted, err);
}

/* Texts that are wrong whatever the files say. */
static yt_status check_texts(const cli_line *cli, yt_err *err) {
    const char *classes = cli_text(cli, "classes");
    yti_init init;
    if (classes[0]) YT_TRY(yti_classes_check(classes, err));
    YT_TRY(yti_init_parse(cli_text(cli, "init"), &init, err));
    if (cli_typed(cli, "compare")) YT_TRY(study_check_variants(cli_text(cli, "compare"), err));
    return yti_freeze_check(cli_text(cli, "freeze"), err);
}

/* Its settings are in the file; the number of threads belongs to the machine. */
static bool replay_is_alone(const cli_line *cli) {
    for (size_t i = 0; i < N_OPTIONS; i++) {
        const char *name = cli->options[i].name;
        if (cli->values[i].typed && strcmp(name, "replay") != 0 && strcmp(name, "threads") != 0) return false;
    }
    return cli->n_words == 0;
}

/* A replayed failure is one: the exit code is that of the run. */
static int replay(const cli_line *cli) {
    const char *path = cli_text(cli, "replay");
    yti_replay_result result;
    yt_err err;
    if (yti_replay(path, cli_threads(cli), &result, &err) != YT_OK) return cli_failure(cli, &err);
    cli_print_lines(stdout, result.report);
    if (result.same)
        yt_fail(&err, YT_ERR_NON_FINITE, "%s: as in the run, to the last bit: %.400s", path, result.sentence);
    else
        yt_fail(&err, YT_ERR_MISMATCH,
                "%s: the run had %.300s, here: %.300s; only the same program on the same kind of processor "
                "gives the "
                "same bits",
                path, result.expected, result.sentence);
    yti_replay_free(&result);
    cli_finish_stdout(cli, 0);
    return cli_failure(cli, &err);
}

static int run(const cli_line *cli) {
    yti_search search;
    yti_search_init(&search);
    yti_train_config config;
    yt_err err;
    if (cli_typed(cli, "replay")) {
        if (!replay_is_alone(cli))
            return cli_usage_error(cli,
                                   "--replay takes its settings from the file; only --threads may stand beside it");
        return replay(cli);
    }
    if (cli_typed(cli, "seeds") && !cli_typed(cli, "compare"))
        return cli_usage_error(cli, "--seeds counts the runs of a comparison; name the variants with --compare");
    if (cli_flag(cli, "summary") && cli_typed(cli, "compare"))
        return cli_usage_error(cli, "--summary shows one network, and --compare trains several; leave one out");
    if (check_texts(cli, &err) != YT_OK) return cli_usage_failure(cli, &err);
    yt_status status = read_settings(cli, &config, &err);
    bool summary = cli_flag(cli, "summary");
    if (status == YT_OK && !summary && !config.data[0] && !config.resume[0])
        return cli_usage_error(cli, "name a dataset YAML to train on");
    if (status == YT_OK)
        status = summary                     ? print_summary(&config, &search, &err)
                 : cli_typed(cli, "compare") ? compare(cli, &config, &search, &err)
                                             : train(&config, &search, cli_flag(cli, "plots"), &err);
    if (status == YT_OK) return cli_finish_stdout(cli, 0);
    cli_failure(cli, &err);
    return status == YT_ERR_STOPPED ? KILLED + (int)interrupted : 1;
}

int main(int argc, char **argv) {
    cli_begin(argv);
    static command_line line;
    make_command_line(&line);
    cli_line cli = {.program = "yolotrain",
                    .usage = "yolotrain DATA.yaml [options]\n       yolotrain --resume [FILE] [options]\n"
                             "       yolotrain DATA.yaml --compare VARIANT,VARIANT,... [--seeds N] [options]\n"
                             "       yolotrain --model MODEL.yaml --summary\n"
                             "       yolotrain --replay RUN/non-finite.safetensors",
                    .about = "Trains an object detector on the processor. Results go to stdout, the rest to stderr.",
                    .version = yt_version_text(),
                    .options = line.options,
                    .n_options = N_OPTIONS,
                    .max_words = 1};
    int code = cli_parse(&cli, argc, argv);
    if (code >= 0) return code;
    code = cli_settle_nms(&cli);
    if (code < 0) code = run(&cli);
    cli_free(&cli);
    return code;
}
