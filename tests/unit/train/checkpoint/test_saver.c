/* Tests of src/train/checkpoint/saver.c: files are written in their order, up to the first failure, which is reported
 * once. */
#include "train/checkpoint/saver.h"
#include "base/file.h"
#include "support/folder.h"
#include "weights/weights_file.h"

#include <criterion/criterion.h>
#include <string.h>

TestSuite(saver, .init = test_folder_make, .fini = test_folder_remove);

static const float values[2] = {1, 2};

static void add(yti_saver *saver, const char *name) {
    yti_saved_file *file;
    yt_err err = {.text = ""};
    cr_assert_eq(yti_saver_add(saver, test_folder_path(name), &file, &err), YT_OK, "%s", err.text);
    char tensor[] = "w";
    const yti_st_entry entry = {.name = tensor,
                                .type = YT_ST_F32,
                                .n_dims = 1,
                                .dims = {2},
                                .count = 2,
                                .data = values,
                                .bytes = sizeof values};
    cr_assert_eq(yti_entries_lend(&file->entries, &entry, &err), YT_OK, "%s", err.text);
}

static void expect_file(const char *name) {
    yti_st_file file;
    yt_err err = {.text = ""};
    cr_assert_eq(yti_st_load(test_folder_path(name), &file, &err), YT_OK, "%s", err.text);
    const yti_st_entry *entry = yti_st_find(&file, "w");
    cr_assert(entry && memcmp(entry->data, values, sizeof values) == 0);
    yti_st_free(&file);
}

Test(saver, all_files_are_there_when_it_was_waited_for) {
    yti_saver saver = {0};
    add(&saver, "best.safetensors");
    add(&saver, "last.safetensors");
    yti_saver_begin(&saver);
    cr_assert_eq(yti_saver_wait(&saver, NULL), YT_OK);
    expect_file("best.safetensors");
    expect_file("last.safetensors");
}

Test(saver, nothing_is_written_after_the_first_failure_which_is_reported_once) {
    yti_saver saver = {0};
    yt_err err = {.text = ""};
    add(&saver, "first.safetensors");
    add(&saver, "no/such/folder.safetensors");
    add(&saver, "third.safetensors");
    yti_saver_begin(&saver);
    cr_assert_eq(yti_saver_wait(&saver, &err), YT_ERR_IO);
    cr_assert_not_null(strstr(err.text, "folder.safetensors"), "%s", err.text);
    expect_file("first.safetensors");
    cr_assert_not(yti_path_exists(test_folder_path("third.safetensors")));
    cr_assert_eq(yti_saver_wait(&saver, &err), YT_OK, "there is nothing to wait for");
    add(&saver, "fourth.safetensors");
    yti_saver_begin(&saver);
    cr_assert_eq(yti_saver_wait(&saver, &err), YT_OK);
    expect_file("fourth.safetensors");
}

Test(saver, what_was_never_begun_is_dropped) {
    yti_saver saver = {0};
    add(&saver, "never.safetensors");
    cr_assert_eq(yti_saver_wait(&saver, NULL), YT_OK);
    cr_assert_not(yti_path_exists(test_folder_path("never.safetensors")));
}
