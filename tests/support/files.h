/* files.h: what a run has written, read back and compared. */
#ifndef YT_TEST_FILES_H
#define YT_TEST_FILES_H

/* Asserts that it can be read; malloc'd. */
char *test_read_text(const char *path);

void test_copy_file(const char *from, const char *to);

/* Assert equal bytes; equal tensors of two safetensors files, whose metadata may differ. */
void test_expect_same_bytes(const char *a, const char *b);
void test_expect_same_tensors(const char *a, const char *b);

#endif
