/* Tests of src/base/csv_log.c: tables that are cut back to a checkpoint. fopen is replaced for the library
 * (tests/CMakeLists.txt), so that reading can fail in the middle of a file. */
#define _GNU_SOURCE /* fopencookie */
#include "support/files.h"
#include "support/folder.h"
#include "base/csv_log.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

TestSuite(csv_log, .init = test_folder_make, .fini = test_folder_remove);

static size_t fail_after; /* bytes of files opened for reading; 0: never */

FILE *__real_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode);

typedef struct failing {
    FILE *file;
    size_t left;
} failing;

static ssize_t read_some(void *cookie, char *buffer, size_t size) {
    failing *f = cookie;
    if (f->left == 0) {
        errno = EIO;
        return -1;
    }
    const size_t n = fread(buffer, 1, size < f->left ? size : f->left, f->file);
    f->left -= n;
    return (ssize_t)n;
}

static int close_it(void *cookie) {
    failing *f = cookie;
    const int result = fclose(f->file);
    free(f);
    return result;
}

FILE *__wrap_fopen(const char *path, const char *mode) {
    FILE *file = __real_fopen(path, mode);
    if (!file || fail_after == 0 || mode[0] != 'r') return file;
    failing *f = malloc(sizeof *f);
    *f = (failing){file, fail_after};
    return fopencookie(f, "r", (cookie_io_functions_t){.read = read_some, .close = close_it});
}

static void write_table(int rows) {
    char *text = malloc((size_t)rows * 32 + 32);
    int used = sprintf(text, "epoch,x\n");
    for (int i = 1; i <= rows; i++) used += sprintf(text + used, "%d,%06d\n", i, i);
    test_folder_write_text("t.csv", text);
    free(text);
}

static int lines_of(const char *path) {
    char *text = test_read_text(path);
    int n = 0;
    for (const char *c = text; *c; c++) n += *c == '\n';
    free(text);
    return n;
}

Test(csv_log, rows_below_the_checkpoint_are_kept) {
    write_table(1000);
    FILE *file;
    cr_assert_eq(yti_csv_log_open(test_folder_path("t.csv"), "epoch,x", 900, &file, NULL), YT_OK);
    fclose(file);
    cr_assert_eq(lines_of(test_folder_path("t.csv")), 900); /* the header and 1 to 899 */
}

static void expect_text(const char *expected) {
    char *text = test_read_text(test_folder_path("t.csv"));
    cr_assert_str_eq(text, expected);
    free(text);
}

/* The third row is one that a program wrote which knew the new columns but left the others as they were. */
Test(csv_log, rows_of_an_older_table_get_empty_cells_for_the_columns_that_are_new) {
    test_folder_write_text("t.csv", "epoch,x\n1,5\n2,6\n3,7,8,9\n4,1\n");
    FILE *file;
    cr_assert_eq(yti_csv_log_open(test_folder_path("t.csv"), "epoch,x,y,z", 4, &file, NULL), YT_OK);
    fclose(file);
    expect_text("epoch,x,y,z\n1,5,,\n2,6,,\n3,7,8,9\n");
    test_folder_write_text("t.csv", "epoch,x,y,z\r\n1,5\r\n");
    cr_assert_eq(yti_csv_log_open(test_folder_path("t.csv"), "epoch,x,y,z", 4, &file, NULL), YT_OK);
    fclose(file);
    expect_text("epoch,x,y,z\n1,5,,\n");
}

Test(csv_log, a_table_of_other_columns_is_refused_and_left_as_it_was) {
    static const char *const others[] = {"epoch,y\n1,5\n", "epoch,xx\n1,5\n", "epoch,x,z,y\n1,5,6,7\n",
                                         "epoch,x,y,z,w\n1,2,3,4,5\n", "x\n1,5\n"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        test_folder_write_text("t.csv", others[i]);
        FILE *file = NULL;
        yt_err err = {.text = ""};
        cr_assert_eq(yti_csv_log_open(test_folder_path("t.csv"), "epoch,x,y,z", 4, &file, &err), YT_ERR_DATA, "%s",
                     others[i]);
        cr_assert_not_null(strstr(err.text, "t.csv:1: its columns are not those of this run"), "%s", err.text);
        expect_text(others[i]);
    }
}

/* As a run that starts where another one was. */
Test(csv_log, a_table_of_other_columns_of_which_no_row_is_kept_gives_way) {
    test_folder_write_text("t.csv", "epoch,y\n1,5\n");
    FILE *file;
    cr_assert_eq(yti_csv_log_open(test_folder_path("t.csv"), "epoch,x", 1, &file, NULL), YT_OK);
    fclose(file);
    expect_text("epoch,x\n");
}

/* At the end of a line, in its middle, in the first block and after it. */
Test(csv_log, a_read_that_fails_leaves_the_table_as_it_was) {
    static const size_t places[] = {1, 8, 10, 4096, 4100, 8192, 9000};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        write_table(1000);
        fail_after = places[i];
        FILE *file = NULL;
        yt_err err = {.text = ""};
        cr_assert_eq(yti_csv_log_open(test_folder_path("t.csv"), "epoch,x", 900, &file, &err), YT_ERR_IO,
                     "a failure after %zu bytes is none", places[i]);
        cr_assert_not_null(strstr(err.text, "reading failed: Input/output error"), "%s", err.text);
        fail_after = 0;
        cr_assert_eq(lines_of(test_folder_path("t.csv")), 1001);
    }
}
