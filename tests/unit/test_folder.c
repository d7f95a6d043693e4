/* Tests of src/base/folder.c: folders made fresh, locked, listed and swept. */
#include "base/folder.h"
#include "support/folder.h"
#include "yt/file.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

TestSuite(folder, .init = yt_folder_make, .fini = yt_folder_remove);

/* Each child takes one as soon as all are there. */
Test(folder, processes_that_start_together_get_folders_of_their_own) {
    enum { CHILDREN = 8 };
    int gate[2];
    cr_assert_eq(pipe(gate), 0);
    for (int i = 0; i < CHILDREN; i++) {
        const pid_t child = fork();
        cr_assert_geq(child, 0);
        if (child > 0) continue;
        char *name, byte;
        close(gate[1]);
        if (read(gate[0], &byte, 1) != 0) _exit(2); /* the gate is closed for all at once */
        if (yti_folder_fresh(yt_folder_path("a/run"), &name, NULL) != YT_OK) _exit(1);
        char *mark = yt_path_join(name, "mark");
        _exit(mkdir(mark, 0777) == 0 ? 0 : 3); /* fails where another one was here */
    }
    close(gate[1]);
    for (int i = 0, status; i < CHILDREN; i++) cr_assert(wait(&status) > 0 && status == 0, "%d", status);
    cr_assert(yt_path_exists(yt_folder_path("a/run-8/mark")));
    cr_assert(!yt_path_exists(yt_folder_path("a/run-9")));
}

Test(folder, a_locked_folder_names_the_process_that_has_it) {
    yti_lock lock = YTI_UNLOCKED;
    cr_assert_eq(yti_folder_lock(yt_folder_path(""), &lock, NULL), YT_OK);
    const pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        yti_lock second = YTI_UNLOCKED;
        yt_err err = {.text = ""};
        char expected[64];
        snprintf(expected, sizeof expected, "process %ld is working in this folder", (long)getppid());
        const bool refused = yti_folder_lock(yt_folder_path(""), &second, &err) == YT_IO;
        _exit(refused && strstr(err.text, expected) ? 0 : 1);
    }
    int status;
    cr_assert(waitpid(child, &status, 0) == child && status == 0);
    yti_folder_unlock(&lock);
    cr_assert(!yt_path_exists(yt_folder_path(".lock")));
    cr_assert_eq(yti_folder_lock(yt_folder_path(""), &lock, NULL), YT_OK);
    yti_folder_unlock(&lock);
}

Test(folder, the_lock_of_a_process_that_was_killed_is_free) {
    const pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        yti_lock lock = YTI_UNLOCKED;
        if (yti_folder_lock(yt_folder_path(""), &lock, NULL) != YT_OK) _exit(1);
        raise(SIGKILL);
    }
    int status;
    cr_assert(waitpid(child, &status, 0) == child && WIFSIGNALED(status));
    cr_assert(yt_path_exists(yt_folder_path(".lock")));
    yti_lock lock = YTI_UNLOCKED;
    cr_assert_eq(yti_folder_lock(yt_folder_path(""), &lock, NULL), YT_OK);
    yti_folder_unlock(&lock);
}

static bool count(void *context, const char *name) {
    (void)name;
    ++*(int *)context;
    return true;
}

Test(folder, a_list_has_every_visible_name_and_a_file_is_no_folder) {
    int n = 0;
    yt_folder_write_text("a/x", "");
    yt_folder_write_text("a/.y", "");
    yt_folder_write_text("a/b/z", "");
    cr_assert_eq(yti_folder_list(yt_folder_path("a"), count, &n, NULL), YT_OK);
    cr_assert_eq(n, 2);
    cr_assert_eq(yti_folder_list(yt_folder_path("none"), count, &n, NULL), YT_OK);
    cr_assert_eq(n, 2);
    cr_assert_eq(yti_folder_list(yt_folder_path("a/x"), count, &n, NULL), YT_IO);
}

Test(folder, only_files_of_processes_that_are_gone_are_swept) {
    char own[64], gone[64];
    const pid_t child = fork();
    if (child == 0) _exit(0);
    cr_assert_eq(waitpid(child, NULL, 0), child);
    snprintf(own, sizeof own, "a.safetensors" YT_TEMPORARY "%ld", (long)getpid());
    snprintf(gone, sizeof gone, "a.safetensors" YT_TEMPORARY "%ld", (long)child);
    yt_folder_write_text(own, "");
    yt_folder_write_text(gone, "");
    yt_folder_write_text("a.tmp-notes", "");
    yt_folder_write_text("a.tmp-", "");
    yt_folder_write_text("a.safetensors", "");
    cr_assert_eq(yti_folder_sweep(yt_folder_path(""), NULL), YT_OK);
    cr_assert(!yt_path_exists(yt_folder_path(gone)));
    cr_assert(yt_path_exists(yt_folder_path(own)) && yt_path_exists(yt_folder_path("a.tmp-notes")) &&
              yt_path_exists(yt_folder_path("a.tmp-")) && yt_path_exists(yt_folder_path("a.safetensors")));
}
