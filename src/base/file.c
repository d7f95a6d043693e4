/* file.c: whole files, atomic writing, and the few path operations the library needs.
 *
 * Writing goes to a temporary name beside the target and is renamed over it after fsync, so that a reader, or a machine
 * that loses power, sees the old file or the new one and never half of one. Only a file is replaced, and a link leads
 * to the file that is: a device or a pipe gets the bytes themselves.
 */
#define _DEFAULT_SOURCE     /* flock */
#define _XOPEN_SOURCE   700 /* realpath */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* A first guess at the size; the true size is found by reading (pipes and /proc report 0). */
static size_t size_hint(FILE *file) {
    struct stat info;
    if (fstat(fileno(file), &info) != 0 || info.st_size <= 0) return 0;
    return (uint64_t)info.st_size < SIZE_MAX ? (size_t)info.st_size : SIZE_MAX;
}

static yt_status read_stream(FILE *file, const char *path, size_t max_bytes, char **data, size_t *bytes, yt_err *err) {
    size_t hint = size_hint(file);
    if (hint > max_bytes)
        return yt_fail(err, YT_ERR_IO, "%s: has %zu bytes; at most %zu are accepted here", path, hint, max_bytes);
    size_t capacity = (hint > 4096 ? hint : 4096) + 2, used = 0; /* one for NUL, one to meet the end of file */
    char *buffer = malloc(capacity);
    if (!buffer) return yt_fail(err, YT_ERR_NO_MEMORY, "%s: no memory to read %zu bytes", path, capacity);
    for (;;) {
        used += fread(buffer + used, 1, capacity - 1 - used, file);
        if (used < capacity - 1 || used > max_bytes) break;
        char *grown = capacity <= SIZE_MAX / 2 ? realloc(buffer, capacity * 2) : NULL;
        if (!grown) {
            free(buffer);
            return yt_fail(err, YT_ERR_NO_MEMORY, "%s: no memory to read more than %zu bytes", path, used);
        }
        buffer = grown;
        capacity *= 2;
    }
    yt_status status = YT_OK;
    if (ferror(file))
        status = yt_fail(err, YT_ERR_IO, "%s: cannot be read: %s", path, strerror(errno));
    else if (used > max_bytes)
        status = yt_fail(err, YT_ERR_IO, "%s: has more than %zu bytes, which is all that is accepted here", path,
                         max_bytes);
    if (status != YT_OK) {
        free(buffer);
        return status;
    }
    buffer[used] = '\0';
    *data = buffer;
    *bytes = used;
    return YT_OK;
}

yt_status yti_file_read(const char *path, size_t max_bytes, char **data, size_t *bytes, yt_err *err) {
    FILE *file = fopen(path, "rb");
    if (!file) return yt_fail(err, YT_ERR_IO, "%s: cannot be opened: %s", path, strerror(errno));
    yt_status status = read_stream(file, path, max_bytes, data, bytes, err);
    fclose(file); /* read only: nothing can be lost */
    return status;
}

static void writer_clear(yti_file_writer *writer) {
    free(writer->path);
    free(writer->target);
    free(writer->temporary);
    *writer = (yti_file_writer){0};
}

/* Whether a file is what a standard stream of this process goes to (/dev/stdout of "> file"): another file under
 * that name would not be the one that the stream writes on. */
static bool is_standard_stream(const struct stat *info) {
    struct stat own;
    for (int fd = 0; fd <= 2; fd++)
        if (fstat(fd, &own) == 0 && own.st_dev == info->st_dev && own.st_ino == info->st_ino) return true;
    return false;
}

/* What is to be replaced: the file itself where `path` is a link, or a name that is free. NULL: it is not replaced
 * but written to, as a device, a pipe or a standard stream is. */
static yt_status find_target(const char *path, char **target, struct stat *former, yt_err *err) {
    *former = (struct stat){0};
    *target = NULL;
    if (stat(path, former) != 0) {
        const int reason = errno;
        struct stat link;
        if (reason != ENOENT) return yt_fail(err, YT_ERR_IO, "%s: cannot be written: %s", path, strerror(reason));
        if (lstat(path, &link) == 0)
            return yt_fail(err, YT_ERR_IO, "%s: is a link to a file that does not exist; remove the link", path);
        *target = strdup(path);
    } else if (S_ISDIR(former->st_mode)) {
        return yt_fail(err, YT_ERR_IO, "%s: is a folder; name a file", path);
    } else if (!S_ISREG(former->st_mode) || is_standard_stream(former)) {
        return YT_OK;
    } else if (access(path, W_OK) != 0) {
        return yt_fail(err, YT_ERR_IO, "%s: cannot be written: %s", path, strerror(errno));
    } else {
        *target = realpath(path, NULL);
        if (!*target && errno != ENOMEM)
            return yt_fail(err, YT_ERR_IO, "%s: cannot be written: %s", path, strerror(errno));
    }
    return *target ? YT_OK : yt_fail(err, YT_ERR_NO_MEMORY, "%s: no memory to open it for writing", path);
}

/* Owner, as far as this process may give files away, and mode of the file that is replaced. */
static bool keep_mode(int fd, const struct stat *former) {
    if (!S_ISREG(former->st_mode)) return true;
    struct stat own;
    if (fstat(fd, &own) == 0 && (own.st_uid != former->st_uid || own.st_gid != former->st_gid) &&
        fchown(fd, former->st_uid, former->st_gid) != 0 && errno != EPERM)
        return false;
    return fchmod(fd, former->st_mode & 07777) == 0;
}

static yt_status open_stream(yti_file_writer *writer, const struct stat *former, yt_err *err) {
    if (writer->target) {
        const size_t room = strlen(writer->target) + 32;
        writer->temporary = malloc(room);
        if (!writer->temporary)
            return yt_fail(err, YT_ERR_NO_MEMORY, "%s: no memory to open it for writing", writer->path);
        snprintf(writer->temporary, room, "%s" YT_TEMPORARY "%ld", writer->target, (long)getpid());
    }
    writer->stream = fopen(writer->temporary ? writer->temporary : writer->path, "wb");
    /* For src/base/folder.c, which knows by it that somebody writes; where there are no locks, it removes nothing. */
    if (writer->stream && writer->temporary) (void)flock(fileno(writer->stream), LOCK_SH | LOCK_NB);
    if (writer->stream && (!writer->temporary || keep_mode(fileno(writer->stream), former))) return YT_OK;
    return yt_fail(err, YT_ERR_IO, "%s: cannot be written: %s", writer->path, strerror(errno));
}

yt_status yti_file_writer_open(const char *path, yti_file_writer *out, yt_err *err) {
    yti_file_writer writer = {.path = strdup(path)};
    struct stat former;
    yt_status status = writer.path ? find_target(path, &writer.target, &former, err)
                                   : yt_fail(err, YT_ERR_NO_MEMORY, "%s: no memory to open it for writing", path);
    if (status == YT_OK) status = open_stream(&writer, &former, err);
    if (status == YT_OK)
        *out = writer;
    else
        yti_file_writer_discard(&writer);
    return status;
}

/* Makes the rename itself durable. Some file systems refuse fsync on a folder; the file is complete then too. */
static void sync_folder_of(const char *path) {
    char *folder = yti_path_dir(path);
    FILE *handle = folder ? fopen(folder, "r") : NULL;
    if (handle) {
        (void)fsync(fileno(handle));
        fclose(handle);
    }
    free(folder);
}

yt_status yti_file_writer_commit(yti_file_writer *writer, yt_err *err) {
    const bool replaces = writer->temporary != NULL;
    const int held = replaces ? dup(fileno(writer->stream)) : -1; /* keeps the lock until the file has its name */
    bool good = !ferror(writer->stream) && fflush(writer->stream) == 0 &&
                (!replaces || fsync(fileno(writer->stream)) == 0);
    int reason = good ? 0 : errno;
    if (fclose(writer->stream) != 0 && good) {
        good = false;
        reason = errno;
    }
    writer->stream = NULL;
    if (good && replaces && rename(writer->temporary, writer->target) != 0) {
        good = false;
        reason = errno;
    }
    if (held >= 0) close(held);
    yt_status status = YT_OK;
    if (good) {
        if (replaces) sync_folder_of(writer->target);
        writer_clear(writer);
    } else {
        status = yt_fail(err, YT_ERR_IO, "%s: writing failed: %s%s", writer->path, strerror(reason),
                         replaces ? "; the former file, if any, is as it was" : "");
        yti_file_writer_discard(writer);
    }
    return status;
}

void yti_file_writer_discard(yti_file_writer *writer) {
    if (writer->stream) fclose(writer->stream);
    if (writer->temporary) unlink(writer->temporary);
    writer_clear(writer);
}

bool yti_open_standard_streams(void) {
    for (int fd = 0; fd <= 2; fd++) /* open gives the lowest number that is free */
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd) return false;
    return true;
}

bool yti_path_is_dir(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

bool yti_path_exists(const char *path) {
    struct stat info;
    return stat(path, &info) == 0;
}

yt_status yti_folder_next(DIR *dir, const char *path, const char **name, yt_err *err) {
    *name = NULL;
    for (;;) {
        errno = 0; /* the only sign that tells a failure from the end */
        const struct dirent *entry = readdir(dir);
        if (!entry && errno)
            return yt_fail(err, YT_ERR_IO, "%s: the folder cannot be read to its end: %s", path, strerror(errno));
        if (!entry) return YT_OK;
        if (entry->d_name[0] == '.') continue;
        *name = entry->d_name;
        return YT_OK;
    }
}

yt_status yti_path_make_dirs(const char *path, yt_err *err) {
    size_t length = strlen(path);
    char *part = malloc(length + 1);
    if (!part) return yt_fail(err, YT_ERR_NO_MEMORY, "%s: no memory to make the folder", path);
    memcpy(part, path, length + 1);
    yt_status status = YT_OK;
    for (size_t i = 1; i <= length && status == YT_OK; i++) {
        if (part[i] != '/' && part[i] != '\0') continue;
        char kept = part[i];
        part[i] = '\0';
        if (mkdir(part, 0777) != 0) {
            int reason = errno;
            if (!yti_path_is_dir(part)) /* EEXIST by a folder is what we want */
                status = yt_fail(err, YT_ERR_IO, "%s: the folder cannot be made: %s", part, strerror(reason));
        }
        part[i] = kept;
    }
    free(part);
    return status;
}

char *yti_path_join(const char *a, const char *b) {
    size_t a_length = b[0] == '/' ? 0 : strlen(a), b_length = strlen(b);
    bool slash = a_length > 0 && a[a_length - 1] != '/';
    char *joined = malloc(a_length + slash + b_length + 1);
    if (!joined) return NULL;
    memcpy(joined, a, a_length);
    if (slash) joined[a_length] = '/';
    memcpy(joined + a_length + slash, b, b_length + 1);
    return joined;
}

char *yti_path_dir(const char *path) {
    const char *slash = strrchr(path, '/');
    const char *text = slash ? path : ".";
    size_t length = !slash || slash == path ? 1 : (size_t)(slash - path);
    char *dir = malloc(length + 1);
    if (!dir) return NULL;
    memcpy(dir, text, length);
    dir[length] = '\0';
    return dir;
}

const char *yti_path_base(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}
