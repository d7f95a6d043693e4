/* saver.c: one thread that writes the files of one epoch and ends.
 *
 * A checkpoint takes as long to reach the disk as a small network needs for a tenth of a training step, most of it
 * waiting, so the next epoch does not wait with it.
 */
#include "train/checkpoint/saver.h"
#include "base/locale.h"

#include <stdlib.h>
#include <string.h>

yt_status yti_saver_add(yti_saver *saver, const char *path, yti_saved_file **out, yt_err *err) {
    yti_saved_file *file = &saver->files[saver->count];
    *file = (yti_saved_file){.path = strdup(path)};
    if (!file->path) return yt_fail(err, YT_ERR_NO_MEMORY, "%s: no memory to write it", path);
    saver->count++;
    *out = file;
    return YT_OK;
}

static yt_status write_file(const yti_saved_file *file, yt_err *err) {
    const yti_metadata *metadata = &file->metadata;
    return yti_st_save(file->path, file->entries.entries, file->entries.count, (const char *const *)metadata->keys,
                       (const char *const *)metadata->values, metadata->count, err);
}

static void *write_files(void *context) {
    yti_saver *saver = context;
    const locale_t former = yti_locale_enter();
    saver->status = YT_OK;
    for (int i = 0; saver->status == YT_OK && i < saver->count; i++)
        saver->status = write_file(&saver->files[i], &saver->err);
    yti_locale_leave(former);
    return NULL;
}

void yti_saver_begin(yti_saver *saver) {
    saver->running = pthread_create(&saver->thread, NULL, write_files, saver) == 0;
    if (!saver->running) write_files(saver);
}

yt_status yti_saver_wait(yti_saver *saver, yt_err *err) {
    if (saver->running) pthread_join(saver->thread, NULL);
    saver->running = false;
    for (int i = 0; i < saver->count; i++) {
        free(saver->files[i].path);
        yti_entries_free(&saver->files[i].entries);
        yti_metadata_free(&saver->files[i].metadata);
    }
    saver->count = 0;
    const yt_status status = saver->status;
    saver->status = YT_OK;
    if (status != YT_OK && err) *err = saver->err;
    return status;
}
