/* run_config.c: see run_config.h. */
#include "support/run_config.h"

#include <criterion/criterion.h>

void test_set(yti_train_config *config, const char *key, const char *text) {
    yt_err err = {.text = ""};
    cr_assert_eq(yti_train_config_set(config, key, text, YT_SOURCE_TYPED, &err), YT_OK, "%s", err.text);
}

yti_train_config test_run_config(const char *model, const char *epochs) {
    yti_train_config config;
    yti_train_config_defaults(&config);
    test_set(&config, "data", "data.yaml");
    test_set(&config, "model", model);
    test_set(&config, "imgsz", "64");
    test_set(&config, "batch", "2");
    test_set(&config, "epochs", epochs);
    test_set(&config, "threads", "1");
    return config;
}
