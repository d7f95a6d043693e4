/* sample.c: the order of the steps that make one network input (spec training 2.2 and 2.11): mosaic, affine map,
 * mixing, colour, flips, size of the batch; or letterbox.
 *
 * The other image of a mix goes through mosaic and map itself. Its draws come from the stream of the mix, so whether
 * images are mixed changes nothing else.
 */
#include "data/feed/sample.h"

#include "base/array.h"
#include "image/image.h"

#include <math.h>
#include <string.h>

enum { MIXUP_SHAPE = 32 /* of the Beta distribution of the share: near a half */ };

/* What does not change while one image is made. */
typedef struct job {
    const yti_sample_source *source;
    yti_workspace *workspace;
    const yti_augment *augment;
    int w, h; /* that the map leads to */
    yt_err *err;
} job;

static void free_boxes(yti_boxes *boxes) {
    free(boxes->items);
    free(boxes->points);
}

void yti_workspace_free(yti_workspace *workspace) {
    free(workspace->canvas);
    free(workspace->partner);
    free(workspace->picture);
    free_boxes(&workspace->boxes);
    free_boxes(&workspace->partner_boxes);
    *workspace = (yti_workspace){0};
}

static yt_status reserve(yti_boxes *boxes, size_t more, size_t more_points, yt_err *err) {
    size_t need = (size_t)boxes->count + more, need_points = boxes->n_points + more_points;
    if (more > 0) {
        yti_box *items = yti_grow(boxes->items, &boxes->capacity, need, sizeof *items);
        if (!items) return yti_no_memory(err, "%zu boxes", need);
        boxes->items = items;
    }
    if (more_points > 0) {
        yti_point *points = yti_grow(boxes->points, &boxes->point_capacity, need_points, sizeof *points);
        if (!points) return yti_no_memory(err, "%zu points", need_points);
        boxes->points = points;
    }
    return YT_OK;
}

/* An image of w x h pixels put at (dx, dy). */
typedef struct frame {
    int w, h, dx, dy;
} frame;

/* There is room for the outline. */
static yti_box place_label(yti_boxes *boxes, const yti_sample *sample, const yti_label *label, frame f) {
    yti_cxcywh b = label->box;
    float half_w = b.w / 2, half_h = b.h / 2, width = (float)f.w, height = (float)f.h;
    float dx = (float)f.dx, dy = (float)f.dy;
    yti_box box = {.class_id = label->class_id,
                   .box = {width * (b.cx - half_w) + dx, height * (b.cy - half_h) + dy, width * (b.cx + half_w) + dx,
                           height * (b.cy + half_h) + dy},
                   .first_point = (int)boxes->n_points,
                   .n_points = label->n_points};
    for (int i = 0; i < label->n_points; i++) {
        yti_point p = sample->points[label->first_point + i];
        boxes->points[boxes->n_points++] = (yti_point){width * p.x + dx, height * p.y + dy};
    }
    return box;
}

/* Appends the boxes of a sample, whose image has become `f`. */
static yt_status add_boxes(yti_boxes *boxes, const yti_sample *sample, frame f, yt_err *err) {
    size_t points = 0;
    for (int i = 0; i < sample->n_labels; i++) points += (size_t)sample->labels[i].n_points;
    YT_TRY(reserve(boxes, (size_t)sample->n_labels, points, err));
    for (int i = 0; i < sample->n_labels; i++)
        if (!sample->labels[i].coco_only)
            boxes->items[boxes->count++] = place_label(boxes, sample, &sample->labels[i], f);
    return YT_OK;
}

static yt_status make_room_for_picture(uint8_t **rgb, size_t w, size_t h, yt_err *err) {
    if (!*rgb) *rgb = malloc(w * h * 3);
    return *rgb ? YT_OK : yti_no_memory(err, "an image of %zu x %zu", w, h);
}

/* ---- mosaic and map ---- */

static yt_status get_part(const job *j, int sample, yti_picture *picture) {
    yti_parts *parts = &j->workspace->parts;
    parts->samples[parts->count++] = sample;
    return yti_image_cache_get(j->source->cache, sample, picture, j->err);
}

/* Four images around a random centre: this one and three of the split. */
static yt_status make_mosaic(const job *j, int sample, yti_rng *rng, yti_boxes *boxes) {
    int side = j->source->side, canvas = 2 * side;
    size_t width = (size_t)canvas;
    YT_TRY(make_room_for_picture(&j->workspace->canvas, width, width, j->err));
    memset(j->workspace->canvas, YTI_GREY, width * width * 3);
    int yc = (int)yti_rng_uniform(rng, side / 2.0, 3 * side / 2.0);
    int xc = (int)yti_rng_uniform(rng, side / 2.0, 3 * side / 2.0);
    for (int i = 0; i < YTI_TILES; i++) {
        int chosen = i == 0 ? sample : (int)yti_rng_below(rng, (uint32_t)j->source->split->n_samples);
        yti_picture picture;
        YT_TRY(get_part(j, chosen, &picture));
        yti_tile tile = yti_mosaic_tile(i, xc, yc, picture.w, picture.h, canvas);
        yti_mosaic_paste(j->workspace->canvas, canvas, tile, picture.rgb, picture.w);
        frame f = {picture.w, picture.h, tile.dst_x - tile.src_x, tile.dst_y - tile.src_y};
        yt_status status = add_boxes(boxes, &j->source->split->samples[chosen], f, j->err);
        yti_picture_release(&picture);
        if (status != YT_OK) return status;
    }
    const int placed = boxes->count;
    boxes->count = yti_boxes_clip(boxes->items, boxes->count, canvas, canvas);
    j->workspace->fates[YT_BOX_OUTSIDE] += placed - boxes->count;
    return YT_OK;
}

/* Draws the map and carries image and boxes into rgb. */
static void map_into(const job *j, const uint8_t *picture, int w, int h, yti_rng *rng, uint8_t *rgb, yti_boxes *boxes) {
    yti_affine affine = yti_affine_draw(j->augment, w, h, j->w, j->h, rng);
    yti_affine_warp(&affine, picture, w, h, rgb, j->w, j->h);
    boxes->count = yti_affine_boxes(&affine, boxes->points, boxes->items, boxes->count, j->w, j->h,
                                    j->workspace->fates);
}

/* A sample through mosaic and map, which draw from their own streams. */
static yt_status make_picture(const job *j, int sample, yti_rng *mosaic, yti_rng *affine, uint8_t *rgb,
                              yti_boxes *boxes) {
    boxes->count = 0;
    boxes->n_points = 0;
    if (yti_rng_unit(mosaic) < (double)j->augment->mosaic) {
        int canvas = 2 * j->source->side;
        YT_TRY(make_mosaic(j, sample, mosaic, boxes));
        map_into(j, j->workspace->canvas, canvas, canvas, affine, rgb, boxes);
        return YT_OK;
    }
    yti_picture picture;
    YT_TRY(get_part(j, sample, &picture));
    frame f = {picture.w, picture.h, 0, 0};
    yt_status status = add_boxes(boxes, &j->source->split->samples[sample], f, j->err);
    if (status == YT_OK) map_into(j, picture.rgb, picture.w, picture.h, affine, rgb, boxes);
    yti_picture_release(&picture);
    return status;
}

/* ---- mixing ---- */

static yt_status make_partner(const job *j, yti_rng *rng) {
    size_t side = (size_t)j->source->side;
    YT_TRY(make_room_for_picture(&j->workspace->partner, side, side, j->err));
    int sample = (int)yti_rng_below(rng, (uint32_t)j->source->split->n_samples);
    return make_picture(j, sample, rng, rng, j->workspace->partner, &j->workspace->partner_boxes);
}

static yt_status append_partner_boxes(const job *j) {
    yti_boxes *mine = &j->workspace->boxes, *theirs = &j->workspace->partner_boxes;
    YT_TRY(reserve(mine, (size_t)theirs->count, 0, j->err));
    for (int i = 0; i < theirs->count; i++) mine->items[mine->count++] = theirs->items[i];
    return YT_OK;
}

static yt_status mixup(const job *j, yti_rng *rng, uint8_t *rgb) {
    if (!(yti_rng_unit(rng) < (double)j->augment->mixup)) return YT_OK;
    double share = yti_rng_beta(rng, MIXUP_SHAPE, MIXUP_SHAPE);
    YT_TRY(make_partner(j, rng));
    yti_mixup_pixels(rgb, j->workspace->partner, (size_t)j->w * (size_t)j->h * 3, share);
    return append_partner_boxes(j);
}

/* Without a box of the partner in the rectangle nothing is pasted. */
static yt_status cutmix(const job *j, yti_rng *rng, uint8_t *rgb) {
    yti_boxes *mine = &j->workspace->boxes, *theirs = &j->workspace->partner_boxes;
    yti_rect rect;
    if (!(yti_rng_unit(rng) < (double)j->augment->cutmix)) return YT_OK;
    if (!yti_cutmix_draw(mine->items, mine->count, j->w, j->h, rng, &rect)) return YT_OK;
    const int n_parts = j->workspace->parts.count;
    int64_t fates[YT_BOX_FATES];
    memcpy(fates, j->workspace->fates, sizeof fates);
    YT_TRY(make_partner(j, rng));
    const int offered = theirs->count;
    theirs->count = yti_cutmix_boxes(rect, theirs->items, theirs->count);
    if (theirs->count == 0) {
        j->workspace->parts.count = n_parts;
        memcpy(j->workspace->fates, fates, sizeof fates);
        return YT_OK;
    }
    j->workspace->fates[YT_BOX_SEEN] -= offered - theirs->count;
    j->workspace->fates[YT_BOX_OUTSIDE] += offered - theirs->count;
    yti_cutmix_pixels(rgb, j->workspace->partner, j->w, rect);
    return append_partner_boxes(j);
}

/* ---- colour and flips ---- */

static void colour(const yti_augment *augment, uint8_t *rgb, size_t pixels, yti_rng *rng) {
    double gains[3] = {(double)augment->hsv_h, (double)augment->hsv_s, (double)augment->hsv_v};
    bool wanted = gains[0] != 0 || gains[1] != 0 || gains[2] != 0;
    for (int i = 0; i < 3; i++) gains[i] *= yti_rng_uniform(rng, -1, 1);
    if (wanted) yti_hsv_shift(rgb, pixels, gains);
    if (yti_rng_unit(rng) < (double)augment->bgr) yti_swap_red_blue(rgb, pixels);
}

static void flip(const job *j, yti_rng *rng, uint8_t *rgb) {
    yti_boxes *boxes = &j->workspace->boxes;
    if (yti_rng_unit(rng) < (double)j->augment->flipud) {
        yti_flip_vertical(rgb, j->w, j->h);
        yti_boxes_flip_vertical(boxes->items, boxes->count, j->h);
    }
    if (yti_rng_unit(rng) < (double)j->augment->fliplr) {
        yti_flip_horizontal(rgb, j->w, j->h);
        yti_boxes_flip_horizontal(boxes->items, boxes->count, j->w);
    }
}

static yt_status make_room_for_labels(yti_label_list *labels, int count, yt_err *err) {
    labels->count = 0;
    if (count == 0) return YT_OK;
    yti_label *items = yti_grow(labels->items, &labels->capacity, (size_t)count, sizeof *items);
    if (!items) return yti_no_memory(err, "%d boxes", count);
    labels->items = items;
    labels->count = count;
    return YT_OK;
}

static yt_status finish_labels(const job *j, yti_label_list *labels) {
    const yti_boxes *boxes = &j->workspace->boxes;
    YT_TRY(make_room_for_labels(labels, boxes->count, j->err));
    float w = (float)j->w, h = (float)j->h;
    for (int i = 0; i < boxes->count; i++) {
        yti_cxcywh b = yti_cxcywh_from_xyxy(boxes->items[i].box);
        labels->items[i] = (yti_label){.class_id = boxes->items[i].class_id,
                                       .box = {b.cx / w, b.cy / h, b.w / w, b.h / h}};
    }
    return YT_OK;
}

/* Steps 1 to 9 of spec training 2.2, into rgb of j->w x j->h. */
static yt_status augment_into(const job *j, const yti_sample_place *place, uint8_t *rgb) {
    uint64_t seed = j->source->seed, e = (uint64_t)place->epoch, p = (uint64_t)place->position;
    yti_rng mosaic = yti_rng_make(seed, e, p, YT_RNG_MOSAIC), affine = yti_rng_make(seed, e, p, YT_RNG_AFFINE);
    yti_rng mix = yti_rng_make(seed, e, p, YT_RNG_MIXUP), cut = yti_rng_make(seed, e, p, YT_RNG_CUTMIX);
    yti_rng colours = yti_rng_make(seed, e, p, YT_RNG_COLOUR), flips = yti_rng_make(seed, e, p, YT_RNG_FLIP);
    YT_TRY(make_picture(j, place->sample, &mosaic, &affine, rgb, &j->workspace->boxes));
    YT_TRY(mixup(j, &mix, rgb));
    YT_TRY(cutmix(j, &cut, rgb));
    colour(j->augment, rgb, (size_t)j->w * (size_t)j->h, &colours);
    flip(j, &flips, rgb);
    return YT_OK;
}

yt_status yti_sample_train(const yti_sample_source *source, yti_workspace *workspace, const yti_augment *augment,
                           const yti_sample_place *place, uint8_t *rgb, yti_label_list *labels, yt_err *err) {
    size_t side = (size_t)source->side;
    job j = {source, workspace, augment, place->made_w, place->made_h, err};
    bool resized = place->made_w != place->w || place->made_h != place->h;
    if (resized) YT_TRY(make_room_for_picture(&workspace->picture, side, side, err));
    uint8_t *made = resized ? workspace->picture : rgb;
    workspace->parts.count = 0;
    memset(workspace->fates, 0, sizeof workspace->fates);
    YT_TRY(augment_into(&j, place, made));
    if (resized) YT_TRY(yti_image_resize(made, j.w, j.h, rgb, place->w, place->h, err));
    return finish_labels(&j, labels);
}

/* Boxes of the sample in the letterboxed input; nothing is clipped. */
static yt_status letterbox_labels(const yti_sample *sample, const yti_letterbox *plan, int w, int h,
                                  yti_label_list *labels, yt_err *err) {
    YT_TRY(make_room_for_labels(labels, sample->n_labels, err));
    labels->count = 0;
    float gain_x = (float)plan->resized_w / (float)w, gain_y = (float)plan->resized_h / (float)h;
    float left = (float)plan->left / (float)w, top = (float)plan->top / (float)h;
    for (int i = 0; i < sample->n_labels; i++) {
        yti_cxcywh b = sample->labels[i].box;
        if (sample->labels[i].coco_only) continue;
        labels->items[labels->count++] = (yti_label){
            .class_id = sample->labels[i].class_id,
            .box = {b.cx * gain_x + left, b.cy * gain_y + top, b.w * gain_x, b.h * gain_y}};
    }
    return YT_OK;
}

yt_status yti_sample_validate(const yti_sample_source *source, int sample, int w, int h, uint8_t *rgb, yti_fit *fit,
                              yti_label_list *labels, yt_err *err) {
    yti_picture picture;
    YT_TRY(yti_image_cache_get(source->cache, sample, &picture, err));
    yti_letterbox plan = yti_letterbox_plan(picture.w, picture.h, w, h, false, false, 1);
    yt_status status = yti_letterbox_apply(&plan, picture.rgb, picture.w, picture.h, rgb, err);
    *fit = (yti_fit){.gain_x = (float)plan.resized_w / (float)picture.original_w,
                     .gain_y = (float)plan.resized_h / (float)picture.original_h,
                     .left = plan.left,
                     .top = plan.top,
                     .original_w = picture.original_w,
                     .original_h = picture.original_h};
    yti_picture_release(&picture);
    if (status != YT_OK) return status;
    return letterbox_labels(&source->split->samples[sample], &plan, w, h, labels, err);
}
