/* weights_metadata.c: the pairs of texts by which a weights file describes its own model.
 *
 *   format         "pt", as readers of the safetensors format expect
 *   yt_format      version of this list, "1"
 *   model_name     file name of the model YAML, whose letter may name the scale
 *   model_yaml     its text
 *   model_options  JSON: n_classes, scale, no_residual, no_batchnorm, activation, sppf_activation (null: as the rows of
 *                  the YAML say)
 *   names          JSON: array of class names
 *   imgsz          side of the network input in training
 *   base_license   of the weights that training began with, where their file names one; others call it "license"
 */
#include "weights/weights_metadata.h"
#include "base/text.h"
#include "weights/foreign_names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FORMAT_VERSION = 1, DEFAULT_IMGSZ = 640, MAX_CLASSES = 1 << 20 };

#define UNNAMED_MODEL "model.yaml"

yt_status yti_name_file(yt_status status, const char *path, yt_err *err) {
    if (status == YT_OK || !err) return status;
    char text[sizeof err->text];
    memcpy(text, err->text, sizeof text);
    return yt_fail(err, status, "%s: %s", path, text);
}

static const char needed_for[] = "the metadata of a weights file";

yt_status yti_metadata_add(yti_metadata *metadata, const char *key, const char *value, yt_err *err) {
    if (metadata->count == metadata->capacity) {
        size_t capacity = metadata->capacity ? 2 * metadata->capacity : 16;
        char **keys = realloc(metadata->keys, capacity * sizeof *keys);
        if (keys) metadata->keys = keys;
        char **values = keys ? realloc(metadata->values, capacity * sizeof *values) : NULL;
        if (!values) return yti_no_memory(err, needed_for);
        metadata->values = values;
        metadata->capacity = capacity;
    }
    char *own_key = strdup(key), *own_value = strdup(value);
    if (!own_key || !own_value) {
        free(own_key);
        free(own_value);
        return yti_no_memory(err, needed_for);
    }
    metadata->keys[metadata->count] = own_key;
    metadata->values[metadata->count++] = own_value;
    return YT_OK;
}

void yti_metadata_free(yti_metadata *metadata) {
    for (size_t i = 0; i < metadata->count; i++) {
        free(metadata->keys[i]);
        free(metadata->values[i]);
    }
    free(metadata->keys);
    free(metadata->values);
    *metadata = (yti_metadata){0};
}

yt_status yti_metadata_add_json(yti_metadata *metadata, const char *key, yti_json_writer *json, yt_err *err) {
    char *text = yti_json_finish(json, YTI_JSON_ON_ONE_LINE);
    if (!text) return yti_no_memory(err, needed_for);
    yt_status status = yti_metadata_add(metadata, key, text, err);
    free(text);
    return status;
}

/* n_classes and scale are those the model has, not 0. */
static void put_options(yti_json_writer *w, const yti_model_options *options) {
    char scale[2] = {options->scale, '\0'};
    yti_json_object(w, NULL);
    yti_json_number(w, "n_classes", options->n_classes);
    yti_json_text(w, "scale", scale);
    yti_json_text(w, "no_residual", yti_no_residual_word(options->no_residual));
    yti_json_bool(w, "no_batchnorm", options->no_batchnorm);
    yti_json_text(w, "activation",
                  options->activation >= 0 ? yti_activation_name((yti_activation_kind)options->activation) : "");
    if (options->sppf_activation < 0)
        yti_json_null(w, "sppf_activation");
    else
        yti_json_bool(w, "sppf_activation", options->sppf_activation > 0);
}

/* The parts of a description. */
typedef struct description {
    const char *model_name, *yaml;
    yti_model_options options;
    char *const *names;
    int n_names;              /* 0: not known */
    int imgsz;                /* 0: not known */
    const char *base_license; /* NULL: none */
} description;

/* The network alone. */
static yt_status describe_network(yti_metadata *metadata, const description *d, yt_err *err) {
    char number[16];
    snprintf(number, sizeof number, "%d", FORMAT_VERSION);
    YT_TRY(yti_metadata_add(metadata, "yt_format", number, err));
    YT_TRY(yti_metadata_add(metadata, "model_name", d->model_name, err));
    YT_TRY(yti_metadata_add(metadata, "model_yaml", d->yaml, err));
    yti_json_writer w = {0};
    put_options(&w, &d->options);
    return yti_metadata_add_json(metadata, "model_options", &w, err);
}

static yt_status describe(yti_metadata *metadata, const description *d, yt_err *err) {
    yti_json_writer w = {0};
    char number[16];
    YT_TRY(yti_metadata_add(metadata, "format", "pt", err));
    YT_TRY(describe_network(metadata, d, err));
    if (d->n_names) {
        yti_json_array(&w, NULL);
        for (int i = 0; i < d->n_names; i++) yti_json_text(&w, NULL, d->names[i]);
        YT_TRY(yti_metadata_add_json(metadata, "names", &w, err));
    }
    if (d->base_license) YT_TRY(yti_metadata_add(metadata, "base_license", d->base_license, err));
    if (!d->imgsz) return YT_OK;
    snprintf(number, sizeof number, "%d", d->imgsz);
    return yti_metadata_add(metadata, "imgsz", number, err);
}

static description description_of(const yti_model *model, char file_name[256]) {
    snprintf(file_name, 256, "%.240s.yaml", model->name);
    description d = {.model_name = file_name,
                     .yaml = model->yaml_text,
                     .options = model->options,
                     .base_license = model->base_license};
    d.options.n_classes = model->n_classes;
    d.options.scale = model->scale;
    return d;
}

yt_status yti_metadata_describe(yti_metadata *metadata, const yti_model *model, const yti_class_names *names, int imgsz,
                                yt_err *err) {
    char file_name[256];
    description d = description_of(model, file_name);
    d.names = names->names;
    d.n_names = names->count;
    d.imgsz = imgsz;
    return describe(metadata, &d, err);
}

yt_status yti_metadata_describe_network(yti_metadata *metadata, const yti_model *model, yt_err *err) {
    char file_name[256];
    const description d = description_of(model, file_name);
    return describe_network(metadata, &d, err);
}

yt_status yti_metadata_describe_pt(yti_metadata *metadata, const yti_pt_file *pt, const char *path, yt_err *err) {
    if (!pt->yaml) return pt->license ? yti_metadata_add(metadata, "base_license", pt->license, err) : YT_OK;
    if (pt->n_names && pt->n_classes && pt->n_names != (size_t)pt->n_classes)
        return yt_fail(err, YT_ERR_MISMATCH, "%s: names %zu classes, but its network has %d", path, pt->n_names,
                       pt->n_classes);
    description d = {.model_name = pt->model_name ? pt->model_name : UNNAMED_MODEL,
                     .yaml = pt->yaml,
                     .options = YT_MODEL_DEFAULTS,
                     .names = pt->names,
                     .n_names = (int)pt->n_names,
                     .imgsz = pt->imgsz,
                     .base_license = pt->license};
    d.options.n_classes = pt->n_classes ? pt->n_classes : d.n_names;
    d.options.scale = pt->scale;
    d.options.sppf_activation = pt->sppf_activation;
    if (!d.options.n_classes)
        return yt_fail(err, YT_ERR_MISMATCH, "%s: does not say how many classes its network has", path);
    return describe(metadata, &d, err);
}

bool yti_metadata_is_description(const char *key) {
    static const char *const keys[] = {"format",        "yt_format", "model_name", "model_yaml",
                                       "model_options", "names",     "imgsz",      "base_license"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (strcmp(keys[i], key) == 0) return true;
    return false;
}

const char *yti_metadata_license(const yti_st_file *file) {
    const char *own = yti_st_metadata(file, "base_license"), *license = own ? own : yti_st_metadata(file, "license");
    return license && license[0] ? license : NULL;
}

static yt_status bad(yt_err *err, const char *path, const char *what) {
    return yt_fail(err, YT_ERR_SYNTAX, "%s: the metadata entry %s is damaged", path, what);
}

/* A word; in files from before there were several, true or false. -1: neither. */
static int read_no_residual(const yti_json *item) {
    const char *word = yti_json_as_text(item);
    if (word) return yti_no_residual_find(word);
    if (yti_json_is_bool(item)) return yti_json_is_true(item) ? YT_NO_RESIDUAL_ADD : YT_RESIDUAL_KEPT;
    return item ? -1 : YT_RESIDUAL_KEPT;
}

static yt_status read_options(const yti_st_file *file, const char *path, yti_model_options *options, yt_err *err) {
    const char *text = yti_st_metadata(file, "model_options");
    if (!text) return YT_OK;
    yti_json *json = yti_json_parse(text, strlen(text), NULL);
    double classes;
    const char *scale = yti_json_as_text(yti_json_get(json, "scale"));
    const char *activation = yti_json_as_text(yti_json_get(json, "activation"));
    const int no_residual = read_no_residual(yti_json_get(json, "no_residual"));
    bool good = yti_json_as_number(yti_json_get(json, "n_classes"), &classes) && classes >= 1 &&
                classes <= MAX_CLASSES && scale && strlen(scale) <= 1 && activation && no_residual >= 0;
    if (good) {
        options->n_classes = (int)classes;
        options->scale = scale[0];
        options->no_residual = (yti_no_residual)no_residual;
        options->no_batchnorm = yti_json_is_true(yti_json_get(json, "no_batchnorm"));
        options->activation = activation[0] ? yti_activation_find(activation) : -1;
        const yti_json *sppf = yti_json_get(json, "sppf_activation");
        options->sppf_activation = yti_json_is_null(sppf) ? -1 : yti_json_is_true(sppf);
        good = !activation[0] || options->activation >= 0;
    }
    yti_json_free(json);
    return good ? YT_OK : bad(err, path, "model_options");
}

/* Only files of ours mean by these keys what is said above. */
static bool is_own(const yti_st_file *file) {
    return yti_st_metadata(file, "yt_format") != NULL;
}

yt_status yti_metadata_model(const yti_st_file *file, const char *path, const char **name, const char **yaml,
                             yti_model_options *options, yt_err *err) {
    *name = UNNAMED_MODEL;
    *yaml = NULL;
    if (!is_own(file)) return YT_OK;
    const char *own_name = yti_st_metadata(file, "model_name");
    for (const char *c = own_name; c && *c; c++)
        if (yti_text_is_control(*c)) return bad(err, path, "model_name");
    YT_TRY(read_options(file, path, options, err));
    if (own_name) *name = own_name;
    *yaml = yti_st_metadata(file, "model_yaml");
    return YT_OK;
}

void yti_class_names_free(yti_class_names *names) {
    for (int i = 0; names->names && i < names->count; i++) free(names->names[i]);
    free(names->names);
    *names = (yti_class_names){0};
}

/* Texts of a JSON array; with NULL class_0, class_1, ... */
static yt_status fill_names(const yti_json *json, int n_classes, yti_class_names *out, yt_err *err) {
    yti_class_names names = {.names = calloc((size_t)n_classes + 1, sizeof(char *))};
    bool good = names.names != NULL;
    const yti_json *item = yti_json_first(json);
    for (int i = 0; good && i < n_classes; i++) {
        names.names[i] = strdup(item ? yti_json_as_text(item) : yti_text_class(i).text);
        good = names.names[i] != NULL;
        names.count = i + 1;
        item = yti_json_next(item);
    }
    if (!good) {
        yti_class_names_free(&names);
        return yti_no_memory(err, "%d class names", n_classes);
    }
    *out = names;
    return YT_OK;
}

yt_status yti_metadata_own_names(const yti_st_file *file, const char *path, yti_class_names *out, yt_err *err) {
    const char *text = yti_st_metadata(file, "names");
    if (!text) {
        *out = (yti_class_names){0};
        return YT_OK;
    }
    yti_json *json = is_own(file) ? yti_json_parse(text, strlen(text), NULL) : NULL;
    if (!json) json = yti_foreign_names(text); /* so in our ONNX files, too */
    bool good = yti_json_is_array(json);
    for (const yti_json *item = good ? yti_json_first(json) : NULL; good && item; item = yti_json_next(item))
        good = yti_json_as_text(item) != NULL;
    yt_status status = YT_OK;
    if (good)
        status = fill_names(json, yti_json_count(json), out, err);
    else if (is_own(file))
        status = bad(err, path, "names");
    else
        *out = (yti_class_names){0};
    yti_json_free(json);
    return status;
}

yt_status yti_metadata_names(const yti_st_file *file, const char *path, int n_classes, yti_class_names *out,
                             yt_err *err) {
    yti_class_names names;
    YT_TRY(yti_metadata_own_names(file, path, &names, err));
    if (names.count == n_classes) {
        *out = names;
        return YT_OK;
    }
    yti_class_names_free(&names);
    if (is_own(file) && yti_st_metadata(file, "names")) return bad(err, path, "names");
    return fill_names(NULL, n_classes, out, err);
}

int yti_metadata_imgsz(const yti_st_file *file) {
    const char *text = yti_st_metadata(file, "imgsz");
    if (text && text[0] == '[') text++; /* others write height and width */
    long value = text ? strtol(text, NULL, 10) : 0;
    return value >= 32 && value <= 65536 ? (int)value : DEFAULT_IMGSZ;
}
