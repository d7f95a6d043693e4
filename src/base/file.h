/* file.h: whole files in, whole files out, paths. */
#ifndef YT_FILE_H
#define YT_FILE_H

#include "base/status.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>

/* Reads a whole file into malloc'd memory, followed by a NUL. Refuses files over max_bytes. On failure errno is
 * that of the call that failed, or as it was where none did. */
yt_status yti_file_read(const char *path, size_t max_bytes, char **data, size_t *bytes, yt_err *err);

/* Atomic writing: open gives a stream to "path.tmp-PID"; commit flushes, syncs and renames it over path; discard
 * drops it. After either the writer is empty. A failed commit discards. A link stays a link, to the new file; a file
 * that is written over keeps its mode and, as far as that is allowed, its owner. A device, a pipe and what a
 * standard stream of the process goes to are written to directly, and then there is no going back. */
typedef struct yti_file_writer {
    FILE *stream;
    char *path;               /* as it was named */
    char *target, *temporary; /* NULL: written directly */
} yti_file_writer;
#define YT_TEMPORARY ".tmp-" /* before the number of the process that writes it */
yt_status yti_file_writer_open(const char *path, yti_file_writer *out, yt_err *err);
yt_status yti_file_writer_commit(yti_file_writer *writer, yt_err *err);
void yti_file_writer_discard(yti_file_writer *writer);

/* Opens /dev/null for standard input, output and error where they are closed: else the first file that is opened
 * would get their number, and what is printed with it. Returns false when that fails. */
bool yti_open_standard_streams(void);

bool yti_path_is_dir(const char *path);
bool yti_path_exists(const char *path);

/* The name of the next entry of an open folder, hidden ones passed over, until the next call; NULL: there are no
 * more. A listing that fails half way is an error, and no shorter folder. */
yt_status yti_folder_next(DIR *dir, const char *path, const char **name, yt_err *err);

/* mkdir -p. */
yt_status yti_path_make_dirs(const char *path, yt_err *err);

/* malloc'd "a/b", or b itself where it is absolute. NULL: out of memory. */
char *yti_path_join(const char *a, const char *b);

/* malloc'd folder part of a path ("." if none), lexically. */
char *yti_path_dir(const char *path);

/* Pointer into path: the part after the last '/'. */
const char *yti_path_base(const char *path);

/* "; did you mean X?" with the candidate that is nearest, or "". */
typedef struct yti_suggestion {
    char text[128];
} yti_suggestion;
yti_suggestion yti_suggest(const char *word, const char *const *candidates, size_t count);

/* The candidate nearest to word by edit distance, or NULL when none is near (distance > 1 + length/3). For "unknown
 * X; did you mean Y?". */
const char *yti_nearest_word(const char *word, const char *const *candidates, size_t count);

#endif
