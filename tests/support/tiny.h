/* tiny.h: a detection problem small enough to train in a test: 64-pixel images with one coloured rectangle each
 * (class 0 bright red, class 1 bright blue), and networks of a few thousand parameters.
 */
#ifndef YT_TEST_TINY_H
#define YT_TEST_TINY_H

#include <stdint.h>

enum { TINY_SIDE = 64, TINY_CLASSES = 2 };

/* Writes data.yaml and its images and labels into the test's folder. */
void test_tiny_write_data(int n_train, int n_val);

/* Makes a tiny26 find every cell of the input, as class 0 or 1 by the branch (0 is the one-to-many one), with one
 * score: a box's sides are cell borders, so where it comes to lie can be said exactly. */
struct yti_model;
void test_tiny_find_cells(struct yti_model *model);

/* Writes tiny26.yaml (two branches, reg_max 1) and tiny8.yaml (one branch, reg_max 16) there. */
void test_tiny_write_models(void);

/* A tiny8 with initial weights of that seed, from the file there. The caller destroys it. */
struct yti_model *test_tiny_model(uint64_t seed);

#endif
