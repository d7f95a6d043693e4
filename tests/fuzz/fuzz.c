/* fuzz.c: the file in memory, the file that is written, and the check of every error. */
#define _GNU_SOURCE /* memfd_create, P_tmpdir */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

bool fuzz_done(yt_status status, const yt_err *err) {
    if (status != YT_OK && err->text[0] == '\0') abort();
    return status != YT_OK;
}

char *fuzz_file(const uint8_t *data, size_t size) {
    static int file = -1;
    if (file < 0) file = memfd_create("fuzz", MFD_CLOEXEC);
    if (file < 0 || ftruncate(file, 0) != 0) abort();
    for (size_t done = 0; done < size;) {
        const ssize_t n = pwrite(file, data + done, size - done, (off_t)done);
        if (n <= 0) abort();
        done += (size_t)n;
    }
    char *path = malloc(32);
    if (!path) abort();
    snprintf(path, 32, "/proc/self/fd/%d", file);
    return path;
}

char *fuzz_target(void) {
    const char *folder = getenv("TMPDIR");
    char *path = NULL;
    if (asprintf(&path, "%s/yt_fuzz_%ld", folder ? folder : P_tmpdir, (long)getpid()) < 0) abort();
    return path;
}
