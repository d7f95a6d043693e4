/* weights_network.c: which network a file of weights belongs to. The file says it in its metadata; what it does not say
 * (classes and hidden layers of the head, whether it is fused) its tensors do; and where it says nothing, the network
 * is looked for among those in the search folders.
 *
 * A network that is fused for inference has a bias in every convolution and no normalisation: the form that is built
 * without batch normalisation. Fusing an end-to-end head may have dropped one of its branches.
 */
#include "weights/weights_network.h"
#include "base/file.h"
#include "base/log.h"
#include "weights/weights_head.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

/* ---- a file by its name ---- */

/* By its name or its beginning, which only a regular file still has after it was read. */
static bool is_weights_file(const char *path) {
    static const char *const suffixes[] = {".safetensors", ".pt", ".onnx"};
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        size_t length = strlen(path), suffix = strlen(suffixes[i]);
        if (length > suffix && strcasecmp(path + length - suffix, suffixes[i]) == 0) return true;
    }
    struct stat info;
    bool regular = stat(path, &info) == 0 && S_ISREG(info.st_mode);
    return regular && (yti_pt_probe(path) || yti_st_probe(path) || yti_onnx_probe(path));
}

yt_status yti_load_model_yaml(const char *path, const yti_model_options *options, yti_model **out, yt_err *err) {
    if (is_weights_file(path))
        return yt_fail(err, YT_ERR_ARGUMENT, "%s: is a weights file; name it with --weights", path);
    return yti_model_load(path, options, out, err);
}

/* ---- what tensors say ---- */

static bool ends_with(const char *text, const char *end) {
    size_t length = strlen(text), tail = strlen(end);
    return length >= tail && strcmp(text + length - tail, end) == 0;
}

/* What the names of a file's tensors say about its network. */
typedef struct form {
    bool normalised, biased; /* convolutions */
    bool one_to_many, one_to_one;
} form;

static form form_of(const yti_st_file *file) {
    const char *prefix = yti_weights_prefix(file);
    form found = {0};
    for (size_t i = 0; i < file->n_entries; i++) {
        const char *name = file->entries[i].name;
        if (strncmp(name, prefix, strlen(prefix)) != 0) continue;
        found.normalised |= ends_with(name, ".running_mean");
        found.biased |= ends_with(name, ".conv.bias");
        if (!ends_with(name, ".2.bias")) continue;
        found.one_to_one |= strstr(name, ".one2one_cv3.") != NULL;
        found.one_to_many |= strstr(name, ".cv3.") != NULL;
    }
    return found;
}

static bool is_fused(const form *f) {
    return f->biased && !f->normalised;
}

/* Fills what the file does not say. */
static void ask_tensors(const yti_st_file *file, yti_model_options *options) {
    const yti_head_facts head = yti_head_of_file(file, yti_weights_prefix(file));
    const form f = form_of(file);
    options->head = head.widths;
    if (!options->n_classes) options->n_classes = head.n_classes;
    if (!is_fused(&f) || options->no_batchnorm) return;
    options->fusion = f.one_to_one && f.one_to_many ? YT_FUSED_BOTH
                      : f.one_to_one                ? YT_FUSED_ONE_TO_ONE
                                                    : YT_FUSED_ONE_TO_MANY;
}

yt_status yti_network_describe(const yti_st_file *file, const char *path, const char **name, const char **yaml,
                               yti_model_options *options, yt_err *err) {
    YT_TRY(yti_metadata_model(file, path, name, yaml, options, err));
    ask_tensors(file, options);
    return YT_OK;
}

yt_status yti_network_is_folded(const yti_st_file *file, const char *path, bool *folded, yt_err *err) {
    yti_model_options options = YT_MODEL_DEFAULTS;
    const char *name, *yaml;
    const form f = form_of(file);
    YT_TRY(yti_metadata_model(file, path, &name, &yaml, &options, err));
    *folded = is_fused(&f) && !options.no_batchnorm;
    return YT_OK;
}

/* ---- a network by its tensors ---- */

/* What a search has found so far. */
typedef struct search {
    const yti_st_file *file;
    const char *prefix;
    const yti_model_options *options;
    yti_model *best; /* NULL: none yet */
} search;

static bool fits(const search *s, const yti_model *model) {
    char why[512];
    for (int i = 0; i < model->n_params; i++) {
        const yti_param_info *info = &model->params[i];
        const yti_st_entry *entry = yti_weights_find(s->file, s->prefix, info->name);
        if (!entry && info->kind == YT_PARAM_CONSTANT) continue; /* exporters compute with it and drop its name */
        if (yti_weights_differ(entry, info, why, sizeof why)) return false;
    }
    return true;
}

/* Keeps the candidate whose tensors are all there, and the one with more of them. A YAML that does not build in this
 * form is none. `path`: of `file`, with the letter in its name. */
static void try_model(search *s, const char *path, const char *file, char scale) {
    yti_model *model = NULL;
    yti_model_options options = *s->options;
    yt_err ignored;
    options.scale = scale;
    options.search_dirs = NULL;
    if (yti_model_load(path, &options, &model, &ignored) != YT_OK) return;
    if (!model->scale) { /* a YAML without scales is called what its file is called */
        const char *base = yti_path_base(file);
        char *name = strndup(base, strcspn(base, "."));
        if (name) free(model->name), model->name = name;
    }
    if (fits(s, model) && (!s->best || model->n_params > s->best->n_params)) {
        yti_model_destroy(s->best);
        s->best = model;
    } else {
        yti_model_destroy(model);
    }
}

/* malloc'd: yolo26-p2.yaml and n are yolo26n-p2.yaml, study.yaml and s study-s.yaml; NULL: no memory. */
static char *scaled_name(const char *path, char scale) {
    size_t room = strlen(path) + 3;
    char *name = malloc(room);
    const char *base = yti_path_base(path), *at = strstr(base, "yolo");
    if (!name) return NULL;
    if (at) {
        at += strlen("yolo");
        if (*at == 'v') at++;
        while (isdigit((unsigned char)*at)) at++;
    } else {
        at = base + strcspn(base, ".");
    }
    snprintf(name, room, "%.*s%s%c%s", (int)(at - path), path, strstr(base, "yolo") ? "" : "-", scale, at);
    return name;
}

/* The letter after the number where the file's own name has one: yolov10b.yaml and yolov9c.yaml are networks of one
 * size; 0: none. */
static char own_letter(const char *path) {
    const char *at = strstr(yti_path_base(path), "yolo");
    if (!at) return 0;
    at += strlen("yolo");
    if (*at == 'v') at++;
    const char *digits = at;
    while (isdigit((unsigned char)*at)) at++;
    return at > digits && islower((unsigned char)*at) ? *at : '\0';
}

static void try_file(search *s, const char *path) {
    static const char letters[] = "nslmx";
    const char own = own_letter(path);
    if (own) {
        try_model(s, path, path, own);
        return;
    }
    for (size_t i = 0; i < sizeof letters - 1; i++) {
        char *name = scaled_name(path, letters[i]);
        if (name) try_model(s, name, path, letters[i]);
        free(name);
    }
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* In the order of names, so that the choice is the same each time. */
static yt_status try_folder(search *s, const char *folder, yt_err *err) {
    enum { MAX_FILES = 1000 };
    char *names[MAX_FILES];
    int count = 0;
    const char *name;
    yt_status status = YT_OK;
    DIR *dir = opendir(folder);
    if (!dir) return YT_OK; /* not every place that is searched exists */
    while (status == YT_OK && count < MAX_FILES && (status = yti_folder_next(dir, folder, &name, err)) == YT_OK &&
           name) {
        if (!ends_with(name, ".yaml")) continue;
        names[count] = yti_path_join(folder, name);
        if (names[count]) count++;
    }
    closedir(dir);
    qsort(names, (size_t)count, sizeof *names, by_name);
    for (int i = 0; i < count; i++) {
        if (status == YT_OK) try_file(s, names[i]);
        free(names[i]);
    }
    return status;
}

static yt_status find_network(const yti_st_file *file, const char *path, const yti_model_options *options,
                              yti_model **out, yt_err *err) {
    search s = {.file = file, .prefix = yti_weights_prefix(file), .options = options};
    const bool has_head = yti_head_of_file(file, s.prefix).n_classes > 0;
    yt_status status = YT_OK;
    for (int i = 0; status == YT_OK && has_head && options->search_dirs && options->search_dirs[i]; i++)
        status = try_folder(&s, options->search_dirs[i], err);
    if (status != YT_OK) {
        yti_model_destroy(s.best);
        return status;
    }
    if (!s.best)
        return yt_fail(err, YT_ERR_MISMATCH,
                       "%s: does not say which model it belongs to, and %s; name the model YAML with --model", path,
                       has_head ? "no known one has its tensors" : "its tensors have no head that detects");
    yti_log(YT_LOG_WARNING, "%s: does not say which model it belongs to; its tensors are those of %s", path,
            s.best->name);
    *out = s.best;
    return YT_OK;
}

yt_status yti_network_build(const yti_st_file *file, const char *path, const char *model_path,
                            const char *const *search_dirs, yti_model **out, yt_err *err) {
    yti_model_options options = YT_MODEL_DEFAULTS;
    const char *name, *yaml;
    options.search_dirs = search_dirs;
    YT_TRY(yti_network_describe(file, path, &name, &yaml, &options, err));
    yti_model *model = NULL;
    if (model_path) {
        options.scale = 0; /* the name of the other file says it */
        YT_TRY(yti_load_model_yaml(model_path, &options, &model, err));
    } else if (yaml) {
        options.described_in = path;
        YT_TRY(yti_model_parse(name, yaml, strlen(yaml), &options, &model, err));
    } else {
        YT_TRY(find_network(file, path, &options, &model, err));
    }
    const yt_status status = yti_weights_pass_license(file, model, err);
    if (status == YT_OK)
        *out = model;
    else
        yti_model_destroy(model);
    return status;
}
