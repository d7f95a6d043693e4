/* Tests of src/ckpt: the safetensors format, written, read, and read when it is broken. */
#include "base/file.h"
#include "formats/safetensors.h"
#include "support/folder.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(safetensors, .init = test_folder_make, .fini = test_folder_remove);

/* Writes length, header and data as a file; returns its path. */
static const char *raw_file(uint64_t length, const char *header, const void *data, size_t n_data) {
    static char bytes[4096];
    size_t n_header = strlen(header);
    memcpy(bytes, &length, 8);
    memcpy(bytes + 8, header, n_header);
    memcpy(bytes + 8 + n_header, data, n_data);
    test_folder_write("raw.safetensors", bytes, 8 + n_header + n_data);
    return test_folder_path("raw.safetensors");
}

static void expect_refused(const char *header, size_t n_data, const char *reason) {
    static const char zeros[256];
    yt_err err;
    yti_st_file file = {.n_entries = 77};
    const char *path = raw_file(strlen(header), header, zeros, n_data);
    cr_assert_eq(yti_st_load(path, &file, &err), YT_ERR_SYNTAX, "%s", header);
    cr_assert_not_null(strstr(err.text, reason), "%s: said %s", header, err.text);
    cr_assert_eq(file.n_entries, 77u, "a failure leaves the output alone");
}

Test(safetensors, what_is_written_is_read_back) {
    static const float weights[6] = {0.0f, -1.5f, 3e38f, 1e-45f, 5.0f, -0.0f};
    static const int64_t steps = -3;
    static const uint8_t bytes[3] = {1, 2, 255};
    const yti_st_entry entries[] = {
        {.name = (char[]){"b"}, .type = YT_ST_U8, .n_dims = 1, .dims = {3}, .count = 3, .data = bytes, .bytes = 3},
        {.name = (char[]){"w"}, .n_dims = 2, .dims = {2, 3}, .count = 6, .data = weights, .bytes = 24},
        {.name = (char[]){"n"}, .type = YT_ST_I64, .count = 1, .data = &steps, .bytes = 8},
        {.name = (char[]){"empty"}, .n_dims = 2, .dims = {4, 0}, .count = 0, .data = weights, .bytes = 0},
    };
    const char *keys[] = {"model", "note"}, *values[] = {"a: \"b\"\n", ""};
    const char *path = test_folder_path("a.safetensors");
    cr_assert_eq(yti_st_save(path, entries, 4, keys, values, 2, NULL), YT_OK);

    yti_st_file file;
    yt_err err;
    cr_assert_eq(yti_st_load(path, &file, &err), YT_OK, "%s", err.text);
    cr_assert_eq(file.n_entries, 4u);
    cr_assert_str_eq(file.entries[0].name, "n", "wide elements come first");
    const yti_st_entry *w = yti_st_find(&file, "w");
    cr_assert_not_null(w);
    cr_assert_eq(w->n_dims, 2);
    cr_assert_eq(w->dims[0], 2);
    cr_assert_eq(w->dims[1], 3);
    float read[6];
    cr_assert(yti_st_to_float(w, read));
    cr_assert_arr_eq(read, weights, sizeof weights);
    int64_t number;
    cr_assert(yti_st_to_int64(yti_st_find(&file, "n"), &number));
    cr_assert_eq(number, -3);
    cr_assert_not(yti_st_to_int64(w, &number));
    cr_assert_not(yti_st_to_float(yti_st_find(&file, "b"), read));
    cr_assert_arr_eq(yti_st_find(&file, "b")->data, bytes, 3);
    cr_assert_eq(yti_st_find(&file, "empty")->count, 0u);
    cr_assert_str_eq(yti_st_metadata(&file, "model"), "a: \"b\"\n");
    cr_assert_str_eq(yti_st_metadata(&file, "note"), "");
    cr_assert_null(yti_st_metadata(&file, "other"));
    cr_assert_null(yti_st_find(&file, "other"));
    yti_st_free(&file);
}

static void doubled(const void *factor, const void *data, void *out) {
    const float *values = data;
    float *bytes = out;
    for (int i = 0; i < 3; i++) bytes[i] = *(const float *)factor * values[i];
}

Test(safetensors, values_may_be_converted_while_they_are_written) {
    static const float values[3] = {1, -2, 3}, factor = 2;
    const yti_st_entry entries[] = {
        {.name = (char[]){"as_is"}, .n_dims = 1, .dims = {3}, .count = 3, .data = values, .bytes = 12},
        {.name = (char[]){"doubled"},
         .n_dims = 1,
         .dims = {3},
         .count = 3,
         .data = values,
         .bytes = 12,
         .convert = doubled,
         .context = &factor},
    };
    const char *path = test_folder_path("a.safetensors");
    cr_assert_eq(yti_st_save(path, entries, 2, NULL, NULL, 0, NULL), YT_OK);
    yti_st_file file;
    cr_assert_eq(yti_st_load(path, &file, NULL), YT_OK);
    float as_is[3], twice[3];
    cr_assert(yti_st_to_float(yti_st_find(&file, "as_is"), as_is));
    cr_assert(yti_st_to_float(yti_st_find(&file, "doubled"), twice));
    for (int i = 0; i < 3; i++) cr_assert(as_is[i] == values[i] && twice[i] == 2 * values[i]);
    yti_st_free(&file);
}

Test(safetensors, every_tensor_is_aligned_to_its_element) {
    static const float value = 1;
    static const int64_t steps = 2;
    const yti_st_entry entries[] = {
        {.name = (char[]){"w"}, .count = 1, .data = &value, .bytes = 4},
        {.name = (char[]){"n"}, .type = YT_ST_I64, .count = 1, .data = &steps, .bytes = 8},
    };
    const char *path = test_folder_path("a.safetensors");
    cr_assert_eq(yti_st_save(path, entries, 2, NULL, NULL, 0, NULL), YT_OK);
    char *data;
    size_t bytes;
    cr_assert_eq(yti_file_read(path, 4096, &data, &bytes, NULL), YT_OK);
    uint64_t length;
    memcpy(&length, data, 8);
    cr_assert_eq(length % 8, 0u);
    cr_assert_eq(memcmp(data + 8 + length, &steps, 8), 0);
    cr_assert_eq(memcmp(data + 16 + length, &value, 4), 0);
    free(data);
}

Test(safetensors, narrow_and_wide_floats_are_converted) {
    static const uint16_t half[8] = {0x3c00, 0xc000, 0x0001, 0x7bff, 0x7c00, 0xfc00, 0x8000, 0x7e00};
    const char *header = "{\"h\":{\"dtype\":\"F16\",\"shape\":[8],\"data_offsets\":[0,16]}}";
    yti_st_file file;
    cr_assert_eq(yti_st_load(raw_file(strlen(header), header, half, 16), &file, NULL), YT_OK);
    float out[8];
    cr_assert(yti_st_to_float(&file.entries[0], out));
    cr_assert(out[0] == 1.0f && out[1] == -2.0f && out[2] == 0x1p-24f && out[3] == 65504.0f);
    cr_assert(isinf(out[4]) && out[4] > 0 && isinf(out[5]) && out[5] < 0);
    cr_assert(out[6] == 0.0f && signbit(out[6]) && isnan(out[7]));
    yti_st_free(&file);

    static const uint16_t brain[2] = {0x3f80, 0xc049};
    header = "{\"h\":{\"dtype\":\"BF16\",\"shape\":[2],\"data_offsets\":[0,4]}}";
    cr_assert_eq(yti_st_load(raw_file(strlen(header), header, brain, 4), &file, NULL), YT_OK);
    cr_assert(yti_st_to_float(&file.entries[0], out));
    cr_assert(out[0] == 1.0f && out[1] == -3.140625f);
    yti_st_free(&file);

    static const double wide = 0.1;
    header = "{\"h\":{\"dtype\":\"F64\",\"shape\":[],\"data_offsets\":[0,8]}}";
    cr_assert_eq(yti_st_load(raw_file(strlen(header), header, &wide, 8), &file, NULL), YT_OK);
    cr_assert(yti_st_to_float(&file.entries[0], out));
    cr_assert_eq(out[0], 0.1f);
    yti_st_free(&file);

    static const int32_t whole[2] = {-7, 7};
    header = "{\"h\":{\"dtype\":\"I32\",\"shape\":[2],\"data_offsets\":[0,8]}}";
    cr_assert_eq(yti_st_load(raw_file(strlen(header), header, whole, 8), &file, NULL), YT_OK);
    int64_t numbers[2];
    cr_assert(yti_st_to_int64(&file.entries[0], numbers));
    cr_assert(numbers[0] == -7 && numbers[1] == 7);
    yti_st_free(&file);
}

Test(safetensors, damaged_lengths_are_refused) {
    yt_err err;
    yti_st_file file;
    test_folder_write("short", "1234567", 7);
    cr_assert_eq(yti_st_load(test_folder_path("short"), &file, &err), YT_ERR_SYNTAX);
    cr_assert_not_null(strstr(err.text, "has 7 bytes"));
    cr_assert_eq(yti_st_load(raw_file(3, "{}", "", 0), &file, &err), YT_ERR_SYNTAX);
    cr_assert_not_null(strstr(err.text, "ends after 2"));
    cr_assert_eq(yti_st_load(raw_file(UINT64_MAX, "{}", "", 0), &file, &err), YT_ERR_SYNTAX);
    cr_assert_not_null(strstr(err.text, "over the format's limit"));
    cr_assert_eq(yti_st_load(raw_file(0, "{}", "", 0), &file, &err), YT_ERR_SYNTAX);
    cr_assert_eq(yti_st_load(test_folder_path("none"), &file, &err), YT_ERR_IO);
}

Test(safetensors, damaged_headers_are_refused) {
    expect_refused("[]", 0, "not a JSON object");
    expect_refused("{", 0, "not a JSON object");
    expect_refused("{}x", 0, "not a JSON object");
    expect_refused("{}", 1, "1 bytes at the end");
    expect_refused("{\"a\":1}", 0, "not described by an object");
    expect_refused("{\"a\":[[[[[[[[[[]]]]]]]]]]}", 0, "nests deeper");
    expect_refused("{\"a\":{\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "dtype (none)");
    expect_refused("{\"a\":{\"dtype\":\"I4\",\"shape\":[1],\"data_offsets\":[0,8]}}", 8, "dtype I4");
    expect_refused("{\"a\":{\"dtype\":\"C64\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8, "has 8 bytes");
    expect_refused("{\"a\":{\"dtype\":\"F4\",\"shape\":[3],\"data_offsets\":[0,2]}}", 2, "impossible shape");
    expect_refused("{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4, "no shape");
    expect_refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, "no data_offsets");
    expect_refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}}", 4, "no data_offsets");
    expect_refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4,8]}}", 8, "no data_offsets");
    expect_refused("{\"__metadata__\":{\"k\":1}}", 0, "metadata k is not a text");
    expect_refused("{\"__metadata__\":{},\"__metadata__\":{}}", 0, "twice");
}

Test(safetensors, shapes_that_cannot_be_are_refused) {
    expect_refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}", 4, "no whole number");
    expect_refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[1.5],\"data_offsets\":[0,4]}}", 4, "no whole number");
    expect_refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[1e99],\"data_offsets\":[0,4]}}", 4, "no whole number");
    expect_refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,4]}}", 4,
                   "impossible shape");
    expect_refused("{\"a\":{\"dtype\":\"F64\",\"shape\":[4611686018427387904],\"data_offsets\":[0,4]}}", 4,
                   "no whole number");
    expect_refused("{\"a\":{\"dtype\":\"F64\",\"shape\":[2147483648,2147483648],\"data_offsets\":[0,4]}}", 4,
                   "impossible shape");
    expect_refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,4]}}", 4,
                   "more than 8 dimensions");
    expect_refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}", 4, "need 8");
    expect_refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 4, "cut short");
}

#define TENSOR(name, begin, end) "\"" name "\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[" begin "," end "]}"

Test(safetensors, tensors_must_tile_the_data) {
    expect_refused("{" TENSOR("a", "0", "8") "," TENSOR("b", "4", "12") "}", 12, "overlap");
    expect_refused("{" TENSOR("a", "0", "8") "," TENSOR("b", "0", "8") "}", 8, "overlap");
    expect_refused("{" TENSOR("a", "0", "8") "," TENSOR("b", "12", "20") "}", 20, "4 bytes before tensor b");
    expect_refused("{" TENSOR("a", "4", "12") "}", 12, "4 bytes before tensor a");
    expect_refused("{" TENSOR("a", "0", "8") "," TENSOR("a", "8", "16") "}", 16, "stands there twice");
    yti_st_file file;
    const char *header = "{" TENSOR("b", "8", "16") "," TENSOR("a", "0", "8") "} ";
    static const char zeros[16];
    cr_assert_eq(yti_st_load(raw_file(strlen(header), header, zeros, 16), &file, NULL), YT_OK);
    cr_assert_str_eq(file.entries[0].name, "a");
    yti_st_free(&file);
}

/* What the format's own reader takes beyond what its writer makes. */
Test(safetensors, what_the_format_allows_is_read) {
    static const char *const headers[] = {
        " \n{" TENSOR("a", "0", "8") "}\n\t ",
        "{\"__metadata__\":null," TENSOR("a", "0", "8") "}",
        "{" TENSOR("a", "0", "8") "," TENSOR("a", "0", "8") "}",
        "{" TENSOR("a", "0", "8") ",\"b\":{\"dtype\":\"U16\",\"shape\":[0],\"data_offsets\":[8,8]}}",
    };
    static const char zeros[8];
    yti_st_file file;
    yt_err err = {.text = ""};
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        const char *path = raw_file(strlen(headers[i]), headers[i], zeros, 8);
        cr_expect(yti_st_probe(path), "%s", headers[i]);
        cr_assert_eq(yti_st_load(path, &file, &err), YT_OK, "%s: %s", headers[i], err.text);
        cr_expect(file.n_entries == 1 && file.n_metadata == 0);
        yti_st_free(&file);
    }
}

Test(safetensors, tensors_of_other_types_are_left_out) {
    static const char *const types[][2] = {{"U16", "[2,2]"},   {"U32", "[2]"},     {"U64", "[1]"},
                                           {"C64", "[1,1]"},   {"F8_E4M3", "[8]"}, {"F8_E5M2", "[2,4]"},
                                           {"F8_E8M0", "[8]"}, {"F4", "[16]"},     {"F8_E4M3FNUZ", "[8]"}};
    static const char zeros[16];
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        char header[256];
        yti_st_file file;
        yt_err err = {.text = ""};
        snprintf(header, sizeof header,
                 "{" TENSOR("a", "8", "16") ",\"q\":{\"dtype\":\"%s\",\"shape\":%s,"
                                            "\"data_offsets\":[0,8]}}",
                 types[i][0], types[i][1]);
        cr_assert_eq(yti_st_load(raw_file(strlen(header), header, zeros, 16), &file, &err), YT_OK, "%s: %s", header,
                     err.text);
        cr_expect(file.n_entries == 1 && strcmp(file.entries[0].name, "a") == 0);
        yti_st_free(&file);
    }
}

/* Any bit of any tensor; the values themselves stay plausible. */
Test(safetensors, a_flipped_bit_in_a_file_of_ours_is_noticed) {
    static const float values[3] = {1, 2, 3}, other[2] = {4, 5};
    const yti_st_entry entries[] = {
        {.name = (char[]){"w"}, .n_dims = 1, .dims = {3}, .count = 3, .data = values, .bytes = 12},
        {.name = (char[]){"v"}, .n_dims = 1, .dims = {2}, .count = 2, .data = other, .bytes = 8},
        {.name = (char[]){"b"}, .type = YT_ST_U8, .n_dims = 1, .dims = {3}, .count = 3, .data = "abc", .bytes = 3}};
    const char *keys[] = {"yt_format", "yt_hash"}, *texts[] = {"1", "of another file"};
    const char *path = test_folder_path("own.safetensors");
    cr_assert_eq(yti_st_save(path, entries, 3, keys, texts, 2, NULL), YT_OK);
    char *data;
    size_t bytes;
    yti_st_file file;
    uint64_t header;
    cr_assert_eq(yti_file_read(path, 4096, &data, &bytes, NULL), YT_OK);
    memcpy(&header, data, 8);
    cr_assert_eq(bytes, 8 + header + 23);
    for (size_t bit = 0; bit < 8 * 23u; bit++) {
        yt_err err = {.text = ""};
        data[8 + header + bit / 8] ^= (char)(1 << bit % 8);
        test_folder_write("own.safetensors", data, bytes);
        cr_assert_eq(yti_st_load(path, &file, &err), YT_ERR_SYNTAX, "bit %zu", bit);
        cr_assert_not_null(strstr(err.text, "its tensors are not those that were written"), "%s", err.text);
        data[8 + header + bit / 8] ^= (char)(1 << bit % 8);
    }
    test_folder_write("own.safetensors", data, bytes);
    cr_assert_eq(yti_st_load(path, &file, NULL), YT_OK);
    cr_assert_eq(file.n_metadata, 2u);
    yti_st_free(&file);
    free(data);
}

Test(safetensors, names_written_twice_are_refused) {
    static const float value = 1;
    const yti_st_entry entries[] = {{.name = (char[]){"w"}, .count = 1, .data = &value, .bytes = 4},
                                    {.name = (char[]){"w"}, .count = 1, .data = &value, .bytes = 4}};
    const char *path = test_folder_path("twice.safetensors");
    cr_assert_eq(yti_st_save(path, entries, 2, NULL, NULL, 0, NULL), YT_ERR_SYNTAX);
    cr_assert_not(yti_path_exists(path));
}

Test(safetensors, texts_that_are_not_utf8_are_not_written) {
    static const float value = 1;
    const char *path = test_folder_path("latin.safetensors");
    const struct {
        char *name;
        const char *key, *value, *reason;
    } cases[] = {{(char[]){"w\xE9"}, "k", "v", "the name of tensor w"},
                 {(char[]){"w"}, "k\xE9", "v", "metadata entry k"},
                 {(char[]){"w"}, "names", "[\"caf\xE9\"]", "metadata entry names is not UTF-8"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const yti_st_entry entry = {.name = cases[i].name, .count = 1, .data = &value, .bytes = 4};
        yt_err err = {.text = ""};
        cr_assert_eq(yti_st_save(path, &entry, 1, &cases[i].key, &cases[i].value, 1, &err), YT_ERR_ARGUMENT);
        cr_assert_not_null(strstr(err.text, cases[i].reason), "%s", err.text);
        cr_assert_not(yti_path_exists(path));
    }
}

Test(safetensors, a_file_is_known_by_its_beginning) {
    cr_assert(yti_st_probe(raw_file(2, "{}", "", 0)));
    cr_assert_not(yti_st_probe(raw_file(2, "[]", "", 0)));
    cr_assert_not(yti_st_probe(raw_file((uint64_t)1 << 40, "{}", "", 0)));
    test_folder_write("short", "\2\0\0\0\0\0\0\0", 8);
    cr_assert_not(yti_st_probe(test_folder_path("short")));
    cr_assert_not(yti_st_probe(test_folder_path("none")));
}

Test(safetensors, no_cut_of_a_file_is_accepted) {
    const char *header = "{\"__metadata__\":{\"k\":\"v\"}," TENSOR("a", "0", "8") "}";
    static const char zeros[8];
    const char *path = raw_file(strlen(header), header, zeros, 8);
    char *data;
    size_t bytes;
    cr_assert_eq(yti_file_read(path, 4096, &data, &bytes, NULL), YT_OK);
    for (size_t n = 0; n < bytes; n++) {
        yti_st_file file;
        test_folder_write("cut", data, n);
        cr_assert_eq(yti_st_load(test_folder_path("cut"), &file, NULL), YT_ERR_SYNTAX, "%zu bytes", n);
    }
    free(data);
}

Test(safetensors, halves_are_the_nearest_ones) {
    uint16_t half, back;
    float value;
    yti_st_entry entry = {.type = YT_ST_F16, .count = 1, .data = &half, .bytes = 2};
    for (unsigned bits = 0; bits < 0x10000; bits++) { /* every half there is comes back */
        if ((bits & 0x7c00) == 0x7c00) continue;
        half = (uint16_t)bits;
        entry.type = YT_ST_F16, entry.data = &half;
        cr_assert(yti_st_to_float(&entry, &value));
        entry.type = YT_ST_F32, entry.data = &value;
        cr_assert(yti_st_to_half(&entry, &back));
        cr_assert_eq(back, half, "%04x became %04x", half, back);
    }
    static const struct {
        float value;
        uint16_t half;
    } cases[] = {{1 + 0x1p-11f, 0x3c00},
                 {1 + 0x1.8p-10f, 0x3c02}, /* ties go to the even one */
                 {1 + 0x1.001p-11f, 0x3c01},
                 {0x1.ffep0f, 0x4000}, /* a carry into the exponent */
                 {0x1p-25f, 0x0000},
                 {0x1.8p-25f, 0x0001}, /* below the smallest */
                 {0x1.ff8p-15f, 0x03ff},
                 {0x1.ffcp-15f, 0x0400}, /* from the last to the first normal */
                 {70000.0f, 0x7bff},
                 {-INFINITY, 0xfbff}, /* the largest there is */
                 {-1.0f, 0xbc00},
                 {-0.0f, 0x8000}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        yti_st_entry one = {.count = 1, .data = &cases[i].value, .bytes = 4};
        cr_assert(yti_st_to_half(&one, &back));
        cr_assert_eq(back, cases[i].half, "%a became %04x", (double)cases[i].value, back);
    }
    yti_st_entry number = {.type = YT_ST_I64, .count = 1, .data = &(int64_t){1}, .bytes = 8};
    cr_assert_not(yti_st_to_half(&number, &back));
}

Test(safetensors, what_is_released_takes_nothing_of_its_neighbours) {
    enum { LARGE = 1 << 18, N = 3 };
    static float values[N][LARGE];
    yti_st_entry entries[N];
    const char *path = test_folder_path("large.safetensors");
    static char names[N][2] = {"a", "b", "c"};
    for (int i = 0; i < N; i++) {
        const size_t count = LARGE - (size_t)i * 1001; /* ends within pages */
        for (size_t k = 0; k < count; k++) values[i][k] = (float)(i + 1);
        entries[i] = (yti_st_entry){.name = names[i],
                                    .type = YT_ST_F32,
                                    .n_dims = 1,
                                    .dims = {(int64_t)count},
                                    .count = count,
                                    .data = values[i],
                                    .bytes = count * sizeof(float)};
    }
    cr_assert_eq(yti_st_save(path, entries, N, NULL, NULL, 0, NULL), YT_OK);
    yti_st_file file;
    cr_assert_eq(yti_st_load(path, &file, NULL), YT_OK);
    yti_st_release(yti_st_find(&file, "b"));
    for (int i = 0; i < N; i += 2) {
        const yti_st_entry *entry = yti_st_find(&file, names[i]);
        cr_assert_eq(memcmp(entry->data, values[i], entry->bytes), 0, "%s", names[i]);
    }
    yti_st_free(&file);
}
