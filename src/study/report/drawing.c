/* drawing.c: how a figure begins in the script, and the file of its numbers. */
#include "study/report/drawing.h"

#include <stdlib.h>

yt_status study_open_numbers(const study_drawing *d, const char *name, yti_file_writer *writer, yt_err *err) {
    char file[STUDY_TEXT + 8];
    snprintf(file, sizeof file, "%s.dat", name);
    char *path = yti_path_join(d->folder, file);
    if (!path) return yti_no_memory(err, "the names of figures");
    yt_status status = yti_file_writer_open(path, writer, err);
    free(path);
    return status;
}

void study_begin_figure(study_drawing *d, const char *file, const char *caption, int height) {
    study_figure *f = &d->figures[d->count++];
    snprintf(f->file, sizeof f->file, "%s.svg", file);
    snprintf(f->caption, sizeof f->caption, "%s", caption);
    fprintf(d->script,
            "\nreset\nset encoding utf8\nset terminal svg size 960,%d dynamic noenhanced font "
            "'sans-serif,15' background "
            "rgb 'white' name 'figure%d'\nset output '%s'\nset border 3\nset tics nomirror out\n",
            height, d->count, f->file);
}
