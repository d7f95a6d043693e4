/* output.c: the weights of a run on disk: weights/last.safetensors, best.safetensors, epochN.safetensors. */
#include "train/checkpoint/output.h"
#include "base/file.h"

#include <stdlib.h>
#include <string.h>

void yti_output_init(yti_output *output) {
    *output = (yti_output){.lock = YTI_UNLOCKED};
}

void yti_output_deinit(yti_output *output) {
    yti_folder_unlock(&output->lock);
    free(output->folder);
    free(output->last_path);
    free(output->best_path);
    yti_output_init(output);
}

yt_status yti_output_open(yti_output *output, char *folder, yt_err *err) {
    output->folder = folder;
    output->last_path = yti_path_join(folder, "weights/last.safetensors");
    output->best_path = yti_path_join(folder, "weights/best.safetensors");
    if (!output->last_path || !output->best_path) return yti_no_memory(err, "the paths of the run");
    return yti_folder_lock(folder, &output->lock, err);
}

static yt_status add_best(yti_output *output, const yti_run_view *run, yt_err *err) {
    const yti_run_parts *parts = run->parts;
    yti_saved_file *file;
    YT_TRY(yti_saver_add(&output->saver, output->best_path, &file, err));
    YT_TRY(
        yti_entries_add_state(&file->entries, "", parts->model, &parts->average.state, run->progress->iterations, err));
    return yti_metadata_describe(&file->metadata, parts->model, &run->data->names, run->config->imgsz, err);
}

static yt_status add_checkpoint(yti_output *output, const yti_run_view *run, const char *path, yt_err *err) {
    yti_saved_file *file;
    YT_TRY(yti_saver_add(&output->saver, path, &file, err));
    return yti_checkpoint_fill(run, file, err);
}

/* weights/epochN.safetensors, N from 0, as the reference trainer names them. */
static yt_status add_kept(yti_output *output, const yti_run_view *run, yt_err *err) {
    const int epoch = run->progress->epochs_done - 1, period = run->config->save_period;
    if (period < 1 || epoch % period != 0) return YT_OK;
    const size_t room = strlen(output->folder) + 64;
    char *path = malloc(room);
    if (!path) return yti_no_memory(err, "the name of a checkpoint");
    snprintf(path, room, "%s/weights/epoch%d.safetensors", output->folder, epoch);
    yt_status status = add_checkpoint(output, run, path, err);
    free(path);
    return status;
}

/* best before last: a run killed between the two repeats the epoch and writes the same best again. Gradients that
 * wait for an update change with the next batch, so that it has to wait too. */
yt_status yti_output_save(yti_output *output, const yti_run_view *run, yt_err *err) {
    if (run->progress->last.is_best) YT_TRY(add_best(output, run, err));
    YT_TRY(add_kept(output, run, err));
    YT_TRY(add_checkpoint(output, run, output->last_path, err));
    yti_saver_begin(&output->saver);
    output->has_checkpoint = true;
    return yti_gradients_wait(run->progress) ? yti_saver_wait(&output->saver, err) : YT_OK;
}

yt_status yti_output_finish(yti_output *output, yti_progress *progress, yt_err *err) {
    yt_status status = yti_saver_wait(&output->saver, err);
    if (status != YT_OK) progress->epochs_done--;
    return status;
}
