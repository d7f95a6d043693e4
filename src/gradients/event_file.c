/* event_file.c: the event files that TensorBoard reads.
 *
 * A record is  u64 length, u32 masked CRC-32C of those 8 bytes, data, u32 masked CRC-32C of the data,  all little
 * endian; mask(c) = ((c >> 15) | (c << 17)) + 0xa282ead8. The data is an Event in protocol buffers:
 *
 *   Event           wall_time 1 double, step 2 int64, file_version 3 string, summary 5 Summary
 *   Summary         value 1 Value, repeated
 *   Value           tag 1 string, simple_value 2 float, histo 5 HistogramProto
 *   HistogramProto  min 1, max 2, num 3, sum 4, sum_squares 5 double; bucket_limit 6, bucket 7 packed doubles
 *
 * An event always begins with wall_time and step, so that a resumed run can drop what comes after its checkpoint. The
 * first one names the version and has no step.
 */
#include "gradients/event_file.h"
#include "base/file.h"
#include "base/protobuf.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_RECORD = 1 << 28, HEADER = 12, TRAILER = 4, PREFIX = 10 /* wall_time and the key of step */ };

struct yti_event_file {
    FILE *stream;
    char *path;
    yti_bytes values, value, event; /* of this step; one of them; the record being made */
    uint32_t crc_table[256];
};

/* ---- CRC-32C (Castagnoli), reflected polynomial 0x82f63b78 ---- */

static void make_crc_table(uint32_t table[256]) {
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int bit = 0; bit < 8; bit++) c = c & 1 ? c >> 1 ^ 0x82f63b78 : c >> 1;
        table[i] = c;
    }
}

static uint32_t masked_crc(const uint32_t table[256], const uint8_t *data, size_t n) {
    uint32_t c = 0xffffffff;
    for (size_t i = 0; i < n; i++) c = table[(c ^ data[i]) & 0xff] ^ c >> 8;
    c = ~c;
    return (c >> 15 | c << 17) + 0xa282ead8;
}

static void begin_event(yti_bytes *b) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    b->used = 0;
    yti_protobuf_double(b, 1, (double)now.tv_sec + (double)now.tv_nsec * 1e-9);
}

/* ---- records ---- */

static void write_record(yti_event_file *file, FILE *out) {
    const yti_bytes *event = &file->event;
    yti_bytes frame = {0};
    yti_bytes_append_little_endian(&frame, event->used, 8);
    if (!frame.failed) yti_bytes_append_little_endian(&frame, masked_crc(file->crc_table, frame.at, 8), 4);
    if (!frame.failed) {
        fwrite(frame.at, 1, frame.used, out);
        fwrite(event->at, 1, event->used, out);
        frame.used = 0;
        yti_bytes_append_little_endian(&frame, masked_crc(file->crc_table, event->at, event->used), 4);
        fwrite(frame.at, 1, frame.used, out);
    }
    file->event.failed |= frame.failed;
    yti_bytes_free(&frame);
}

static uint64_t little_endian(const uint8_t *at, int n) {
    uint64_t value = 0;
    for (int i = 0; i < n; i++) value |= (uint64_t)at[i] << 8 * i;
    return value;
}

/* The step of an event of ours; -1: it has none, and is the first of a file or not ours. */
static int64_t step_of(const uint8_t *event, size_t n) {
    if (n <= PREFIX || event[0] != yti_protobuf_key(1, YTI_WIRE_64) ||
        event[PREFIX - 1] != yti_protobuf_key(2, YTI_WIRE_VARINT))
        return -1;
    uint64_t value = 0;
    for (size_t i = PREFIX, shift = 0; i < n && shift < 63; i++, shift += 7) {
        value |= (uint64_t)(event[i] & 0x7f) << shift;
        if (!(event[i] & 0x80)) return (int64_t)value;
    }
    return -1;
}

/* Reads one record; false at the end, or where one was cut by a crash. */
static bool read_record(FILE *former, yti_bytes *record) {
    uint8_t header[HEADER];
    if (fread(header, 1, HEADER, former) != HEADER) return false;
    const uint64_t length = little_endian(header, 8);
    if (length > MAX_RECORD) return false;
    record->used = 0;
    yti_bytes_append(record, header, HEADER);
    for (uint64_t left = length + TRAILER; left > 0;) {
        uint8_t part[4096];
        const size_t n = left < sizeof part ? (size_t)left : sizeof part;
        if (fread(part, 1, n, former) != n) return false;
        yti_bytes_append(record, part, n);
        left -= n;
    }
    return !record->failed;
}

/* Whole records of the former file whose step is kept. One by one: a long run's file may be larger than the memory. */
static yt_status copy_records(yti_event_file *file, int64_t keep_below, FILE *out, yt_err *err) {
    FILE *former = fopen(file->path, "rb");
    if (!former && errno == ENOENT) return YT_OK;
    if (!former) return yt_fail(err, YT_ERR_IO, "%s: cannot be read: %s", file->path, strerror(errno));
    yti_bytes record = {0};
    while (read_record(former, &record)) {
        const int64_t step = step_of(record.at + HEADER, record.used - HEADER - TRAILER);
        if (step >= 0 && step < keep_below) fwrite(record.at, 1, record.used, out);
    }
    const bool good = !record.failed && !ferror(former);
    yti_bytes_free(&record);
    fclose(former);
    return good ? YT_OK : yt_fail(err, YT_ERR_IO, "%s: reading failed", file->path);
}

static yt_status begin_file(yti_event_file *file, int64_t keep_below, yt_err *err) {
    static const char version[] = "brain.Event:2";
    yti_file_writer writer;
    YT_TRY(yti_file_writer_open(file->path, &writer, err));
    begin_event(&file->event);
    yti_protobuf_bytes(&file->event, 3, version, sizeof version - 1);
    write_record(file, writer.stream);
    yt_status status = keep_below > 0 ? copy_records(file, keep_below, writer.stream, err) : YT_OK;
    if (status == YT_OK)
        status = yti_file_writer_commit(&writer, err);
    else
        yti_file_writer_discard(&writer);
    if (status != YT_OK) return status;
    file->stream = fopen(file->path, "ab");
    if (!file->stream) return yt_fail(err, YT_ERR_IO, "%s: cannot be written: %s", file->path, strerror(errno));
    return YT_OK;
}

yt_status yti_event_file_open(const char *path, int64_t keep_below, yti_event_file **out, yt_err *err) {
    yti_event_file *file = calloc(1, sizeof *file);
    if (file) file->path = strdup(path);
    if (!file || !file->path) {
        yti_event_file_close(file);
        return yti_no_memory(err, "an event file");
    }
    make_crc_table(file->crc_table);
    const yt_status status = begin_file(file, keep_below, err);
    if (status == YT_OK)
        *out = file;
    else
        yti_event_file_close(file);
    return status;
}

/* ---- values ---- */

static void begin_value(yti_event_file *file, const char *tag) {
    file->value.used = 0;
    yti_protobuf_bytes(&file->value, 1, tag, strlen(tag));
}

static void end_value(yti_event_file *file) {
    yti_protobuf_message(&file->values, 1, &file->value);
}

void yti_event_file_scalar(yti_event_file *file, const char *tag, double value) {
    begin_value(file, tag);
    yti_protobuf_float(&file->value, 2, (float)value);
    end_value(file);
}

/* Bin i ends at this power of two. The outer ones are drawn one power wide. */
static double limit_of(int bin) {
    return bin + YT_FLOW_LOWEST;
}

void yti_event_file_histogram(yti_event_file *file, const char *tag, const yti_flow_stats *stats) {
    int first = 0, last = YT_FLOW_BINS - 1;
    while (first < last && stats->histogram[first] == 0) first++;
    while (last > first && stats->histogram[last] == 0) last--;
    double num = 0, sum = 0, squares = 0;
    for (int i = first; i <= last; i++) {
        const double n = (double)stats->histogram[i], middle = limit_of(i) - 0.5;
        num += n, sum += n * middle, squares += n * middle * middle;
    }
    yti_bytes histogram = {0};
    yti_protobuf_double(&histogram, 1, limit_of(first) - 1);
    yti_protobuf_double(&histogram, 2, limit_of(last));
    yti_protobuf_double(&histogram, 3, num);
    yti_protobuf_double(&histogram, 4, sum);
    yti_protobuf_double(&histogram, 5, squares);
    /* the lowest limit is the left edge of the first bin, with nothing below */
    double limits[YT_FLOW_BINS + 1], counts[YT_FLOW_BINS + 1] = {0};
    const size_t n_limits = (size_t)(last - first + 2);
    for (size_t i = 0; i < n_limits; i++) limits[i] = limit_of(first - 1 + (int)i);
    for (size_t i = 1; i < n_limits; i++) counts[i] = (double)stats->histogram[first - 1 + (int)i];
    yti_protobuf_doubles(&histogram, 6, limits, n_limits);
    yti_protobuf_doubles(&histogram, 7, counts, n_limits);
    begin_value(file, tag);
    yti_protobuf_message(&file->value, 5, &histogram);
    end_value(file);
    yti_bytes_free(&histogram);
}

yt_status yti_event_file_end(yti_event_file *file, int64_t step, yt_err *err) {
    begin_event(&file->event);
    yti_protobuf_varint(&file->event, 2, (uint64_t)step);
    yti_protobuf_message(&file->event, 5, &file->values);
    file->values.used = 0;
    if (file->event.failed) return yti_no_memory(err, "an event of %s", file->path);
    write_record(file, file->stream);
    if (file->event.failed) return yti_no_memory(err, "an event of %s", file->path);
    if (fflush(file->stream) != 0 || ferror(file->stream))
        return yt_fail(err, YT_ERR_IO, "%s: writing failed: %s", file->path, strerror(errno));
    return YT_OK;
}

void yti_event_file_close(yti_event_file *file) {
    if (!file) return;
    if (file->stream) fclose(file->stream); /* every event was flushed and checked */
    yti_bytes_free(&file->values);
    yti_bytes_free(&file->value);
    yti_bytes_free(&file->event);
    free(file->path);
    free(file);
}
