/* pt_zip.c: the archive around a checkpoint (spec architecture 8.1). The only user of libzip.
 *
 * The framework stores members uncompressed; files that were packed anew have them deflated, which its reader takes
 * too. What members take in the file adds up to no more than the file: that one sum refuses members that overlap. What
 * they unpack to is bounded by a multiple of the file, far above what weights can be packed to: that refuses bombs.
 * Both before anything is read. libzip is asked to compare the local headers with the central directory.
 */
#include "formats/pt_zip.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zip.h>

enum {
    MAX_MEMBERS = 1 << 20,
    MAX_ROOT = 512,
    MAX_NAME = 1024,
    MAX_UNPACKED = 64,        /* times the file; weights pack to more than half of their size */
    MEMBER_OVERHEAD = 30 + 46 /* local and central header, without the names in both */
};

struct yti_pt_zip {
    zip_t *zip;
    const char *name;
    char root[MAX_ROOT]; /* with its '/' */
    zip_int64_t members;
    uint64_t unpacked; /* bytes of all of them */
};

/* Failures of libzip in its own words. */
static yt_status zip_failure(const char *name, zip_error_t *error, yt_err *err) {
    yt_status code = zip_error_code_zip(error) == ZIP_ER_MEMORY ? YT_ERR_NO_MEMORY : YT_ERR_SYNTAX;
    return yt_fail(err, code, "%s: is not a whole ZIP archive: %s", name, zip_error_strerror(error));
}

static yt_status open_archive(const void *data, size_t size, const char *name, zip_t **out, yt_err *err) {
    zip_error_t error;
    zip_error_init(&error);
    zip_source_t *source = zip_source_buffer_create(data, size, 0, &error);
    zip_t *zip = source ? zip_open_from_source(source, ZIP_RDONLY | ZIP_CHECKCONS, &error) : NULL;
    yt_status status = zip ? YT_OK : zip_failure(name, &error, err);
    if (!zip && source) zip_source_free(source);
    zip_error_fini(&error);
    *out = zip;
    return status;
}

static void add(uint64_t *total, uint64_t bytes) {
    if (__builtin_add_overflow(*total, bytes, total)) *total = UINT64_MAX;
}

/* Refuses what the framework does not read; adds the member's bytes to those of the file and those unpacked. */
static yt_status check_member(const yti_pt_zip *zip, zip_uint64_t index, uint64_t *total, uint64_t *unpacked,
                              yt_err *err) {
    const zip_uint64_t needed = ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD |
                                ZIP_STAT_ENCRYPTION_METHOD;
    zip_stat_t stat;
    if (zip_stat_index(zip->zip, index, 0, &stat) != 0 || (stat.valid & needed) != needed)
        return yt_fail(err, YT_ERR_SYNTAX, "%s: member %llu of the archive is damaged", zip->name,
                       (unsigned long long)index);
    const bool stored = stat.comp_method == ZIP_CM_STORE;
    if (stat.encryption_method != ZIP_EM_NONE || (!stored && stat.comp_method != ZIP_CM_DEFLATE))
        return yt_fail(err, YT_ERR_SYNTAX,
                       "%s: member %.200s is %s; a checkpoint holds its members as they are, or deflated", zip->name,
                       stat.name, stat.encryption_method != ZIP_EM_NONE ? "encrypted" : "compressed in another way");
    if (stored && stat.comp_size != stat.size)
        return yt_fail(err, YT_ERR_SYNTAX, "%s: member %.200s has two sizes, %llu and %llu bytes", zip->name, stat.name,
                       (unsigned long long)stat.comp_size, (unsigned long long)stat.size);
    add(total, MEMBER_OVERHEAD + 2 * (uint64_t)strlen(stat.name));
    add(total, stat.comp_size);
    add(unpacked, stat.size);
    return YT_OK;
}

static yt_status check_members(yti_pt_zip *zip, size_t size, yt_err *err) {
    uint64_t total = 0;
    zip->unpacked = 0;
    for (zip_int64_t i = 0; i < zip->members; i++) {
        YT_TRY(check_member(zip, (zip_uint64_t)i, &total, &zip->unpacked, err));
        if (zip->unpacked / MAX_UNPACKED > size)
            return yt_fail(err, YT_ERR_SYNTAX,
                           "%s: its members unpack to over %d times the file; this is no checkpoint", zip->name,
                           MAX_UNPACKED);
        if (total > size)
            return yt_fail(err, YT_ERR_SYNTAX,
                           "%s: its members overlap: they claim more bytes than the %zu of the file", zip->name, size);
    }
    return YT_OK;
}

static bool ends_with(const char *text, const char *end) {
    size_t length = strlen(text), tail = strlen(end);
    return length >= tail && strcmp(text + length - tail, end) == 0;
}

/* The folder that holds data.pkl; the framework names it after the file, or "archive". */
static yt_status find_root(yti_pt_zip *zip, yt_err *err) {
    static const char pickle[] = "data.pkl";
    for (zip_int64_t i = 0; i < zip->members; i++) {
        const char *name = zip_get_name(zip->zip, (zip_uint64_t)i, ZIP_FL_ENC_RAW);
        if (!name || !ends_with(name, "/data.pkl")) continue;
        size_t length = strlen(name) - (sizeof pickle - 1);
        if (length >= MAX_ROOT) break;
        memcpy(zip->root, name, length);
        zip->root[length] = '\0';
        return YT_OK;
    }
    return yt_fail(err, YT_ERR_SYNTAX, "%s: is a ZIP archive without data.pkl; a checkpoint has one", zip->name);
}

/* An exported program has a folder of code and its constants beside the pickle. */
static yt_status refuse_program(const yti_pt_zip *zip, yt_err *err) {
    bool found = yti_pt_zip_find(zip, "constants.pkl") >= 0;
    char folder[MAX_NAME];
    int length = snprintf(folder, sizeof folder, "%scode/", zip->root);
    for (zip_int64_t i = 0; i < zip->members && !found; i++) {
        const char *name = zip_get_name(zip->zip, (zip_uint64_t)i, ZIP_FL_ENC_RAW);
        found = name && strncmp(name, folder, (size_t)length) == 0;
    }
    if (!found) return YT_OK;
    return yt_fail(err, YT_ERR_SYNTAX,
                   "%s: is a TorchScript archive, an exported program; the .pt file that training wrote is "
                   "what can be read",
                   zip->name);
}

static yt_status check_byte_order(const yti_pt_zip *zip, yt_err *err) {
    char order[8] = "";
    int64_t member = yti_pt_zip_find(zip, "byteorder");
    if (member >= 0 && yti_pt_zip_bytes(zip, member) < sizeof order) YT_TRY(yti_pt_zip_read(zip, member, order, err));
    if (strcmp(order, "big") != 0) return YT_OK;
    return yt_fail(err, YT_ERR_SYNTAX, "%s: was written on a big-endian machine; only little-endian is read",
                   zip->name);
}

yt_status yti_pt_zip_open(const void *data, size_t size, const char *name, yti_pt_zip **out, yt_err *err) {
    yti_pt_zip *zip = calloc(1, sizeof *zip);
    if (!zip) return yt_fail(err, YT_ERR_NO_MEMORY, "%s: no memory to read it", name);
    zip->name = name;
    yt_status status = open_archive(data, size, name, &zip->zip, err);
    if (status == YT_OK) {
        zip->members = zip_get_num_entries(zip->zip, 0);
        if (zip->members > MAX_MEMBERS)
            status = yt_fail(err, YT_ERR_SYNTAX, "%s: has %lld members; at most %d are accepted", name,
                             (long long)zip->members, MAX_MEMBERS);
    }
    if (status == YT_OK) status = find_root(zip, err);
    if (status == YT_OK) status = refuse_program(zip, err); /* before the members: its code is compressed */
    if (status == YT_OK) status = check_members(zip, size, err);
    if (status == YT_OK) status = check_byte_order(zip, err);
    if (status == YT_OK)
        *out = zip;
    else
        yti_pt_zip_close(zip);
    return status;
}

void yti_pt_zip_close(yti_pt_zip *zip) {
    if (!zip) return;
    if (zip->zip) zip_discard(zip->zip);
    free(zip);
}

size_t yti_pt_zip_members(const yti_pt_zip *zip) {
    return (size_t)zip->members;
}

uint64_t yti_pt_zip_unpacked(const yti_pt_zip *zip) {
    return zip->unpacked;
}

int64_t yti_pt_zip_find(const yti_pt_zip *zip, const char *name) {
    char full[MAX_NAME];
    int length = snprintf(full, sizeof full, "%s%s", zip->root, name);
    if (length < 0 || (size_t)length >= sizeof full) return -1;
    return zip_name_locate(zip->zip, full, ZIP_FL_ENC_RAW);
}

uint64_t yti_pt_zip_bytes(const yti_pt_zip *zip, int64_t member) {
    zip_stat_t stat;
    return zip_stat_index(zip->zip, (zip_uint64_t)member, 0, &stat) == 0 ? stat.size : 0;
}

/* Reads to the end and one byte further: libzip compares the checksum when it meets the end. */
static bool read_all(zip_file_t *file, char *out, uint64_t bytes) {
    uint64_t used = 0;
    while (used < bytes) {
        zip_int64_t got = zip_fread(file, out + used, bytes - used);
        if (got <= 0) return false;
        used += (uint64_t)got;
    }
    char beyond;
    return zip_fread(file, &beyond, 1) == 0;
}

yt_status yti_pt_zip_read(const yti_pt_zip *zip, int64_t member, void *out, yt_err *err) {
    const char *name = zip_get_name(zip->zip, (zip_uint64_t)member, ZIP_FL_ENC_RAW);
    zip_file_t *file = zip_fopen_index(zip->zip, (zip_uint64_t)member, 0);
    if (!file)
        return yt_fail(err, YT_ERR_SYNTAX, "%s: member %.200s: %s", zip->name, name ? name : "",
                       zip_strerror(zip->zip));
    yt_status status = YT_OK;
    if (!read_all(file, out, yti_pt_zip_bytes(zip, member)))
        status = yt_fail(err, YT_ERR_SYNTAX, "%s: member %.200s is damaged: %s", zip->name, name ? name : "",
                         zip_file_strerror(file));
    zip_fclose(file);
    return status;
}
