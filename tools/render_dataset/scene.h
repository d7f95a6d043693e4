/* scene.h: one picture with its boxes.
 *
 * What a picture shows depends on (seed, number of the picture, options) and on nothing else. The boxes are exact: a
 * map holds for every pixel which object is seen there, and a box is the extent of its object's pixels.
 */
#ifndef YT_RENDER_SCENE_H
#define YT_RENDER_SCENE_H

#include "objects.h"

#include "image/image.h"
#include "tensor/box.h"

#define YT_SCENE_MAX_OBJECTS 32

typedef struct draw_scene_options {
    uint64_t seed;
    int w, h;
    int objects_lo, objects_hi;   /* how many a picture has */
    bool wanted[YT_COCO_CLASSES]; /* classes that may appear */
} draw_scene_options;

typedef struct draw_scene_label {
    int class_id;
    yt_xyxy box; /* pixels, whole numbers: [x1, x2) x [y1, y2) */
} draw_scene_label;

typedef struct draw_scene {
    yt_image image; /* owned: release with yt_image_free */
    int n_labels;
    draw_scene_label labels[YT_SCENE_MAX_OBJECTS];
} draw_scene;

/* True when the renderer can draw this class. */
bool draw_scene_knows(int class_id);

/* Draws picture number `item`. options->wanted has at least one class that can be drawn. */
yt_status draw_scene_render(const draw_scene_options *options, uint64_t item, draw_scene *out, yt_err *err);

#endif
