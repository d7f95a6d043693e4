/* saver.h: files of weights that are written while training continues. Internal to src/train. */
#ifndef YT_SAVER_H
#define YT_SAVER_H

#include "weights/weights_metadata.h"

#include <pthread.h>

/* A file as it is to be written. */
typedef struct yti_saved_file {
    char *path;
    yti_entry_list entries;
    yti_metadata metadata;
} yti_saved_file;

enum { YTI_SAVED_FILES = 3 };

/* Starts as {0}. */
typedef struct yti_saver {
    yti_saved_file files[YTI_SAVED_FILES];
    int count;
    bool running; /* the thread writes the files */
    pthread_t thread;
    yt_status status;
    yt_err err;
} yti_saver;

/* A further file, empty; the saver owns it. Not between begin and wait. */
yt_status yti_saver_add(yti_saver *saver, const char *path, yti_saved_file **out, yt_err *err);

/* Writes the files in the order they were added, up to the first failure, while the caller continues. What their
 * entries lend must stay as it is until yti_saver_wait. */
void yti_saver_begin(yti_saver *saver);

/* Waits for the files that were begun, if any were, and says whether they are written; files that were added and
 * never begun are dropped. */
yt_status yti_saver_wait(yti_saver *saver, yt_err *err);

#endif
