/* Tests of src/eval/metrics.c, curve.c and curve_files.c: matching, average precision, precision and recall, on
 * cases worked by hand. */
#include "base/file.h"
#include "base/rng.h"
#include "eval/metrics.h"
#include "support/folder.h"
#include "support/near.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static yti_metrics *metrics_of(int n_classes) {
    yti_metrics *metrics = NULL;
    cr_assert_eq(yti_metrics_create(n_classes, &metrics, NULL), YT_OK);
    return metrics;
}

static void add(yti_metrics *metrics, const yt_detection *detections, int n_detections, const yt_xyxy *truth,
                const int *truth_class, int n_truth) {
    cr_assert_eq(yti_metrics_add(metrics, detections, n_detections, truth, truth_class, n_truth, NULL), YT_OK);
}

static yti_metrics_result compute(yti_metrics *metrics) {
    yti_metrics_result result;
    cr_assert_eq(yti_metrics_compute(metrics, &result, NULL), YT_OK);
    return result;
}

static void expect(double value, double expected) {
    cr_assert(test_near(value, expected, 1e-12), "%.15g instead of %.15g", value, expected);
}

/* The i-th of boxes far from each other, 10 x 10. */
static yt_xyxy place(int i) {
    return (yt_xyxy){(float)i * 100, 0, (float)i * 100 + 10, 10};
}

/* Part of place(i) with IoU = part / 10 (whole widths only). */
static yt_xyxy part_of(int i, int part) {
    return (yt_xyxy){(float)i * 100, 0, (float)(i * 100 + part), 10};
}

static const int class_0[8];

/* A perfect curve is 1 up to recall 0.99 and 0 at recall 1, where the closing point (1, 0) counts: 0.99 + 0.01 * (1
 * + 0) / 2. */
static const double PERFECT = 0.995;

Test(metrics, perfect_detections) {
    yti_metrics *metrics = metrics_of(2);
    const yt_xyxy truth[] = {place(0), place(1), place(2)};
    const int classes[] = {0, 1, 0};
    const yt_detection found[] = {{place(0), 0.9f, 0}, {place(1), 0.8f, 1}, {place(2), 0.7f, 0}};
    add(metrics, found, 3, truth, classes, 3);
    yti_metrics_result result = compute(metrics);
    expect(result.ap50, PERFECT);
    expect(result.ap, PERFECT);
    expect(result.fitness, PERFECT);
    expect(result.precision, 1);
    expect(result.recall, 1);
    cr_assert(result.n_images == 1 && result.n_truth == 3 && result.n_classes == 2);
    cr_assert(result.classes[0].n_truth == 2 && result.classes[0].n_images == 1);
    cr_assert(result.classes[1].n_truth == 1 && result.classes[1].n_images == 1);
    yti_metrics_destroy(metrics);
}

Test(metrics, nothing_at_all) {
    yti_metrics *metrics = metrics_of(3);
    yti_metrics_result result = compute(metrics);
    cr_assert(result.n_images == 0 && result.ap == 0 && result.precision == 0 && result.fitness == 0);
    add(metrics, NULL, 0, NULL, NULL, 0);
    result = compute(metrics);
    cr_assert(result.n_images == 1 && result.n_truth == 0 && result.ap == 0 && result.recall == 0);
    yti_metrics_destroy(metrics);
}

Test(metrics, truth_without_detections_is_zero) {
    yti_metrics *metrics = metrics_of(2);
    const yt_xyxy truth[] = {place(0)};
    add(metrics, NULL, 0, truth, class_0, 1);
    yti_metrics_result result = compute(metrics);
    cr_assert(result.n_truth == 1 && result.ap == 0 && result.ap50 == 0);
    cr_assert(result.precision == 0 && result.recall == 0);
    yti_metrics_destroy(metrics);
}

Test(metrics, detections_without_truth_of_their_class_do_not_count) {
    yti_metrics *metrics = metrics_of(2);
    const yt_xyxy truth[] = {place(0)};
    const yt_detection found[] = {{place(0), 0.9f, 0}, {place(3), 0.8f, 1}};
    add(metrics, found, 2, truth, class_0, 1);
    yti_metrics_result result = compute(metrics);
    expect(result.ap, PERFECT); /* the mean is over class 0 alone */
    expect(result.precision, 1);
    cr_assert(result.classes[1].n_truth == 0 && result.classes[1].ap == 0);
    yti_metrics_destroy(metrics);
}

/* Two truths; in order of score a hit, a miss, a hit: recall 1/2, 1/2, 1 and precision 1, 1/2, 2/3. The envelope is
 * 1 below recall 1/2, 2/3 from there (at 1/2 the later point counts), and 0 at 1. Over 101 samples the trapezoid
 * rule gives 0.01 * (50 * 1 + 50 * 2/3 + 0 - (1 + 0)/2). */
Test(metrics, a_small_staircase) {
    yti_metrics *metrics = metrics_of(1);
    const yt_xyxy truth[] = {place(0), place(1)};
    const yt_detection found[] = {{place(0), 0.9f, 0}, {place(5), 0.8f, 0}, {place(1), 0.7f, 0}};
    add(metrics, found, 3, truth, class_0, 2);
    yti_metrics_result result = compute(metrics);
    expect(result.ap50, 0.01 * (50 + 100.0 / 3 - 0.5));
    expect(result.ap, result.ap50);
    /* F1 is 4/5 below confidence 0.7 and at most 2/3 above 0.8: all three detections count. */
    expect(result.precision, 2.0 / 3);
    expect(result.recall, 1);
    yti_metrics_destroy(metrics);
}

Test(metrics, order_comes_from_scores_over_all_images) {
    yti_metrics *metrics = metrics_of(1);
    const yt_xyxy truth[] = {place(0)};
    const yt_detection late[] = {{place(0), 0.7f, 0}}, middle[] = {{place(5), 0.8f, 0}},
                       early[] = {{place(0), 0.9f, 0}};
    add(metrics, late, 1, truth, class_0, 1);
    add(metrics, middle, 1, NULL, NULL, 0);
    add(metrics, early, 1, truth, class_0, 1);
    yti_metrics_result result = compute(metrics);
    expect(result.ap50, 0.01 * (50 + 100.0 / 3 - 0.5)); /* the staircase above */
    cr_assert(result.n_images == 3 && result.classes[0].n_images == 2);
    yti_metrics_destroy(metrics);
}

Test(metrics, equal_scores_keep_the_order_in_which_they_came) {
    const yt_xyxy truth[] = {place(0)};
    const yt_detection hit[] = {{place(0), 0.5f, 0}}, miss[] = {{place(5), 0.5f, 0}};
    for (int miss_first = 0; miss_first < 2; miss_first++) {
        yti_metrics *metrics = metrics_of(1);
        if (miss_first) add(metrics, miss, 1, NULL, NULL, 0);
        add(metrics, hit, 1, truth, class_0, 1);
        if (!miss_first) add(metrics, miss, 1, NULL, NULL, 0);
        /* With the miss first, recall is 0 and then 1 with precision 1/2. At recall 0 the later point counts, so the
         * opening (0, 1) is not seen. */
        expect(compute(metrics).ap50, miss_first ? PERFECT / 2 : PERFECT);
        yti_metrics_destroy(metrics);
    }
}

Test(metrics, the_second_detection_of_a_truth_is_false) {
    yti_metrics *metrics = metrics_of(1);
    const yt_xyxy truth[] = {place(0), place(1)};
    /* The later detection overlaps more; the more confident one has the truth all the same. */
    const yt_detection found[] = {{part_of(0, 8), 0.9f, 0}, {place(0), 0.8f, 0}, {place(1), 0.7f, 0}};
    add(metrics, found, 3, truth, class_0, 2);
    yti_metrics_result result = compute(metrics);
    expect(result.ap50, 0.01 * (50 + 100.0 / 3 - 0.5));
    yti_metrics_destroy(metrics);
}

/* Two truths that overlap; both detections overlap the first most. Then recall 1/2 at precision 1 and never more
 * (the closing point (1/2, 0) counts from there on) if there is no second choice, as before 8.4.176. */
Test(metrics, a_detection_takes_the_best_truth_that_is_free) {
    const yt_xyxy truth[] = {{0, 0, 100, 100}, {30, 0, 130, 100}};
    const yt_detection found[] = {{{0, 0, 100, 100}, 0.9f, 0}, {{14, 0, 114, 100}, 0.8f, 0}};
    for (int single = 0; single < 2; single++) {
        yti_metrics *metrics = metrics_of(1);
        yti_metrics_match_single(metrics, single);
        add(metrics, found, 2, truth, class_0, 2);
        yti_metrics_result result = compute(metrics);
        expect(result.ap50, single ? 0.01 * (50 - 0.5) : PERFECT);
        expect(result.recall, single ? 0.5 : 1);
        /* The second one overlaps the second truth by 84 / 116: found at 0.50 to 0.70, five thresholds of ten. */
        expect(result.ap, single ? result.ap50 : (PERFECT + 0.01 * (50 - 0.5)) / 2);
        yti_metrics_destroy(metrics);
    }
}

/* The truth is taken at each threshold by itself: a detection that is too far off for 0.75 does not take it there. */
Test(metrics, a_truth_is_free_at_the_thresholds_where_nobody_took_it) {
    for (int single = 0; single < 2; single++) {
        yti_metrics *metrics = metrics_of(1);
        yti_metrics_match_single(metrics, single);
        const yt_xyxy truth[] = {place(0)};
        const yt_detection found[] = {{{0, 0, 7.2f, 10}, 0.9f, 0}, {place(0), 0.8f, 0}};
        add(metrics, found, 2, truth, class_0, 1);
        /* 0.50 to 0.70: the first has it. From 0.75 on a miss, then a hit: at recall 0 the later point counts. */
        expect(compute(metrics).ap, (PERFECT + PERFECT / 2) / 2);
        yti_metrics_destroy(metrics);
    }
}

Test(metrics, the_class_must_be_right) {
    yti_metrics *metrics = metrics_of(2);
    const yt_xyxy truth[] = {place(0)};
    const yt_detection found[] = {{place(0), 0.9f, 1}};
    add(metrics, found, 1, truth, class_0, 1);
    yti_metrics_result result = compute(metrics);
    cr_assert(result.ap50 == 0 && result.recall == 0);
    yti_metrics_destroy(metrics);
}

/* A detection counts at all thresholds up to its IoU, here width / 10, chosen to lie between thresholds. */
Test(metrics, ten_thresholds_are_averaged) {
    const struct {
        float width;
        int thresholds; /* of 0.50, 0.55, ... 0.95 that do not exceed width / 10 */
    } cases[] = {{4.9f, 0}, {5.2f, 1}, {5.7f, 2}, {7.2f, 5}, {9.4f, 9}, {9.7f, 10}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        yti_metrics *metrics = metrics_of(1);
        const yt_xyxy truth[] = {place(0)};
        const yt_detection found[] = {{{0, 0, cases[i].width, 10}, 0.9f, 0}};
        add(metrics, found, 1, truth, class_0, 1);
        yti_metrics_result result = compute(metrics);
        expect(result.ap, PERFECT * cases[i].thresholds / 10);
        expect(result.ap50, cases[i].thresholds ? PERFECT : 0);
        yti_metrics_destroy(metrics);
    }
}

Test(metrics, an_iou_equal_to_the_threshold_counts) {
    yti_metrics *metrics = metrics_of(1);
    const yt_xyxy truth[] = {{0, 0, 64, 64}}; /* 2048 / (4096 + 1e-7) is 0.5 in float32 */
    const yt_detection found[] = {{{0, 0, 64, 32}, 0.9f, 0}};
    add(metrics, found, 1, truth, class_0, 1);
    yti_metrics_result result = compute(metrics);
    expect(result.ap50, PERFECT);
    expect(result.ap, PERFECT / 10);
    yti_metrics_destroy(metrics);
}

/* One class, hits at 0.9 and 0.2, a miss at 0.3. F1 at confidence c: below 0.2 all count, P = 2/3, R = 1, F1 = 0.8;
 * from 0.3 to 0.9 P runs from 1/2 to 1 and R stays 1/2. The largest smoothed F1 is at the left end, whose padding
 * repeats the edge. */
Test(metrics, precision_and_recall_are_quoted_where_f1_is_best) {
    yti_metrics *metrics = metrics_of(1);
    const yt_xyxy truth[] = {place(0), place(1)};
    const yt_detection found[] = {{place(0), 0.9f, 0}, {place(3), 0.3f, 0}, {place(1), 0.2f, 0}};
    add(metrics, found, 3, truth, class_0, 2);
    yti_metrics_result result = compute(metrics);
    expect(result.best_confidence, 0);
    expect(result.precision, 2.0 / 3);
    expect(result.recall, 1);
    expect(result.classes[0].precision, result.precision);
    yti_metrics_destroy(metrics);
}

/* A hit at 0.9 and 99 misses at 0.1: F1 is tiny up to 0.1 and then climbs to 1 at 0.9. A window of 101 samples is
 * best where it has the highest part of the climb without the fall to 0 beyond 0.9: it ends at sample 899, the last
 * one not above 0.9 (899/999 < 0.9 < 900/999), so it is centred on 849. */
Test(metrics, the_best_confidence_is_that_of_the_smoothed_curve) {
    yti_metrics *metrics = metrics_of(1);
    const yt_xyxy truth[] = {place(0)};
    yt_detection found[100] = {{place(0), 0.9f, 0}};
    for (int i = 1; i < 100; i++) found[i] = (yt_detection){place(i), 0.1f, 0};
    add(metrics, found, 100, truth, class_0, 1);
    yti_metrics_result result = compute(metrics);
    expect(result.best_confidence, 849.0 / 999);
    /* P there: linear between (0.1, 1/2), the first of the equal misses, and (0.9, 1), in float32 scores. */
    double high = (double)0.9f, low = (double)0.1f;
    expect(result.precision, 1 - 0.5 * (high - 849.0 / 999) / (high - low));
    expect(result.recall, 1);
    yti_metrics_destroy(metrics);
}

Test(metrics, reset_forgets_and_compute_may_be_called_twice) {
    yti_metrics *metrics = metrics_of(2);
    const yt_xyxy truth[] = {place(0)};
    const yt_detection wrong[] = {{place(4), 0.9f, 0}}, right[] = {{place(0), 0.6f, 0}};
    add(metrics, wrong, 1, truth, class_0, 1);
    expect(compute(metrics).ap, 0);
    add(metrics, right, 1, truth, class_0, 1);
    /* Two truths; a miss, then a hit: precision 1/2 at recall 1/2, then 0. */
    expect(compute(metrics).ap50, 0.01 * (50 * 0.5 - 0.25));
    expect(compute(metrics).ap50, 0.01 * (50 * 0.5 - 0.25));
    yti_metrics_reset(metrics);
    add(metrics, right, 1, truth, class_0, 1);
    yti_metrics_result result = compute(metrics);
    expect(result.ap, PERFECT);
    cr_assert(result.n_images == 1 && result.n_truth == 1 && result.classes[0].n_images == 1);
    yti_metrics_destroy(metrics);
}

Test(metrics, the_order_of_images_does_not_matter_without_ties) {
    enum { IMAGES = 40 };
    double ap[2], precision[2];
    for (int backwards = 0; backwards < 2; backwards++) {
        yti_metrics *metrics = metrics_of(3);
        for (int i = 0; i < IMAGES; i++) {
            int image = backwards ? IMAGES - 1 - i : i;
            yti_rng rng = yti_rng_make(5, 0, (uint64_t)image, YT_RNG_TEST);
            yt_xyxy truth[4];
            int classes[4];
            yt_detection found[4];
            for (int k = 0; k < 4; k++) {
                truth[k] = place(k);
                classes[k] = (int)yti_rng_below(&rng, 3);
                found[k] = (yt_detection){part_of(k, 3 + (int)yti_rng_below(&rng, 8)),
                                          (float)yti_rng_uniform(&rng, 0.1, 1), (int)yti_rng_below(&rng, 3)};
            }
            add(metrics, found, 4, truth, classes, 4);
        }
        yti_metrics_result result = compute(metrics);
        ap[backwards] = result.ap;
        precision[backwards] = result.precision;
        yti_metrics_destroy(metrics);
    }
    cr_assert(ap[0] == ap[1] && precision[0] == precision[1]);
    cr_assert(ap[0] > 0 && ap[0] < 0.5);
}

Test(metrics, classes_outside_the_range_are_refused_and_change_nothing) {
    yti_metrics *metrics = metrics_of(2);
    const yt_xyxy truth[] = {place(0)};
    const int bad_class[] = {2};
    const yt_detection bad[] = {{place(0), 0.5f, -1}}, no_score[] = {{place(0), NAN, 0}};
    yt_err err;
    cr_assert_eq(yti_metrics_add(metrics, NULL, 0, truth, bad_class, 1, &err), YT_ERR_ARGUMENT);
    cr_assert_eq(yti_metrics_add(metrics, bad, 1, truth, class_0, 1, &err), YT_ERR_ARGUMENT);
    cr_assert_eq(yti_metrics_add(metrics, no_score, 1, truth, class_0, 1, &err), YT_ERR_ARGUMENT);
    yti_metrics_result result = compute(metrics);
    cr_assert(result.n_images == 0 && result.n_truth == 0);
    cr_assert_eq(yti_metrics_create(0, &metrics, &err), YT_ERR_ARGUMENT);
    yti_metrics_destroy(metrics);
}

/* ---- curves ---- */

/* The staircase of a_small_staircase, with scores of which the grid has none. */
static yti_metrics *staircase(void) {
    yti_metrics *metrics = metrics_of(3);
    const yt_xyxy truth[] = {place(0), place(1), place(2)};
    const int classes[] = {0, 0, 2};
    const yt_detection found[] = {{place(0), 0.9f, 0}, {place(5), 0.8f, 0}, {place(1), 0.7f, 0}, {place(7), 0.6f, 1}};
    add(metrics, found, 4, truth, classes, 3);
    compute(metrics);
    return metrics;
}

Test(metrics, curves_of_a_small_staircase) {
    yti_metrics *metrics = staircase();
    yti_class_curves curves;
    cr_assert_eq(yti_metrics_curves(metrics, 0, &curves, NULL), YT_OK);
    cr_assert_eq(curves.n_truth, 2);
    expect(curves.pr[0], 1);
    expect(curves.pr[49], 1);
    expect(curves.pr[50], 2.0 / 3);
    expect(curves.pr[99], 2.0 / 3);
    expect(curves.pr[100], 0);
    expect(curves.recall[0], 1); /* below the last detection nothing changes */
    expect(curves.precision[0], 2.0 / 3);
    expect(curves.f1[0], 0.8);
    expect(curves.recall[999], 0); /* above the first one nothing is claimed */
    expect(curves.precision[999], 1);
    expect(curves.f1[999], 0);
    /* At 749/999 between the second (recall 1/2, precision 1/2) and the third (1, 2/3). */
    double way = ((double)0.8f - 749.0 / 999) / ((double)0.8f - (double)0.7f);
    expect(curves.recall[749], 0.5 + 0.5 * way);
    expect(curves.precision[749], 0.5 + way / 6);
    yti_metrics_destroy(metrics);
}

Test(metrics, curves_without_truth_or_detections_are_zero) {
    yti_metrics *metrics = staircase();
    yti_class_curves curves;
    cr_assert_eq(yti_metrics_curves(metrics, 1, &curves, NULL), YT_OK);
    cr_assert(curves.n_truth == 0 && curves.pr[0] == 0 && curves.precision[0] == 0);
    cr_assert_eq(yti_metrics_curves(metrics, 2, &curves, NULL), YT_OK);
    cr_assert(curves.n_truth == 1 && curves.pr[0] == 0 && curves.precision[999] == 0);
    yt_err err;
    cr_assert_eq(yti_metrics_curves(metrics, 3, &curves, &err), YT_ERR_ARGUMENT);
    yti_metrics_destroy(metrics);
}

static int count_rows(const char *name, const char *part) {
    char *text;
    size_t bytes;
    cr_assert_eq(yti_file_read(test_folder_path(name), 1 << 20, &text, &bytes, NULL), YT_OK);
    int count = 0;
    for (const char *at = text; (at = strstr(at, part)); at += strlen(part)) count++;
    free(text);
    return count;
}

Test(metrics, curve_files_have_a_row_per_class_and_point, .init = test_folder_make, .fini = test_folder_remove) {
    yti_metrics *metrics = staircase();
    const char *const names[] = {"cat", "dog", "a,b"};
    cr_assert_eq(yti_metrics_save_curves(metrics, names, test_folder_path(""), NULL), YT_OK);
    cr_assert_eq(count_rows("pr_curve.csv", "class_id,class,recall,precision\n"), 1);
    cr_assert_eq(count_rows("pr_curve.csv", "\n"), 1 + 3 * 101);
    cr_assert_eq(count_rows("pr_curve.csv", "\n0,cat,"), 101);
    cr_assert_eq(count_rows("pr_curve.csv", "\n0,cat,0.50,0.666667\n"), 1);
    cr_assert_eq(count_rows("pr_curve.csv", "dog"), 0);
    cr_assert_eq(count_rows("pr_curve.csv", "\n-1,all,0.50,0.333333\n"), 1); /* "a,b" has truth and 0 */
    cr_assert_eq(count_rows("confidence_curves.csv", "\n"), 1 + 3 * 1000);
    cr_assert_eq(count_rows("confidence_curves.csv", "\n2,\"a,b\",0.000000,0,0,0\n"), 1);
    cr_assert_eq(count_rows("confidence_curves.csv", "\n0,cat,0.000000,0.666667,1,0.8\n"), 1);
    cr_assert_eq(count_rows("confidence_curves.csv", "\n-1,all,1.000000,0.5,0,0\n"), 1);
    yt_err err;
    cr_assert_eq(yti_metrics_save_curves(metrics, names, test_folder_path("absent"), &err), YT_ERR_IO);
    cr_assert(strstr(err.text, "pr_curve.csv") != NULL, "%s", err.text);
    yti_metrics_destroy(metrics);
}
