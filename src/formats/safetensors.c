/* safetensors.c: reading safetensors files; writing is in safetensors_write.c.
 *
 * Layout: u64 length of the header (little endian), the header (JSON), the bytes of all tensors. The header maps a name
 * to {"dtype", "shape", "data_offsets": [begin, end)}, offsets counting from the end of the header; "__metadata__" maps
 * texts to texts. Nothing in a file is believed before it was checked: the tensors must tile the bytes after the
 * header, without overlap, gap or rest, and every size must be what type and shape say.
 */
#define _DEFAULT_SOURCE /* madvise */
#include "formats/safetensors.h"
#include "base/file.h"
#include "base/half.h"
#include "base/json.h"
#include "base/rng.h"
#include "formats/safetensors_types.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the format is little endian and read in place");

#define MAX_FILE_BYTES ((size_t)1 << 34)
enum {
    LENGTH_BYTES = 8,
    MAX_HEADER_BYTES = 100 << 20, /* the limit of the format's reference implementation */
    MAX_NESTING = 8,              /* a right header has three levels */
    MAX_VALUES = 1 << 20          /* bounds the memory of the parsed JSON */
};

typedef struct storage {
    char *bytes;
    yti_json *json; /* owns the names and metadata texts */
} storage;

const yti_st_type_row yti_st_types[] = {
    [YT_ST_F32] = {"F32", 4}, [YT_ST_F16] = {"F16", 2},   [YT_ST_BF16] = {"BF16", 2}, [YT_ST_F64] = {"F64", 8},
    [YT_ST_I64] = {"I64", 8}, [YT_ST_I32] = {"I32", 4},   [YT_ST_I16] = {"I16", 2},   [YT_ST_I8] = {"I8", 1},
    [YT_ST_U8] = {"U8", 1},   [YT_ST_BOOL] = {"BOOL", 1},
};

enum { N_TYPES = sizeof yti_st_types / sizeof yti_st_types[0] };

bool yti_st_probe(const char *path) {
    char begin[LENGTH_BYTES + 1] = {0};
    uint64_t length = UINT64_MAX;
    FILE *file = fopen(path, "rb");
    bool whole = file && fread(begin, 1, sizeof begin, file) == sizeof begin;
    if (file) fclose(file);
    if (whole) memcpy(&length, begin, sizeof length);
    return length <= MAX_HEADER_BYTES && begin[LENGTH_BYTES] && strchr("{ \t\r\n", begin[LENGTH_BYTES]);
}

/* One pass over the raw header that bounds what the JSON parser may take: nesting and number of values. */
static yt_status check_header_text(const char *path, const char *text, size_t length, yt_err *err) {
    size_t depth = 0, values = 0;
    bool in_string = false;
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = false;
            continue;
        }
        if (c == '"') in_string = true;
        if (c == '{' || c == '[') depth++;
        if ((c == '}' || c == ']') && depth > 0) depth--;
        if (c == ',' || c == ':') values++;
        if (depth > MAX_NESTING)
            return yt_fail(err, YT_ERR_SYNTAX, "%s: the header nests deeper than %d levels; this is no weights file",
                           path, MAX_NESTING);
        if (values > MAX_VALUES)
            return yt_fail(err, YT_ERR_SYNTAX, "%s: the header has more than %d values; this is no weights file", path,
                           MAX_VALUES);
    }
    return YT_OK;
}

static yt_status parse_header(const char *path, const char *bytes, size_t n_bytes, yti_json **json, size_t *data_begin,
                              yt_err *err) {
    if (n_bytes < LENGTH_BYTES)
        return yt_fail(err, YT_ERR_SYNTAX, "%s: has %zu bytes; a safetensors file begins with an 8-byte length", path,
                       n_bytes);
    uint64_t length;
    memcpy(&length, bytes, sizeof length);
    if (length > MAX_HEADER_BYTES)
        return yt_fail(err, YT_ERR_SYNTAX,
                       "%s: the header would have %llu bytes, over the format's limit of %d; "
                       "this is no safetensors file",
                       path, (unsigned long long)length, MAX_HEADER_BYTES);
    if (length > n_bytes - LENGTH_BYTES)
        return yt_fail(err, YT_ERR_SYNTAX, "%s: the header should have %llu bytes but the file ends after %zu", path,
                       (unsigned long long)length, n_bytes - LENGTH_BYTES);
    const char *text = bytes + LENGTH_BYTES;
    YT_TRY(check_header_text(path, text, (size_t)length, err));
    const char *end = NULL;
    yti_json *parsed = length ? yti_json_parse(text, (size_t)length, &end) : NULL;
    bool whole = yti_json_is_object(parsed);
    for (; whole && end < text + length; end++) /* writers pad with spaces; JSON allows what else is blank */
        whole = *end == '\0' || strchr(" \t\r\n", *end) != NULL;
    if (!whole) {
        yti_json_free(parsed);
        return yt_fail(err, YT_ERR_SYNTAX, "%s: the header is not a JSON object", path);
    }
    *json = parsed;
    *data_begin = LENGTH_BYTES + (size_t)length;
    return YT_OK;
}

/* A whole number from 0 to 2^53, which JSON's doubles hold exactly. */
static bool whole_number(const yti_json *item, uint64_t *out) {
    int64_t value;
    if (!yti_json_as_whole(item, 0, 9007199254740992.0, &value)) return false;
    *out = (uint64_t)value;
    return true;
}

/* Types of the format that no weights here are of, with the bits of an element: such tensors are left out of the
 * list, like anything else that nobody asks for. */
static const struct foreign_type {
    const char *name;
    size_t bits;
} foreign_types[] = {
    {"U16", 16},    {"U32", 32},        {"U64", 64},        {"C64", 64},    {"F8_E4M3", 8}, {"F8_E5M2", 8},
    {"F8_E8M0", 8}, {"F8_E4M3FNUZ", 8}, {"F8_E5M2FNUZ", 8}, {"F6_E2M3", 6}, {"F6_E3M2", 6}, {"F4", 4},
};

static const struct foreign_type *foreign_type_of(const yti_json *item) {
    const char *word = yti_json_as_text(yti_json_get(item, "dtype"));
    for (size_t i = 0; word && i < sizeof foreign_types / sizeof foreign_types[0]; i++)
        if (strcmp(word, foreign_types[i].name) == 0) return &foreign_types[i];
    return NULL;
}

static yt_status read_type(const char *path, const yti_json *item, yti_st_entry *entry, yt_err *err) {
    const char *word = yti_json_as_text(yti_json_get(item, "dtype"));
    for (int i = 0; word && i < N_TYPES; i++) {
        if (strcmp(word, yti_st_types[i].name) != 0) continue;
        entry->type = (yti_st_type)i;
        return YT_OK;
    }
    return yt_fail(err, YT_ERR_SYNTAX,
                   "%s: tensor %.200s has dtype %.20s; F64, F32, F16, BF16, I64 to I8, U8 and BOOL are read", path,
                   entry->name, word ? word : "(none)");
}

/* Fills dims, count and bytes; products are checked for overflow. */
static yt_status read_shape(const char *path, const yti_json *item, size_t bits, yti_st_entry *entry, yt_err *err) {
    const yti_json *shape = yti_json_get(item, "shape"), *dim = NULL;
    if (!yti_json_is_array(shape))
        return yt_fail(err, YT_ERR_SYNTAX, "%s: tensor %.200s has no shape", path, entry->name);
    size_t count = 1;
    for (dim = yti_json_first(shape); dim; dim = yti_json_next(dim)) {
        uint64_t side;
        if (entry->n_dims == YT_ST_MAX_DIMS)
            return yt_fail(err, YT_ERR_SYNTAX, "%s: tensor %.200s has more than %d dimensions", path, entry->name,
                           YT_ST_MAX_DIMS);
        if (!whole_number(dim, &side))
            return yt_fail(err, YT_ERR_SYNTAX, "%s: tensor %.200s has a side that is no whole number", path,
                           entry->name);
        if (__builtin_mul_overflow(count, side, &count))
            return yt_fail(err, YT_ERR_SYNTAX, "%s: tensor %.200s has an impossible shape", path, entry->name);
        entry->dims[entry->n_dims++] = (int64_t)side;
    }
    entry->count = count;
    if (__builtin_mul_overflow(count, bits, &entry->bytes) || entry->bytes % 8)
        return yt_fail(err, YT_ERR_SYNTAX, "%s: tensor %.200s has an impossible shape", path, entry->name);
    entry->bytes /= 8;
    return YT_OK;
}

static yt_status read_entry(const char *path, const yti_json *item, const char *data, size_t n_data,
                            yti_st_entry *entry, yt_err *err) {
    entry->name = yti_json_key(item);
    if (!yti_json_is_object(item))
        return yt_fail(err, YT_ERR_SYNTAX, "%s: tensor %.200s is not described by an object", path, entry->name);
    const struct foreign_type *foreign = foreign_type_of(item);
    if (!foreign) YT_TRY(read_type(path, item, entry, err));
    YT_TRY(read_shape(path, item, foreign ? foreign->bits : 8 * yti_st_types[entry->type].bytes, entry, err));
    const yti_json *offsets = yti_json_get(item, "data_offsets");
    const yti_json *first = yti_json_first(offsets), *second = yti_json_next(first);
    uint64_t begin, end;
    if (!yti_json_is_array(offsets) || !whole_number(first, &begin) || !whole_number(second, &end) ||
        yti_json_next(second) || begin > end)
        return yt_fail(err, YT_ERR_SYNTAX, "%s: tensor %.200s has no data_offsets [begin, end]", path, entry->name);
    if (end > n_data)
        return yt_fail(err, YT_ERR_SYNTAX,
                       "%s: tensor %.200s ends at byte %llu of the data, which has %zu; the file is cut short", path,
                       entry->name, (unsigned long long)end, n_data);
    if (end - begin != entry->bytes)
        return yt_fail(err, YT_ERR_SYNTAX, "%s: tensor %.200s has %llu bytes, but its type and shape need %zu", path,
                       entry->name, (unsigned long long)(end - begin), entry->bytes);
    entry->data = data + begin;
    if (foreign) entry->context = foreign; /* marks what is dropped when the tiling has been checked */
    return YT_OK;
}

static yt_status read_metadata(const char *path, const yti_json *item, yti_st_file *file, yt_err *err) {
    if (yti_json_is_null(item)) return YT_OK;
    if (!yti_json_is_object(item)) return yt_fail(err, YT_ERR_SYNTAX, "%s: __metadata__ is not an object", path);
    size_t count = (size_t)yti_json_count(item);
    if (file->metadata_keys) return yt_fail(err, YT_ERR_SYNTAX, "%s: __metadata__ stands there twice", path);
    file->metadata_keys = calloc(count + 1, sizeof *file->metadata_keys);
    file->metadata_values = calloc(count + 1, sizeof *file->metadata_values);
    if (!file->metadata_keys || !file->metadata_values)
        return yt_fail(err, YT_ERR_NO_MEMORY, "%s: no memory for %zu metadata entries", path, count);
    const yti_json *pair = NULL;
    for (pair = yti_json_first(item); pair; pair = yti_json_next(pair)) {
        char *key = yti_json_key(pair), *text = yti_json_as_text(pair);
        if (!text) return yt_fail(err, YT_ERR_SYNTAX, "%s: metadata %.200s is not a text", path, key);
        file->metadata_keys[file->n_metadata] = key;
        file->metadata_values[file->n_metadata++] = text;
    }
    return YT_OK;
}

static int by_position(const void *a, const void *b) {
    const yti_st_entry *x = a, *y = b;
    const char *x_data = x->data, *y_data = y->data;
    if (x_data != y_data) return x_data < y_data ? -1 : 1;
    if (x->bytes != y->bytes) return x->bytes < y->bytes ? -1 : 1;
    return strcmp(x->name, y->name);
}

/* Checks that entries, in file order, tile the data. */
static yt_status check_tiling(const char *path, yti_st_file *file, const char *data, size_t n_data, yt_err *err) {
    const char *expected = data;
    for (size_t i = 0; i < file->n_entries; i++) {
        const yti_st_entry *entry = &file->entries[i];
        const char *begin = entry->data;
        if (begin < expected)
            return yt_fail(err, YT_ERR_SYNTAX, "%s: tensors %.200s and %.200s overlap", path,
                           i ? file->entries[i - 1].name : "", entry->name);
        if (begin > expected)
            return yt_fail(err, YT_ERR_SYNTAX, "%s: %zu bytes before tensor %.200s belong to nothing", path,
                           (size_t)(begin - expected), entry->name);
        expected = begin + entry->bytes;
    }
    size_t rest = n_data - (size_t)(expected - data);
    if (rest) return yt_fail(err, YT_ERR_SYNTAX, "%s: %zu bytes at the end belong to no tensor", path, rest);
    return YT_OK;
}

yt_status yti_st_check_names(const char *path, const yti_st_entry *entries, size_t count, yt_err *err) {
    const char **names = malloc((count + 1) * sizeof *names);
    if (!names) return yt_fail(err, YT_ERR_NO_MEMORY, "%s: no memory for %zu tensor names", path, count);
    for (size_t i = 0; i < count; i++) names[i] = entries[i].name;
    qsort(names, count, sizeof *names, yti_st_compare_names);
    yt_status status = YT_OK;
    for (size_t i = 1; i < count && status == YT_OK; i++)
        if (strcmp(names[i - 1], names[i]) == 0)
            status = yt_fail(err, YT_ERR_SYNTAX, "%s: tensor %.200s stands there twice", path, names[i]);
    free(names);
    return status;
}

int yti_st_compare_names(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

uint64_t yti_st_hash(const char *name, const void *data, size_t bytes) {
    const char *at = data;
    const uint64_t prime = 0x100000001b3u;
    uint64_t hash = 0xcbf29ce484222325u;
    uint32_t word;
    for (; bytes >= sizeof word; bytes -= sizeof word, at += sizeof word) {
        memcpy(&word, at, sizeof word);
        hash = (hash ^ word) * prime;
    }
    return (yti_hash64(name, strlen(name)) ^ hash ^ yti_hash64(at, bytes)) * prime;
}

/* One flipped bit would otherwise be a slightly different network, which nobody would notice. */
static yt_status check_hash(const char *path, const yti_st_file *file, yt_err *err) {
    const char *expected = yti_st_metadata(file, YTI_ST_HASH);
    char found[YTI_ST_HASH_ROOM];
    uint64_t sum = 0;
    if (!expected || !yti_st_metadata(file, YTI_ST_OWN)) return YT_OK;
    for (size_t i = 0; i < file->n_entries; i++)
        sum += yti_st_hash(file->entries[i].name, file->entries[i].data, file->entries[i].bytes);
    snprintf(found, sizeof found, "%016llx", (unsigned long long)sum);
    if (strcmp(found, expected) == 0) return YT_OK;
    return yt_fail(err, YT_ERR_SYNTAX,
                   "%s: its tensors are not those that were written (" YTI_ST_HASH
                   " %s, but they come to %s): the file is "
                   "damaged, or was changed without taking that entry out of its metadata",
                   path, expected, found);
}

static bool same_entry(const yti_st_entry *a, const yti_st_entry *b) {
    return strcmp(a->name, b->name) == 0 && a->type == b->type && a->data == b->data && a->bytes == b->bytes &&
           a->context == b->context && a->n_dims == b->n_dims && memcmp(a->dims, b->dims, sizeof a->dims) == 0;
}

/* A key that stands there twice with the same value says the same thing twice. Sorted by place, the two are neighbours.
 */
static void drop_repeated(yti_st_file *file) {
    qsort(file->entries, file->n_entries, sizeof *file->entries, by_position);
    size_t kept = 0;
    for (size_t i = 0; i < file->n_entries; i++)
        if (!kept || !same_entry(&file->entries[kept - 1], &file->entries[i])) file->entries[kept++] = file->entries[i];
    file->n_entries = kept;
}

static void drop_foreign(yti_st_file *file) {
    size_t kept = 0;
    for (size_t i = 0; i < file->n_entries; i++)
        if (!file->entries[i].context) file->entries[kept++] = file->entries[i];
    file->n_entries = kept;
}

static yt_status read_entries(const char *path, yti_st_file *file, const char *data, size_t n_data, yt_err *err) {
    const storage *owned = file->storage;
    file->entries = calloc((size_t)yti_json_count(owned->json) + 1, sizeof *file->entries);
    if (!file->entries) return yt_fail(err, YT_ERR_NO_MEMORY, "%s: no memory for its list of tensors", path);
    const yti_json *item = NULL;
    for (item = yti_json_first(owned->json); item; item = yti_json_next(item)) {
        if (strcmp(yti_json_key(item), "__metadata__") == 0)
            YT_TRY(read_metadata(path, item, file, err));
        else
            YT_TRY(read_entry(path, item, data, n_data, &file->entries[file->n_entries++], err));
    }
    drop_repeated(file);
    YT_TRY(yti_st_check_names(path, file->entries, file->n_entries, err));
    YT_TRY(check_tiling(path, file, data, n_data, err));
    YT_TRY(check_hash(path, file, err));
    drop_foreign(file);
    return YT_OK;
}

void yti_st_release(const yti_st_entry *entry) {
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), begin = (uintptr_t)entry->data;
    const uintptr_t first = (begin + page - 1) / page * page, end = (begin + entry->bytes) / page * page;
    if (end > first) madvise((void *)first, end - first, MADV_DONTNEED); /* else it stays until the file is freed */
}

yt_status yti_st_load(const char *path, yti_st_file *out, yt_err *err) {
    yti_st_file file = {0};
    storage *owned = calloc(1, sizeof *owned);
    if (!owned) return yt_fail(err, YT_ERR_NO_MEMORY, "%s: no memory to read it", path);
    file.storage = owned;
    size_t n_bytes = 0, begin = 0;
    yt_status status = yti_file_read(path, MAX_FILE_BYTES, &owned->bytes, &n_bytes, err);
    if (status == YT_OK) status = parse_header(path, owned->bytes, n_bytes, &owned->json, &begin, err);
    if (status == YT_OK) status = read_entries(path, &file, owned->bytes + begin, n_bytes - begin, err);
    if (status == YT_OK)
        *out = file;
    else
        yti_st_free(&file);
    return status;
}

void yti_st_free(yti_st_file *file) {
    storage *owned = file->storage;
    if (owned) {
        yti_json_free(owned->json);
        free(owned->bytes);
        free(owned);
    }
    free(file->entries);
    free(file->metadata_keys);
    free(file->metadata_values);
    *file = (yti_st_file){0};
}

const yti_st_entry *yti_st_find(const yti_st_file *file, const char *name) {
    for (size_t i = 0; i < file->n_entries; i++)
        if (strcmp(file->entries[i].name, name) == 0) return &file->entries[i];
    return NULL;
}

const char *yti_st_metadata(const yti_st_file *file, const char *key) {
    for (size_t i = 0; i < file->n_metadata; i++)
        if (strcmp(file->metadata_keys[i], key) == 0) return file->metadata_values[i];
    return NULL;
}

/* bfloat16 is the upper half of a float. */
static float float_from_bfloat(uint16_t upper) {
    uint32_t bits = (uint32_t)upper << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

bool yti_st_is_float(yti_st_type type) {
    return type == YT_ST_F64 || type == YT_ST_F32 || type == YT_ST_F16 || type == YT_ST_BF16;
}

/* Value i of a float entry, whose data need not be aligned. */
static float float_at(const yti_st_entry *entry, size_t i) {
    const char *data = (const char *)entry->data + i * yti_st_types[entry->type].bytes;
    uint16_t narrow;
    float value;
    double wide;
    switch (entry->type) {
    case YT_ST_F16:
        memcpy(&narrow, data, sizeof narrow);
        return yti_float_from_half(narrow);
    case YT_ST_BF16:
        memcpy(&narrow, data, sizeof narrow);
        return float_from_bfloat(narrow);
    case YT_ST_F64:
        memcpy(&wide, data, sizeof wide);
        return (float)wide;
    default:
        memcpy(&value, data, sizeof value);
        return value;
    }
}

bool yti_st_to_float(const yti_st_entry *entry, float *out) {
    if (!yti_st_is_float(entry->type)) return false;
    for (size_t i = 0; i < entry->count; i++) out[i] = float_at(entry, i);
    return true;
}

bool yti_st_to_half(const yti_st_entry *entry, uint16_t *out) {
    if (!yti_st_is_float(entry->type)) return false;
    for (size_t i = 0; i < entry->count; i++)
        if (entry->type == YT_ST_F16)
            memcpy(&out[i], (const char *)entry->data + 2 * i, sizeof out[i]);
        else
            out[i] = yti_half_from_float(float_at(entry, i));
    return true;
}

bool yti_st_to_int64(const yti_st_entry *entry, int64_t *out) {
    const char *data = entry->data;
    if (entry->type == YT_ST_I64) {
        memcpy(out, data, entry->bytes);
        return true;
    }
    if (entry->type != YT_ST_I32) return false;
    for (size_t i = 0; i < entry->count; i++) {
        int32_t value;
        memcpy(&value, data + 4 * i, sizeof value);
        out[i] = value;
    }
    return true;
}
