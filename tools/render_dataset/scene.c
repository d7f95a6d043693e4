/* scene.c: chooses objects and places for them, paints them back to front, reads the boxes off.
 *
 * Places are drawn at random and refused when an object would hide, or be hidden by, more than MAX_HIDDEN of another's
 * rectangle; after TRIES refusals the object is made smaller.
 */
#include "scene.h"

#include "background.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PI         3.14159265358979323846
#define MAX_HIDDEN 0.08
#define TRIES      80
#define SHRINKS    5   /* 0.85^5 = 0.44 of the first size, then the object is left out */
#define MIN_SEEN   0.6 /* of an object's own pixels; with less it stays in the picture without a box */

typedef struct placed {
    const draw_object *object;
    double x, y, scale, turn;
    double half_w, half_h; /* of the turned object, pixels */
    bool mirrored;
} placed;

static int class_of(const draw_object *object) {
    for (int i = 0; i < YT_COCO_CLASSES; i++)
        if (strcmp(object->name, draw_coco_names[i]) == 0) return i;
    return -1;
}

bool draw_scene_knows(int class_id) {
    for (int i = 0; i < draw_street_object_count; i++)
        if (class_of(&draw_street_objects[i]) == class_id) return true;
    for (int i = 0; i < draw_room_object_count; i++)
        if (class_of(&draw_room_objects[i]) == class_id) return true;
    return false;
}

/* The wanted rows of a table, in random order. */
static int choose_kinds(const draw_scene_options *options, const draw_object *table, int count, yti_rng *rng,
                        const draw_object *out[YT_SCENE_MAX_OBJECTS]) {
    int n = 0;
    for (int i = 0; i < count; i++)
        if (options->wanted[class_of(&table[i])]) out[n++] = &table[i];
    for (int i = n - 1; i > 0; i--) {
        uint32_t j = yti_rng_below(rng, (uint32_t)i + 1);
        const draw_object *swap = out[i];
        out[i] = out[j], out[j] = swap;
    }
    return n;
}

/* Part of the smaller rectangle that the other covers. */
static double hidden(const placed *a, const placed *b) {
    double w = fmin(a->x + a->half_w, b->x + b->half_w) - fmax(a->x - a->half_w, b->x - b->half_w);
    double h = fmin(a->y + a->half_h, b->y + b->half_h) - fmax(a->y - a->half_h, b->y - b->half_h);
    if (w <= 0 || h <= 0) return 0;
    return w * h / (4 * fmin(a->half_w * a->half_h, b->half_w * b->half_h));
}

static placed propose(const draw_scene_options *options, const draw_object *object, double shrink, yti_rng *rng) {
    double unit = fmin(options->w, options->h * 4.0 / 3) / 640;
    double size = object->size_lo * pow(object->size_hi / object->size_lo, yti_rng_unit(rng)) * unit * shrink;
    double limit = object->tilt * PI / 180;
    placed p = {.object = object, .scale = size / (2 * fmax(object->half_w, object->half_h))};
    p.turn = yti_rng_uniform(rng, -limit, limit);
    p.mirrored = yti_rng_below(rng, 2) == 1 && !object->handed;
    bool round = object->tilt >= 180;
    double c = round ? 1 : fabs(cos(p.turn)), s = round ? 0 : fabs(sin(p.turn));
    p.half_w = (object->half_w * c + object->half_h * s) * p.scale;
    p.half_h = (object->half_w * s + object->half_h * c) * p.scale;
    p.x = yti_rng_uniform(rng, p.half_w, options->w - p.half_w);
    p.y = yti_rng_uniform(rng, object->bottom_lo, object->bottom_hi) * options->h - p.half_h;
    if (p.y < p.half_h) p.y = p.half_h + 2;
    return p;
}

static bool fits(const placed *p, const placed *others, int n, const draw_scene_options *options) {
    if (p->half_w * 2 > options->w || p->y + p->half_h > options->h) return false;
    for (int i = 0; i < n; i++)
        if (hidden(p, &others[i]) > MAX_HIDDEN) return false;
    return true;
}

static int nearer(const void *a, const void *b) {
    const placed *p = a, *q = b;
    double d = p->y + p->half_h - q->y - q->half_h;
    return (d > 0) - (d < 0);
}

static int arrange(const draw_scene_options *options, const draw_object *const *kinds, int n_kinds, yti_rng *rng,
                   placed out[YT_SCENE_MAX_OBJECTS]) {
    int n = 0, want = options->objects_lo;
    if (n_kinds == 0) return 0;
    want += (int)yti_rng_below(rng, (uint32_t)(options->objects_hi - options->objects_lo) + 1);
    for (int k = 0; k < want; k++) {
        double shrink = 1;
        for (int i = 0; i < TRIES * SHRINKS; i++) {
            if (i % TRIES == TRIES - 1) shrink *= 0.85;
            placed p = propose(options, kinds[k % n_kinds], shrink, rng);
            if (!fits(&p, out, n, options)) continue;
            out[n++] = p;
            break;
        }
    }
    qsort(out, (size_t)n, sizeof *out, nearer);
    return n;
}

/* Extent of the pixels that belong to a layer, [x1, x2) x [y1, y2). */
static yt_xyxy layer_extent(const draw_canvas *layer) {
    int x1 = layer->w, y1 = layer->h, x2 = 0, y2 = 0;
    for (int y = 0; y < layer->h; y++)
        for (int x = 0; x < layer->w; x++) {
            if (layer->rgba[4 * ((size_t)y * (size_t)layer->w + (size_t)x) + 3] < 0.5) continue;
            x1 = x < x1 ? x : x1, x2 = x >= x2 ? x + 1 : x2;
            y1 = y < y1 ? y : y1, y2 = y >= y2 ? y + 1 : y2;
        }
    return (yt_xyxy){(float)x1, (float)y1, (float)x2, (float)y2};
}

static void draw_shadow(const draw_canvas *canvas, const draw_canvas *layer, yti_map_place place) {
    yt_xyxy e = layer_extent(layer);
    double x = (double)(e.x1 + e.x2) / 2, y = (double)(e.y1 + e.y2) / 2;
    double half_w = (double)(e.x2 - e.x1) / 2, half_h = (double)(e.y2 - e.y1) / 2;
    draw_canvas target = *canvas;
    draw_pen pen = draw_pen_make(&target, x, y, 1, 0, false);
    draw_rgb black = draw_rgb_hex(0x0a0a14);
    if (place == YT_PLACE_GROUND)
        draw_fill(&pen, draw_ellipse(0, half_h * 0.98, half_w * 0.95, fmax(half_h * 0.08, 3), 0),
                  draw_ink_glaze(black, 0.5, half_w * 0.15));
    if (place == YT_PLACE_FLAT)
        draw_fill(&pen, draw_box(4 - half_w, 6 - half_h, 4 + half_w, 6 + half_h, fmin(half_w, half_h) * 0.9),
                  draw_ink_glaze(black, 0.35, 10));
}

/* Puts a layer over the canvas; pixels that are at least half the layer's get its number in the map. */
static void put_layer(draw_canvas *canvas, const draw_canvas *layer, int number, int *map, size_t *own_pixels) {
    size_t count = (size_t)canvas->w * (size_t)canvas->h;
    for (size_t i = 0; i < count; i++) {
        const double *src = layer->rgba + 4 * i;
        double *dst = canvas->rgba + 4 * i;
        if (src[3] <= 0) continue;
        for (int c = 0; c < 4; c++) dst[c] = dst[c] * (1 - src[3]) + src[c];
        if (src[3] < 0.5) continue;
        map[i] = number;
        ++*own_pixels;
    }
}

static void read_boxes(const int *map, const draw_canvas *canvas, const placed *placed_objects, int n,
                       const size_t *own_pixels, draw_scene *out) {
    for (int k = 0; k < n; k++) {
        int x1 = canvas->w, y1 = canvas->h, x2 = 0, y2 = 0;
        size_t seen = 0;
        for (int y = 0; y < canvas->h; y++)
            for (int x = 0; x < canvas->w; x++) {
                if (map[(size_t)y * (size_t)canvas->w + (size_t)x] != k + 1) continue;
                seen++;
                if (x < x1) x1 = x;
                if (y < y1) y1 = y;
                if (x >= x2) x2 = x + 1;
                if (y >= y2) y2 = y + 1;
            }
        if ((double)seen < MIN_SEEN * (double)own_pixels[k] || seen == 0) continue;
        draw_scene_label *label = &out->labels[out->n_labels++];
        label->class_id = class_of(placed_objects[k].object);
        label->box = (yt_xyxy){(float)x1, (float)y1, (float)x2, (float)y2};
    }
}

static void to_bytes(const draw_canvas *canvas, uint8_t *rgb) {
    for (size_t i = 0; i < (size_t)canvas->w * (size_t)canvas->h; i++)
        for (size_t c = 0; c < 3; c++) rgb[3 * i + c] = (uint8_t)lrint(255 * fmin(1, fmax(0, canvas->rgba[4 * i + c])));
}

static void paint_scene(const draw_scene_options *options, yti_rng *rng, draw_canvas *canvas, draw_canvas *layer,
                        int *map, draw_scene *out) {
    const draw_object *kinds[YT_SCENE_MAX_OBJECTS];
    placed objects[YT_SCENE_MAX_OBJECTS];
    size_t own_pixels[YT_SCENE_MAX_OBJECTS] = {0};
    bool street = yti_rng_below(rng, 2) == 1;
    int n_kinds = 0;
    for (int attempt = 0; attempt < 2 && n_kinds == 0; attempt++) {
        if (attempt == 1) street = !street; /* nothing wanted there */
        n_kinds = street ? choose_kinds(options, draw_street_objects, draw_street_object_count, rng, kinds)
                         : choose_kinds(options, draw_room_objects, draw_room_object_count, rng, kinds);
    }
    draw_background_draw(street ? YT_BACKGROUND_STREET : YT_BACKGROUND_ROOM, canvas, rng);
    int n = arrange(options, kinds, n_kinds, rng, objects);
    for (int k = 0; k < n; k++)
        if (objects[k].object->place == YT_PLACE_POST)
            draw_background_post(canvas, objects[k].x, objects[k].y, fmax(0.09 * objects[k].half_h, 5));
    for (int k = 0; k < n; k++) {
        const placed *p = &objects[k];
        memset(layer->rgba, 0, sizeof(double) * 4 * (size_t)layer->w * (size_t)layer->h);
        draw_pen pen = draw_pen_make(layer, p->x, p->y, p->scale, p->turn, p->mirrored);
        p->object->draw(&pen, rng);
        draw_shadow(canvas, layer, p->object->place);
        put_layer(canvas, layer, k + 1, map, &own_pixels[k]);
    }
    draw_background_noise(canvas, 3, 0.003, rng);
    read_boxes(map, canvas, objects, n, own_pixels, out);
}

yt_status draw_scene_render(const draw_scene_options *options, uint64_t item, draw_scene *out, yt_err *err) {
    draw_scene scene = {0};
    size_t pixels = (size_t)options->w * (size_t)options->h;
    draw_canvas canvas = {options->w, options->h, calloc(pixels, 4 * sizeof(double))};
    draw_canvas layer = {options->w, options->h, calloc(pixels, 4 * sizeof(double))};
    int *map = calloc(pixels, sizeof *map);
    yt_status status = YT_OK;
    if (!canvas.rgba || !layer.rgba || !map)
        status = yt_fail(err, YT_ERR_NO_MEMORY, "no memory for an image of %d x %d", options->w, options->h);
    else
        status = yt_image_create(options->w, options->h, &scene.image, err);
    if (status == YT_OK) {
        yti_rng rng = yti_rng_make(options->seed, 0, item, YT_RNG_RENDER);
        paint_scene(options, &rng, &canvas, &layer, map, &scene);
        to_bytes(&canvas, scene.image.rgb);
        *out = scene;
    }
    free(canvas.rgba);
    free(layer.rgba);
    free(map);
    return status;
}
