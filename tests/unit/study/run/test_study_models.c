/* Tests of models/study.yaml: that its scales are the 6n+2-layer networks that it says they are. */
#include "base/rng.h"
#include "kernels/kernels.h"
#include "model/model.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

static const char *const search_dirs[] = {YT_SOURCE_DIR "/models", NULL};

static const struct {
    const char *name;
    int layers, blocks; /* blocks of a stage */
} scales[] = {{"study-s.yaml", 20, 3}, {"study-m.yaml", 32, 5}, {"study-l.yaml", 56, 9}, {"study-x.yaml", 110, 18}};
enum { SCALES = sizeof scales / sizeof scales[0] };

static yti_model *load(const char *name, yti_no_residual kind) {
    yti_model *model = NULL;
    yt_err err = {.text = ""};
    yti_model_options options = YT_MODEL_DEFAULTS;
    options.search_dirs = search_dirs;
    options.no_residual = kind;
    cr_assert_eq(yti_model_load(name, &options, &model, &err), YT_OK, "%s", err.text);
    return model;
}

/* Every row reads the one before it, so each convolution of the backbone lies on the path from the image to the
 * last stage. Stem, 2n of each stage and the last one of the head make 6n+2. */
Test(study_models, the_layers_on_the_road_are_six_n_and_two) {
    for (int i = 0; i < SCALES; i++)
        for (int plain = 0; plain < 2; plain++) {
            yti_model *model = load(scales[i].name, plain ? YT_NO_RESIDUAL_ADD : YT_RESIDUAL_KEPT);
            const int head = model->n_rows - 1;
            int wide[65] = {0}, all = 0;
            for (int r = 0; r < head; r++) cr_assert_str_eq(model->rows[r].from, "-1", "row %d", r);
            cr_assert_str_eq(model->rows[head].module, "Detect");
            for (int p = 0; p < model->n_params; p++) {
                const yti_param_info *info = &model->params[p];
                if (info->kind != YT_PARAM_WEIGHT || info->row == head) continue;
                cr_assert(info->dims[2] == 3 && info->dims[3] == 3 && info->dims[0] <= 64);
                wide[info->dims[0]]++;
                all++;
            }
            const int n = scales[i].blocks;
            cr_expect_eq(6 * n + 2, scales[i].layers);
            cr_expect_eq(all + 1, scales[i].layers, "%s: %d", scales[i].name, all + 1);
            cr_expect(wide[16] == 2 * n + 1 && wide[32] == 2 * n && wide[64] == 2 * n);
            yti_model_destroy(model);
        }
}

Test(study_models, a_64_pixel_image_gives_the_maps_of_the_paper) {
    static const int rows[] = {2, 5, 8}, sides[] = {32, 16, 8};
    for (int i = 0; i < SCALES; i++) {
        yti_model *model = load(scales[i].name, YT_RESIDUAL_KEPT);
        cr_assert_eq(yti_graph_shapes(model->graph, YT_MODE_TRAIN, 1, 64, 64, NULL, NULL), YT_OK);
        for (int stage = 0; stage < 3; stage++) {
            const yti_shape s = yti_graph_shape(model->graph, model->rows[rows[stage]].output);
            cr_expect(s.h == sides[stage] && s.w == sides[stage] && s.c == 16 << stage);
        }
        cr_expect(model->n_levels == 1 && model->strides[0] == 8 && !model->end2end);
        yti_model_destroy(model);
    }
}

/* The square root of the mean of squares of the gradient of the first convolution. */
static double first_gradient(yti_model *model) {
    enum { SIDE = 64 };
    static uint8_t images[2 * SIDE * SIDE * 3];
    yti_rng rng = yti_rng_make(1, 0, 0, YT_RNG_TEST);
    yt_err err = {.text = ""};
    for (size_t i = 0; i < sizeof images; i++) images[i] = (uint8_t)yti_rng_below(&rng, 256);
    yti_model_init_weights(model, 1, &model->state);
    cr_assert_eq(yti_model_plan(model, YT_MODE_TRAIN, 2, SIDE, SIDE, 2, &err), YT_OK, "%s", err.text);
    yti_model_set_input(model, images);
    yti_model_forward(model, &model->state, NULL);
    const yti_head head = yti_model_head(model, 0);
    for (int l = 0; l < head.n_levels; l++) {
        const yti_tensor *maps[2] = {&head.level[l].d_box, &head.level[l].d_cls};
        for (int m = 0; m < 2; m++)
            for (size_t p = 0; p < yti_tensor_pixels(*maps[m]); p++)
                for (int c = 0; c < maps[m]->c; c++)
                    maps[m]->data[(ptrdiff_t)p * maps[m]->ld + c] = (float)yti_rng_normal(&rng);
    }
    yti_model_backward(model, &model->state, NULL);
    const yti_param_info *info = &model->params[0];
    double square = 0;
    for (size_t k = 0; k < info->count; k++) square += pow((double)model->state.grads[info->offset + k], 2);
    return sqrt(square / (double)info->count);
}

Test(study_models, gradients_reach_the_stem_at_every_depth_in_both_forms) {
    for (int i = 0; i < SCALES; i++)
        for (int plain = 0; plain < 2; plain++) {
            yti_model *model = load(scales[i].name, plain ? YT_NO_RESIDUAL_ADD : YT_RESIDUAL_KEPT);
            const double rms = first_gradient(model);
            cr_expect(rms > 0 && isfinite(rms), "%s %s: %g", scales[i].name, plain ? "plain" : "residual", rms);
            yti_model_destroy(model);
        }
}
