/* failing.c: see failing.h.
 *
 * A function of this name in the program, or in a library that is loaded first, is the one that everybody calls; the C
 * library's own is found by dlsym(RTLD_NEXT). Whose call it is, the return address says: it lies in the code of the
 * program or of a library.
 *
 * A stream on which something failed gets its error flag, as the C library sets it; a memory stream fails as an
 * allocation. getline without memory sets no flag: older C libraries don't either.
 */
#define _GNU_SOURCE
#include "failing.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_RANGES = 64, ERROR_SEEN = 0x20 /* glibc's _IO_ERR_SEEN */ };

/* Code whose calls are counted. */
static struct { uintptr_t from, to, base; } ranges[MAX_RANGES];
static int n_ranges;

static _Atomic int armed;
static _Atomic long count, failed;
static long at;
static bool on;
static int mark_fd = -1, trace_fd = -1;

static const char *const counted_libraries[] = {"libyolotrain", "libyaml", "libcjson", "libzip",
                                                "libjpeg",      "libwebp", "libtiff"};

static int add_object(struct dl_phdr_info *info, size_t size, void *context) {
    (void)size;
    bool *first = context; /* the program itself comes first, without a name */
    bool wanted = *first;
    *first = false;
    for (size_t i = 0; i < sizeof counted_libraries / sizeof *counted_libraries; i++)
        wanted = wanted || strstr(info->dlpi_name, counted_libraries[i]);
    for (int i = 0; wanted && i < info->dlpi_phnum && n_ranges < MAX_RANGES; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        if (part->p_type != PT_LOAD || !(part->p_flags & PF_X)) continue;
        ranges[n_ranges].from = info->dlpi_addr + part->p_vaddr;
        ranges[n_ranges].to = ranges[n_ranges].from + part->p_memsz;
        ranges[n_ranges++].base = info->dlpi_addr;
    }
    return 0;
}

static void find_ranges(void) {
    bool first = true;
    if (n_ranges == 0) dl_iterate_phdr(add_object, &first);
}

/* Without stdio and without memory. */
static void write_line(int fd, long n, const char *name, int range, uintptr_t caller) {
    char line[128];
    const int length = snprintf(line, sizeof line, "%ld %s %d+%#lx\n", n, name, range,
                                (unsigned long)(caller - ranges[range].base));
    static ssize_t (*next)(int, const void *, size_t);
    if (!next) *(void **)&next = dlsym(RTLD_NEXT, "write");
    if (length > 0 && next(fd, line, (size_t)length) != length) _exit(125);
}

/* Counts a call and says whether it is to fail. */
static bool fails(failing_kind kind, const char *name, const void *caller) {
    if (atomic_load_explicit(&armed, memory_order_relaxed) != (int)kind) return false;
    const uintptr_t address = (uintptr_t)caller;
    int range = 0;
    while (range < n_ranges && (address < ranges[range].from || address >= ranges[range].to)) range++;
    if (range == n_ranges) return false;
    const long n = atomic_fetch_add(&count, 1) + 1;
    const int kept = errno;
    if (trace_fd >= 0) write_line(trace_fd, n, name, range, address);
    const bool now = at > 0 && (n == at || (on && n > at));
    if (now && atomic_fetch_add(&failed, 1) == 0 && mark_fd >= 0) write_line(mark_fd, n, name, range, address);
    errno = kept;
    return now;
}

void failing_begin(failing_kind kind, long n, bool lasting) {
    find_ranges();
    at = n;
    on = lasting;
    atomic_store(&count, 0);
    atomic_store(&failed, 0);
    atomic_store(&armed, (int)kind);
}

bool failing_end(void) {
    atomic_store(&armed, FAILING_NOTHING);
    return atomic_load(&failed) > 0;
}

long failing_count(void) {
    return atomic_load(&count);
}

static int open_report(const char *variable) {
    const char *path = getenv(variable);
    /* A high number, so that what the program opens has the numbers it would have. */
    const int fd = path ? open(path, O_WRONLY | O_CREAT | O_APPEND, 0666) : -1;
    const int high = fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, 200) : -1;
    if (fd >= 0) close(fd);
    return high;
}

__attribute__((constructor)) static void begin_by_environment(void) {
    const char *what = getenv("YT_FAIL"), *program = getenv("YT_FAIL_PROGRAM");
    if (!program) program = "yolo";
    if (!what || strncmp(program_invocation_short_name, program, strlen(program)) != 0) return;
    const failing_kind kind = strncmp(what, "alloc:", 6) == 0 ? FAILING_ALLOC
                              : strncmp(what, "io:", 3) == 0  ? FAILING_IO
                                                              : FAILING_NOTHING;
    if (kind == FAILING_NOTHING) _exit(125);
    mark_fd = open_report("YT_FAIL_MARK");
    trace_fd = open_report("YT_FAIL_TRACE");
    char *end;
    const long n = strtol(strchr(what, ':') + 1, &end, 10);
    failing_begin(kind, n, *end == '+');
}

/* The function of this name that this one stands before. */
#define NEXT(name)                                                                                                     \
    static __typeof__(name) *next;                                                                                     \
    if (!next) *(void **)&next = dlsym(RTLD_NEXT, #name)

#define CALLER __builtin_return_address(0)

/* Defines a function that fails with `result` and an error number, or is the next one. */
#define FAILING(kind, type, name, parameters, arguments, result, number)                                               \
    type name parameters {                                                                                             \
        NEXT(name);                                                                                                    \
        if (!fails(kind, #name, CALLER)) return next arguments;                                                        \
        errno = number;                                                                                                \
        return result;                                                                                                 \
    }

/* ---- memory ---- */

FAILING(FAILING_ALLOC, void *, malloc, (size_t bytes), (bytes), NULL, ENOMEM)
FAILING(FAILING_ALLOC, void *, calloc, (size_t n, size_t bytes), (n, bytes), NULL, ENOMEM)
FAILING(FAILING_ALLOC, void *, realloc, (void *old, size_t bytes), (old, bytes), NULL, ENOMEM)
FAILING(FAILING_ALLOC, void *, aligned_alloc, (size_t align, size_t bytes), (align, bytes), NULL, ENOMEM)
FAILING(FAILING_ALLOC, int, posix_memalign, (void **out, size_t align, size_t bytes), (out, align, bytes), ENOMEM,
        ENOMEM)
FAILING(FAILING_ALLOC, char *, strdup, (const char *text), (text), NULL, ENOMEM)
FAILING(FAILING_ALLOC, char *, strndup, (const char *text, size_t most), (text, most), NULL, ENOMEM)
FAILING(FAILING_ALLOC, FILE *, open_memstream, (char **text, size_t *bytes), (text, bytes), NULL, ENOMEM)
FAILING(FAILING_ALLOC, int, pthread_create,
        (pthread_t * thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument),
        (thread, attributes, run, argument), EAGAIN, EAGAIN)

/* ---- files and folders ---- */

FAILING(FAILING_IO, ssize_t, read, (int fd, void *data, size_t bytes), (fd, data, bytes), -1, EIO)
FAILING(FAILING_IO, ssize_t, write, (int fd, const void *data, size_t bytes), (fd, data, bytes), -1, ENOSPC)
FAILING(FAILING_IO, ssize_t, pread, (int fd, void *data, size_t bytes, off_t from), (fd, data, bytes, from), -1, EIO)
FAILING(FAILING_IO, ssize_t, pwrite, (int fd, const void *data, size_t bytes, off_t to), (fd, data, bytes, to), -1,
        ENOSPC)
FAILING(FAILING_IO, int, fsync, (int fd), (fd), -1, EIO)
FAILING(FAILING_IO, int, ftruncate, (int fd, off_t bytes), (fd, bytes), -1, EIO)
FAILING(FAILING_IO, int, stat, (const char *path, struct stat *info), (path, info), -1, EIO)
FAILING(FAILING_IO, int, lstat, (const char *path, struct stat *info), (path, info), -1, EIO)
FAILING(FAILING_IO, int, fstat, (int fd, struct stat *info), (fd, info), -1, EIO)
FAILING(FAILING_IO, int, access, (const char *path, int mode), (path, mode), -1, EIO)
FAILING(FAILING_IO, char *, realpath, (const char *path, char *out), (path, out), NULL, EIO)
FAILING(FAILING_IO, int, mkdir, (const char *path, mode_t mode), (path, mode), -1, ENOSPC)
FAILING(FAILING_IO, int, rename, (const char *from, const char *to), (from, to), -1, EIO)
FAILING(FAILING_IO, int, unlink, (const char *path), (path), -1, EIO)
FAILING(FAILING_IO, int, fchmod, (int fd, mode_t mode), (fd, mode), -1, EIO)
FAILING(FAILING_IO, int, fchown, (int fd, uid_t user, gid_t group), (fd, user, group), -1, EIO)
FAILING(FAILING_IO, int, flock, (int fd, int operation), (fd, operation), -1, ENOLCK)
FAILING(FAILING_IO, int, dup, (int fd), (fd), -1, EMFILE)
FAILING(FAILING_IO, DIR *, opendir, (const char *path), (path), NULL, EMFILE)
FAILING(FAILING_IO, struct dirent *, readdir, (DIR * folder), (folder), NULL, EIO)

int open(const char *path, int flags, ...) {
    NEXT(open);
    va_list more;
    va_start(more, flags);
    const mode_t mode = flags & O_CREAT ? va_arg(more, mode_t) : 0;
    va_end(more);
    if (!fails(FAILING_IO, "open", CALLER)) return next(path, flags, mode);
    errno = flags & O_CREAT ? ENOSPC : EMFILE;
    return -1;
}

int close(int fd) { /* the file is closed, whatever close says */
    NEXT(close);
    const int result = next(fd);
    if (!fails(FAILING_IO, "close", CALLER)) return result;
    errno = EIO;
    return -1;
}

/* ---- streams ---- */

FAILING(FAILING_IO, FILE *, fopen, (const char *path, const char *mode), (path, mode), NULL,
        *mode == 'r' ? EMFILE : ENOSPC)
FAILING(FAILING_IO, FILE *, fdopen, (int fd, const char *mode), (fd, mode), NULL, EMFILE)

/* Whether a call that writes to a stream (or reads from it: reading) is to fail; then the stream has its error flag. */
static bool stream_fails(FILE *stream, const char *name, const void *caller, bool reading) {
    const bool in_memory = stream->_fileno < 0;
    if (stream == stderr) return false; /* whoever cannot say a thing cannot say that either */
    if (!fails(in_memory ? FAILING_ALLOC : FAILING_IO, name, caller)) return false;
    stream->_flags |= ERROR_SEEN;
    errno = in_memory ? ENOMEM : reading ? EIO : ENOSPC;
    return true;
}

#define STREAM(reading, type, name, parameters, arguments, result)                                                     \
    type name parameters {                                                                                             \
        NEXT(name);                                                                                                    \
        return stream_fails(stream, #name, CALLER, reading) ? (result) : next arguments;                               \
    }
STREAM(true, size_t, fread, (void *data, size_t bytes, size_t n, FILE *stream), (data, bytes, n, stream), 0)
STREAM(true, char *, fgets, (char *text, int room, FILE *stream), (text, room, stream), NULL)
STREAM(false, size_t, fwrite, (const void *data, size_t bytes, size_t n, FILE *stream), (data, bytes, n, stream), 0)
STREAM(false, int, fputs, (const char *text, FILE *stream), (text, stream), EOF)
STREAM(false, int, fputc, (int c, FILE *stream), (c, stream), EOF)
STREAM(false, int, putc, (int c, FILE *stream), (c, stream), EOF)
STREAM(false, int, vfprintf, (FILE * stream, const char *format, va_list values), (stream, format, values), -1)
STREAM(false, int, fflush, (FILE * stream), (stream), EOF)

int fprintf(FILE *stream, const char *format, ...) {
    static int (*next)(FILE *, const char *, va_list);
    if (!next) *(void **)&next = dlsym(RTLD_NEXT, "vfprintf");
    if (stream_fails(stream, "fprintf", CALLER, false)) return -1;
    va_list values;
    va_start(values, format);
    const int result = next(stream, format, values);
    va_end(values);
    return result;
}

int printf(const char *format, ...) {
    static int (*next)(FILE *, const char *, va_list);
    if (!next) *(void **)&next = dlsym(RTLD_NEXT, "vfprintf");
    if (stream_fails(stdout, "printf", CALLER, false)) return -1;
    va_list values;
    va_start(values, format);
    const int result = next(stdout, format, values);
    va_end(values);
    return result;
}

int puts(const char *text) {
    NEXT(puts);
    return stream_fails(stdout, "puts", CALLER, false) ? EOF : next(text);
}

int putchar(int c) {
    NEXT(putchar);
    return stream_fails(stdout, "putchar", CALLER, false) ? EOF : next(c);
}

ssize_t getline(char **line, size_t *room, FILE *stream) {
    NEXT(getline);
    if (stream_fails(stream, "getline", CALLER, true)) return -1;
    if (!fails(FAILING_ALLOC, "getline", CALLER)) return next(line, room, stream);
    errno = ENOMEM;
    return -1;
}

/* The stream is closed, whatever fclose says. One that only reads has nothing to lose. */
int fclose(FILE *stream) {
    NEXT(fclose);
    const bool in_memory = stream->_fileno < 0, writes = !(stream->_flags & 8); /* glibc's _IO_NO_WRITES */
    const int result = next(stream);
    if (!writes || !fails(in_memory ? FAILING_ALLOC : FAILING_IO, "fclose", CALLER)) return result;
    errno = in_memory ? ENOMEM : ENOSPC;
    return EOF;
}

/* ---- processes ---- */

FAILING(FAILING_IO, int, posix_spawnp,
        (pid_t * pid, const char *file, const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attributes,
         char *const arguments[], char *const environment[]),
        (pid, file, actions, attributes, arguments, environment), ENOMEM, ENOMEM)
