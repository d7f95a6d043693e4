/* fuzz_coco.c: a COCO ground-truth file: its names, and the labels of its pictures, which are looked for in /dev and
 * so exist where the file calls them "null". No picture is opened. */
#include "data/index/coco_truth.h"
#include "fuzz.h"

#include <math.h>
#include <stdlib.h>

enum { SIDE = 64 /* pixels, where the file says none */ };

static void check_label(const yti_label *label, int n_classes) {
    const yti_cxcywh box = label->box;
    if (label->class_id < 0 || label->class_id >= n_classes || !label->object) abort();
    if (!label->coco_only &&
        !(box.w > 0 && box.h > 0 && box.cx > -0.02f && box.cx < 1.02f && box.cy > -0.02f && box.cy < 1.02f))
        abort();
    if (!isfinite(label->object->x) || !isfinite(label->object->area)) abort();
}

static void read_labels(const yti_truth *truth, int n_classes) {
    for (size_t i = 0; i < truth->n_images; i++) {
        const yti_truth_image *image = &truth->images[i];
        const int w = image->w ? image->w : SIDE, h = image->h ? image->h : SIDE;
        yt_status status = YT_OK;
        yti_report report = {0};
        yti_labels labels;
        if (yti_truth_labels(truth, i, w, h, &labels, &report, &status)) {
            for (int k = 0; k < labels.count; k++) check_label(&labels.items[k], n_classes);
            yti_labels_free(&labels);
        }
        yti_report_free(&report);
    }
}

static void read_truth(const char *path, const yti_dataset *dataset) {
    char folder[] = "/dev", *folders[] = {folder};
    const yti_paths paths = {.items = folders, .count = 1};
    yt_err err = {.text = ""};
    yti_report report = {0};
    yti_truth truth;
    if (!fuzz_done(yti_truth_load(path, &paths, dataset, &truth, &report, &err), &err))
        read_labels(&truth, dataset->n_classes);
    yti_truth_free(&truth);
    yti_report_free(&report);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    yt_err err = {.text = ""};
    char *path = fuzz_file(data, size), car[] = "car", dog[] = "dog", *two[] = {car, dog}, *group;
    yti_dataset dataset = {.path = path, .n_classes = 2, .names = two};
    read_truth(path, &dataset);
    if (!fuzz_done(yti_truth_names(path, &dataset.names, &dataset.n_classes, &group, &err), &err)) {
        read_truth(path, &dataset);
        free(group);
        for (int i = 0; i < dataset.n_classes; i++) free(dataset.names[i]);
        free(dataset.names);
    }
    free(path);
    return 0;
}
