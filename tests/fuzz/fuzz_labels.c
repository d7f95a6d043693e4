/* fuzz_labels.c: the text of a label file, with a known number of classes and with any (single_cls). */
#include "data/index/labels.h"
#include "fuzz.h"

#include <limits.h>
#include <stdlib.h>

/* As far as a box that is taken may reach over the border: its centre and size are within 1 % of the image. */
static bool inside(float x) {
    return x >= -0.52f && x <= 1.52f;
}

static void check_label(const yti_labels *labels, const yti_label *label, int n_classes) {
    const yti_cxcywh box = label->box;
    if (label->class_id < 0 || label->class_id >= n_classes || label->crowd || label->coco_only) abort();
    if (!(box.w > 0 && box.h > 0 && box.w < 1.02f && box.h < 1.02f)) abort();
    if (!inside(box.cx) || !inside(box.cy)) abort();
    if (label->n_points < 0 || label->first_point < 0) abort();
    if ((size_t)label->first_point + (size_t)label->n_points > labels->n_points) abort();
    for (int i = 0; i < label->n_points; i++) {
        const yti_point point = labels->points[label->first_point + i];
        if (!inside(point.x) || !inside(point.y)) abort();
    }
}

static void parse(const char *text, size_t bytes, int n_classes, int keypoint_columns) {
    const yti_label_format format = {n_classes, keypoint_columns};
    yt_err err = {.text = ""};
    yti_report report = {0};
    yti_labels labels;
    if (!fuzz_done(yti_labels_parse("fuzz.txt", text, bytes, format, &labels, &report, &err), &err)) {
        for (int i = 0; i < labels.count; i++) check_label(&labels, &labels.items[i], n_classes);
        if (yti_tally_bad(&labels.tally) && !report.used) abort(); /* left out without a word */
        yti_labels_free(&labels);
    }
    yti_report_free(&report);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    parse((const char *)data, size, 3, 0);
    parse((const char *)data, size, INT_MAX, 0);
    parse((const char *)data, size, 3, 6);
    return 0;
}
