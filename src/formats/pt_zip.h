/* pt_zip.h: the archive around a checkpoint. Internal to src/formats. */
#ifndef YT_PT_ZIP_H
#define YT_PT_ZIP_H

#include "base/status.h"

#include <stdint.h>

typedef struct yti_pt_zip yti_pt_zip;

/* Opens an archive in memory (lent) after checking that its members are stored or deflated, whole, do not overlap,
 * and unpack to a sane size. `name` (lent) is for messages. */
yt_status yti_pt_zip_open(const void *data, size_t size, const char *name, yti_pt_zip **out, yt_err *err);
void yti_pt_zip_close(yti_pt_zip *zip);

size_t yti_pt_zip_members(const yti_pt_zip *zip);

uint64_t yti_pt_zip_unpacked(const yti_pt_zip *zip); /* bytes of all members */

/* Index of the member <root>/<name>; -1: none. */
int64_t yti_pt_zip_find(const yti_pt_zip *zip, const char *name);
uint64_t yti_pt_zip_bytes(const yti_pt_zip *zip, int64_t member);

/* Reads a whole member into `out`, which has room for yti_pt_zip_bytes; the checksum must be right. */
yt_status yti_pt_zip_read(const yti_pt_zip *zip, int64_t member, void *out, yt_err *err);

#endif
