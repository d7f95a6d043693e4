/* sample.c: the order of the steps that make one network input (spec training 2.2 and 2.11): mosaic, affine
 * map, colour, flips; or letterbox.
 */
#include "data/sample.h"

#include "base/array.h"
#include "yt/image.h"

#include <math.h>
#include <string.h>

enum { TILES = 4 };

void yti_workspace_free(yti_workspace *workspace) {
    free(workspace->canvas);
    free(workspace->boxes);
    *workspace = (yti_workspace){0};
}

/* Appends the boxes of a sample, in pixels of its picture of w x h, moved by (dx, dy). */
static yt_status add_boxes(yti_workspace *workspace, int *count, const yt_sample *sample, int w, int h,
                           int dx, int dy, yt_err *err) {
    size_t need = (size_t)*count + (size_t)sample->n_labels;
    if (need == 0) return YT_OK;
    yti_box *boxes = yti_grow(workspace->boxes, &workspace->capacity, need, sizeof *boxes);
    if (!boxes) return yt_fail(err, YT_NO_MEMORY, "no memory for %zu boxes", need);
    workspace->boxes = boxes;
    for (int i = 0; i < sample->n_labels; i++) {
        yt_cxcywh b = sample->labels[i].box;
        float half_w = b.w / 2, half_h = b.h / 2, width = (float)w, height = (float)h;
        boxes[(*count)++] =
            (yti_box){sample->labels[i].class_id,
                      {width * (b.cx - half_w) + (float)dx, height * (b.cy - half_h) + (float)dy,
                       width * (b.cx + half_w) + (float)dx, height * (b.cy + half_h) + (float)dy}};
    }
    return YT_OK;
}

static yt_status make_room_for_canvas(const yti_sample_source *source, yti_workspace *workspace,
                                      yt_err *err) {
    size_t side = 2 * (size_t)source->side, bytes = side * side * 3;
    if (!workspace->canvas) workspace->canvas = malloc(bytes);
    if (!workspace->canvas)
        return yt_fail(err, YT_NO_MEMORY, "no memory for a mosaic of %zu x %zu", side, side);
    memset(workspace->canvas, YTI_GREY, bytes);
    return YT_OK;
}

/* Four pictures around a random centre: this one and three of the split. The canvas and its boxes stay in the
 * workspace. */
static yt_status make_mosaic(const yti_sample_source *source, yti_workspace *workspace, int sample,
                             yt_rng *rng, int *count, yt_err *err) {
    int side = source->side, canvas = 2 * side;
    YT_TRY(make_room_for_canvas(source, workspace, err));
    int yc = (int)yt_rng_uniform(rng, side / 2.0, 3 * side / 2.0);
    int xc = (int)yt_rng_uniform(rng, side / 2.0, 3 * side / 2.0);
    for (int i = 0; i < TILES; i++) {
        int chosen = i == 0 ? sample : (int)yt_rng_below(rng, (uint32_t)source->split->n_samples);
        yti_picture picture;
        YT_TRY(yti_image_cache_get(source->cache, chosen, &picture, err));
        yti_tile tile = yti_mosaic_tile(i, xc, yc, picture.w, picture.h, canvas);
        yti_mosaic_paste(workspace->canvas, canvas, tile, picture.rgb, picture.w);
        yt_status status = add_boxes(workspace, count, &source->split->samples[chosen], picture.w, picture.h,
                                     tile.dst_x - tile.src_x, tile.dst_y - tile.src_y, err);
        yti_picture_release(&picture);
        if (status != YT_OK) return status;
    }
    *count = yti_boxes_clip(workspace->boxes, *count, canvas, canvas);
    return YT_OK;
}

/* Draws the map and carries picture and boxes into rgb. */
static void map_into(const yti_sample_source *source, yti_workspace *workspace, const yt_augment *augment,
                     const uint8_t *picture, int w, int h, yt_rng *rng, uint8_t *rgb, int *count) {
    int side = source->side;
    yti_affine affine = yti_affine_draw(augment, w, h, side, side, rng);
    yti_affine_warp(&affine, picture, w, h, rgb, side, side);
    *count = yti_affine_boxes(&affine, workspace->boxes, *count, side, side);
}

static yt_status place(const yti_sample_source *source, yti_workspace *workspace, const yt_augment *augment,
                       int epoch, int position, int sample, uint8_t *rgb, int *count, yt_err *err) {
    uint64_t e = (uint64_t)epoch, p = (uint64_t)position;
    yt_rng mosaic = yt_rng_make(source->seed, e, p, YT_RNG_MOSAIC);
    yt_rng affine = yt_rng_make(source->seed, e, p, YT_RNG_AFFINE);
    if (yt_rng_unit(&mosaic) < (double)augment->mosaic) {
        YT_TRY(make_mosaic(source, workspace, sample, &mosaic, count, err));
        map_into(source, workspace, augment, workspace->canvas, 2 * source->side, 2 * source->side, &affine,
                 rgb, count);
        return YT_OK;
    }
    yti_picture picture;
    YT_TRY(yti_image_cache_get(source->cache, sample, &picture, err));
    yt_status status =
        add_boxes(workspace, count, &source->split->samples[sample], picture.w, picture.h, 0, 0, err);
    if (status == YT_OK)
        map_into(source, workspace, augment, picture.rgb, picture.w, picture.h, &affine, rgb, count);
    yti_picture_release(&picture);
    return status;
}

static void colour(const yt_augment *augment, uint8_t *rgb, size_t pixels, yt_rng *rng) {
    double gains[3] = {(double)augment->hsv_h, (double)augment->hsv_s, (double)augment->hsv_v};
    bool wanted = gains[0] != 0 || gains[1] != 0 || gains[2] != 0;
    for (int i = 0; i < 3; i++) gains[i] *= yt_rng_uniform(rng, -1, 1);
    if (wanted) yti_hsv_shift(rgb, pixels, gains);
    if (yt_rng_unit(rng) < (double)augment->bgr) yti_swap_red_blue(rgb, pixels);
}

static void flip(const yt_augment *augment, uint8_t *rgb, int side, yti_box *boxes, int count, yt_rng *rng) {
    if (yt_rng_unit(rng) < (double)augment->flipud) {
        yti_flip_vertical(rgb, side, side);
        yti_boxes_flip_vertical(boxes, count, side);
    }
    if (yt_rng_unit(rng) < (double)augment->fliplr) {
        yti_flip_horizontal(rgb, side, side);
        yti_boxes_flip_horizontal(boxes, count, side);
    }
}

static yt_status make_room_for_labels(yti_label_list *labels, int count, yt_err *err) {
    labels->count = 0;
    if (count == 0) return YT_OK;
    yt_label *items = yti_grow(labels->items, &labels->capacity, (size_t)count, sizeof *items);
    if (!items) return yt_fail(err, YT_NO_MEMORY, "no memory for %d boxes", count);
    labels->items = items;
    labels->count = count;
    return YT_OK;
}

static yt_status finish_labels(const yti_box *boxes, int count, int side, yti_label_list *labels,
                               yt_err *err) {
    YT_TRY(make_room_for_labels(labels, count, err));
    float size = (float)side;
    for (int i = 0; i < count; i++) {
        yt_cxcywh b = yt_cxcywh_from_xyxy(boxes[i].box);
        labels->items[i] = (yt_label){boxes[i].class_id, {b.cx / size, b.cy / size, b.w / size, b.h / size}};
    }
    return YT_OK;
}

yt_status yti_sample_train(const yti_sample_source *source, yti_workspace *workspace,
                           const yt_augment *augment, int epoch, int position, const int *order, uint8_t *rgb,
                           yti_label_list *labels, yt_err *err) {
    uint64_t e = (uint64_t)epoch, p = (uint64_t)position;
    size_t pixels = (size_t)source->side * (size_t)source->side;
    int count = 0;
    YT_TRY(place(source, workspace, augment, epoch, position, order[position], rgb, &count, err));
    yt_rng colours = yt_rng_make(source->seed, e, p, YT_RNG_COLOUR);
    yt_rng flips = yt_rng_make(source->seed, e, p, YT_RNG_FLIP);
    colour(augment, rgb, pixels, &colours);
    flip(augment, rgb, source->side, workspace->boxes, count, &flips);
    return finish_labels(workspace->boxes, count, source->side, labels, err);
}

/* Boxes of the sample in the letterboxed input; nothing is clipped or dropped. */
static yt_status letterbox_labels(const yt_sample *sample, const yt_letterbox *plan, int w, int h,
                                  yti_label_list *labels, yt_err *err) {
    YT_TRY(make_room_for_labels(labels, sample->n_labels, err));
    float gain_x = (float)plan->resized_w / (float)w, gain_y = (float)plan->resized_h / (float)h;
    float left = (float)plan->left / (float)w, top = (float)plan->top / (float)h;
    for (int i = 0; i < sample->n_labels; i++) {
        yt_cxcywh b = sample->labels[i].box;
        labels->items[i] =
            (yt_label){sample->labels[i].class_id,
                       {b.cx * gain_x + left, b.cy * gain_y + top, b.w * gain_x, b.h * gain_y}};
    }
    return YT_OK;
}

yt_status yti_sample_validate(const yti_sample_source *source, int sample, int w, int h, uint8_t *rgb,
                              yt_fit *fit, yti_label_list *labels, yt_err *err) {
    yti_picture picture;
    YT_TRY(yti_image_cache_get(source->cache, sample, &picture, err));
    yt_letterbox plan = yt_letterbox_plan(picture.w, picture.h, w, h, false, false, 1);
    yt_status status = yt_letterbox_apply(&plan, picture.rgb, picture.w, picture.h, rgb, err);
    *fit = (yt_fit){.gain_x = (float)plan.resized_w / (float)picture.original_w,
                    .gain_y = (float)plan.resized_h / (float)picture.original_h,
                    .left = plan.left,
                    .top = plan.top,
                    .original_w = picture.original_w,
                    .original_h = picture.original_h};
    yti_picture_release(&picture);
    if (status != YT_OK) return status;
    return letterbox_labels(&source->split->samples[sample], &plan, w, h, labels, err);
}
