/* Tests of src/gradients/event_file.c: records, checksums and fields, read back here by the definition; and what a
 * second run keeps of a file. tools/oracle/check_events.py reads such files with TensorBoard's own reader. */
#include "base/file.h"
#include "gradients/event_file.h"
#include "support/folder.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

TestSuite(event_file, .init = test_folder_make, .fini = test_folder_remove);

/* Bit by bit: polynomial 0x1edc6f41, reflected. */
static uint32_t masked_crc(const char *data, size_t n) {
    uint32_t c = 0xffffffff;
    for (size_t i = 0; i < 8 * n; i++) {
        const uint32_t bit = (uint32_t)((unsigned char)data[i / 8] >> i % 8 & 1);
        c = (c >> 1) ^ (((c ^ bit) & 1) ? 0x82f63b78 : 0);
    }
    c = ~c;
    return ((c >> 15) | (c << 17)) + 0xa282ead8;
}

/* One of our own machines: little endian. */
static uint32_t u32_at(const char *at) {
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

typedef struct record {
    const char *data;
    size_t size;
    int step; /* -1: none */
} record;

/* The records of a file, all checksums right; *text is to be freed. */
static int read_records(const char *path, char **text, record *records, int room) {
    size_t bytes;
    cr_assert_eq(yti_file_read(path, 1 << 20, text, &bytes, NULL), YT_OK);
    int n = 0;
    for (size_t at = 0; at < bytes; n++) {
        cr_assert_lt(n, room);
        const char *head = *text + at;
        const size_t size = u32_at(head);
        cr_assert_eq(u32_at(head + 4), 0);
        cr_assert_leq(at + 16 + size, bytes);
        cr_assert_eq(u32_at(head + 8), masked_crc(head, 8));
        cr_assert_eq(u32_at(head + 12 + size), masked_crc(head + 12, size));
        cr_assert(head[12] == 0x09, "an event begins with its time");
        records[n] = (record){head + 12, size, head[21] == 0x10 ? head[22] : -1};
        at += 16 + size;
    }
    return n;
}

static yti_event_file *open_file(const char *path, int64_t keep_below) {
    yti_event_file *file = NULL;
    yt_err err = {.text = ""};
    cr_assert_eq(yti_event_file_open(path, keep_below, &file, &err), YT_OK, "%s", err.text);
    return file;
}

static void write_steps(yti_event_file *file, int first, int last) {
    for (int step = first; step <= last; step++) {
        yti_event_file_scalar(file, "a/b", step * 0.5);
        cr_assert_eq(yti_event_file_end(file, step, NULL), YT_OK);
    }
    yti_event_file_close(file);
}

Test(event_file, checksum_of_the_published_example) {
    cr_assert_eq(masked_crc("123456789", 9), ((0xe3069283u >> 15) | (0xe3069283u << 17)) + 0xa282ead8u);
}

Test(event_file, a_scalar_is_an_event_with_its_step) {
    write_steps(open_file(test_folder_path("events"), 0), 3, 3);
    char *text;
    record records[2];
    cr_assert_eq(read_records(test_folder_path("events"), &text, records, 2), 2);
    cr_assert(records[0].step == -1 && memcmp(records[0].data + 9,
                                              "\x1a\x0d"
                                              "brain.Event:2",
                                              15) == 0);
    /* step 3; summary of one value: tag "a/b", simple_value 1.5 */
    static const char expected[] = "\x10\x03\x2a\x0c\x0a\x0a\x0a\x03"
                                   "a/b"
                                   "\x15\x00\x00\xc0\x3f";
    cr_assert_eq(records[1].size, 9 + sizeof expected - 1);
    cr_assert_arr_eq(records[1].data + 9, expected, sizeof expected - 1);
    free(text);
}

Test(event_file, a_histogram_has_a_bucket_for_each_power_of_two) {
    const float x[6] = {0.3f, -0.4f, 0.6f, 2, 0, NAN};
    yti_flow_stats stats = yti_flow_measure(yti_tensor_of((float[6]){x[0], x[1], x[2], x[3], x[4], x[5]}, 1, 1, 6, 1),
                                            1);
    yti_event_file *file = open_file(test_folder_path("events"), 0);
    yti_event_file_histogram(file, "h", &stats);
    cr_assert_eq(yti_event_file_end(file, 0, NULL), YT_OK);
    yti_event_file_close(file);
    char *text;
    record records[2];
    cr_assert_eq(read_records(test_folder_path("events"), &text, records, 2), 2);
    /* from -2 to 2: min, max, num, sum and sum of squares of the middles, five limits, five counts */
    static const double expected[15] = {-2, 2, 4, -1.5 * 2 - 0.5 + 1.5, 2.25 * 2 + 0.25 + 2.25, -2, -1, 0, 1, 2, 0, 2,
                                        1,  0, 1};
    const char *at = records[1].data + 9 + 2 + 3 + 3 + 3 + 3; /* keys and lengths down to the histogram */
    for (int i = 0; i < 15; i++) {
        double value;
        at += i < 5 ? 1 : i == 5 || i == 10 ? 2 : 0;
        memcpy(&value, at, sizeof value);
        cr_expect_eq(value, expected[i], "number %d: %g", i, value);
        at += sizeof value;
    }
    free(text);
}

Test(event_file, a_resumed_run_drops_what_comes_after_its_checkpoint) {
    const char *path = test_folder_path("events");
    write_steps(open_file(path, 0), 0, 5);
    write_steps(open_file(path, 3), 3, 4);
    char *text;
    record records[16];
    cr_assert_eq(read_records(path, &text, records, 16), 6);
    for (int i = 0; i < 6; i++) cr_assert_eq(records[i].step, i - 1);
    free(text);
    write_steps(open_file(path, 0), 7, 7);
    cr_assert_eq(read_records(path, &text, records, 16), 2);
    free(text);
}

Test(event_file, a_damaged_former_file_is_cut_where_it_is_damaged) {
    const char *path = test_folder_path("events");
    write_steps(open_file(path, 0), 0, 2);
    char *text;
    size_t bytes;
    cr_assert_eq(yti_file_read(path, 1 << 20, &text, &bytes, NULL), YT_OK);
    for (size_t cut = 0; cut <= bytes; cut++) {
        test_folder_write("cut", text, cut);
        write_steps(open_file(test_folder_path("cut"), 100), 9, 9);
        char *kept;
        record records[8];
        const int n = read_records(test_folder_path("cut"), &kept, records, 8);
        cr_assert(n >= 2 && n <= 5 && records[n - 1].step == 9);
        free(kept);
    }
    memset(text, 0xff, bytes);
    test_folder_write("cut", text, bytes);
    write_steps(open_file(test_folder_path("cut"), 100), 9, 9);
    free(text);
}
