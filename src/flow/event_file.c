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
 * An event always begins with wall_time and step, so that a resumed run can drop what lies behind its checkpoint. The
 * first one names the version and has no step.
 */
#include "base/file.h"
#include "flow/flow.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_RECORD = 1 << 28, HEADER = 12, TRAILER = 4, PREFIX = 10 /* wall_time and the key of step */ };

typedef enum wire { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 } wire;

typedef struct bytes {
    uint8_t *at;
    size_t used, room;
    bool failed; /* out of memory: the rest was not appended */
} bytes;

struct yti_event_file {
    FILE *stream;
    char *path;
    bytes values, value, event; /* of this step; one of them; the record being made */
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

/* ---- protocol buffers ---- */

static void put(bytes *b, const void *data, size_t n) {
    if (b->failed) return;
    if (b->used + n > b->room) {
        const size_t room = 2 * (b->used + n);
        uint8_t *grown = realloc(b->at, room);
        if (!grown) {
            b->failed = true;
            return;
        }
        b->at = grown;
        b->room = room;
    }
    if (n) memcpy(b->at + b->used, data, n);
    b->used += n;
}

static void put_little_endian(bytes *b, uint64_t value, int n) {
    uint8_t digits[8];
    for (int i = 0; i < n; i++) digits[i] = (uint8_t)(value >> 8 * i);
    put(b, digits, (size_t)n);
}

static void put_varint(bytes *b, uint64_t value) {
    uint8_t digits[10];
    size_t n = 0;
    do digits[n++] = (uint8_t)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
    while (value >>= 7);
    put(b, digits, n);
}

static void put_key(bytes *b, int field, wire type) {
    put_varint(b, (uint64_t)(field << 3 | (int)type));
}

static void put_double(bytes *b, double value) {
    uint64_t pattern;
    memcpy(&pattern, &value, sizeof pattern);
    put_little_endian(b, pattern, 8);
}

static void put_double_field(bytes *b, int field, double value) {
    put_key(b, field, WIRE_64);
    put_double(b, value);
}

static void put_float_field(bytes *b, int field, float value) {
    uint32_t pattern;
    memcpy(&pattern, &value, sizeof pattern);
    put_key(b, field, WIRE_32);
    put_little_endian(b, pattern, 4);
}

static void put_bytes_field(bytes *b, int field, const void *data, size_t n) {
    put_key(b, field, WIRE_BYTES);
    put_varint(b, n);
    put(b, data, n);
}

static void begin_event(bytes *b) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    b->used = 0;
    put_double_field(b, 1, (double)now.tv_sec + (double)now.tv_nsec * 1e-9);
}

/* ---- records ---- */

static void write_record(yti_event_file *file, FILE *out) {
    const bytes *event = &file->event;
    bytes frame = {0};
    put_little_endian(&frame, event->used, 8);
    if (!frame.failed) put_little_endian(&frame, masked_crc(file->crc_table, frame.at, 8), 4);
    if (!frame.failed) {
        fwrite(frame.at, 1, frame.used, out);
        fwrite(event->at, 1, event->used, out);
        frame.used = 0;
        put_little_endian(&frame, masked_crc(file->crc_table, event->at, event->used), 4);
        fwrite(frame.at, 1, frame.used, out);
    }
    file->event.failed |= frame.failed;
    free(frame.at);
}

static uint64_t little_endian(const uint8_t *at, int n) {
    uint64_t value = 0;
    for (int i = 0; i < n; i++) value |= (uint64_t)at[i] << 8 * i;
    return value;
}

/* The step of an event of ours; -1: it has none, and is the first of a file or not ours. */
static int64_t step_of(const uint8_t *event, size_t n) {
    if (n <= PREFIX || event[0] != (1 << 3 | WIRE_64) || event[PREFIX - 1] != (2 << 3 | WIRE_VARINT)) return -1;
    uint64_t value = 0;
    for (size_t i = PREFIX, shift = 0; i < n && shift < 63; i++, shift += 7) {
        value |= (uint64_t)(event[i] & 0x7f) << shift;
        if (!(event[i] & 0x80)) return (int64_t)value;
    }
    return -1;
}

/* Reads one record; false at the end, or where one was cut by a crash. */
static bool read_record(FILE *former, bytes *record) {
    uint8_t header[HEADER];
    if (fread(header, 1, HEADER, former) != HEADER) return false;
    const uint64_t length = little_endian(header, 8);
    if (length > MAX_RECORD) return false;
    record->used = 0;
    put(record, header, HEADER);
    for (uint64_t left = length + TRAILER; left > 0;) {
        uint8_t part[4096];
        const size_t n = left < sizeof part ? (size_t)left : sizeof part;
        if (fread(part, 1, n, former) != n) return false;
        put(record, part, n);
        left -= n;
    }
    return !record->failed;
}

/* Whole records of the former file whose step is kept. One by one: a long run's file may be larger than the memory. */
static yt_status copy_records(yti_event_file *file, int64_t keep_below, FILE *out, yt_err *err) {
    FILE *former = fopen(file->path, "rb");
    if (!former && errno == ENOENT) return YT_OK;
    if (!former) return yt_fail(err, YT_ERR_IO, "%s: cannot be read: %s", file->path, strerror(errno));
    bytes record = {0};
    while (read_record(former, &record)) {
        const int64_t step = step_of(record.at + HEADER, record.used - HEADER - TRAILER);
        if (step >= 0 && step < keep_below) fwrite(record.at, 1, record.used, out);
    }
    const bool good = !record.failed && !ferror(former);
    free(record.at);
    fclose(former);
    return good ? YT_OK : yt_fail(err, YT_ERR_IO, "%s: reading failed", file->path);
}

static yt_status begin_file(yti_event_file *file, int64_t keep_below, yt_err *err) {
    static const char version[] = "brain.Event:2";
    yti_file_writer writer;
    YT_TRY(yti_file_writer_open(file->path, &writer, err));
    begin_event(&file->event);
    put_bytes_field(&file->event, 3, version, sizeof version - 1);
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
        return yt_fail(err, YT_ERR_NO_MEMORY, "no memory for an event file");
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
    put_bytes_field(&file->value, 1, tag, strlen(tag));
}

static void end_value(yti_event_file *file) {
    put_bytes_field(&file->values, 1, file->value.at, file->value.used);
}

void yti_event_file_scalar(yti_event_file *file, const char *tag, double value) {
    begin_value(file, tag);
    put_float_field(&file->value, 2, (float)value);
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
    const size_t packed = sizeof(double) * (size_t)(last - first + 2);
    double num = 0, sum = 0, squares = 0;
    for (int i = first; i <= last; i++) {
        const double n = (double)stats->histogram[i], middle = limit_of(i) - 0.5;
        num += n, sum += n * middle, squares += n * middle * middle;
    }
    bytes histogram = {0};
    put_double_field(&histogram, 1, limit_of(first) - 1);
    put_double_field(&histogram, 2, limit_of(last));
    put_double_field(&histogram, 3, num);
    put_double_field(&histogram, 4, sum);
    put_double_field(&histogram, 5, squares);
    put_key(&histogram, 6, WIRE_BYTES); /* the lowest limit is the left edge of the first bin, with nothing below */
    put_varint(&histogram, packed);
    for (int i = first - 1; i <= last; i++) put_double(&histogram, limit_of(i));
    put_key(&histogram, 7, WIRE_BYTES);
    put_varint(&histogram, packed);
    put_double(&histogram, 0);
    for (int i = first; i <= last; i++) put_double(&histogram, (double)stats->histogram[i]);
    begin_value(file, tag);
    put_bytes_field(&file->value, 5, histogram.at, histogram.used);
    end_value(file);
    file->values.failed |= histogram.failed;
    free(histogram.at);
}

yt_status yti_event_file_end(yti_event_file *file, int64_t step, yt_err *err) {
    begin_event(&file->event);
    put_key(&file->event, 2, WIRE_VARINT);
    put_varint(&file->event, (uint64_t)step);
    put_bytes_field(&file->event, 5, file->values.at, file->values.used);
    file->values.used = 0;
    if (file->values.failed || file->value.failed || file->event.failed)
        return yt_fail(err, YT_ERR_NO_MEMORY, "no memory for an event of %s", file->path);
    write_record(file, file->stream);
    if (file->event.failed) return yt_fail(err, YT_ERR_NO_MEMORY, "no memory for an event of %s", file->path);
    if (fflush(file->stream) != 0 || ferror(file->stream))
        return yt_fail(err, YT_ERR_IO, "%s: writing failed: %s", file->path, strerror(errno));
    return YT_OK;
}

void yti_event_file_close(yti_event_file *file) {
    if (!file) return;
    if (file->stream) fclose(file->stream); /* every event was flushed and checked */
    free(file->values.at);
    free(file->value.at);
    free(file->event.at);
    free(file->path);
    free(file);
}
