/* folder.h: a fresh folder under TMPDIR for tests that need files. One per test process. */
#ifndef YT_TEST_FOLDER_H
#define YT_TEST_FOLDER_H

#include <stddef.h>

/* For .init and .fini of a suite. */
void test_folder_make(void);
void test_folder_remove(void);

/* Path of something in it. One of eight rotating buffers. */
const char *test_folder_path(const char *name);

/* Writes a file there, making its folders. */
void test_folder_write(const char *name, const void *data, size_t bytes);
void test_folder_write_text(const char *name, const char *text);

/* A grey image of w x h pixels, in the format that the name ends in. */
void test_folder_write_image(const char *name, int w, int h);

#endif
