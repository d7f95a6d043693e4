/* Tests of src/study/run/create.c, runs.c, run_record.c and study_record.c: what a study refuses, what it keeps, and
 * that an interrupted one comes to the same result.
 */
#include "base/file.h"
#include "study/comparison.h"
#include "study/record/run_record.h"
#include "support/run_config.h"
#include "support/folder.h"
#include "support/tiny.h"

#include <criterion/criterion.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void init(void) {
    test_folder_make();
    test_tiny_write_data(4, 2);
    test_tiny_write_models();
    cr_assert_eq(chdir(test_folder_path("")), 0);
}
TestSuite(compare, .init = init, .fini = test_folder_remove);

static yti_train_config settings(const char *name) {
    static const char *const fixed[][2] = {{"data", "data.yaml"}, {"model", "tiny26.yaml"}, {"imgsz", "64"},
                                           {"epochs", "4"},       {"batch", "2"},           {"threads", "1"},
                                           {"log_gradients", "3"}};
    yti_train_config config;
    yti_train_config_defaults(&config);
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++) test_set(&config, fixed[i][0], fixed[i][1]);
    test_set(&config, "project", test_folder_path(""));
    test_set(&config, "name", name);
    return config;
}

static study_comparison *make(const yti_train_config *config, const char *variants, int seeds) {
    study_comparison *study;
    yt_err err = {.text = ""};
    cr_assert_eq(study_create(config, variants, seeds, NULL, &study, &err), YT_OK, "%s", err.text);
    return study;
}

static void refused(const yti_train_config *config, const char *variants, int seeds, const char *sentence) {
    study_comparison *study;
    yt_err err = {.text = ""};
    cr_assert_neq(study_create(config, variants, seeds, NULL, &study, &err), YT_OK, "%s", sentence);
    cr_assert(strstr(err.text, sentence), "\"%s\" lacks \"%s\"", err.text, sentence);
}

/* What the hooks saw of the runs that ended. */
typedef struct seen {
    int trained, kept, first_epoch;
} seen;

static void see(void *context, const study_progress *progress) {
    seen *s = context;
    if (!progress->finished) return;
    s->kept += progress->kept;
    s->trained += !progress->kept;
    s->first_epoch = progress->first_epoch;
}

static seen run(study_comparison *study) {
    seen s = {0};
    study_hooks hooks = {.run = see, .context = &s};
    yt_err err = {.text = ""};
    cr_assert_eq(study_train(study, &hooks, NULL, &err), YT_OK, "%s", err.text);
    return s;
}

static seen run_all(const yti_train_config *config, const char *variants, int seeds) {
    study_comparison *study = make(config, variants, seeds);
    seen s = run(study);
    study_destroy(study);
    return s;
}

static char *read_all(const char *path, size_t *bytes) {
    char *text;
    yt_err err = {.text = ""};
    cr_assert_eq(yti_file_read(path, 1 << 26, &text, bytes, &err), YT_OK, "%s", err.text);
    return text;
}

/* Writes nothing of results.csv's column of seconds. */
static void drop_seconds(char *text, size_t *bytes) {
    char *to = text;
    int column = 0;
    for (const char *c = text; *c; c++) {
        if (*c == ',') column++;
        if (*c == '\n') column = 0;
        if (column != 1) *to++ = *c;
    }
    *to = '\0';
    *bytes = (size_t)(to - text);
}

static void same_file(const char *a, const char *b, const char *file) {
    char path[512];
    size_t bytes[2];
    char *text[2];
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", i ? b : a, file);
        text[i] = read_all(path, &bytes[i]);
        if (strcmp(file, "results.csv") == 0) drop_seconds(text[i], &bytes[i]);
    }
    cr_assert(bytes[0] > 100 && bytes[0] == bytes[1], "%s: %zu and %zu bytes", file, bytes[0], bytes[1]);
    cr_assert_eq(memcmp(text[0], text[1], bytes[0]), 0, "%s differs", file);
    free(text[0]);
    free(text[1]);
}

/* ---- what is refused before the first run ---- */

Test(compare, without_gradients_there_is_nothing_to_compare) {
    yti_train_config config = settings("a");
    test_set(&config, "log_gradients", "0");
    refused(&config, "residual", 1, "log_gradients: 0 leaves no gradients to compare");
}

Test(compare, seeds_end_with_the_largest_one) {
    yti_train_config config = settings("a");
    config.seed = INT_MAX;
    refused(&config, "residual", 2, "--seeds: 2 from --seed 2147483647 on leave the range");
    config.seed = INT_MAX - 1;
    study_comparison *study = make(&config, "residual", 2);
    cr_assert_eq(study_run_of(study, 0, 1)->seed, INT_MAX);
    cr_assert_eq(study_last_seed(study), INT_MAX);
    study_destroy(study);
}

Test(compare, runs_lie_below_the_study_whatever_its_name) {
    static const char *const names[] = {"b/c", "d/../e"}, *const folders[] = {"b/c", "e"};
    test_folder_write_text("d/file", "");
    for (int i = 0; i < 2; i++) {
        yti_train_config config = settings(names[i]);
        test_set(&config, "epochs", "1");
        run_all(&config, "residual", 1);
        static const char *const files[] = {"run.json", "results.csv", "gradients.csv"};
        for (int k = 0; k < 3; k++) {
            char path[256];
            snprintf(path, sizeof path, "%s/residual-seed0/%s", folders[i], files[k]);
            cr_assert(yti_path_exists(test_folder_path(path)), "no %s", path);
        }
    }
}

/* ---- going on ---- */

Test(compare, a_study_grows_by_variants_and_seeds_and_never_turns_into_another) {
    yti_train_config config = settings("a");
    test_set(&config, "epochs", "1");
    cr_assert_eq(run_all(&config, "residual,plain", 1).trained, 2);
    seen s = run_all(&config, "residual,plain,nobn", 2);
    cr_assert(s.kept == 2 && s.trained == 4, "%d kept, %d trained", s.kept, s.trained);
    run_all(&config, "residual", 1); /* no report is lost */
    test_folder_write_text("a/compare.json", "{}");
    s = run_all(&config, "plain,residual,nobn", 2);
    cr_assert(s.kept == 6 && s.trained == 0);
    refused(&config, "tanh", 2,
            "holds the comparison of plain,residual,nobn with 2 seeds; choose another --name, or continue it: "
            "--compare plain,residual,nobn,tanh --seed 0 --seeds 2");
    refused(&config, "plain,residual,nobn", 1, "with 2 seeds; choose another --name");
    test_set(&config, "seed", "1");
    refused(&config, "plain,residual,nobn", 3, "--compare plain,residual,nobn --seed 0 --seeds 4");
    test_set(&config, "seed", "0");
    test_set(&config, "lr0", "0.01");
    refused(&config, "plain,residual,nobn,tanh", 2,
            "the study here was made with lr0 \"auto\", not \"0.01\"; choose another --name");
}

Test(compare, settings_without_effect_do_not_make_another_study) {
    yti_train_config config = settings("a");
    test_set(&config, "epochs", "1");
    run_all(&config, "residual", 1);
    test_set(&config, "workers", "2");
    test_set(&config, "cache", "0");
    test_set(&config, "threads", "2");
    test_set(&config, "save_period", "1");
    cr_assert_eq(run_all(&config, "residual", 1).kept, 1);
}

Test(compare, a_changed_network_of_the_same_name_is_noticed) {
    yti_train_config config = settings("a");
    test_set(&config, "epochs", "1");
    run_all(&config, "residual", 1);
    size_t bytes;
    char *text = read_all("tiny26.yaml", &bytes), *changed = malloc(bytes + 64);
    cr_assert_not_null(changed);
    snprintf(changed, bytes + 64, "activation: nn.ReLU()\n%s", text);
    test_folder_write_text("tiny26.yaml", changed);
    study_comparison *study = make(&config, "residual", 1);
    study_hooks hooks = {.run = NULL};
    yt_err err = {.text = ""};
    cr_assert_eq(study_train(study, &hooks, NULL, &err), YT_ERR_MISMATCH);
    cr_assert(strstr(err.text, "residual-seed0: this run was made before tiny26.yaml was changed"), "%s", err.text);
    study_destroy(study);
    test_folder_write_text("tiny26.yaml", text);
    cr_assert_eq(run_all(&config, "residual", 1).kept, 1);
    free(text);
    free(changed);
}

/* Stops a training in the epoch after the second. */
static yt_status stop_after_two(void *context, const yti_train_epoch *epoch, yt_err *err) {
    (void)err;
    *(yti_stop *)context = epoch->epoch == 2;
    return YT_OK;
}

/* As study_train leaves the folder of a run when somebody stops it in the third epoch. */
static void leave_interrupted(const study_comparison *study, const study_run *one) {
    yti_train_config config;
    yti_training *training;
    yt_err err = {.text = ""};
    cr_assert_eq(study_run_config(study, one, &config, &err), YT_OK, "%s", err.text);
    study_run_record record = {.running = true};
    strcpy(record.model_hash, study->variants[one->variant].model_hash);
    cr_assert_eq(yti_path_make_dirs(one->folder, &err), YT_OK, "%s", err.text);
    cr_assert_eq(study_run_record_save(one->folder, &config, &record, &err), YT_OK, "%s", err.text);
    cr_assert_eq(yti_train_prepare(&config, NULL, NULL, NULL, &training, &err), YT_OK, "%s", err.text);
    yti_stop stop = 0;
    yti_train_observer observer = {.epoch = stop_after_two, .context = (void *)(uintptr_t)&stop};
    cr_assert_eq(yti_train_run(training, &observer, 1, &stop, &err), YT_ERR_STOPPED, "%s", err.text);
    yti_train_destroy(training);
}

static void record_of(const study_comparison *study, int index, study_run_record *record, bool *found) {
    yti_train_config config;
    yt_err err = {.text = ""};
    cr_assert_eq(study_run_config(study, &study->runs[index], &config, &err), YT_OK, "%s", err.text);
    cr_assert_eq(study_run_record_load(study->runs[index].folder, &config, record, found, &err), YT_OK, "%s", err.text);
}

static void same_result(const study_comparison *whole, const study_comparison *parts, int index) {
    const char *a = whole->runs[index].folder, *b = parts->runs[index].folder;
    same_file(a, b, "results.csv");
    same_file(a, b, "gradients.csv");
    same_file(a, b, "weights/best.safetensors");
    study_run_record records[2];
    bool found[2];
    record_of(whole, index, &records[0], &found[0]);
    record_of(parts, index, &records[1], &found[1]);
    cr_assert(found[0] && found[1]);
    cr_assert_str_eq(records[0].weights_hash, records[1].weights_hash);
    cr_assert(records[0].epochs == 4 && records[1].epochs == 4);
    cr_assert_eq(records[0].ap, records[1].ap);
}

/* imgsz is typed as no network can have it, so that the checkpoint has another one than the settings. */
Test(compare, an_interrupted_run_goes_on_to_the_same_bits) {
    yti_train_config whole_config = settings("whole"), parts_config = settings("parts");
    test_set(&whole_config, "imgsz", "50");
    test_set(&parts_config, "imgsz", "50");
    study_comparison *whole = make(&whole_config, "residual,tanh", 1), *parts = make(&parts_config, "residual,tanh", 1);
    seen s = run(whole);
    cr_assert(s.trained == 2 && s.first_epoch == 0);
    leave_interrupted(parts, &parts->runs[1]);
    study_run_record record;
    bool found;
    record_of(parts, 1, &record, &found);
    cr_assert(!found && record.running);
    s = run(parts);
    cr_assert(s.trained == 2 && s.first_epoch == 2, "%d trained, after epoch %d", s.trained, s.first_epoch);
    same_result(whole, parts, 0);
    same_result(whole, parts, 1);
    study_destroy(whole);
    study_destroy(parts);
}

/* A checkpoint without a record may be of any run; one that is damaged or of a finished run is nothing to continue
 * from. */
Test(compare, what_cannot_go_on_begins_anew) {
    yti_train_config config = settings("a");
    study_comparison *study = make(&config, "residual", 1);
    leave_interrupted(study, &study->runs[0]);
    cr_assert_eq(unlink(test_folder_path("a/residual-seed0/run.json")), 0);
    seen s = run(study);
    cr_assert(s.trained == 1 && s.first_epoch == 0);

    study_run_record record;
    bool found;
    record_of(study, 0, &record, &found);
    char hash[17];
    strcpy(hash, record.weights_hash);
    yti_train_config one;
    cr_assert_eq(study_run_config(study, &study->runs[0], &one, NULL), YT_OK);
    for (int damaged = 0; damaged < 2; damaged++) {
        record.running = true;
        cr_assert_eq(study_run_record_save(study->runs[0].folder, &one, &record, NULL), YT_OK);
        if (damaged) test_folder_write_text("a/residual-seed0/weights/last.safetensors", "12345678{");
        s = run(study);
        cr_assert(s.trained == 1 && s.first_epoch == 0);
        record_of(study, 0, &record, &found);
        cr_assert_str_eq(record.weights_hash, hash);
    }
    study_destroy(study);
}

/* With nothing to learn the first AP is the best, so that patience ends the run. */
Test(compare, a_run_that_ran_out_of_patience_gets_no_epoch_more) {
    yti_train_config config = settings("a"), one;
    test_set(&config, "epochs", "30");
    test_set(&config, "patience", "2");
    test_set(&config, "lr0", "0");
    test_set(&config, "conf", "0");
    study_comparison *study = make(&config, "residual", 1);
    run(study);
    study_run_record first, again;
    bool found;
    record_of(study, 0, &first, &found);
    cr_assert(found && first.ap > 0 && first.epochs < 30, "AP %g after %d epochs", first.ap, first.epochs);
    again = first;
    again.running = true;
    cr_assert_eq(study_run_config(study, &study->runs[0], &one, NULL), YT_OK);
    cr_assert_eq(study_run_record_save(study->runs[0].folder, &one, &again, NULL), YT_OK);
    run(study);
    record_of(study, 0, &again, &found);
    cr_assert_eq(again.epochs, first.epochs, "%d instead of %d", again.epochs, first.epochs);
    cr_assert_str_eq(again.weights_hash, first.weights_hash);
    study_destroy(study);
}

Test(compare, a_damaged_record_of_a_study_is_named) {
    yti_train_config config = settings("a");
    static const char *const damaged[] = {"", "[]", "{\"settings\":"};
    for (int i = 0; i < 3; i++) {
        test_folder_write_text("a/study.json", damaged[i]);
        refused(&config, "residual", 1, "study.json: is not the record of a study; remove the folder");
    }
    test_folder_write_text("a/study.json", "{}");
    refused(&config, "residual", 1, "the study here was made with model \"unknown\"");
}

Test(compare, an_interrupted_run_of_other_settings_is_named) {
    yti_train_config config = settings("a");
    study_comparison *study = make(&config, "residual", 1);
    leave_interrupted(study, &study->runs[0]);
    study_destroy(study);
    test_set(&config, "lr0", "0.01");
    study = make(&config, "residual", 1);
    study_hooks hooks = {.run = NULL};
    yt_err err = {.text = ""};
    cr_assert_eq(study_train(study, &hooks, NULL, &err), YT_ERR_MISMATCH);
    cr_assert(strstr(err.text, "this run was made with lr0 \"auto\", not \"0.01\""), "%s", err.text);
    study_destroy(study);
}

Test(compare, a_study_that_is_stopped_leaves_no_half_record) {
    yti_train_config config = settings("a");
    study_comparison *study = make(&config, "residual", 1);
    yti_stop stop = 1;
    study_hooks hooks = {.run = NULL};
    yt_err err = {.text = ""};
    cr_assert_eq(study_train(study, &hooks, &stop, &err), YT_ERR_STOPPED);
    cr_assert(!yti_path_exists(test_folder_path("a")));
    study_destroy(study);
}
