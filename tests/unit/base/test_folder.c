/* Tests of src/base/folder.c: folders made fresh, locked, listed and swept. */
#define _GNU_SOURCE /* RTLD_NEXT */
#include "base/file.h"
#include "base/folder.h"
#include "base/log.h"
#include "support/folder.h"
#include "support/problems.h"

#include <criterion/criterion.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Stands in front of that of the C library: what a file system without locks answers. 0: it has them. */
static int no_locks;

int flock(int fd, int operation) {
    if (no_locks) {
        errno = no_locks;
        return -1;
    }
    int (*real)(int, int);
    *(void **)&real = dlsym(RTLD_NEXT, "flock");
    return real(fd, operation);
}

TestSuite(folder, .init = test_folder_make, .fini = test_folder_remove);

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
        if (yti_folder_fresh(test_folder_path("a/run"), &name, NULL) != YT_OK) _exit(1);
        char *mark = yti_path_join(name, "mark");
        _exit(mkdir(mark, 0777) == 0 ? 0 : 3); /* fails where another one was here */
    }
    close(gate[1]);
    for (int i = 0, status; i < CHILDREN; i++) cr_assert(wait(&status) > 0 && status == 0, "%d", status);
    cr_assert(yti_path_exists(test_folder_path("a/run-8/mark")));
    cr_assert(!yti_path_exists(test_folder_path("a/run-9")));
}

Test(folder, a_locked_folder_names_the_process_that_has_it) {
    yti_lock lock = YTI_UNLOCKED;
    cr_assert_eq(yti_folder_lock(test_folder_path(""), &lock, NULL), YT_OK);
    const pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        yti_lock second = YTI_UNLOCKED;
        yt_err err = {.text = ""};
        char expected[64];
        snprintf(expected, sizeof expected, "process %ld is working in this folder", (long)getppid());
        const bool refused = yti_folder_lock(test_folder_path(""), &second, &err) == YT_ERR_IO;
        _exit(refused && strstr(err.text, expected) ? 0 : 1);
    }
    int status;
    cr_assert(waitpid(child, &status, 0) == child && status == 0);
    yti_folder_unlock(&lock);
    cr_assert(!yti_path_exists(test_folder_path(".lock")));
    cr_assert_eq(yti_folder_lock(test_folder_path(""), &lock, NULL), YT_OK);
    yti_folder_unlock(&lock);
}

Test(folder, the_lock_of_a_process_that_was_killed_is_free) {
    const pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        yti_lock lock = YTI_UNLOCKED;
        if (yti_folder_lock(test_folder_path(""), &lock, NULL) != YT_OK) _exit(1);
        raise(SIGKILL);
    }
    int status;
    cr_assert(waitpid(child, &status, 0) == child && WIFSIGNALED(status));
    cr_assert(yti_path_exists(test_folder_path(".lock")));
    yti_lock lock = YTI_UNLOCKED;
    cr_assert_eq(yti_folder_lock(test_folder_path(""), &lock, NULL), YT_OK);
    yti_folder_unlock(&lock);
}

static void on_log(void *context, yt_log_level level, const char *text) {
    cr_assert_eq(level, YT_LOG_WARNING);
    test_problems_note(context, text);
}

Test(folder, a_file_system_without_locks_is_reported_and_nothing_is_swept_there) {
    static const int answers[] = {ENOLCK, ENOSYS, EOPNOTSUPP};
    const pid_t child = fork();
    if (child == 0) _exit(0);
    cr_assert_eq(waitpid(child, NULL, 0), child);
    char left[64];
    snprintf(left, sizeof left, "a" YT_TEMPORARY "%ld", (long)child);
    test_folder_write_text(left, "");
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        yti_lock lock = YTI_UNLOCKED;
        test_problems heard = {.count = 0};
        yt_log_set_sink(on_log, &heard);
        no_locks = answers[i];
        cr_assert_eq(yti_folder_lock(test_folder_path("."), &lock, NULL), YT_OK);
        cr_assert_eq(yti_folder_lock(test_folder_path("."), &lock, NULL), YT_OK); /* it is held */
        cr_assert_eq(yti_folder_sweep(test_folder_path("."), NULL), YT_OK);
        yti_folder_unlock(&lock);
        no_locks = 0;
        yt_log_set_sink(NULL, NULL);
        cr_assert_eq(heard.count, 1, "%s", heard.text);
        cr_assert_not_null(strstr(heard.text, ": this file system has no locks ("), "%s", heard.text);
        cr_assert_not_null(strstr(heard.text, "see to it that no other process works in this folder"), "%s",
                           heard.text);
        cr_assert(yti_path_exists(test_folder_path(left)));
    }
}

static bool count(void *context, const char *name) {
    (void)name;
    ++*(int *)context;
    return true;
}

Test(folder, a_list_has_every_visible_name_and_a_file_is_no_folder) {
    int n = 0;
    test_folder_write_text("a/x", "");
    test_folder_write_text("a/.y", "");
    test_folder_write_text("a/b/z", "");
    cr_assert_eq(yti_folder_list(test_folder_path("a"), count, &n, NULL), YT_OK);
    cr_assert_eq(n, 2);
    cr_assert_eq(yti_folder_list(test_folder_path("none"), count, &n, NULL), YT_OK);
    cr_assert_eq(n, 2);
    cr_assert_eq(yti_folder_list(test_folder_path("a/x"), count, &n, NULL), YT_ERR_IO);
}

Test(folder, only_files_of_processes_that_are_gone_are_swept) {
    char own[64], gone[64];
    const pid_t child = fork();
    if (child == 0) _exit(0);
    cr_assert_eq(waitpid(child, NULL, 0), child);
    snprintf(own, sizeof own, "a.safetensors" YT_TEMPORARY "%ld", (long)getpid());
    snprintf(gone, sizeof gone, "a.safetensors" YT_TEMPORARY "%ld", (long)child);
    test_folder_write_text(own, "");
    test_folder_write_text(gone, "");
    test_folder_write_text("a.tmp-notes", "");
    test_folder_write_text("a.tmp-", "");
    test_folder_write_text("a.safetensors", "");
    cr_assert_eq(yti_folder_sweep(test_folder_path(""), NULL), YT_OK);
    cr_assert(!yti_path_exists(test_folder_path(gone)));
    cr_assert(yti_path_exists(test_folder_path(own)) && yti_path_exists(test_folder_path("a.tmp-notes")) &&
              yti_path_exists(test_folder_path("a.tmp-")) && yti_path_exists(test_folder_path("a.safetensors")));
}

/* A writer of another container: its number is that of no process here. */
Test(folder, a_file_that_is_being_written_is_not_swept_whatever_its_number) {
    char gone[64];
    const pid_t child = fork();
    if (child == 0) _exit(0);
    cr_assert_eq(waitpid(child, NULL, 0), child);
    snprintf(gone, sizeof gone, "x" YT_TEMPORARY "%ld", (long)child);
    yti_file_writer writer;
    cr_assert_eq(yti_file_writer_open(test_folder_path("x"), &writer, NULL), YT_OK);
    cr_assert_eq(rename(writer.temporary, test_folder_path(gone)), 0);
    cr_assert_eq(yti_folder_sweep(test_folder_path("."), NULL), YT_OK);
    cr_assert(yti_path_exists(test_folder_path(gone)));
    cr_assert_eq(rename(test_folder_path(gone), writer.temporary), 0);
    fputs("whole", writer.stream);
    cr_assert_eq(yti_file_writer_commit(&writer, NULL), YT_OK);
    cr_assert(yti_path_exists(test_folder_path("x")));
    test_folder_write_text(gone, ""); /* and one that nobody writes */
    cr_assert_eq(yti_folder_sweep(test_folder_path("."), NULL), YT_OK);
    cr_assert_not(yti_path_exists(test_folder_path(gone)));
}
