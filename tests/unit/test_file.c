/* Tests of src/base/file.c and words.c: reading, atomic writing, paths, nearest words. */
#include "yt/file.h"
#include "support/folder.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

TestSuite(file, .init = yt_folder_make, .fini = yt_folder_remove);

Test(file, read_gives_all_bytes_and_a_nul) {
    yt_folder_write_text("a", "hello\n");
    char *data;
    size_t bytes;
    cr_assert_eq(yt_file_read(yt_folder_path("a"), 6, &data, &bytes, NULL), YT_OK);
    cr_assert_eq(bytes, 6u);
    cr_assert_str_eq(data, "hello\n");
    free(data);
}

Test(file, read_gives_an_empty_string_for_an_empty_file) {
    yt_folder_write_text("empty", "");
    char *data;
    size_t bytes = 1;
    cr_assert_eq(yt_file_read(yt_folder_path("empty"), 100, &data, &bytes, NULL), YT_OK);
    cr_assert_eq(bytes, 0u);
    cr_assert_str_eq(data, "");
    free(data);
}

Test(file, read_refuses_what_is_too_large_missing_or_a_folder) {
    yt_folder_write_text("a", "hello\n");
    yt_err err;
    char *data = NULL;
    size_t bytes = 77;
    cr_assert_eq(yt_file_read(yt_folder_path("a"), 5, &data, &bytes, &err), YT_IO);
    cr_assert_not_null(strstr(err.text, "at most 5"));
    cr_assert_eq(yt_file_read(yt_folder_path("none"), 5, &data, &bytes, &err), YT_IO);
    cr_assert_not_null(strstr(err.text, "No such file"));
    cr_assert_eq(yt_file_read(yt_folder_path(""), 1 << 20, &data, &bytes, &err), YT_IO);
    cr_assert_null(data);
    cr_assert_eq(bytes, 77u);
}

Test(file, read_takes_streams_whose_size_is_unknown) {
    char *data;
    size_t bytes;
    cr_assert_eq(yt_file_read("/proc/self/status", 1 << 20, &data, &bytes, NULL), YT_OK);
    cr_assert_gt(bytes, 100u);
    cr_assert_eq(strlen(data), bytes);
    free(data);
    yt_err err;
    cr_assert_eq(yt_file_read("/dev/zero", 100000, &data, &bytes, &err), YT_IO);
}

Test(file, commit_replaces_and_discard_leaves) {
    yt_folder_write_text("a", "old");
    yt_file_writer writer;
    cr_assert_eq(yt_file_writer_open(yt_folder_path("a"), &writer, NULL), YT_OK);
    fputs("new", writer.stream);
    char *data;
    size_t bytes;
    cr_assert_eq(yt_file_read(yt_folder_path("a"), 100, &data, &bytes, NULL), YT_OK);
    cr_assert_str_eq(data, "old");
    free(data);
    cr_assert_eq(yt_file_writer_commit(&writer, NULL), YT_OK);
    cr_assert_null(writer.stream);
    cr_assert_eq(yt_file_read(yt_folder_path("a"), 100, &data, &bytes, NULL), YT_OK);
    cr_assert_str_eq(data, "new");
    free(data);

    cr_assert_eq(yt_file_writer_open(yt_folder_path("a"), &writer, NULL), YT_OK);
    char temporary[1024];
    snprintf(temporary, sizeof temporary, "%s", writer.temporary);
    fputs("dropped", writer.stream);
    cr_assert(yt_path_exists(temporary));
    yt_file_writer_discard(&writer);
    cr_assert_not(yt_path_exists(temporary));
    cr_assert_null(writer.path);
    cr_assert_eq(yt_file_read(yt_folder_path("a"), 100, &data, &bytes, NULL), YT_OK);
    cr_assert_str_eq(data, "new");
    free(data);
}

Test(file, a_failed_write_is_reported_and_leaves_nothing) {
    yt_file_writer writer;
    yt_err err;
    cr_assert_eq(yt_file_writer_open(yt_folder_path("no/such/folder"), &writer, &err), YT_IO);
    /* The target is a folder with something in it, so the rename fails. */
    cr_assert_eq(mkdir(yt_folder_path("busy"), 0777), 0);
    yt_folder_write_text("busy/x", "x");
    cr_assert_eq(yt_file_writer_open(yt_folder_path("busy"), &writer, &err), YT_OK);
    char temporary[1024];
    snprintf(temporary, sizeof temporary, "%s", writer.temporary);
    cr_assert_eq(yt_file_writer_commit(&writer, &err), YT_IO);
    cr_assert_not(yt_path_exists(temporary));
}

Test(file, folders_are_made_with_their_parents) {
    cr_assert_eq(yt_path_make_dirs(yt_folder_path("a/b/c"), NULL), YT_OK);
    cr_assert(yt_path_is_dir(yt_folder_path("a/b/c")));
    cr_assert_eq(yt_path_make_dirs(yt_folder_path("a/b/c/"), NULL), YT_OK);
    yt_folder_write_text("a/file", "");
    cr_assert_not(yt_path_is_dir(yt_folder_path("a/file")));
    yt_err err;
    cr_assert_eq(yt_path_make_dirs(yt_folder_path("a/file/d"), &err), YT_IO);
    cr_assert_not_null(strstr(err.text, "a/file"));
}

static void expect_join(const char *a, const char *b, const char *expected) {
    char *joined = yt_path_join(a, b);
    cr_assert_str_eq(joined, expected);
    free(joined);
}

static void expect_dir(const char *path, const char *expected) {
    char *dir = yt_path_dir(path);
    cr_assert_str_eq(dir, expected);
    free(dir);
}

Test(path, parts_are_joined_and_taken_apart) {
    expect_join("a", "b", "a/b");
    expect_join("a/", "b", "a/b");
    expect_join("a", "/b", "/b");
    expect_join("", "b", "b");
    expect_dir("a/b/c.txt", "a/b");
    expect_dir("c.txt", ".");
    expect_dir("/c.txt", "/");
    cr_assert_str_eq(yt_path_base("a/b.txt"), "b.txt");
    cr_assert_str_eq(yt_path_base("b.txt"), "b.txt");
    cr_assert_str_eq(yt_path_base("a/"), "");
}

Test(words, the_nearest_word_is_suggested) {
    static const char *const words[] = {"SiLU", "ReLU", "GELU", "LeakyReLU"};
    cr_assert_str_eq(yt_nearest_word("silu", words, 4), "SiLU"); /* distance 0 without case */
    cr_assert_str_eq(yt_nearest_word("Rellu", words, 4), "ReLU");
    cr_assert_str_eq(yt_nearest_word("LeakyRLU", words, 4), "LeakyReLU");
    cr_assert_null(yt_nearest_word("Conv2d", words, 4));
    cr_assert_null(yt_nearest_word("SiLU", words, 0));
    cr_assert_null(yt_nearest_word("", words + 3, 1));
}

Test(words, the_limit_is_one_more_than_a_third_of_the_length) {
    static const char *const words[] = {"abcdef"};
    cr_assert_not_null(yt_nearest_word("abcxyz", words, 1)); /* distance 3 = 1 + 6/3 */
    cr_assert_null(yt_nearest_word("abwxyz", words, 1));     /* distance 4 */
    char longer[200];
    memset(longer, 'a', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    cr_assert_null(yt_nearest_word(longer, words, 1));
}
