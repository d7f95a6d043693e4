/* Tests of src/study/points.c: places and depths of a network whose convolutions can be counted by hand. */
#include "study/points.h"

#include <criterion/criterion.h>
#include <string.h>

/* 0: 1 convolution; 1: 2 more; 2: C2f: cv1, two bottlenecks of 2, cv2; 3: 1; 4 and 5: none of their own. */
static const char yaml[] = "nc: 2\nbackbone:\n"
                           "  - [-1, 1, Conv, [8, 3, 2]]\n"
                           "  - [-1, 1, Bottleneck, [8, True]]\n"
                           "  - [-1, 2, C2f, [16, True]]\n"
                           "  - [-1, 1, Conv, [16, 3, 2]]\n"
                           "head:\n"
                           "  - [-1, 1, nn.Upsample, [None, 2, nearest]]\n"
                           "  - [[-1, 2], 1, Concat, [1]]\n"
                           "  - [-1, 1, Conv, [8, 1, 1]]\n"
                           "  - [[6], 1, Detect, [nc]]\n";

static study_points find(bool no_residual) {
    yti_model_options options = YT_MODEL_DEFAULTS;
    options.no_residual = no_residual;
    yti_model *model;
    yt_err err = {.text = ""};
    cr_assert_eq(yti_model_parse("p.yaml", yaml, strlen(yaml), &options, &model, &err), YT_OK, "%s", err.text);
    study_points points;
    cr_assert_eq(study_points_find(model, &points, &err), YT_OK, "%s", err.text);
    yti_model_destroy(model);
    return points;
}

static const study_point *point(const study_points *points, int i, const char *name, int depth, int layer) {
    const study_point *p = &points->at[i];
    cr_assert_str_eq(p->name, name);
    cr_assert_eq(p->depth, depth, "%s: depth %d", p->name, p->depth);
    cr_assert_eq(p->layer, layer);
    return p;
}

static void expect(bool no_residual) {
    study_points points = find(no_residual);
    cr_assert_eq(points.count, 7);
    cr_assert_eq(point(&points, 0, "0 Conv", 1, 0)->before, -1);
    cr_assert_eq(point(&points, 1, "1 Bottleneck", 3, 1)->before, 0);
    cr_assert_eq(point(&points, 2, "model.2.m.0", 6, 2)->before, 1);
    cr_assert_eq(point(&points, 3, "model.2.m.1", 8, 2)->before, 2);
    cr_assert_eq(point(&points, 4, "2 C2f", 9, 2)->before, 3);
    cr_assert_eq(point(&points, 5, "3 Conv", 10, 3)->before, 4);
    cr_assert_eq(point(&points, 6, "6 Conv", 11, 6)->before, 5);
    cr_assert(points.at[2].is_block && !points.at[4].is_block);
    for (int i = 0; i < points.count; i++) cr_assert_eq(points.at[i].in_backbone, i < 6, "%d", i);
    study_points_free(&points);
}

Test(points, depth_counts_the_convolutions_on_the_longest_way) {
    expect(false);
}

Test(points, depth_is_the_same_without_shortcuts) {
    expect(true);
}
