/* Tests of src/train/settings/config.c, config_file.c and auto_settings.c: the settings of a run. */
#include "base/cpu.h"
#include "base/file.h"
#include "base/yaml.h"
#include "support/run_config.h"
#include "support/folder.h"
#include "train/loop/train.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

TestSuite(train_config, .init = test_folder_make, .fini = test_folder_remove);

static yti_train_config defaults(void) {
    yti_train_config config;
    yti_train_config_defaults(&config);
    return config;
}

static void expect_refused(const char *key, const char *text, const char *sentence) {
    yti_train_config config = defaults(), before = config;
    yt_err err = {.text = ""};
    cr_assert_eq(yti_train_config_set(&config, key, text, YT_SOURCE_TYPED, &err), YT_ERR_ARGUMENT, "%s %s", key, text);
    cr_assert_str_eq(err.text, sentence);
    cr_assert_arr_eq(&config, &before, sizeof config);
}

Test(train_config, defaults_are_those_of_the_family) {
    yti_train_config c = defaults();
    cr_assert(c.epochs == 100 && c.patience == 100 && c.imgsz == 640 && c.seed == 0 && c.val && !c.cos_lr);
    cr_assert(c.lrf == 0.01 && c.weight_decay == 0.0005 && c.warmup_momentum == 0.8 && c.clip == 10);
    cr_assert(c.box == 7.5 && c.cls == 0.5 && c.dfl == 1.5 && c.mosaic == 1 && c.fliplr == 0.5);
    cr_assert(c.hsv_h == 0.015 && c.hsv_s == 0.7 && c.hsv_v == 0.4 && c.translate == 0.1 && c.scale == 0.5);
    cr_assert(c.conf == 0.001 && c.iou == 0.7 && c.max_det == 300 && c.save_period == -1 && c.fraction == 1);
    cr_assert_eq(c.optimizer, -1);
    cr_assert_eq(c.activation, -1);
    cr_assert_str_eq(c.model, "yolo26n.yaml");
    cr_assert_eq(c.source[YT_TRAIN_KEY_epochs], YT_SOURCE_DEFAULT);
    cr_assert_eq(c.source[YT_TRAIN_KEY_batch], YT_SOURCE_AUTO);
}

Test(train_config, every_row_is_complete) {
    for (int i = 0; i < YT_TRAIN_KEYS; i++) {
        const yti_train_option *row = &yti_train_options()[i];
        cr_assert_eq(yti_train_option_find(row->key), i);
        cr_assert(row->help[0] && row->group[0], "%s", row->key);
        cr_assert_eq(row->type == YT_TRAIN_CHOICE, row->choices != NULL, "%s", row->key);
        cr_assert_lt(row->min, row->max, "%s", row->key);
    }
    cr_assert_eq(yti_train_option_find("epoch"), -1);
}

Test(train_config, values_out_of_range_are_refused_with_the_limit) {
    expect_refused("epochs", "0", "epochs: 0 is below 1");
    expect_refused("lr0", "1.5", "lr0: 1.5 is above 1");
    expect_refused("imgsz", "9000", "imgsz: 9000 is above 8192");
    expect_refused("seed", "-1", "seed: -1 is below 0");
    expect_refused("epochs", "1.5", "epochs: \"1.5\" is not a whole number");
    expect_refused("epochs", "ten", "epochs: \"ten\" is not a whole number");
    expect_refused("lr0", "nan", "lr0: \"nan\" is not a number");
    expect_refused("lr0", "", "lr0: \"\" is not a number");
    expect_refused("val", "maybe", "val: \"maybe\" is neither true nor false");
    expect_refused("optimizer", "AdmW", "optimizer: unknown \"AdmW\"; did you mean AdamW");
    expect_refused("epochs", "auto", "epochs: \"auto\" is not a whole number");
    expect_refused("nothing", "1", "there is no setting \"nothing\"");
}

Test(train_config, an_optional_number_takes_truth_values) {
    yti_train_config config = defaults();
    cr_assert_eq(config.log_gradients, 0);
    test_set(&config, "log_gradients", "true");
    cr_assert_eq(config.log_gradients, 100);
    test_set(&config, "log_gradients", "20");
    cr_assert_eq(config.log_gradients, 20);
    test_set(&config, "log_gradients", "false");
    cr_assert_eq(config.log_gradients, 0);
    expect_refused("log_gradients", "often", "log_gradients: \"often\" is not a whole number");
    expect_refused("epochs", "true", "epochs: \"true\" is not a whole number");
}

Test(train_config, a_text_longer_than_its_field_is_refused) {
    char *text = calloc(1, YT_TRAIN_TEXT + 1);
    memset(text, 'a', YT_TRAIN_TEXT);
    yti_train_config config = defaults();
    cr_assert_eq(yti_train_config_set(&config, "name", text, YT_SOURCE_TYPED, NULL), YT_ERR_ARGUMENT);
    text[YT_TRAIN_TEXT - 1] = '\0';
    cr_assert_eq(yti_train_config_set(&config, "name", text, YT_SOURCE_TYPED, NULL), YT_OK);
    cr_assert_str_eq(config.name, text);
    free(text);
}

Test(train_config, fields_filled_by_hand_are_checked) {
    yti_train_config config = defaults();
    yt_err err;
    cr_assert_eq(yti_train_config_check(&config, &err), YT_OK);
    config.epochs = -4;
    cr_assert_eq(yti_train_config_check(&config, &err), YT_ERR_ARGUMENT);
    cr_assert_str_eq(err.text, "epochs: -4 is below 1");
    config = defaults();
    config.box = (double)NAN;
    cr_assert_eq(yti_train_config_check(&config, &err), YT_ERR_ARGUMENT);
}

Test(train_config, text_reads_back_to_the_same_bits) {
    static const char *const values[] = {"0.1", "1e-6", "0.333333333333333314829616256247", "1", "0.30000000000000004"};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        yti_train_config a = defaults(), b = defaults();
        test_set(&a, "lr0", values[i]);
        char text[YT_TRAIN_TEXT];
        yti_train_config_text(&a, YT_TRAIN_KEY_lr0, text, sizeof text);
        test_set(&b, "lr0", text);
        cr_assert_eq(a.lr0, b.lr0, "%s", text);
    }
    yti_train_config c = defaults();
    char text[YT_TRAIN_TEXT];
    yti_train_config_text(&c, YT_TRAIN_KEY_batch, text, sizeof text);
    cr_assert_str_eq(text, "auto");
    test_set(&c, "optimizer", "adamw");
    yti_train_config_text(&c, YT_TRAIN_KEY_optimizer, text, sizeof text);
    cr_assert_str_eq(text, "AdamW");
    test_set(&c, "warmup_epochs", "3");
    yti_train_config_text(&c, YT_TRAIN_KEY_warmup_epochs, text, sizeof text);
    cr_assert_str_eq(text, "3.0");
}

Test(train_config, args_yaml_holds_every_setting_with_its_source) {
    yti_train_config config = defaults();
    test_set(&config, "epochs", "7");
    test_set(&config, "name", "a: \"b\"\\");
    yti_train_config_resolve(&config, 4, 80, false);
    const char *path = test_folder_path("args.yaml");
    cr_assert_eq(yti_train_config_write(&config, path, "runs/detect/train", 80, "Some License", NULL), YT_OK);
    yti_yaml yaml;
    yt_err err = {.text = ""};
    cr_assert_eq(yti_yaml_load(path, &yaml, &err), YT_OK, "%s", err.text);
    cr_assert_eq(yaml.root->count, (size_t)YT_TRAIN_KEYS + 5);
    for (int i = 0; i < YT_TRAIN_KEYS; i++) {
        const yti_yaml_node *node = yti_yaml_find(yaml.root, yti_train_options()[i].key);
        cr_assert_not_null(node, "%s", yti_train_options()[i].key);
        char text[YT_TRAIN_TEXT];
        yti_train_config_text(&config, (yti_train_key)i, text, sizeof text);
        if (text[0])
            cr_assert_str_eq(node->text, text);
        else
            cr_assert(yti_yaml_is_null(node));
    }
    yti_yaml_free(&yaml);
    char *text;
    size_t bytes;
    cr_assert_eq(yti_file_read(path, 1 << 20, &text, &bytes, NULL), YT_OK);
    cr_assert_not_null(strstr(text, "epochs: 7  # cli\n"));
    cr_assert_not_null(strstr(text, "batch: 2  # auto\n"));
    cr_assert_not_null(strstr(text, "imgsz: 640  # default\n"));
    cr_assert_not_null(strstr(text, "nc: 80  # dataset\n"));
    cr_assert_eq(strncmp(text, "task: detect  # default\nmode: train  # default\n", 47), 0);
    cr_assert_not_null(strstr(text, "base_license: \"Some License\"  # weights\n"));
    free(text);
}

Test(train_config, small_sets_get_settings_that_learn) {
    yti_train_config c = defaults();
    test_set(&c, "epochs", "10");
    yti_train_config_resolve(&c, 4, 80, false);
    cr_assert(c.batch == 2 && c.nbs == 2, "two updates per epoch");
    cr_assert_eq(c.optimizer, (int)YT_OPTIM_ADAMW);
    cr_assert(c.momentum == 0.9 && c.warmup_bias_lr == 0 && c.lr0 > 0);
    cr_assert_leq(c.warmup_epochs, 1.0);
    cr_assert_leq(c.close_mosaic, 5);
    cr_assert_eq(c.threads, yti_cpu_cores());
    cr_assert_eq(c.source[YT_TRAIN_KEY_batch], YT_SOURCE_AUTO);
}

Test(train_config, large_sets_get_the_settings_of_the_family) {
    yti_train_config c = defaults();
    yti_train_config_resolve(&c, 118287, 80, false);
    cr_assert(c.batch == 16 && c.nbs == 64 && c.close_mosaic == 10);
    cr_assert_eq(c.optimizer, (int)YT_OPTIM_MUSGD);
    cr_assert(c.lr0 == 0.01 && c.momentum == 0.937 && c.warmup_epochs == 3 && c.warmup_bias_lr == 0);
    c = defaults();
    test_set(&c, "epochs", "2");
    yti_train_config_resolve(&c, 118287, 80, true);
    cr_assert_eq(c.optimizer, (int)YT_OPTIM_ADAMW);
    cr_assert_eq(c.lr0, 0.000119, "0.002 * 5 / 84 to six decimals");
}

/* 1250 images in batches of 16 up to 64: 20 iterations an epoch; 10000 of them are not yet many. */
Test(train_config, runs_of_over_ten_thousand_iterations_take_musgd) {
    yti_train_config c = defaults();
    test_set(&c, "epochs", "500");
    yti_train_config_resolve(&c, 1250, 3, false);
    cr_assert_eq(c.optimizer, (int)YT_OPTIM_ADAMW);
    c = defaults();
    test_set(&c, "epochs", "501");
    yti_train_config_resolve(&c, 1250, 3, true);
    cr_assert(c.optimizer == (int)YT_OPTIM_MUSGD && c.lr0 == 0.01 && c.momentum == 0.937);
    c = defaults();
    test_set(&c, "epochs", "501");
    test_set(&c, "warmup_epochs", "0");
    yti_train_config_resolve(&c, 1250, 3, true);
    cr_assert_eq(c.momentum, 0.9, "no warm-up leads it to 0.937");
}

/* What the Ultralytics trainer would take for four images, spec training 4.2, 4.5 and 4.10; from scratch too. */
Test(train_config, a_choice_that_may_be_left_out_is_true_or_false_too) {
    static const char *const cases[][2] = {
        {"true", "add"}, {"False", "false"}, {"LATERAL", "lateral"}, {"csp:neck", "csp:neck"}};
    yti_train_config c;
    yt_err err;
    char text[YT_TRAIN_TEXT];
    yti_train_config_defaults(&c);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        test_set(&c, "no_residual", cases[i][0]);
        yti_train_config_text(&c, YT_TRAIN_KEY_no_residual, text, sizeof text);
        cr_assert_str_eq(text, cases[i][1]);
    }
    cr_assert_eq(yti_train_config_set(&c, "activation", "true", YT_SOURCE_TYPED, &err), YT_ERR_ARGUMENT);
}

Test(train_config, the_recipe_of_the_family_knows_no_small_sets) {
    yti_train_config c = defaults();
    cr_assert_eq(c.recipe, (int)YT_RECIPE_ADAPTIVE);
    test_set(&c, "recipe", "Family");
    test_set(&c, "epochs", "30");
    yti_train_config_resolve(&c, 4, 80, false);
    cr_assert(c.batch == 4 && c.close_mosaic == 10 && c.warmup_epochs == 3);
    cr_assert_eq(c.nbs, 16, "an update every fourth batch, as with batches of 16 under 64");
    cr_assert(c.optimizer == (int)YT_OPTIM_ADAMW && c.lr0 == 0.000119 && c.momentum == 0.9);
    cr_assert_eq(c.warmup_bias_lr, 0);
    c = defaults();
    test_set(&c, "recipe", "family");
    yti_train_config_resolve(&c, 500, 3, false);
    cr_assert(c.batch == 16 && c.nbs == 64 && c.close_mosaic == 10 && c.lr0 == 0.001429);
    cr_assert_eq(c.source[YT_TRAIN_KEY_batch], YT_SOURCE_AUTO);
}

Test(train_config, rectangular_batches_and_typed_mosaics_rule_each_other_out) {
    yt_err err;
    yti_train_config c = defaults();
    test_set(&c, "rect", "true");
    cr_assert_eq(yti_train_config_check(&c, NULL), YT_OK);
    yti_train_config_resolve(&c, 500, 3, false);
    cr_assert(c.mosaic == 0 && c.source[YT_TRAIN_KEY_mosaic] == YT_SOURCE_AUTO, "what happens is written down");
    c = defaults();
    test_set(&c, "rect", "true");
    test_set(&c, "mixup", "0.5");
    cr_assert_eq(yti_train_config_check(&c, &err), YT_ERR_ARGUMENT);
    cr_assert_not_null(strstr(err.text, "leave out --rect or --mixup"), "%s", err.text);
}

Test(train_config, beta1_of_adam_must_be_below_one) {
    yt_err err;
    yti_train_config c = defaults();
    test_set(&c, "momentum", "1");
    yti_train_config_resolve(&c, 500, 3, false);
    cr_assert_eq(yti_train_config_check(&c, &err), YT_ERR_ARGUMENT);
    cr_assert_not_null(strstr(err.text, "below 1"), "%s", err.text);
    test_set(&c, "optimizer", "SGD");
    cr_assert_eq(yti_train_config_check(&c, NULL), YT_OK);
}

Test(train_config, an_optimiser_that_is_typed_gets_the_rates_of_the_recipe) {
    yti_train_config c = defaults();
    test_set(&c, "recipe", "family");
    test_set(&c, "optimizer", "Adam");
    yti_train_config_resolve(&c, 500, 3, false);
    cr_assert(c.lr0 == 0.01 && c.momentum == 0.937 && c.warmup_bias_lr == 0.1);
    c = defaults();
    test_set(&c, "optimizer", "Adam");
    yti_train_config_resolve(&c, 500, 3, false);
    cr_assert(c.lr0 == 0.002 && c.momentum == 0.9 && c.warmup_bias_lr == 0);
    c = defaults();
    test_set(&c, "optimizer", "musgd");
    yti_train_config_resolve(&c, 500, 3, false);
    cr_assert(c.lr0 == 0.01 && c.momentum == 0.937 && c.warmup_bias_lr == 0.1);
}

Test(train_config, a_typed_value_always_wins) {
    static const char *const typed[][2] = {{"batch", "3"},         {"nbs", "64"},
                                           {"optimizer", "SGD"},   {"lr0", "0.5"},
                                           {"momentum", "0.1"},    {"warmup_epochs", "2.5"},
                                           {"close_mosaic", "99"}, {"warmup_bias_lr", "0.2"},
                                           {"threads", "7"}};
    yti_train_config c = defaults();
    for (size_t i = 0; i < sizeof typed / sizeof typed[0]; i++) test_set(&c, typed[i][0], typed[i][1]);
    yti_train_config before = c;
    yti_train_config_resolve(&c, 4, 80, false);
    before.resolved = true;
    cr_assert_arr_eq(&c, &before, sizeof c);
    c = before;
    c.resolved = false;
    test_set(&c, "recipe", "family");
    before.recipe = YT_RECIPE_FAMILY;
    before.source[YT_TRAIN_KEY_recipe] = YT_SOURCE_TYPED;
    yti_train_config_resolve(&c, 4, 80, false);
    cr_assert_arr_eq(&c, &before, sizeof c);
}

Test(train_config, a_batch_is_never_larger_than_the_set) {
    yti_train_config c = defaults();
    test_set(&c, "batch", "16");
    yti_train_config_resolve(&c, 3, 1, false);
    cr_assert_eq(c.batch, 3);
    cr_assert_eq(c.source[YT_TRAIN_KEY_batch], YT_SOURCE_DATASET);
    c = defaults();
    yti_train_config_resolve(&c, 1, 1, false);
    cr_assert_eq(c.batch, 1);
}
