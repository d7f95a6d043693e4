/* run_config.h: the settings of a small training run in the test's folder (tiny.h). */
#ifndef YT_TEST_RUN_CONFIG_H
#define YT_TEST_RUN_CONFIG_H

#include "train/settings/config.h"

/* Sets an option as if it had been typed. Asserts that it is taken. */
void test_set(yti_train_config *config, const char *key, const char *text);

/* data.yaml of the working folder at 64 pixels, two images a batch, one thread. */
yti_train_config test_run_config(const char *model, const char *epochs);

#endif
