/* data_print.c: which data a run was trained on, in a few numbers of its checkpoint, so that a resumed run notices
 * other ones.
 *
 *     data  {"train": {"images": 4, "boxes": 13, "hash": "84222325cbf29ce4"}, "val": {...}}
 *
 * The hash is FNV-1a over name, size and labels of every image in the order of the split. Of a path it takes what is
 * below the folder that all of them share: a data set that was moved whole is the same one.
 */
#include "train/checkpoint/data_print.h"
#include "base/rng.h"
#include "weights/class_names.h"
#include "weights/weights_metadata.h"

#include <stdlib.h>
#include <string.h>

/* Letters of the folder that all paths begin with, its slash among them. */
static size_t shared_folder(const yti_split *split) {
    if (split->n_samples == 0) return 0;
    const char *first = split->samples[0].image_path;
    const char *slash = strrchr(first, '/');
    size_t shared = slash ? (size_t)(slash - first) + 1 : 0;
    for (int i = 1; i < split->n_samples && shared; i++) {
        const char *path = split->samples[i].image_path;
        size_t same = 0, folder = 0;
        for (; same < shared && path[same] == first[same]; same++)
            if (path[same] == '/') folder = same + 1;
        shared = folder;
    }
    return shared;
}

static void mix(uint64_t *hash, uint64_t part) {
    const uint64_t both[2] = {*hash, part};
    *hash = yti_hash64(both, sizeof both);
}

static uint64_t hash_of_sample(const yti_sample *sample, size_t shared) {
    const char *name = sample->image_path + shared;
    uint64_t hash = yti_hash64(name, strlen(name));
    mix(&hash, (uint64_t)sample->w << 32 | (uint64_t)sample->h);
    for (int i = 0; i < sample->n_labels; i++) {
        const yti_label *label = &sample->labels[i];
        const float box[4] = {label->box.cx, label->box.cy, label->box.w, label->box.h};
        mix(&hash, (uint64_t)label->class_id << 2 | (uint64_t)label->crowd << 1 | (uint64_t)label->coco_only);
        mix(&hash, yti_hash64(box, sizeof box));
    }
    return hash;
}

yti_split_print yti_split_print_of(const yti_split *split) {
    yti_split_print print = {.images = split->n_samples};
    const size_t shared = shared_folder(split);
    for (int i = 0; i < split->n_samples; i++) {
        print.boxes += split->samples[i].n_labels;
        mix(&print.hash, hash_of_sample(&split->samples[i], shared));
    }
    return print;
}

/* ---- in a checkpoint ---- */

static void put_print(yti_json_writer *w, const char *name, const yti_split *split) {
    const yti_split_print print = yti_split_print_of(split);
    yti_json_object(w, name);
    yti_json_number(w, "images", print.images);
    yti_json_number(w, "boxes", (double)print.boxes);
    yti_json_hash(w, "hash", print.hash);
    yti_json_end(w);
}

void yti_data_write(yti_json_writer *w, const yti_run_data *data) {
    yti_json_object(w, NULL);
    put_print(w, "train", &data->train);
    put_print(w, "val", &data->val);
}

/* ---- on --resume ---- */

static void check_split(const yti_json *json, const char *name, const yti_split *split, const char *checkpoint,
                        yti_problem_sink problem, void *context) {
    const yti_json *former = yti_json_get(json, name);
    double images, boxes;
    const char *hash = yti_json_as_text(yti_json_get(former, "hash"));
    if (!yti_json_as_number(yti_json_get(former, "images"), &images) ||
        !yti_json_as_number(yti_json_get(former, "boxes"), &boxes) || !hash)
        return; /* an older file */
    const yti_split_print print = yti_split_print_of(split);
    if (strtoull(hash, NULL, 16) == print.hash || !problem) return;
    char text[1024], counts[160];
    if (images == print.images && boxes == (double)print.boxes)
        snprintf(counts, sizeof counts, "as many images and boxes, but others");
    else
        snprintf(counts, sizeof counts, "%.0f images with %.0f boxes then, %d with %lld now", images, boxes,
                 print.images, (long long)print.boxes);
    snprintf(text, sizeof text,
             "%.600s: its run went on other %s data than this: %s; the result will not be that of an "
             "uninterrupted run",
             checkpoint, name, counts);
    problem(context, text);
}

static yt_status check_names(const yti_st_file *file, const yti_train_config *config, const yti_class_names *names,
                             yt_err *err) {
    yti_class_names former = {0};
    YT_TRY(yti_metadata_own_names(file, config->resume, &former, err));
    yt_status status = YT_OK;
    for (int i = 0; status == YT_OK && i < former.count && i < names->count; i++)
        if (!yti_same_class_name(former.names[i], names->names[i]))
            status = yt_fail(err, YT_ERR_MISMATCH,
                             "%.300s: class %d of its run is '%.100s', in %.300s it is '%.100s'; a run keeps its "
                             "classes: put the names back, or start a new run from it with --weights",
                             config->resume, i, former.names[i], config->data, names->names[i]);
    yti_class_names_free(&former);
    return status;
}

yt_status yti_data_check(const yti_st_file *file, const yti_train_config *config, const yti_run_data *data,
                         yti_problem_sink problem, void *context, yt_err *err) {
    YT_TRY(check_names(file, config, &data->names, err));
    const char *text = yti_st_metadata(file, "data");
    yti_json *json = text ? yti_json_parse(text, strlen(text), NULL) : NULL;
    check_split(json, "train", &data->train, config->resume, problem, context);
    check_split(json, "val", &data->val, config->resume, problem, context);
    yti_json_free(json);
    return YT_OK;
}
