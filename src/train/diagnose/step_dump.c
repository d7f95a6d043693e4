/* step_dump.c: a training step written down so that it can be made again, and read back.
 *
 *   <name>              weights, and statistics as they were before the step; it reads as a weights file
 *   waiting.<name>      gradients of earlier batches that the step adds to, where there are any
 *   batch.rgb           U8 [n][h][w][3]
 *   batch.image, .class I32 [targets]
 *   batch.boxes         F32 [targets][4]: cx, cy, w, h
 *   class_weights       F32 [classes], where the loss has them
 *   metadata settings   as in a checkpoint
 *            step       JSON: epoch, epochs, batch, batches, step; waits: 1 where gradients wait, else 0
 *            finding    its bits (finding.c); sentence: in words; noticed: by what
 *            history    the steps before it, in words; images: JSON array
 */
#include "train/diagnose/step_dump.h"
#include "base/text.h"
#include "train/settings/settings_json.h"
#include "weights/weights_network.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_SIDE = 1 << 16, MAX_BATCH = 1 << 16, MAX_IMAGES = 1 << 20 };
static const char WAITING[] = "waiting.";
static const float MAX_BOX = 4; /* in sides of the input; a loader gives 1 at most */

/* ---- writing ---- */

/* An array that the file is to hold. */
typedef struct array {
    const char *name;
    yti_st_type type;
    size_t width; /* bytes of a value */
    int n_dims;
    int64_t dims[4];
    const void *data;
} array;

static yt_status lend(yti_entry_list *list, const array *a, yt_err *err) {
    char own_name[32];
    snprintf(own_name, sizeof own_name, "%s", a->name);
    yti_st_entry entry = {.name = own_name, .type = a->type, .n_dims = a->n_dims, .count = 1, .data = a->data};
    for (int i = 0; i < a->n_dims; i++) {
        entry.dims[i] = a->dims[i];
        entry.count *= (size_t)a->dims[i];
    }
    entry.bytes = entry.count * a->width;
    if (!entry.data) entry.data = ""; /* of no bytes */
    return yti_entries_lend(list, &entry, err);
}

static yt_status add_batch(yti_entry_list *list, const yti_batch *batch, yt_err *err) {
    const yti_targets *t = &batch->targets;
    const array arrays[] = {{"batch.rgb", YT_ST_U8, 1, 4, {batch->n, batch->h, batch->w, 3}, batch->rgb},
                            {"batch.image", YT_ST_I32, sizeof(int), 1, {t->count}, t->image},
                            {"batch.class", YT_ST_I32, sizeof(int), 1, {t->count}, t->class_id},
                            {"batch.boxes", YT_ST_F32, sizeof(float), 2, {t->count, 4}, t->boxes}};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) YT_TRY(lend(list, &arrays[i], err));
    return YT_OK;
}
_Static_assert(sizeof(int) == 4 && sizeof(yti_cxcywh) == 4 * sizeof(float), "as the file has them");

static void put_step(yti_json_writer *w, const yti_step_place *at, bool waits) {
    yti_json_object(w, NULL);
    yti_json_number(w, "epoch", at->epoch);
    yti_json_number(w, "epochs", at->epochs);
    yti_json_number(w, "batch", at->batch);
    yti_json_number(w, "batches", at->batches);
    yti_json_number(w, "step", (double)at->step);
    yti_json_number(w, "waits", waits);
}

/* File names may be any bytes; metadata are UTF-8. */
static yt_status put_images(yti_json_writer *w, const char *const *images, int n, yt_err *err) {
    yti_json_array(w, NULL);
    for (int i = 0; i < n; i++) {
        char *text = strdup(images[i]);
        if (!text) return yti_no_memory(err, "the names of the images of a step");
        if (!yti_text_is_utf8(text, strlen(text)))
            for (char *c = text; *c; c++)
                if ((unsigned char)*c >= 0x80) *c = '?';
        yti_json_text(w, NULL, text);
        free(text);
    }
    return YT_OK;
}

static yt_status describe(yti_metadata *metadata, const yti_step_dump *c, yt_err *err) {
    char sentence[512];
    yti_finding_sentence(c->finding, sentence, sizeof sentence);
    YT_TRY(yti_metadata_describe(metadata, c->step->model, c->names, c->config->imgsz, err));
    yti_json_writer w = {0};
    yti_settings_write(&w, NULL, c->config, NULL);
    YT_TRY(yti_metadata_add_json(metadata, "settings", &w, err));
    put_step(&w, &c->story->at, c->step->waiting);
    YT_TRY(yti_metadata_add_json(metadata, "step", &w, err));
    yt_status named = put_images(&w, c->story->images, c->story->n_images, err);
    if (named != YT_OK) yti_json_discard(&w);
    YT_TRY(named);
    YT_TRY(yti_metadata_add_json(metadata, "images", &w, err));
    YT_TRY(yti_metadata_add(metadata, "sentence", sentence, err));
    YT_TRY(yti_metadata_add(metadata, "noticed", c->story->noticed, err));
    YT_TRY(yti_metadata_add(metadata, "history", c->story->history, err));
    char *bits = yti_finding_bits(c->finding);
    if (!bits) return yti_no_memory(err, "the metadata of a step");
    yt_status status = yti_metadata_add(metadata, "finding", bits, err);
    free(bits);
    return status;
}

static yt_status add_arrays(yti_entry_list *list, const yti_step_dump *c, yt_err *err) {
    const yti_model *model = c->step->model;
    const yti_state before = {.params = model->state.params, .buffers = c->buffers};
    YT_TRY(yti_entries_add_state(list, "", model, &before, c->story->at.step, err));
    if (c->step->waiting) YT_TRY(yti_entries_add_params(list, WAITING, model, c->step->waiting, err));
    YT_TRY(add_batch(list, c->step->batch, err));
    if (!c->class_weights) return YT_OK;
    const array weights = {"class_weights", YT_ST_F32, sizeof(float), 1, {c->names->count}, c->class_weights};
    return lend(list, &weights, err);
}

yt_status yti_step_dump_save(const char *path, const yti_step_dump *dump, yt_err *err) {
    yti_entry_list list = {0};
    yti_metadata metadata = {0};
    yt_status status = add_arrays(&list, dump, err);
    if (status == YT_OK) status = describe(&metadata, dump, err);
    if (status == YT_OK)
        status = yti_st_save(path, list.entries, list.count, (const char *const *)metadata.keys,
                             (const char *const *)metadata.values, metadata.count, err);
    yti_metadata_free(&metadata);
    yti_entries_free(&list);
    return status;
}

/* ---- reading ---- */

static yt_status damaged(const char *path, const char *what, yt_err *err) {
    return yt_fail(err, YT_ERR_SYNTAX, "%s: is not a step to replay: its %s is damaged or missing", path, what);
}

/* Copies metadata as it is. */
static yt_status copy_text(const yti_st_file *file, const char *path, const char *key, char **out, yt_err *err) {
    const char *text = yti_st_metadata(file, key);
    if (!text) return damaged(path, key, err);
    *out = strdup(text);
    return *out ? YT_OK : yt_fail(err, YT_ERR_NO_MEMORY, "%s: no memory for its %s", path, key);
}

/* A whole number of an object, from 0 to below a limit; -1: it is none. */
static int number_of(const yti_json *json, const char *key, int limit) {
    int64_t value;
    return yti_json_as_whole(yti_json_get(json, key), 0, limit - 1, &value) ? (int)value : -1;
}

static yt_status read_step(const yti_st_file *file, const char *path, yti_step_place *at, bool *waits, yt_err *err) {
    const char *text = yti_st_metadata(file, "step");
    yti_json *json = text ? yti_json_parse(text, strlen(text), NULL) : NULL;
    enum { MOST = 1 << 30 };
    *at = (yti_step_place){.epoch = number_of(json, "epoch", MOST),
                           .epochs = number_of(json, "epochs", MOST),
                           .batch = number_of(json, "batch", MOST),
                           .batches = number_of(json, "batches", MOST),
                           .step = number_of(json, "step", MOST)};
    const int wait = number_of(json, "waits", 2);
    *waits = wait == 1;
    yti_json_free(json);
    bool good = wait >= 0 && at->epoch >= 0 && at->epoch < at->epochs && at->batch >= 0 && at->batch < at->batches &&
                at->step >= 0;
    return good ? YT_OK : damaged(path, "step", err);
}

static yt_status read_images(const yti_st_file *file, const char *path, yti_loaded_dump *c, yt_err *err) {
    const char *text = yti_st_metadata(file, "images");
    yti_json *json = text ? yti_json_parse(text, strlen(text), NULL) : NULL;
    const int count = yti_json_is_array(json) ? yti_json_count(json) : 0;
    bool good = count > 0 && count <= MAX_IMAGES;
    bool memory = true;
    if (good) c->images = calloc((size_t)count, sizeof *c->images);
    memory = !good || c->images;
    const yti_json *item = good && memory ? yti_json_first(json) : NULL;
    for (; item && good && memory; item = yti_json_next(item)) {
        const char *text_of_item = yti_json_as_text(item);
        good = text_of_item != NULL;
        char *name = good ? strdup(text_of_item) : NULL;
        memory = !good || name;
        if (name) c->images[c->n_images++] = name;
    }
    yti_json_free(json);
    if (!memory) return yt_fail(err, YT_ERR_NO_MEMORY, "%s: no memory for its list of images", path);
    return good ? YT_OK : damaged(path, "list of images", err);
}

/* An entry of this type and number of dimensions; NULL: there is none. */
static const yti_st_entry *entry_of(const yti_st_file *file, const char *name, yti_st_type type, int n_dims) {
    const yti_st_entry *entry = yti_st_find(file, name);
    return entry && entry->type == type && entry->n_dims == n_dims ? entry : NULL;
}

static yt_status copy_entry(const yti_st_entry *entry, void **out, yt_err *err) {
    *out = malloc(entry->bytes + YT_READ_SLACK * sizeof(float));
    if (!*out) return yti_no_memory(err, "%s of the step", entry->name);
    memcpy(*out, entry->data, entry->bytes);
    return YT_OK;
}

static yt_status read_rgb(const yti_st_file *file, const char *path, yti_loaded_dump *c, yt_err *err) {
    const yti_st_entry *rgb = entry_of(file, "batch.rgb", YT_ST_U8, 4);
    bool good = rgb && rgb->dims[3] == 3 && rgb->count > 0 && rgb->dims[0] <= MAX_BATCH;
    for (int i = 1; good && i <= 2; i++) good = rgb->dims[i] <= MAX_SIDE && rgb->dims[i] % c->model->max_stride == 0;
    if (!good) return damaged(path, "batch.rgb", err);
    c->batch.n = (int)rgb->dims[0];
    c->batch.h = (int)rgb->dims[1];
    c->batch.w = (int)rgb->dims[2];
    YT_TRY(copy_entry(rgb, (void **)&c->rgb, err));
    c->batch.rgb = c->rgb;
    return YT_OK;
}

/* In ascending order of images, as the loss wants them. */
static bool targets_fit(const yti_targets *targets, int n_images, int n_classes) {
    for (int i = 0; i < targets->count; i++) {
        const int before = i ? targets->image[i - 1] : 0, image = targets->image[i];
        const int class_id = targets->class_id[i];
        const yti_cxcywh *box = &targets->boxes[i];
        if (image < before || image >= n_images || class_id < 0 || class_id >= n_classes) return false;
        const float numbers[4] = {box->cx, box->cy, box->w, box->h};
        for (int k = 0; k < 4; k++)
            if (!(fabsf(numbers[k]) <= MAX_BOX)) return false;
    }
    return true;
}

static yt_status read_targets(const yti_st_file *file, const char *path, yti_loaded_dump *c, yt_err *err) {
    const yti_st_entry *image = entry_of(file, "batch.image", YT_ST_I32, 1);
    const yti_st_entry *class_id = entry_of(file, "batch.class", YT_ST_I32, 1);
    const yti_st_entry *boxes = entry_of(file, "batch.boxes", YT_ST_F32, 2);
    bool good = image && class_id && boxes && image->dims[0] <= 1 << 24 && class_id->dims[0] == image->dims[0] &&
                boxes->dims[0] == image->dims[0] && boxes->dims[1] == 4;
    if (!good) return damaged(path, "list of boxes", err);
    YT_TRY(copy_entry(image, (void **)&c->target_image, err));
    YT_TRY(copy_entry(class_id, (void **)&c->target_class, err));
    YT_TRY(copy_entry(boxes, (void **)&c->target_boxes, err));
    c->batch.targets = (yti_targets){(int)image->dims[0], c->target_image, c->target_class, c->target_boxes};
    good = targets_fit(&c->batch.targets, c->batch.n, c->model->n_classes);
    return good ? YT_OK : damaged(path, "list of boxes", err);
}

static yt_status read_class_weights(const yti_st_file *file, const char *path, yti_loaded_dump *c, yt_err *err) {
    if (!yti_st_find(file, "class_weights")) return YT_OK;
    const yti_st_entry *entry = entry_of(file, "class_weights", YT_ST_F32, 1);
    if (!entry || entry->dims[0] != c->model->n_classes) return damaged(path, "class_weights", err);
    return copy_entry(entry, (void **)&c->class_weights, err);
}

static yt_status read_model(const yti_st_file *file, const char *path, yti_loaded_dump *c, yt_err *err) {
    YT_TRY(yti_network_build(file, path, NULL, NULL, &c->model, err));
    YT_TRY(yti_name_file(yti_weights_read(file, "", c->model, &c->model->state, err), path, err));
    yt_err reason;
    if (yti_model_freeze(c->model, c->config.freeze, &reason) == YT_OK) return YT_OK;
    return yt_fail(err, YT_ERR_SYNTAX, "%s: its settings are damaged: %.500s", path, reason.text);
}

static yt_status read_waiting(const yti_st_file *file, const char *path, yti_loaded_dump *c, yt_err *err) {
    c->waiting = calloc(c->model->param_count + YT_READ_SLACK, sizeof *c->waiting);
    if (!c->waiting) return yt_fail(err, YT_ERR_NO_MEMORY, "%s: no memory for its gradients", path);
    return yti_name_file(yti_weights_read_params(file, WAITING, c->model, c->waiting, err), path, err);
}

static yt_status read_dump(const yti_st_file *file, const char *path, yti_loaded_dump *c, yt_err *err) {
    bool waits;
    YT_TRY(read_step(file, path, &c->at, &waits, err));
    YT_TRY(copy_text(file, path, "finding", &c->finding_bits, err));
    YT_TRY(copy_text(file, path, "sentence", &c->sentence, err));
    YT_TRY(copy_text(file, path, "noticed", &c->noticed, err));
    YT_TRY(copy_text(file, path, "history", &c->history, err));
    YT_TRY(yti_settings_read(file, path, &c->config, err));
    YT_TRY(read_model(file, path, c, err));
    if (waits) YT_TRY(read_waiting(file, path, c, err));
    YT_TRY(read_rgb(file, path, c, err));
    YT_TRY(read_images(file, path, c, err));
    YT_TRY(read_targets(file, path, c, err));
    return read_class_weights(file, path, c, err);
}

yt_status yti_step_dump_load(const char *path, yti_loaded_dump *out, yt_err *err) {
    yti_loaded_dump dump = {0};
    yti_train_config_defaults(&dump.config);
    yti_st_file file;
    YT_TRY(yti_st_load(path, &file, err));
    yt_status status = read_dump(&file, path, &dump, err);
    yti_st_free(&file);
    if (status == YT_OK)
        *out = dump;
    else
        yti_step_dump_free(&dump);
    return status;
}

void yti_step_dump_free(yti_loaded_dump *c) {
    for (int i = 0; i < c->n_images; i++) free(c->images[i]);
    free(c->images);
    free(c->waiting);
    free(c->rgb);
    free(c->target_image);
    free(c->target_class);
    free(c->target_boxes);
    free(c->class_weights);
    free(c->finding_bits);
    free(c->sentence);
    free(c->noticed);
    free(c->history);
    yti_model_destroy(c->model);
    *c = (yti_loaded_dump){0};
}
