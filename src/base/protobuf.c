/* protobuf.c: see protobuf.h. */
#include "base/protobuf.h"

#include <stdlib.h>
#include <string.h>

/* ---- bytes ---- */

void yti_bytes_append(yti_bytes *b, const void *data, size_t n) {
    if (b->failed || n == 0) return;
    if (n > b->room - b->used) {
        uint8_t *grown = n <= SIZE_MAX / 2 - b->used ? realloc(b->at, 2 * (b->used + n)) : NULL;
        if (!grown) {
            b->failed = true;
            return;
        }
        b->at = grown;
        b->room = 2 * (b->used + n);
    }
    memcpy(b->at + b->used, data, n);
    b->used += n;
}

void yti_bytes_append_little_endian(yti_bytes *b, uint64_t value, int n) {
    uint8_t digits[8];
    for (int i = 0; i < n; i++) digits[i] = (uint8_t)(value >> 8 * i);
    yti_bytes_append(b, digits, (size_t)n);
}

void yti_bytes_free(yti_bytes *b) {
    free(b->at);
    *b = (yti_bytes){0};
}

/* ---- fields ---- */

/* Seven bits a byte, lowest first; the highest bit says that more follow. */
static void put_varint(yti_bytes *b, uint64_t value) {
    uint8_t digits[10];
    size_t n = 0;
    do digits[n++] = (uint8_t)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
    while (value >>= 7);
    yti_bytes_append(b, digits, n);
}

static void put_key(yti_bytes *b, int field, yti_wire type) {
    put_varint(b, yti_protobuf_key(field, type));
}

static void put_double(yti_bytes *b, double value) {
    uint64_t pattern;
    memcpy(&pattern, &value, sizeof pattern);
    yti_bytes_append_little_endian(b, pattern, 8);
}

void yti_protobuf_varint(yti_bytes *to, int field, uint64_t value) {
    put_key(to, field, YTI_WIRE_VARINT);
    put_varint(to, value);
}

void yti_protobuf_double(yti_bytes *to, int field, double value) {
    put_key(to, field, YTI_WIRE_64);
    put_double(to, value);
}

void yti_protobuf_float(yti_bytes *to, int field, float value) {
    uint32_t pattern;
    memcpy(&pattern, &value, sizeof pattern);
    put_key(to, field, YTI_WIRE_32);
    yti_bytes_append_little_endian(to, pattern, 4);
}

void yti_protobuf_begin(yti_bytes *to, int field, uint64_t n) {
    put_key(to, field, YTI_WIRE_BYTES);
    put_varint(to, n);
}

void yti_protobuf_bytes(yti_bytes *to, int field, const void *data, size_t n) {
    yti_protobuf_begin(to, field, n);
    yti_bytes_append(to, data, n);
}

void yti_protobuf_message(yti_bytes *to, int field, const yti_bytes *message) {
    yti_protobuf_bytes(to, field, message->at, message->used);
    to->failed |= message->failed;
}

void yti_protobuf_doubles(yti_bytes *to, int field, const double *values, size_t count) {
    put_key(to, field, YTI_WIRE_BYTES);
    put_varint(to, sizeof *values * count);
    for (size_t i = 0; i < count; i++) put_double(to, values[i]);
}

/* ---- reading ---- */

bool yti_protobuf_take_varint(yti_protobuf_reader *r, uint64_t *value) {
    *value = 0;
    for (int shift = 0; shift < 64 && r->at < r->end; shift += 7) {
        const uint8_t digit = *r->at++;
        if (shift == 63 && digit > 1) return false;
        *value |= (uint64_t)(digit & 0x7f) << shift;
        if (!(digit & 0x80)) return true;
    }
    return false;
}

static bool take_fixed(yti_protobuf_reader *r, size_t n, uint64_t *value) {
    if ((size_t)(r->end - r->at) < n) return false;
    *value = 0;
    for (size_t i = 0; i < n; i++) *value |= (uint64_t)r->at[i] << 8 * i;
    r->at += n;
    return true;
}

static bool take_field(yti_protobuf_reader *r, yti_protobuf_field *field) {
    uint64_t key;
    if (!yti_protobuf_take_varint(r, &key) || key >> 3 == 0 || key >> 3 > 0x1fffffff) return false;
    *field = (yti_protobuf_field){.number = (int)(key >> 3), .type = (yti_wire)(key & 7)};
    switch (field->type) {
    case YTI_WIRE_VARINT:
        return yti_protobuf_take_varint(r, &field->value);
    case YTI_WIRE_64:
        return take_fixed(r, 8, &field->value);
    case YTI_WIRE_32:
        return take_fixed(r, 4, &field->value);
    case YTI_WIRE_BYTES:
        break;
    default:
        return false;
    }
    uint64_t bytes;
    if (!yti_protobuf_take_varint(r, &bytes) || bytes > (uint64_t)(r->end - r->at)) return false;
    field->data = r->at;
    field->bytes = (size_t)bytes;
    r->at += bytes;
    return true;
}

bool yti_protobuf_next(yti_protobuf_reader *r, yti_protobuf_field *field) {
    if (r->bad || r->at >= r->end) return false;
    r->bad = !take_field(r, field);
    return !r->bad;
}
