/* folder.c: see folder.h.
 *
 * A lock is flock(2) on a file, which the system releases with the process. Its file is removed by the holder, so one
 * that waited for nothing may have locked a file that is no longer there: it looks whether the name still leads to it.
 *
 * A temporary file is left over where the process that its name counts is gone and nobody holds its lock. The number
 * alone says little: a process of another container, or of another machine that shares the folder, is not seen from
 * here.
 */
#define _DEFAULT_SOURCE /* flock */
#include "base/folder.h"
#include "base/file.h"
#include "base/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_FOLDERS = 100000 };

static yt_status make_parent(const char *path, yt_err *err) {
    char *parent = yti_path_dir(path);
    if (!parent) return yt_fail(err, YT_ERR_NO_MEMORY, "%s: no memory to make the folder", path);
    yt_status status = yti_path_make_dirs(parent, err);
    free(parent);
    return status;
}

yt_status yti_folder_fresh(const char *path, char **out, yt_err *err) {
    YT_TRY(make_parent(path, err));
    size_t room = strlen(path) + 16;
    char *name = malloc(room);
    if (!name) return yt_fail(err, YT_ERR_NO_MEMORY, "%s: no memory to make the folder", path);
    snprintf(name, room, "%s", path);
    /* mkdir is the test: two programs that start together get two folders. */
    for (int i = 2; mkdir(name, 0777) != 0; i++) {
        if (errno != EEXIST || i > MAX_FOLDERS) {
            yt_status status = errno == EEXIST
                                   ? yt_fail(err, YT_ERR_IO,
                                             "%s: there are %d folders of this name already; choose another one", path,
                                             MAX_FOLDERS)
                                   : yt_fail(err, YT_ERR_IO, "%s: the folder cannot be made: %s", name,
                                             strerror(errno));
            free(name);
            return status;
        }
        snprintf(name, room, "%s-%d", path, i);
    }
    *out = name;
    return YT_OK;
}

/* ---- locks ---- */

static bool is_still_there(int fd, const char *path) {
    struct stat own, named;
    return fstat(fd, &own) == 0 && stat(path, &named) == 0 && own.st_dev == named.st_dev && own.st_ino == named.st_ino;
}

static yt_status taken(int fd, const char *folder, yt_err *err) {
    char who[32] = "";
    ssize_t length = pread(fd, who, sizeof who - 1, 0);
    who[length > 0 ? length : 0] = '\0';
    const long pid = strtol(who, NULL, 10);
    char process[48] = "another process";
    if (pid > 0) snprintf(process, sizeof process, "process %ld", pid);
    return yt_fail(err, YT_ERR_IO, "%s: %s is working in this folder; wait for it, or name another folder", folder,
                   process);
}

/* Writes down who has it, for the one that comes too late; only a comfort. */
static void sign(int fd) {
    char who[32];
    const int length = snprintf(who, sizeof who, "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, who, (size_t)length, 0) != length) return;
}

static yt_status lock_file(const char *folder, const char *path, int *out, yt_err *err) {
    for (;;) {
        const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
        if (fd < 0) return yt_fail(err, YT_ERR_IO, "%s: cannot be written: %s", path, strerror(errno));
        if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
            if (is_still_there(fd, path)) {
                sign(fd);
                *out = fd;
                return YT_OK;
            }
        } else if (errno == EWOULDBLOCK) {
            yt_status status = taken(fd, folder, err);
            close(fd);
            return status;
        } else if (errno != EINTR) { /* ENOLCK, ENOSYS, EOPNOTSUPP and the like */
            yti_log(YT_LOG_WARNING,
                    "%s: this file system has no locks (%s): see to it that no other process works in this "
                    "folder",
                    folder, strerror(errno));
            *out = fd;
            return YT_OK;
        }
        close(fd);
    }
}

yt_status yti_folder_lock(const char *folder, yti_lock *lock, yt_err *err) {
    if (lock->fd >= 0) return YT_OK;
    char *path = yti_path_join(folder, ".lock");
    if (!path) return yt_fail(err, YT_ERR_NO_MEMORY, "%s: no memory to lock it", folder);
    yt_status status = lock_file(folder, path, &lock->fd, err);
    if (status == YT_OK)
        lock->path = path;
    else
        free(path);
    return status;
}

void yti_folder_unlock(yti_lock *lock) {
    if (lock->fd >= 0) {
        unlink(lock->path); /* before it is released: nobody else's is removed */
        close(lock->fd);
    }
    free(lock->path);
    *lock = YTI_UNLOCKED;
}

/* ---- what is in it ---- */

yt_status yti_folder_list(const char *folder, bool (*visit)(void *context, const char *name), void *context,
                          yt_err *err) {
    DIR *dir = opendir(folder);
    if (!dir && errno == ENOENT) return YT_OK;
    if (!dir) return yt_fail(err, YT_ERR_IO, "%s: cannot be opened: %s", folder, strerror(errno));
    const char *name = NULL;
    yt_status status = yti_folder_next(dir, folder, &name, err);
    while (status == YT_OK && name && visit(context, name)) status = yti_folder_next(dir, folder, &name, err);
    closedir(dir);
    return status;
}

/* The process that writes, or wrote, a temporary file of this name; 0: it is none. */
static long writer_of(const char *name) {
    const char *mark = NULL;
    for (const char *at = name; (at = strstr(at, YT_TEMPORARY)); at++) mark = at;
    if (!mark || mark == name) return 0;
    char *end;
    const char *digits = mark + strlen(YT_TEMPORARY);
    const long pid = *digits >= '1' && *digits <= '9' ? strtol(digits, &end, 10) : 0;
    return pid > 0 && *end == '\0' ? pid : 0;
}

static bool is_process(long pid) {
    return kill((pid_t)pid, 0) == 0 || errno != ESRCH;
}

/* Removes a file unless somebody writes it, or nobody can say. A leftover that stays harms nobody. */
static void remove_unlocked(const char *path) {
    const int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) return;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) unlink(path);
    close(fd);
}

static bool sweep_one(void *context, const char *name) {
    const char *const *folder = context;
    const long pid = writer_of(name);
    char *path = pid && !is_process(pid) ? yti_path_join(*folder, name) : NULL;
    if (path) remove_unlocked(path);
    free(path);
    return true;
}

yt_status yti_folder_sweep(const char *folder, yt_err *err) {
    return yti_folder_list(folder, sweep_one, &folder, err);
}
