/* Tests of src/base/file.c and words.c: reading, atomic writing, paths, nearest words. */
#include "base/file.h"
#include "support/folder.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

TestSuite(file, .init = test_folder_make, .fini = test_folder_remove);

Test(file, read_gives_all_bytes_and_a_nul) {
    test_folder_write_text("a", "hello\n");
    char *data;
    size_t bytes;
    cr_assert_eq(yti_file_read(test_folder_path("a"), 6, &data, &bytes, NULL), YT_OK);
    cr_assert_eq(bytes, 6u);
    cr_assert_str_eq(data, "hello\n");
    free(data);
}

Test(file, read_gives_an_empty_string_for_an_empty_file) {
    test_folder_write_text("empty", "");
    char *data;
    size_t bytes = 1;
    cr_assert_eq(yti_file_read(test_folder_path("empty"), 100, &data, &bytes, NULL), YT_OK);
    cr_assert_eq(bytes, 0u);
    cr_assert_str_eq(data, "");
    free(data);
}

Test(file, read_refuses_what_is_too_large_missing_or_a_folder) {
    test_folder_write_text("a", "hello\n");
    yt_err err;
    char *data = NULL;
    size_t bytes = 77;
    cr_assert_eq(yti_file_read(test_folder_path("a"), 5, &data, &bytes, &err), YT_ERR_IO);
    cr_assert_not_null(strstr(err.text, "at most 5"));
    cr_assert_eq(yti_file_read(test_folder_path("none"), 5, &data, &bytes, &err), YT_ERR_IO);
    cr_assert_not_null(strstr(err.text, "No such file"));
    cr_assert_eq(yti_file_read(test_folder_path(""), 1 << 20, &data, &bytes, &err), YT_ERR_IO);
    cr_assert_null(data);
    cr_assert_eq(bytes, 77u);
}

Test(file, read_takes_streams_whose_size_is_unknown) {
    char *data;
    size_t bytes;
    cr_assert_eq(yti_file_read("/proc/self/status", 1 << 20, &data, &bytes, NULL), YT_OK);
    cr_assert_gt(bytes, 100u);
    cr_assert_eq(strlen(data), bytes);
    free(data);
    yt_err err;
    cr_assert_eq(yti_file_read("/dev/zero", 100000, &data, &bytes, &err), YT_ERR_IO);
}

Test(file, commit_replaces_and_discard_leaves) {
    test_folder_write_text("a", "old");
    yti_file_writer writer;
    cr_assert_eq(yti_file_writer_open(test_folder_path("a"), &writer, NULL), YT_OK);
    fputs("new", writer.stream);
    char *data;
    size_t bytes;
    cr_assert_eq(yti_file_read(test_folder_path("a"), 100, &data, &bytes, NULL), YT_OK);
    cr_assert_str_eq(data, "old");
    free(data);
    cr_assert_eq(yti_file_writer_commit(&writer, NULL), YT_OK);
    cr_assert_null(writer.stream);
    cr_assert_eq(yti_file_read(test_folder_path("a"), 100, &data, &bytes, NULL), YT_OK);
    cr_assert_str_eq(data, "new");
    free(data);

    cr_assert_eq(yti_file_writer_open(test_folder_path("a"), &writer, NULL), YT_OK);
    char temporary[1024];
    snprintf(temporary, sizeof temporary, "%s", writer.temporary);
    fputs("dropped", writer.stream);
    cr_assert(yti_path_exists(temporary));
    yti_file_writer_discard(&writer);
    cr_assert_not(yti_path_exists(temporary));
    cr_assert_null(writer.path);
    cr_assert_eq(yti_file_read(test_folder_path("a"), 100, &data, &bytes, NULL), YT_OK);
    cr_assert_str_eq(data, "new");
    free(data);
}

Test(file, a_failed_write_is_reported_and_leaves_nothing) {
    yti_file_writer writer;
    yt_err err;
    cr_assert_eq(yti_file_writer_open(test_folder_path("no/such/folder"), &writer, &err), YT_ERR_IO);
    cr_assert_eq(mkdir(test_folder_path("busy"), 0777), 0);
    cr_assert_eq(yti_file_writer_open(test_folder_path("busy"), &writer, &err), YT_ERR_IO);
    cr_assert_not_null(strstr(err.text, "is a folder"));
    /* A folder takes the place of the target before the commit, so the rename fails. */
    cr_assert_eq(yti_file_writer_open(test_folder_path("later"), &writer, &err), YT_OK);
    test_folder_write_text("later/x", "x");
    char temporary[1024];
    snprintf(temporary, sizeof temporary, "%s", writer.temporary);
    cr_assert_eq(yti_file_writer_commit(&writer, &err), YT_ERR_IO);
    cr_assert_not(yti_path_exists(temporary));
}

static yt_status write_text(const char *path, const char *text, yt_err *err) {
    yti_file_writer writer;
    YT_TRY(yti_file_writer_open(path, &writer, err));
    fputs(text, writer.stream);
    return yti_file_writer_commit(&writer, err);
}

static void expect_text(const char *path, const char *expected) {
    char *data;
    size_t bytes;
    cr_assert_eq(yti_file_read(path, 1 << 20, &data, &bytes, NULL), YT_OK);
    cr_assert_str_eq(data, expected);
    free(data);
}

Test(file, a_link_stays_a_link_and_its_target_is_written) {
    test_folder_write_text("store/real", "old");
    cr_assert_eq(symlink("store/real", test_folder_path("link")), 0);
    cr_assert_eq(write_text(test_folder_path("link"), "new", NULL), YT_OK);
    struct stat info;
    cr_assert(lstat(test_folder_path("link"), &info) == 0 && S_ISLNK(info.st_mode));
    expect_text(test_folder_path("store/real"), "new");
    yt_err err;
    cr_assert_eq(symlink("nowhere", test_folder_path("dead")), 0);
    cr_assert_eq(write_text(test_folder_path("dead"), "new", &err), YT_ERR_IO);
    cr_assert_not_null(strstr(err.text, "link to a file that does not exist"));
    cr_assert(lstat(test_folder_path("dead"), &info) == 0 && S_ISLNK(info.st_mode));
}

Test(file, a_file_that_is_written_over_keeps_its_mode) {
    test_folder_write_text("a", "old");
    cr_assert_eq(chmod(test_folder_path("a"), 0640), 0);
    cr_assert_eq(write_text(test_folder_path("a"), "new", NULL), YT_OK);
    struct stat info;
    cr_assert_eq(stat(test_folder_path("a"), &info), 0);
    cr_assert_eq(info.st_mode & 07777, 0640u);
    expect_text(test_folder_path("a"), "new");
}

/* A reader waits at its other end, in a process of its own. */
Test(file, a_pipe_gets_the_bytes_and_stays_a_pipe) {
    const char *path = test_folder_path("pipe"), *copy = test_folder_path("copy");
    cr_assert_eq(mkfifo(path, 0600), 0);
    const pid_t reader = fork();
    cr_assert_geq(reader, 0);
    if (reader == 0) {
        char *data;
        size_t bytes;
        const bool same = yti_file_read(path, 100, &data, &bytes, NULL) == YT_OK && strcmp(data, "through") == 0;
        _exit(same && write_text(copy, data, NULL) == YT_OK ? 0 : 1);
    }
    cr_assert_eq(write_text(path, "through", NULL), YT_OK);
    int status;
    cr_assert_eq(waitpid(reader, &status, 0), reader);
    cr_assert_eq(status, 0);
    expect_text(copy, "through");
    struct stat info;
    cr_assert(lstat(path, &info) == 0 && S_ISFIFO(info.st_mode));
}

Test(file, a_device_stays_a_device) {
    struct stat before, after;
    yt_err err;
    cr_assert_eq(stat("/dev/null", &before), 0);
    cr_assert_eq(write_text("/dev/null", "gone", NULL), YT_OK);
    cr_assert_eq(stat("/dev/null", &after), 0);
    cr_assert(S_ISCHR(after.st_mode) && before.st_ino == after.st_ino);
    cr_assert_eq(write_text("/dev/full", "too much", &err), YT_ERR_IO);
    cr_assert_not_null(strstr(err.text, "No space left"));
    cr_assert(stat("/dev/full", &after) == 0 && S_ISCHR(after.st_mode));
}

Test(file, folders_are_made_with_their_parents) {
    cr_assert_eq(yti_path_make_dirs(test_folder_path("a/b/c"), NULL), YT_OK);
    cr_assert(yti_path_is_dir(test_folder_path("a/b/c")));
    cr_assert_eq(yti_path_make_dirs(test_folder_path("a/b/c/"), NULL), YT_OK);
    test_folder_write_text("a/file", "");
    cr_assert_not(yti_path_is_dir(test_folder_path("a/file")));
    yt_err err;
    cr_assert_eq(yti_path_make_dirs(test_folder_path("a/file/d"), &err), YT_ERR_IO);
    cr_assert_not_null(strstr(err.text, "a/file"));
}

static void expect_join(const char *a, const char *b, const char *expected) {
    char *joined = yti_path_join(a, b);
    cr_assert_str_eq(joined, expected);
    free(joined);
}

static void expect_dir(const char *path, const char *expected) {
    char *dir = yti_path_dir(path);
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
    cr_assert_str_eq(yti_path_base("a/b.txt"), "b.txt");
    cr_assert_str_eq(yti_path_base("b.txt"), "b.txt");
    cr_assert_str_eq(yti_path_base("a/"), "");
}

Test(words, the_nearest_word_is_suggested) {
    static const char *const words[] = {"SiLU", "ReLU", "GELU", "LeakyReLU"};
    cr_assert_str_eq(yti_nearest_word("silu", words, 4), "SiLU"); /* distance 0 without case */
    cr_assert_str_eq(yti_nearest_word("Rellu", words, 4), "ReLU");
    cr_assert_str_eq(yti_nearest_word("LeakyRLU", words, 4), "LeakyReLU");
    cr_assert_null(yti_nearest_word("Conv2d", words, 4));
    cr_assert_null(yti_nearest_word("SiLU", words, 0));
    cr_assert_null(yti_nearest_word("", words + 3, 1));
}

Test(words, the_limit_is_one_more_than_a_third_of_the_length) {
    static const char *const words[] = {"abcdef"};
    cr_assert_not_null(yti_nearest_word("abcxyz", words, 1)); /* distance 3 = 1 + 6/3 */
    cr_assert_null(yti_nearest_word("abwxyz", words, 1));     /* distance 4 */
    char longer[200];
    memset(longer, 'a', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    cr_assert_null(yti_nearest_word(longer, words, 1));
}
