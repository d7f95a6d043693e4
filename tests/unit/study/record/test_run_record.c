/* Tests of src/study/record/run_record.c: what a run writes down about itself, and which settings make it another one.
 */
#include "optim/optim.h"
#include "study/record/run_record.h"
#include "support/files.h"
#include "support/folder.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

TestSuite(run_record, .init = test_folder_make, .fini = test_folder_remove);

static yti_train_config settings(const char *key, const char *value) {
    yti_train_config config;
    yti_train_config_defaults(&config);
    if (key) cr_assert_eq(yti_train_config_set(&config, key, value, YT_SOURCE_TYPED, NULL), YT_OK);
    return config;
}

static const study_run_record complete = {.status = YT_ERR_NON_FINITE,
                                          .message = "epoch 2: a \"loss\" is not finite",
                                          .epochs = 2,
                                          .ap = 0.125,
                                          .seconds = 1.5,
                                          .weights_hash = "0123456789abcdef",
                                          .optimizer = YT_OPTIM_SGD,
                                          .model_hash = "fedcba9876543210"};

static void save(const study_run_record *record) {
    const yti_train_config config = settings(NULL, NULL);
    cr_assert_eq(study_run_record_save(test_folder_path(""), &config, record, NULL), YT_OK);
}

static yt_status load(const yti_train_config *config, study_run_record *out, bool *found, yt_err *err) {
    return study_run_record_load(test_folder_path(""), config, out, found, err);
}

Test(run_record, what_was_saved_is_loaded) {
    const yti_train_config config = settings(NULL, NULL);
    study_run_record r;
    bool found = true;
    cr_assert_eq(load(&config, &r, &found, NULL), YT_OK);
    cr_assert(!found && r.optimizer == -1, "there is no record yet");
    save(&complete);
    cr_assert_eq(load(&config, &r, &found, NULL), YT_OK);
    cr_assert(found && !r.running && r.status == YT_ERR_NON_FINITE && r.epochs == 2 && r.ap == 0.125);
    cr_assert(r.seconds == 1.5 && r.optimizer == YT_OPTIM_SGD);
    cr_assert_str_eq(r.message, complete.message);
    cr_assert_str_eq(r.weights_hash, complete.weights_hash);
    cr_assert_str_eq(r.model_hash, complete.model_hash);
}

Test(run_record, a_run_that_only_began_is_not_found_but_known) {
    const yti_train_config config = settings(NULL, NULL), other = settings("lr0", "0.5");
    const study_run_record begun = {.running = true, .optimizer = -1};
    study_run_record r;
    bool found = true;
    yt_err err;
    save(&begun);
    cr_assert_eq(load(&config, &r, &found, NULL), YT_OK);
    cr_assert(!found && r.running && r.optimizer == -1);
    cr_assert_eq(load(&other, &r, &found, &err), YT_ERR_MISMATCH);
    cr_assert(strstr(err.text, "was made with lr0 "), "%s", err.text);
}

Test(run_record, what_the_machine_chooses_makes_no_other_run) {
    static const char *const free_settings[][2] = {
        {"workers", "3"}, {"cache", "1"}, {"save_period", "4"}, {"threads", "2"}, {"name", "other"}};
    static const char *const fixed_settings[][2] = {{"seed", "7"}, {"epochs", "3"}, {"imgsz", "64"}, {"clip", "0"}};
    study_run_record r;
    bool found;
    save(&complete);
    for (size_t i = 0; i < sizeof free_settings / sizeof *free_settings; i++) {
        const yti_train_config config = settings(free_settings[i][0], free_settings[i][1]);
        cr_assert_eq(load(&config, &r, &found, NULL), YT_OK, "%s", free_settings[i][0]);
        cr_assert(found);
    }
    for (size_t i = 0; i < sizeof fixed_settings / sizeof *fixed_settings; i++) {
        const yti_train_config config = settings(fixed_settings[i][0], fixed_settings[i][1]);
        yt_err err;
        cr_assert_eq(load(&config, &r, &found, &err), YT_ERR_MISMATCH, "%s", fixed_settings[i][0]);
        cr_assert(strstr(err.text, fixed_settings[i][0]), "%s", err.text);
    }
}

Test(run_record, what_is_no_record_is_named) {
    const yti_train_config config = settings(NULL, NULL);
    static const char *const texts[] = {"", "[]", "{\"complete\": tr", "7"};
    study_run_record r;
    bool found;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        yt_err err;
        test_folder_write_text("run.json", texts[i]);
        cr_assert_eq(load(&config, &r, &found, &err), YT_ERR_SYNTAX, "'%s'", texts[i]);
        cr_assert(strstr(err.text, "run.json: is not the record of a run; remove the folder"), "%s", err.text);
    }
}

/* A record without a setting was made by a program that did not have it: what it would have been is not known. */
Test(run_record, a_setting_that_the_record_lacks_is_another_one) {
    const yti_train_config config = settings(NULL, NULL);
    study_run_record r;
    bool found;
    yt_err err;
    test_folder_write_text("run.json", "{\"complete\": true, \"finite\": true, \"settings\": {}}");
    cr_assert_eq(load(&config, &r, &found, &err), YT_ERR_MISMATCH);
    cr_assert(strstr(err.text, "\"unknown\""), "%s", err.text);
}
