/* files.c: what a run has written, read back and compared. */
#include "support/files.h"

#include "base/file.h"
#include "formats/safetensors.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_BYTES = 1 << 26 };

static char *read_bytes(const char *path, size_t *bytes) {
    char *data = NULL;
    yt_err err = {.text = ""};
    cr_assert_eq(yti_file_read(path, MOST_BYTES, &data, bytes, &err), YT_OK, "%s", err.text);
    return data;
}

char *test_read_text(const char *path) {
    size_t bytes;
    return read_bytes(path, &bytes);
}

void test_copy_file(const char *from, const char *to) {
    size_t bytes;
    char *data = read_bytes(from, &bytes);
    FILE *file = fopen(to, "wb");
    cr_assert_not_null(file, "%s", to);
    cr_assert_eq(fwrite(data, 1, bytes, file), bytes);
    cr_assert_eq(fclose(file), 0);
    free(data);
}

void test_expect_same_bytes(const char *a, const char *b) {
    size_t n, m;
    char *x = read_bytes(a, &n), *y = read_bytes(b, &m);
    cr_assert(n == m && memcmp(x, y, n) == 0, "%s differs from %s", a, b);
    free(x);
    free(y);
}

void test_expect_same_tensors(const char *a_path, const char *b_path) {
    yti_st_file a, b;
    yt_err err = {.text = ""};
    cr_assert_eq(yti_st_load(a_path, &a, &err), YT_OK, "%s", err.text);
    cr_assert_eq(yti_st_load(b_path, &b, &err), YT_OK, "%s", err.text);
    cr_assert_eq(a.n_entries, b.n_entries);
    cr_assert_gt(a.n_entries, 0u);
    for (size_t i = 0; i < a.n_entries; i++) {
        cr_assert_str_eq(a.entries[i].name, b.entries[i].name);
        cr_assert_eq(a.entries[i].bytes, b.entries[i].bytes);
        cr_assert_eq(memcmp(a.entries[i].data, b.entries[i].data, a.entries[i].bytes), 0, "%s of %s differs",
                     a.entries[i].name, a_path);
    }
    yti_st_free(&a);
    yti_st_free(&b);
}
