/* render_dataset.c: makes a small detection data set out of nothing: drawn scenes with exact boxes.
 *
 *     render_dataset --out DIR [--count N] [--val M] [--seed S] [--size WxH] [--objects LO-HI] [--classes
 * "a,b"]
 *
 * writes a JPEG per picture into DIR/images/train and DIR/images/val, its boxes (class xc yc w h, divided by the
 * image's size) into DIR/labels/train and DIR/labels/val, and DIR.yaml. The same options give the same labels on any
 * machine. The parts are in tools/render_dataset/.
 */
#include "render_dataset/scene.h"

#include "base/file.h"
#include "image/image.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_SIDE     8192
#define MAX_PICTURES 1000000

typedef struct options {
    const char *out;
    int count, val;
    draw_scene_options scene;
} options;

static const char usage_text[] =
    "usage: render_dataset --out DIR [options]\n"
    "  --count N        training images (4)\n"
    "  --val M          validation images (4)\n"
    "  --seed S         other images for another number (0)\n"
    "  --size WxH       size of an image (640x480)\n"
    "  --objects LO-HI  objects in an image (6-9)\n"
    "  --classes LIST   names of COCO classes, separated by commas (all that can be drawn)\n";

static bool parse_int(const char *text, long lo, long hi, char stop, const char **rest, int *out) {
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (end == text || errno != 0 || value < lo || value > hi || *end != stop) return false;
    *out = (int)value;
    if (rest) *rest = end + 1;
    return true;
}

static bool parse_pair(const char *text, char separator, int lo, int hi, int *a, int *b) {
    const char *second;
    return parse_int(text, lo, hi, separator, &second, a) && parse_int(second, lo, hi, '\0', NULL, b);
}

static bool parse_seed(const char *text, uint64_t *out) {
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (end == text || errno != 0 || *end || text[0] == '-') return false;
    *out = value;
    return true;
}

static yt_status parse_classes(const char *list, bool wanted[YT_COCO_CLASSES], yt_err *err) {
    memset(wanted, 0, YT_COCO_CLASSES * sizeof *wanted);
    if (!*list) return yt_fail(err, YT_ERR_ARGUMENT, "--classes: the list is empty");
    while (*list) {
        size_t length = strcspn(list, ",");
        int found = -1;
        for (int i = 0; i < YT_COCO_CLASSES; i++)
            if (strlen(draw_coco_names[i]) == length && strncmp(list, draw_coco_names[i], length) == 0) found = i;
        if (found < 0 || !draw_scene_knows(found))
            return yt_fail(err, YT_ERR_ARGUMENT, "--classes: '%.*s' is not a class that can be drawn", (int)length,
                           list);
        wanted[found] = true;
        list += length + (list[length] == ',');
    }
    return YT_OK;
}

static yt_status parse_option(options *o, const char *name, const char *value, yt_err *err) {
    bool good;
    if (strcmp(name, "--out") == 0)
        good = (o->out = value)[0] != '\0';
    else if (strcmp(name, "--count") == 0)
        good = parse_int(value, 1, MAX_PICTURES, '\0', NULL, &o->count);
    else if (strcmp(name, "--val") == 0)
        good = parse_int(value, 1, MAX_PICTURES, '\0', NULL, &o->val);
    else if (strcmp(name, "--seed") == 0)
        good = parse_seed(value, &o->scene.seed);
    else if (strcmp(name, "--size") == 0)
        good = parse_pair(value, 'x', 64, MAX_SIDE, &o->scene.w, &o->scene.h);
    else if (strcmp(name, "--objects") == 0)
        good = parse_pair(value, '-', 1, YT_SCENE_MAX_OBJECTS, &o->scene.objects_lo, &o->scene.objects_hi) &&
               o->scene.objects_lo <= o->scene.objects_hi;
    else if (strcmp(name, "--classes") == 0)
        return parse_classes(value, o->scene.wanted, err);
    else
        return yt_fail(err, YT_ERR_ARGUMENT, "unknown option %s", name);
    return good ? YT_OK : yt_fail(err, YT_ERR_ARGUMENT, "%s: '%s' is not a value it can have", name, value);
}

static yt_status parse_arguments(int argc, char **argv, options *out, yt_err *err) {
    *out = (options){.count = 4, .val = 4, .scene = {.w = 640, .h = 480, .objects_lo = 6, .objects_hi = 9}};
    for (int i = 0; i < YT_COCO_CLASSES; i++) out->scene.wanted[i] = draw_scene_knows(i);
    for (int i = 1; i < argc; i += 2) {
        if (i + 1 == argc) return yt_fail(err, YT_ERR_ARGUMENT, "%s needs a value", argv[i]);
        YT_TRY(parse_option(out, argv[i], argv[i + 1], err));
    }
    if (!out->out) return yt_fail(err, YT_ERR_ARGUMENT, "--out is missing");
    return YT_OK;
}

static yt_status write_text(const char *path, const char *text, size_t length, yt_err *err) {
    yti_file_writer writer;
    YT_TRY(yti_file_writer_open(path, &writer, err));
    if (fwrite(text, 1, length, writer.stream) != length) {
        yti_file_writer_discard(&writer);
        return yt_fail(err, YT_ERR_IO, "%s: not written: %s", path, strerror(errno));
    }
    return yti_file_writer_commit(&writer, err);
}

static yt_status write_labels(const char *path, const draw_scene *scene, yt_err *err) {
    char text[YT_SCENE_MAX_OBJECTS * 64];
    size_t used = 0;
    double w = scene->image.w, h = scene->image.h;
    for (int i = 0; i < scene->n_labels; i++) {
        double x1 = (double)scene->labels[i].box.x1, y1 = (double)scene->labels[i].box.y1;
        double x2 = (double)scene->labels[i].box.x2, y2 = (double)scene->labels[i].box.y2;
        int n = snprintf(text + used, sizeof text - used, "%d %.6f %.6f %.6f %.6f\n", scene->labels[i].class_id,
                         (x1 + x2) / 2 / w, (y1 + y2) / 2 / h, (x2 - x1) / w, (y2 - y1) / h);
        if (n > 0) used += (size_t)n;
    }
    return write_text(path, text, used, err);
}

/* The two files of one picture. Numbers run through both splits, so names are unique in the data set. */
static yt_status write_picture(const options *o, const char *split, int number, yt_err *err) {
    char path[4096];
    draw_scene scene;
    YT_TRY(draw_scene_render(&o->scene, (uint64_t)number, &scene, err));
    snprintf(path, sizeof path, "%s/images/%s/%012d.jpg", o->out, split, number);
    yt_status status = yt_image_save(path, &scene.image, err);
    if (status == YT_OK) {
        snprintf(path, sizeof path, "%s/labels/%s/%012d.txt", o->out, split, number);
        status = write_labels(path, &scene, err);
    }
    yt_image_free(&scene.image);
    return status;
}

static yt_status write_split(const options *o, const char *split, int first, int count, yt_err *err) {
    char path[4096];
    snprintf(path, sizeof path, "%s/images/%s", o->out, split);
    YT_TRY(yti_path_make_dirs(path, err));
    snprintf(path, sizeof path, "%s/labels/%s", o->out, split);
    YT_TRY(yti_path_make_dirs(path, err));
    for (int i = 0; i < count; i++) YT_TRY(write_picture(o, split, first + i, err));
    return YT_OK;
}

static yt_status write_yaml(const options *o, yt_err *err) {
    char path[4096], text[8192];
    snprintf(path, sizeof path, "%s.yaml", o->out);
    int used = snprintf(
        text, sizeof text,
        "# Drawn scenes with exact boxes, made by render_dataset: %d to train on, %d to validate with.\n"
        "path: %s\ntrain: images/train\nval: images/val\nnames:\n",
        o->count, o->val, yti_path_base(o->out));
    for (int i = 0; i < YT_COCO_CLASSES; i++)
        used += snprintf(text + used, sizeof text - (size_t)used, "  %d: %s\n", i, draw_coco_names[i]);
    return write_text(path, text, (size_t)used, err);
}

int main(int argc, char **argv) {
    options o;
    yt_err err;
    if (!yti_open_standard_streams()) return 1;
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(usage_text, stdout);
        return 0;
    }
    if (parse_arguments(argc, argv, &o, &err) != YT_OK) {
        fprintf(stderr, "render_dataset: %s\n%s", err.text, usage_text);
        return 2;
    }
    if (strlen(o.out) > 4000 || o.out[strlen(o.out) - 1] == '/') {
        fprintf(stderr, "render_dataset: --out: a folder name without a slash at its end, at most 4000 bytes\n");
        return 2;
    }
    if (write_split(&o, "train", 1, o.count, &err) != YT_OK ||
        write_split(&o, "val", o.count + 1, o.val, &err) != YT_OK || write_yaml(&o, &err) != YT_OK) {
        fprintf(stderr, "render_dataset: %s\n", err.text);
        return 1;
    }
    return 0;
}
