/* weights_metadata.c: the pairs of texts by which a weights file describes its own model.
 *
 *   format         "pt", as readers of the safetensors format expect
 *   yt_format      version of this list, "1"
 *   model_name     file name of the model YAML, whose letter may name the scale
 *   model_yaml     its text
 *   model_options  JSON: n_classes, scale, no_residual, no_batchnorm, activation
 *   names          JSON: array of class names
 *   imgsz          side of the network input in training
 */
#include "train/weights_metadata.h"

#include <cjson/cJSON.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FORMAT_VERSION = 1, DEFAULT_IMGSZ = 640, MAX_CLASSES = 1 << 20 };

static yt_status no_memory(yt_err *err) {
    return yt_fail(err, YT_NO_MEMORY, "no memory for the metadata of a weights file");
}

yt_status yt_metadata_add(yt_metadata *metadata, const char *key, const char *value, yt_err *err) {
    if (metadata->count == metadata->capacity) {
        size_t capacity = metadata->capacity ? 2 * metadata->capacity : 16;
        char **keys = realloc(metadata->keys, capacity * sizeof *keys);
        if (keys) metadata->keys = keys;
        char **values = keys ? realloc(metadata->values, capacity * sizeof *values) : NULL;
        if (!values) return no_memory(err);
        metadata->values = values;
        metadata->capacity = capacity;
    }
    char *own_key = strdup(key), *own_value = strdup(value);
    if (!own_key || !own_value) {
        free(own_key);
        free(own_value);
        return no_memory(err);
    }
    metadata->keys[metadata->count] = own_key;
    metadata->values[metadata->count++] = own_value;
    return YT_OK;
}

void yt_metadata_free(yt_metadata *metadata) {
    for (size_t i = 0; i < metadata->count; i++) {
        free(metadata->keys[i]);
        free(metadata->values[i]);
    }
    free(metadata->keys);
    free(metadata->values);
    *metadata = (yt_metadata){0};
}

yt_status yt_metadata_add_json(yt_metadata *metadata, const char *key, cJSON *json, yt_err *err) {
    char *text = json ? cJSON_PrintUnformatted(json) : NULL;
    cJSON_Delete(json);
    if (!text) return no_memory(err);
    yt_status status = yt_metadata_add(metadata, key, text, err);
    cJSON_free(text);
    return status;
}

static cJSON *options_json(const yt_model *model) {
    cJSON *json = cJSON_CreateObject();
    char scale[2] = {model->scale, '\0'};
    int activation = model->options.activation;
    const char *name = activation >= 0 ? yt_activation_name((yt_activation_kind)activation) : "";
    bool good = json && cJSON_AddNumberToObject(json, "n_classes", model->n_classes) &&
                cJSON_AddStringToObject(json, "scale", scale) &&
                cJSON_AddBoolToObject(json, "no_residual", model->options.no_residual) &&
                cJSON_AddBoolToObject(json, "no_batchnorm", model->options.no_batchnorm) &&
                cJSON_AddStringToObject(json, "activation", name);
    if (good) return json;
    cJSON_Delete(json);
    return NULL;
}

yt_status yt_metadata_describe(yt_metadata *metadata, const yt_model *model, const yt_class_names *names,
                               int imgsz, yt_err *err) {
    char number[16], file_name[256];
    snprintf(number, sizeof number, "%d", FORMAT_VERSION);
    snprintf(file_name, sizeof file_name, "%.240s.yaml", model->name);
    YT_TRY(yt_metadata_add(metadata, "format", "pt", err));
    YT_TRY(yt_metadata_add(metadata, "yt_format", number, err));
    YT_TRY(yt_metadata_add(metadata, "model_name", file_name, err));
    YT_TRY(yt_metadata_add(metadata, "model_yaml", model->yaml_text, err));
    YT_TRY(yt_metadata_add_json(metadata, "model_options", options_json(model), err));
    YT_TRY(yt_metadata_add_json(
        metadata, "names", cJSON_CreateStringArray((const char *const *)names->names, names->count), err));
    snprintf(number, sizeof number, "%d", imgsz);
    return yt_metadata_add(metadata, "imgsz", number, err);
}

static yt_status bad(yt_err *err, const char *path, const char *what) {
    return yt_fail(err, YT_SYNTAX, "%s: the metadata entry %s is damaged", path, what);
}

static yt_status read_options(const yt_st_file *file, const char *path, yt_model_options *options,
                              yt_err *err) {
    const char *text = yt_st_metadata(file, "model_options");
    if (!text) return YT_OK;
    cJSON *json = cJSON_Parse(text);
    const cJSON *classes = cJSON_GetObjectItemCaseSensitive(json, "n_classes");
    const char *scale = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "scale"));
    const char *activation = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "activation"));
    bool good = cJSON_IsNumber(classes) && classes->valuedouble >= 1 && classes->valuedouble <= MAX_CLASSES &&
                scale && strlen(scale) <= 1 && activation;
    if (good) {
        options->n_classes = classes->valueint;
        options->scale = scale[0];
        options->no_residual = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "no_residual"));
        options->no_batchnorm = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "no_batchnorm"));
        options->activation = activation[0] ? yt_activation_find(activation) : -1;
        good = !activation[0] || options->activation >= 0;
    }
    cJSON_Delete(json);
    return good ? YT_OK : bad(err, path, "model_options");
}

yt_status yt_metadata_build_model(const yt_st_file *file, const char *path, const char *model_path,
                                  const char *const *search_dirs, yt_model **out, yt_err *err) {
    yt_model_options options = YT_MODEL_DEFAULTS;
    options.search_dirs = search_dirs;
    YT_TRY(read_options(file, path, &options, err));
    if (model_path) {
        options.scale = 0; /* the name of the other file says it */
        return yt_model_load(model_path, &options, out, err);
    }
    const char *text = yt_st_metadata(file, "model_yaml"), *name = yt_st_metadata(file, "model_name");
    if (!text)
        return yt_fail(err, YT_MISMATCH,
                       "%s: does not say which model it belongs to (it has no model_yaml in its metadata); "
                       "name the model YAML with --model",
                       path);
    return yt_model_parse(name ? name : "model.yaml", text, strlen(text), &options, out, err);
}

void yt_class_names_free(yt_class_names *names) {
    for (int i = 0; names->names && i < names->count; i++) free(names->names[i]);
    free(names->names);
    *names = (yt_class_names){0};
}

static yt_status fill_names(const cJSON *json, int n_classes, yt_class_names *out, yt_err *err) {
    yt_class_names names = {.names = calloc((size_t)n_classes + 1, sizeof(char *))};
    bool good = names.names != NULL;
    const cJSON *item = json ? json->child : NULL;
    for (int i = 0; good && i < n_classes; i++) {
        char made[32];
        snprintf(made, sizeof made, "class_%d", i);
        names.names[i] = strdup(item ? item->valuestring : made);
        good = names.names[i] != NULL;
        names.count = i + 1;
        if (item) item = item->next;
    }
    if (!good) {
        yt_class_names_free(&names);
        return yt_fail(err, YT_NO_MEMORY, "no memory for %d class names", n_classes);
    }
    *out = names;
    return YT_OK;
}

yt_status yt_metadata_names(const yt_st_file *file, const char *path, int n_classes, yt_class_names *out,
                            yt_err *err) {
    const char *text = yt_st_metadata(file, "names");
    if (!text) return fill_names(NULL, n_classes, out, err);
    cJSON *json = cJSON_Parse(text);
    bool good = cJSON_IsArray(json) && cJSON_GetArraySize(json) == n_classes;
    for (const cJSON *item = good ? json->child : NULL; good && item; item = item->next)
        good = cJSON_IsString(item);
    yt_status status = good ? fill_names(json, n_classes, out, err) : bad(err, path, "names");
    cJSON_Delete(json);
    return status;
}

int yt_metadata_imgsz(const yt_st_file *file) {
    const char *text = yt_st_metadata(file, "imgsz");
    long value = text ? strtol(text, NULL, 10) : 0;
    return value >= 32 && value <= 65536 ? (int)value : DEFAULT_IMGSZ;
}
