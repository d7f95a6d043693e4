/* fixture.h: the numbers of an independent implementation: a trained model of each family, a batch, and what comes out
 * of every stage. Those of the smallest models, made by the reference trainer, are under YT_SHARED
 * (fixtures/README.md); those of tiny ones, made in PyTorch by tools/oracle/parity_small.py, in tests/data/parity.
 *
 *     fixture f = fixture_open("yolo11n"); // the test is skipped where the numbers are not there
 *     fixture_forward(&f, YT_MODE_EVAL);
 *     fixture_close(&f);
 */
#ifndef YT_TEST_FIXTURE_H
#define YT_TEST_FIXTURE_H

#include "model/model.h"
#include "tensor/batch.h"

#include <cjson/cJSON.h>

enum { FIXTURE_IMAGES = 4, FIXTURE_SIDE = 320, FIXTURE_TARGETS = 13, FIXTURE_THREADS = 2 }; /* of YT_SHARED's */

typedef struct fixture {
    char folder[512]; /* with a slash at its end */
    cJSON *reference;
    yti_model *model; /* with the trained weights */
    int n_images, w, h, n_targets;
    uint8_t *images; /* [n_images][h][w][3] */
    int image[FIXTURE_TARGETS], class_id[FIXTURE_TARGETS];
    yti_cxcywh boxes[FIXTURE_TARGETS];
} fixture;

/* By the name of the model: yolo26n, yolo11n, yolov8n; tiny26, tiny11, tiny8. */
fixture fixture_open(const char *name);
void fixture_close(fixture *f);
bool fixture_is_small(const char *name); /* of tests/data/parity */

/* malloc'd content of a file of floats of the fixture, which must hold `count`. */
float *fixture_floats(const fixture *f, const char *file, size_t count);

const cJSON *fixture_item(const cJSON *object, const char *key);
double fixture_number(const cJSON *object, const char *key);

/* A forward pass of `model` (its own, or one made from it) over the batch. */
void fixture_forward(const fixture *f, yti_model *model, yti_mode mode);

/* The largest deviations seen, each relative to the scale of its tensor: of the L2 norm, and of a single value. */
typedef struct fixture_deviation {
    double l2, value;
} fixture_deviation;

/* Compares values in file order with a summary of the reference: L2 norm, mean, largest magnitude, samples. */
void fixture_compare(const char *name, const float *values, const cJSON *summary, double tolerance,
                     fixture_deviation *worst);

/* The same for every tensor named in `summaries`, which lies in `params` or in the model's buffers. Returns how many
 * there are. */
int fixture_compare_tensors(const fixture *f, const cJSON *summaries, const float *params, double tolerance,
                            fixture_deviation *worst);

/* Whether a parameter has a gradient in the reference: one that vanishes by construction (of a bias in front of
 * another normalisation) comes out as rounding noise. */
bool fixture_has_gradient(const fixture *f, const char *name);

#endif
