/* objects.h: the things that can be drawn, each a COCO class.
 *
 * To add one: write its draw function in objects_street.c or objects_room.c and add a row there. A drawing uses the
 * pen's units and stays within +-half_w, +-half_h; what varies from one exemplar to the next (colour, lamp, pose) comes
 * from the rng, little enough that the class keeps its look.
 */
#ifndef YT_RENDER_OBJECTS_H
#define YT_RENDER_OBJECTS_H

#include "draw.h"

#define YT_COCO_CLASSES 80

typedef enum yti_map_place {
    YT_PLACE_SKY,    /* no shadow */
    YT_PLACE_POST,   /* on a post that stands on the ground */
    YT_PLACE_GROUND, /* stands in a street or on a table: contact shadow */
    YT_PLACE_FLAT    /* hangs on a wall or lies flat: shadow all around */
} yti_map_place;

typedef struct draw_object {
    const char *name; /* of the COCO class */
    void (*draw)(const draw_pen *pen, yti_rng *rng);
    double half_w, half_h; /* extent in units, before turning */
    yti_map_place place;
    double bottom_lo, bottom_hi; /* range of the lower edge, fraction of the image's height */
    double size_lo, size_hi;     /* range of the longer side, pixels of a 640-pixel-wide image */
    double tilt;                 /* turned by up to this many degrees either way; 180: it is round */
    bool handed;                 /* has writing: is never mirrored */
} draw_object;

extern const draw_object draw_street_objects[];
extern const int draw_street_object_count;
extern const draw_object draw_room_objects[];
extern const int draw_room_object_count;

extern const char *const draw_coco_names[YT_COCO_CLASSES];

#endif
