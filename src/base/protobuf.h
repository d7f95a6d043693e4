/* protobuf.h: writing and reading protocol buffers (protobuf.dev, "Encoding"), for formats whose messages we know by
 * heart.
 *
 * A message is a run of fields, each a key (field number << 3 | wire type) and a value; a message inside a message is
 * a field of bytes, made in a buffer of its own first. Fields are written in the order of the calls.
 *
 *     yti_bytes point = {0}, shape = {0};
 *     yti_protobuf_float(&point, 1, 0.5f);
 *     yti_protobuf_message(&shape, 3, &point);
 *     bool good = !shape.failed; // shape.at holds shape.used bytes
 *     yti_bytes_free(&point);
 *     yti_bytes_free(&shape);
 */
#ifndef YT_BASE_PROTOBUF_H
#define YT_BASE_PROTOBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes that grow; all 0 is an empty one. Owned: released with yti_bytes_free. Emptied for use again with used = 0. */
typedef struct yti_bytes {
    uint8_t *at;
    size_t used, room;
    bool failed; /* there was no memory: what followed was not appended */
} yti_bytes;

void yti_bytes_append(yti_bytes *bytes, const void *data, size_t n);

/* The lowest n bytes of a value, 0 to 8, lowest first. */
void yti_bytes_append_little_endian(yti_bytes *bytes, uint64_t value, int n);
void yti_bytes_free(yti_bytes *bytes);

typedef enum yti_wire { YTI_WIRE_VARINT = 0, YTI_WIRE_64 = 1, YTI_WIRE_BYTES = 2, YTI_WIRE_32 = 5 } yti_wire;

/* The key of a field, as a number. field from 1 to 2^28. */
static inline uint64_t yti_protobuf_key(int field, yti_wire type) {
    return (uint64_t)field << 3 | (uint64_t)type;
}

/* int64, uint64, bool and enum fields; a negative int64 takes ten bytes. */
void yti_protobuf_varint(yti_bytes *to, int field, uint64_t value);
void yti_protobuf_double(yti_bytes *to, int field, double value);
void yti_protobuf_float(yti_bytes *to, int field, float value);

/* bytes and string fields. */
void yti_protobuf_bytes(yti_bytes *to, int field, const void *data, size_t n);

/* The beginning of a bytes field: its key and length. Its n bytes are the caller's to write next. */
void yti_protobuf_begin(yti_bytes *to, int field, uint64_t n);

/* A message as a field; what failed in it has failed in the outer one. */
void yti_protobuf_message(yti_bytes *to, int field, const yti_bytes *message);

/* A packed repeated double. */
void yti_protobuf_doubles(yti_bytes *to, int field, const double *values, size_t count);

/* ---- reading ---- */

/* The fields of a message that lies in memory, in their order. Messages inside are fields of bytes, with a reader of
 * their own. */
typedef struct yti_protobuf_reader {
    const uint8_t *at, *end;
    bool bad; /* what followed is no field: it is cut off, or of a type that there is not */
} yti_protobuf_reader;

typedef struct yti_protobuf_field {
    int number;
    yti_wire type;
    uint64_t value;      /* of VARINT, 64 and 32: its bits */
    const uint8_t *data; /* of BYTES: lent by the message */
    size_t bytes;
} yti_protobuf_field;

/* The next field; false at the end of the message, and where it is bad. */
bool yti_protobuf_next(yti_protobuf_reader *reader, yti_protobuf_field *field);

/* The next number of a packed field of varints; false: there is none, or it is cut off. */
bool yti_protobuf_take_varint(yti_protobuf_reader *reader, uint64_t *value);

#endif
