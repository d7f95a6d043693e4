/* folder.c: a fresh folder per test. */
#define _XOPEN_SOURCE 700 /* nftw, mkdtemp, P_tmpdir */
#include "support/folder.h"

#include "base/file.h"
#include "image/image.h"

#include <criterion/criterion.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char root[512];

void test_folder_make(void) {
    const char *where = getenv("TMPDIR");
    snprintf(root, sizeof root, "%s/yt_test_XXXXXX", where ? where : P_tmpdir);
    cr_assert_not_null(mkdtemp(root));
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *where) {
    (void)info, (void)kind, (void)where;
    return remove(path);
}

void test_folder_remove(void) {
    cr_assert_eq(nftw(root, remove_entry, 16, FTW_DEPTH | FTW_PHYS), 0);
}

const char *test_folder_path(const char *name) {
    static char paths[8][1024];
    static int next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", root, name);
    return path;
}

void test_folder_write(const char *name, const void *data, size_t bytes) {
    const char *path = test_folder_path(name);
    char *dir = yti_path_dir(path);
    cr_assert_eq(yti_path_make_dirs(dir, NULL), YT_OK);
    free(dir);
    FILE *file = fopen(path, "wb");
    cr_assert_not_null(file);
    cr_assert_eq(fwrite(data, 1, bytes, file), bytes);
    cr_assert_eq(fclose(file), 0);
}

void test_folder_write_text(const char *name, const char *text) {
    test_folder_write(name, text, strlen(text));
}

void test_folder_write_image(const char *name, int w, int h) {
    yt_image image;
    cr_assert_eq(yt_image_create(w, h, &image, NULL), YT_OK);
    memset(image.rgb, 90, (size_t)(3 * w * h));
    test_folder_write_text(name, ""); /* makes the folders */
    cr_assert_eq(yt_image_save(test_folder_path(name), &image, NULL), YT_OK);
    yt_image_free(&image);
}
