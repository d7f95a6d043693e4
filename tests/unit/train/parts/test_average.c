/* Tests of src/train/parts/average.c: what is averaged, by how much, and what is left alone. */
#include "train/parts/average.h"
#include "optim/optim.h"
#include "support/folder.h"
#include "support/tiny.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

static yti_model *model;
static yti_average average;

static void init(void) {
    test_folder_make();
    test_tiny_write_models();
    model = test_tiny_model(3);
}

static void fini(void) {
    yti_average_deinit(&average);
    yti_model_destroy(model);
    test_folder_remove();
}
TestSuite(average, .init = init, .fini = fini);

static void shift(float *values, size_t count, float by) {
    for (size_t i = 0; i < count; i++) values[i] += by;
}

Test(average, begins_at_the_state_of_the_model) {
    cr_assert_eq(yti_average_init(&average, model, NULL), YT_OK);
    cr_assert_eq(memcmp(average.state.params, model->state.params, model->param_count * sizeof(float)), 0);
    cr_assert_eq(memcmp(average.state.buffers, model->state.buffers, model->buffer_count * sizeof(float)), 0);
}

Test(average, a_step_moves_it_towards_the_model_by_the_decay_of_the_update) {
    cr_assert_eq(yti_average_init(&average, model, NULL), YT_OK);
    const yti_param_info *weight = &model->params[0];
    cr_assert_eq(weight->kind, YT_PARAM_WEIGHT);
    const double before = (double)average.state.params[weight->offset];
    shift(model->state.params, model->param_count, 1);
    yti_average_step(&average, model, 5, 2);
    const double decay = (double)yti_ema_decay(5), now = (double)average.state.params[weight->offset];
    cr_assert(fabs(now - (before + (1 - decay))) < 1e-5, "%g after %g", now, before);
    yti_average_begin(&average, model);
    cr_assert_eq(average.state.params[weight->offset], model->state.params[weight->offset]);
}

/* A frozen row keeps its bits even where the model's were changed. */
Test(average, frozen_rows_and_constants_are_left_alone) {
    cr_assert_eq(yti_model_freeze(model, "1", NULL), YT_OK);
    cr_assert_eq(yti_average_init(&average, model, NULL), YT_OK);
    shift(model->state.params, model->param_count, 1);
    shift(model->state.buffers, model->buffer_count, 1);
    yti_average_step(&average, model, 1, 1);
    int frozen = 0, moved = 0;
    for (int i = 0; i < model->n_params; i++) {
        const yti_param_info *info = &model->params[i];
        const bool buffer = !yti_param_is_trainable(info);
        const float of_model = (buffer ? model->state.buffers : model->state.params)[info->offset];
        const float own = (buffer ? average.state.buffers : average.state.params)[info->offset];
        if (info->frozen || info->kind == YT_PARAM_CONSTANT) {
            frozen++;
            cr_assert_float_eq(of_model - own, 1, 1e-5, "%s", info->name);
        } else {
            moved++;
            cr_assert_neq(of_model - own, 1.0f, "%s", info->name);
        }
    }
    cr_assert(frozen > 0 && moved > frozen, "%d, %d", frozen, moved);
}
