/* presence.c: see presence.h. */
#include "base/presence.h"

#include "base/file.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

/* Everything that is not about the name, its rights or its kind. */
bool yti_is_machine_fault(int error_number) {
    static const int of_the_file[] = {0,      ENOENT, ENOTDIR, ELOOP, EACCES,    EPERM,
                                      EISDIR, EINVAL, ENXIO,   EFBIG, EOVERFLOW, ENAMETOOLONG};
    for (size_t i = 0; i < sizeof of_the_file / sizeof *of_the_file; i++)
        if (error_number == of_the_file[i]) return false;
    return true;
}

static const char *kind_of(mode_t mode) {
    if (S_ISDIR(mode)) return "folder";
    if (S_ISFIFO(mode)) return "pipe";
    if (S_ISSOCK(mode)) return "socket";
    return "device";
}

static yt_status fail_of(const char *path, yti_presence *presence, yt_err *reason) {
    *presence = YTI_UNUSABLE;
    const bool of_machine = yti_is_machine_fault(errno);
    yt_fail(reason, of_machine ? YT_ERR_IO : YT_ERR_DATA, "%s: is there, but cannot be looked at: %s", path,
            strerror(errno));
    return of_machine ? YT_ERR_IO : YT_OK;
}

yt_status yti_look_at_file(const char *path, yti_presence *presence, yt_err *reason) {
    struct stat info;
    if (lstat(path, &info) != 0) {
        if (errno != ENOENT) return fail_of(path, presence, reason);
        *presence = YTI_ABSENT;
        yt_fail(reason, YT_ERR_DATA, "%s: does not exist", path);
        return YT_OK;
    }
    if (S_ISLNK(info.st_mode) && stat(path, &info) != 0) return fail_of(path, presence, reason);
    *presence = S_ISREG(info.st_mode) ? YTI_READY : YTI_UNUSABLE;
    if (*presence == YTI_UNUSABLE)
        yt_fail(reason, YT_ERR_DATA, "%s: is a %s and not a file", path, kind_of(info.st_mode));
    return YT_OK;
}

yt_status yti_read_file(const char *path, size_t max_bytes, char **data, size_t *bytes, yt_err *err) {
    yti_presence presence;
    yt_err reason;
    yt_status status = yti_look_at_file(path, &presence, &reason);
    if (status == YT_OK && presence == YTI_READY) return yti_file_read(path, max_bytes, data, bytes, err);
    return yt_fail(err, reason.code, "%s", reason.text);
}
