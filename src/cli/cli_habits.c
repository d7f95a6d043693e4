/* cli_habits.c: see cli_habits.h. One row per thing that the programs of Ultralytics, YOLOv5 and darknet have names
 * for. */
#include "cli/cli_habits.h"
#include "base/file.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* An option of ours of another name, or a sentence. Of rows with the same word the first counts whose option there is.
 */
static const struct habit {
    const char *typed; /* words with spaces between */
    const char *option, *advice;
} habits[] = {
    {"img img-size imgs image-size", "imgsz", NULL},
    {"batch-size batchsize", "batch", NULL},
    {"num-workers", "workers", NULL},
    {"nc num-classes", NULL, "the number of classes is that of the dataset; leave it out"},
    {"save-txt", "save-json", NULL},
    {"save-txt", "json", NULL},
    {"show view-img", "save", NULL},
    {"lr learning-rate", "lr0", NULL},
    {"conf-thres conf-thresh thresh", "conf", NULL},
    {"iou-thres iou-thresh nms-thres", "iou", NULL},
    {"agnostic-nms", "agnostic", NULL},
    {"cfg", "model", NULL},
    {"pretrained", "weights", NULL},
    {"adam", "optimizer", NULL},
    {"image-weights", "cls-pw", NULL},
    {"label-smoothing", NULL, "there is none; leave it out"},
    {"linear-lr", NULL, "it is the default; --cos-lr is the other one"},
    {"cache-images", "cache", NULL},
    {"noval", NULL, "type --no-val"},
    {"nosave", NULL, "leave it out: nothing is saved but with --save"},
    {"task", "split", NULL},
    {"output", "out", NULL},
    {"out", "output", NULL},
    {"save-dir savedir", "name", NULL},
    {"line-thickness", NULL, "it follows the size of the image; leave it out"},
    {"include", "format", NULL},
    {"device gpu gpus", NULL, "everything runs on the processor; leave it out (--threads N is the number of cores)"},
    {"sync-bn local-rank", NULL, "there is one process; leave it out"},
    {"amp half int8", NULL,
     "everything is computed in 32 bits; leave it out (yoloexport writes files with 16, --half, and 8, --int8)"},
    {"deterministic", NULL, "every run is; leave it out"},
    {"hyp", NULL, "every hyperparameter is an option of its own (--lr0 0.01); --help lists them"},
    {"evolve", NULL, "hyperparameters are not searched here"},
    {"noautoanchor", NULL, "there are no anchors; leave it out"},
    {"verbose", NULL, "leave it out"},
};

/* Words of other programs that say what to do, which here is said by which program is called. */
static const char *const verbs[] = {"train", "val", "predict", "detect", "detector", "export", "test"};

static const char *program_for(const char *key) {
    return strcmp(key, "source") == 0 ? "yoloinfer" : "yoloval";
}

static bool has_option(const cli_line *cli, const char *name) {
    for (size_t i = 0; i < cli->n_options; i++)
        if (strcmp(cli->options[i].name, name) == 0) return true;
    return false;
}

static bool is_among(const char *words, const char *name) {
    const size_t n = strlen(name);
    for (const char *at = words; *at; at += strcspn(at, " "), at += strspn(at, " "))
        if (strcspn(at, " ") == n && strncasecmp(at, name, n) == 0) return true;
    return false;
}

/* '_' as '-'; false: too long to be one of ours. */
static bool copy_name(const char *typed, size_t n, char *name, size_t room) {
    if (n == 0 || n >= room) return false;
    for (size_t i = 0; i < n; i++) name[i] = typed[i] == '_' ? '-' : typed[i];
    name[n] = '\0';
    return true;
}

/* What is a word here and an option there. */
static bool is_plain_word(const cli_line *cli, const char *name) {
    if (has_option(cli, name)) return false;
    return (strcmp(name, "source") == 0 && strcmp(cli->program, "yoloinfer") == 0) ||
           (strcmp(name, "data") == 0 && strcmp(cli->program, "yoloval") == 0);
}

bool cli_habit(const cli_line *cli, const char *typed, size_t n, char *advice, size_t room) {
    char name[48];
    if (!copy_name(typed, n, name, sizeof name)) return false;
    if (is_plain_word(cli, name)) {
        snprintf(advice, room, "it is given without an option: %s %s", program_for(name),
                 name[0] == 's' ? "IMAGE" : "DATA.yaml");
        return true;
    }
    for (size_t i = 0; i < sizeof habits / sizeof *habits; i++) {
        const struct habit *h = &habits[i];
        if (!is_among(h->typed, name) || (h->option && !has_option(cli, h->option))) continue;
        if (h->option)
            snprintf(advice, room, "type --%s", h->option);
        else
            snprintf(advice, room, "%s", h->advice);
        return true;
    }
    return false;
}

/* KEY=VALUE. Networks and weights have one key there, and two options here. */
static bool assignment(const cli_line *cli, const char *word, const char *equals, char *advice, size_t room) {
    char name[48];
    const char *value = equals + 1;
    if (!copy_name(word, (size_t)(equals - word), name, sizeof name)) return false;
    const size_t n = strlen(value);
    const bool weights = strcmp(name, "model") == 0 && n > 3 && strcmp(value + n - 3, ".pt") == 0;
    if ((strcmp(name, "data") == 0 && has_option(cli, "data")) || is_plain_word(cli, name))
        snprintf(advice, room, "type: %s %s", cli->program, value);
    else if (weights && has_option(cli, "weights"))
        snprintf(advice, room, "type --weights %s", value);
    else if (has_option(cli, name))
        snprintf(advice, room, "type --%s %s", name, value);
    else
        return cli_habit(cli, name, strlen(name), advice, room);
    return true;
}

bool cli_word_habit(const cli_line *cli, const char *word, char *advice, size_t room) {
    const char *equals = strchr(word, '=');
    if (yti_path_exists(word)) return false;
    if (equals) return assignment(cli, word, equals, advice, room);
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        if (strcmp(word, verbs[i]) != 0) continue;
        snprintf(advice, room,
                 "leave it out: each task is a program of its own, yolotrain, yoloval, yoloinfer, "
                 "yoloexport");
        return true;
    }
    return false;
}
