/* Tests of the image formats (src/image/image_format.h and the readers it names): small files of every kind against the
 * pixels that the reference reads from them (tools/oracle/image_files.py), wrong kinds of files, damaged ones, bombs.
 *
 * A reader that the build lacks is skipped once its refusal has been looked at.
 */
#include "base/file.h"
#include "image/decode_gate.h"
#include "image/image.h"
#include "image/image_format.h"
#include "support/folder.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

TestSuite(formats, .init = test_folder_make, .fini = test_folder_remove);

/* `name` is one of ours: short. */
static const char *path_of(const char *name) {
    static _Thread_local char paths[4][1024];
    static _Thread_local int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], YT_SOURCE_DIR "/tests/data/images/%.100s", name);
    return path;
}

static uint64_t fnv(const uint8_t *data, size_t bytes) {
    uint64_t hash = 0xCBF29CE484222325u;
    for (size_t i = 0; i < bytes; i++) hash = (hash ^ data[i]) * 0x100000001B3u;
    return hash;
}

enum { MAX_ROWS = 200 };

/* A row of pixels.txt. */
typedef struct row {
    char name[64]; /* of a file in tests/data/images */
    int w, h;      /* 0: the reference refuses it */
    uint64_t hash;
} row;

static size_t read_table(row rows[MAX_ROWS]) {
    FILE *file = fopen(path_of("pixels.txt"), "r");
    char line[200];
    size_t count = 0;
    cr_assert_not_null(file);
    while (count < MAX_ROWS && fgets(line, sizeof line, file)) {
        row *r = &rows[count];
        unsigned long long hash = 0;
        if (line[0] == '#') continue;
        r->w = r->h = 0;
        cr_assert_geq(sscanf(line, "%63s %d %d %llx", r->name, &r->w, &r->h, &hash), 1);
        r->hash = hash;
        count++;
    }
    fclose(file);
    cr_assert_geq(count, 100u);
    return count;
}

/* False: the build has no reader, and says how to get it. */
static bool load(const char *path, yt_image *image, yt_err *err) {
    yt_status status = yt_image_load(path, image, err);
    if (status == YT_OK || !strstr(err->text, "this build has no")) return true;
    cr_assert_not_null(strstr(err->text, "-dev was not installed"), "%s", err->text);
    return false;
}

static bool ends_in(const char *name, const char *ending) {
    size_t n = strlen(name), m = strlen(ending);
    return n >= m && strcmp(name + n - m, ending) == 0;
}

Test(formats, pixels_are_those_of_the_reference) {
    static row rows[MAX_ROWS];
    size_t count = read_table(rows);
    int compared = 0;
    for (size_t i = 0; i < count; i++) {
        const row *r = &rows[i];
        yt_image image = {0};
        yti_image_info info;
        yt_err err = {.text = ""};
        if (ends_in(r->name, ".avif") || ends_in(r->name, ".heic")) continue; /* the next test */
        if (!load(path_of(r->name), &image, &err)) continue;
        if (r->w == 0) {
            cr_expect_null(image.rgb, "%s was read", r->name);
            continue;
        }
#ifndef YT_LIBJPEG
        if (ends_in(r->name, ".jpg")) continue;
#endif
        cr_assert_not_null(image.rgb, "%s", err.text);
        cr_expect(image.w == r->w && image.h == r->h, "%s: %d x %d", r->name, image.w, image.h);
        cr_expect_eq(fnv(image.rgb, (size_t)image.w * (size_t)image.h * 3), r->hash, "%s", r->name);
        cr_expect_eq(yti_image_probe(path_of(r->name), &info, NULL), YT_OK);
        cr_expect(info.w == image.w && info.h == image.h, "%s: measured as %d x %d", r->name, info.w, info.h);
        yt_image_free(&image);
        compared++;
    }
    cr_assert_geq(compared, 30); /* what needs no library */
}

/* AVIF of full range differs by the rounding of planes on their way through libheif 1.15, at most at edges of
 * colour; one of limited range and those of more bits by one more rounding. Colour that is repeated in place of
 * interpolated gives a mean of 7.7, a turn that is left out 90. */
Test(formats, avif_and_heic_are_near_to_the_reference) {
    static row rows[MAX_ROWS];
    size_t count = read_table(rows);
    int compared = 0;
    for (size_t i = 0; i < count; i++) {
        const char *name = rows[i].name;
        char reference_name[128];
        yt_image image = {0}, reference;
        yt_err err = {.text = ""};
        if (!ends_in(name, ".avif") && !ends_in(name, ".heic")) continue;
        if (!load(path_of(name), &image, &err)) continue;
        cr_assert_not_null(image.rgb, "%s", err.text);
        snprintf(reference_name, sizeof reference_name, "reference/%s.png", name);
        cr_assert_eq(yt_image_load(path_of(reference_name), &reference, &err), YT_OK, "%s", err.text);
        cr_assert(image.w == reference.w && image.h == reference.h, "%s: %d x %d", name, image.w, image.h);
        size_t values = (size_t)image.w * (size_t)image.h * 3;
        long sum = 0;
        for (size_t k = 0; k < values; k++) sum += labs((long)image.rgb[k] - reference.rgb[k]);
        double mean = (double)sum / (double)values;
        bool coarse = strcmp(name, "limited.avif") == 0 || strncmp(name, "depth", 5) == 0;
        cr_expect_leq(mean, coarse ? 1.5 : 0.5, "%s: %g", name, mean);
        yt_image_free(&image);
        yt_image_free(&reference);
        compared++;
    }
    if (compared == 0) cr_skip_test("no libheif");
}

static char *read_file(const char *path, size_t *bytes) {
    char *data;
    cr_assert_eq(yti_file_read(path, 1 << 20, &data, bytes, NULL), YT_OK);
    return data;
}

Test(formats, content_decides_and_not_the_name) {
    static const char *const names[] = {"lossless.webp", "rgb.tif",   "rgba.png",
                                        "top-down.bmp",  "plain.gif", "444.avif"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t bytes;
        char *data = read_file(path_of(names[i]), &bytes);
        test_folder_write("a.jpg", data, bytes);
        free(data);
        yt_image image = {0};
        yt_err err = {.text = ""};
        if (!load(test_folder_path("a.jpg"), &image, &err)) continue;
        cr_expect_not_null(image.rgb, "%s under another name: %s", names[i], err.text);
        yt_image_free(&image);
    }
}

static void expect_refused(const char *path, const char *words) {
    yt_image image = {0};
    yti_image_info info;
    yt_err err = {.text = ""}, probed = {.text = ""};
    cr_expect_neq(yt_image_load(path, &image, &err), YT_OK, "%s was read", path);
    cr_expect_not_null(strstr(err.text, words), "'%s' does not say '%s'", err.text, words);
    cr_expect_neq(yti_image_probe(path, &info, &probed), YT_OK);
    cr_expect_null(image.rgb);
}

#define KIND(name, bytes, words)                                                                                       \
    { name, bytes, sizeof bytes - 1, words }

Test(formats, the_wrong_kind_of_file_is_named) {
    static const struct {
        const char *name, *data;
        size_t bytes;
        const char *words;
    } kinds[] = {
        KIND("a.pdf.jpg", "%PDF-1.7\n%\xE2\xE3", "a PDF document"),
        KIND("page.jpg", "\n <!DOCTYPE HTML><html><body>404", "a web page (HTML)"),
        KIND("page2.png", "<html lang=en>", "a web page (HTML)"),
        KIND("a.svg", "<?xml version='1.0'?>\n<svg xmlns=''/>", "an SVG drawing"),
        KIND("a.mp4",
             "\0\0\0\x18"
             "ftypisom\0\0\2\0isommp41",
             "a video (MP4"),
        KIND("a.mov",
             "\0\0\0\x14"
             "ftypqt  \0\0\2\0",
             "a video (MP4 or QuickTime)"),
        KIND("a.avi", "RIFF\x10\0\0\0AVI LIST", "a video (AVI)"),
        KIND("a.mkv", "\x1A\x45\xDF\xA3\1\0\0", "a video (Matroska"),
        KIND("a.jp2", "\0\0\0\x0CjP  \r\n\x87\n", "a JPEG 2000 image"),
        KIND("a.j2k", "\xFF\x4F\xFF\x51\0\x2F", "a JPEG 2000"),
        KIND("a.jxl", "\xFF\x0A\1\2", "a JPEG XL image"),
        KIND("a.ppm", "P6 2 2 255\nabcdefghijkl", "a portable anymap"),
        KIND("a.psd", "8BPS\0\1", "a Photoshop document"),
        KIND("a.zip", "PK\3\4\x14\0", "a ZIP archive"),
        KIND("a.gz", "\x1F\x8B\x08\0", "a gzip archive"),
        KIND("a.npy", "\x93NUMPY\1\0", "a NumPy array"),
        KIND("pointer.jpg", "version https://git-lfs.github.com/spec/v1\noid sha256:", "git lfs pull"),
        KIND("apple.jpg", "\0\5\x16\7\0\2\0\0Mac OS X", "AppleDouble"),
        KIND("label.jpg", "0 0.5 0.5 0.2 0.2\n", "a text file"),
        KIND("zero.jpg", "\0\0\0\0\0\0\0\0\0\0\0\0", "nothing but zero bytes"),
        KIND("noise.jpg", "\x01\x02\x03\x04\x05\x99", "not an image file that is known here"),
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        test_folder_write(kinds[i].name, kinds[i].data, kinds[i].bytes);
        expect_refused(test_folder_path(kinds[i].name), kinds[i].words);
    }
}

Test(formats, a_floating_point_tiff_is_refused_by_a_sentence) {
    yt_image image = {0};
    yt_err err = {.text = ""};
    if (!load(path_of("float.tif"), &image, &err)) cr_skip_test("no libtiff");
    expect_refused(path_of("float.tif"), "floating-point");
    expect_refused(path_of("uint32.tif"), "32-bit");
}

/* What has no end, or never begins, is not opened. */
Test(formats, only_regular_files_are_read) {
    cr_assert_eq(mkfifo(test_folder_path("pipe.jpg"), 0600), 0);
    expect_refused(test_folder_path("pipe.jpg"), "a pipe");
    expect_refused("/dev/zero", "a device");
    expect_refused(test_folder_path(""), "a folder");
}

/* The size is within what is accepted, the memory to decode it is not: 8 bytes a pixel, twice. */
Test(formats, what_takes_too_much_memory_is_refused_before_it_is_taken) {
    static const uint8_t png[] = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x40\0\0\0\x40\0\x10\6\0\0\0\xC9\xD8\x2B\x63"
                                 "\0\0\0\0IEND\xAE\x42\x60\x82";
    test_folder_write("bomb.png", png, sizeof png - 1);
    expect_refused(test_folder_path("bomb.png"), "would take 4096 MiB");
}

/* A tile of 65536 x 65536 in a TIFF of 16 x 16. */
Test(formats, a_block_larger_than_its_image_is_refused) {
    yt_image image = {0};
    yt_err err = {.text = ""};
    if (!load(path_of("tiled-plain.tif"), &image, &err)) cr_skip_test("no libtiff");
    yt_image_free(&image);
    size_t bytes;
    char *data = read_file(path_of("tiled-plain.tif"), &bytes);
    size_t at = 10, changed = 0; /* after the header and the count of entries, little-endian */
    for (; at + 12 <= bytes && changed < 2; at += 12)
        if (data[at + 1] == 1 && (data[at] == 0x42 || data[at] == 0x43)) /* tags 322 and 323 */
            memcpy(data + at + 8, "\0\0\1\0", 4), changed++;
    cr_assert_eq(changed, 2u);
    test_folder_write("tile.tif", data, bytes);
    free(data);
    expect_refused(test_folder_path("tile.tif"), "MiB; at most");
}

/* Tiles of 2^28 x 2^28 with 126 samples of 16 bits, each sample in its own tiles: 252 bytes a pixel and 4 of RGBA are
 * 2^64, of which 64 bits hold nothing. A file that asks for it is bad; the machine lacks nothing. */
Test(formats, a_block_whose_bytes_wrap_is_the_fault_of_its_file) {
    static const struct {
        const char *tag, *rest;                            /* kind, count, value */
    } entries[] = {{"\x02\x01", "\3\0\1\0\0\0\x10\0\0\0"}, /* bits */
                   {"\x15\x01", "\3\0\1\0\0\0\x7E\0\0\0"}, /* samples */
                   {"\x1C\x01", "\3\0\1\0\0\0\2\0\0\0"},   /* not interleaved */
                   {"\x42\x01", "\4\0\1\0\0\0\0\0\0\x10"}, /* width and height of a tile */
                   {"\x43\x01", "\4\0\1\0\0\0\0\0\0\x10"}};
    enum { ENTRIES = sizeof entries / sizeof *entries };
    yt_image image = {0};
    yt_err err = {.text = ""};
    if (!load(path_of("tiled-plain.tif"), &image, &err)) cr_skip_test("no libtiff");
    yt_image_free(&image);
    size_t bytes;
    int changed = 0;
    char *data = read_file(path_of("tiled-plain.tif"), &bytes);
    for (size_t at = 10; at + 12 <= bytes && changed < ENTRIES; at += 12)
        for (size_t i = 0; i < ENTRIES; i++)
            if (memcmp(data + at, entries[i].tag, 2) == 0) memcpy(data + at + 2, entries[i].rest, 10), changed++;
    cr_assert_eq(changed, ENTRIES);
    test_folder_write("tile.tif", data, bytes);
    free(data);
    cr_expect_eq(yt_image_load(test_folder_path("tile.tif"), &image, &err), YT_ERR_DATA, "%s", err.text);
    expect_refused(test_folder_path("tile.tif"), "MiB; at most");
}

/* The size that the gate of memory let through is the only one for which there is room. */
Test(formats, a_coded_image_of_another_size_than_its_container_says_is_refused) {
    static const char *const names[] = {"444.avif", "444.heic"}; /* by its planes, and as the library's RGB */
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t bytes;
        yt_image image = {0};
        yt_err err = {.text = ""};
        if (!load(path_of(names[i]), &image, &err)) cr_skip_test("no libheif");
        const yti_facts half = {.w = image.w / 2, .h = image.h, .orientation = 1, .bits = 8};
        yt_image_free(&image);
        uint8_t *data = (uint8_t *)read_file(path_of(names[i]), &bytes);
        const yti_format *format = yti_format_of(data, bytes);
        cr_expect_eq(format->decode(&(yti_source){names[i], data, bytes}, &half, &image, &err), YT_ERR_DATA);
        cr_expect_not_null(strstr(err.text, "its header says"), "%s", err.text);
        cr_expect_null(image.rgb);
        free(data);
    }
}

static long peak_mib(void) {
    struct rusage usage;
    cr_assert_eq(getrusage(RUSAGE_SELF, &usage), 0);
    return usage.ru_maxrss / 1024;
}

/* Its header says 64 x 64, the overlay in it 43735 x 50512. */
Test(formats, a_canvas_larger_than_its_image_takes_no_memory) {
    yti_image_info info;
    yt_image image = {0};
    yt_err err = {.text = ""};
    const char *path = YT_SOURCE_DIR "/tests/fuzz/corpus/image/overlay-canvas.heic";
    if (!load(path_of("444.avif"), &image, &err)) cr_skip_test("no libheif");
    yt_image_free(&image);
    long before = peak_mib();
    cr_expect_eq(yt_image_load(path, &image, &err), YT_ERR_DATA, "%s", err.text);
    cr_expect_lt(peak_mib() - before, 200);
    cr_expect_null(strchr(err.text, '?'), "a control character of the library's: %s", err.text);

    /* 64 x 64 are decoded before 29 x 21 are cut out. */
    cr_assert_eq(yti_image_probe(path_of("444.heic"), &info, &err), YT_OK, "%s", err.text);
    cr_expect(info.w == 29 && info.h == 21);
    cr_expect_geq(info.memory, 64u * 64 * 12);
}

typedef struct bits {
    uint8_t *to;
    size_t count;
} bits;

static void put_bits(bits *b, unsigned value, int count) {
    for (int i = 0; i < count; i++, b->count++) b->to[b->count / 8] |= (uint8_t)((value >> i & 1) << b->count % 8);
}

static size_t put_chunk(uint8_t *to, const char *kind, const uint8_t *data, size_t bytes) {
    for (int i = 0; i < 4; i++) to[i] = (uint8_t)(bytes >> (24 - 8 * i));
    memcpy(to + 4, kind, 4);
    if (bytes > 0) memcpy(to + 8, data, bytes);
    return bytes + 12; /* the checksum stays 0: it is not looked at */
}

/* 16 x 16 grey pixels, and data that unpack to 256 MiB: a zero, and a million times the 258 before. */
Test(formats, data_that_do_not_belong_to_the_header_take_no_memory) {
    enum { REPEATS = 1 << 20, ROOM = REPEATS * 13 / 8 + 64 };
    uint8_t *data = calloc(ROOM, 1), *png = calloc(ROOM + 128, 1);
    cr_assert(data && png);
    bits b = {data, 0};
    put_bits(&b, 0x0178, 16); /* zlib's header */
    put_bits(&b, 3, 3);       /* the last block, of the fixed codes (RFC 1951 3.2.6) */
    put_bits(&b, 0x0C, 8);    /* a zero: 00110000, from its upper bit */
    for (int i = 0; i < REPEATS; i++) {
        put_bits(&b, 0xA3, 8); /* 258 bytes: code 285, 11000101 */
        put_bits(&b, 0, 5);    /* from one byte before */
    }
    put_bits(&b, 0, 7);
    memcpy(png, "\x89PNG\r\n\x1a\n", 8);
    size_t at = 8;
    at += put_chunk(png + at, "IHDR", (const uint8_t *)"\0\0\0\x10\0\0\0\x10\x8\0\0\0", 13);
    at += put_chunk(png + at, "IDAT", data, (b.count + 7) / 8 + 4);
    at += put_chunk(png + at, "IEND", NULL, 0);
    test_folder_write("bomb.png", png, at);
    free(data);
    free(png);

    yt_image image = {0};
    yt_err err = {.text = ""};
    long before = peak_mib();
    cr_expect_eq(yt_image_load(test_folder_path("bomb.png"), &image, &err), YT_ERR_DATA);
    cr_expect_lt(peak_mib() - before, 100);
    cr_expect_not_null(strstr(err.text, "more than its size needs"), "%s", err.text);
    cr_expect_null(image.rgb);
}

/* Sizes beyond what is accepted, in every format: one code and one sentence. */
Test(formats, a_giant_image_is_refused_by_its_size_in_every_format) {
    static const struct {
        const char *name;
        struct {
            size_t at; /* 0: none */
            const char *bytes;
            size_t length;
        } changes[2];
        const char *size;
    } cases[] = {
#define BYTES(text) text, sizeof text - 1
        {"rgba.png", {{16, BYTES("\0\0\x4E\x20\0\0\x4E\x20")}}, "20000 x 20000"},
        {"rgb16.png", {{16, BYTES("\x7F\xFF\xFF\xFF\0\0\0\1")}}, "2147483647 x 1"},
        {"bits32.bmp", {{18, BYTES("\x20\x4E\0\0\x20\x4E\0\0")}}, "20000 x 20000"},
        {"plain.gif", {{6, BYTES("\xFF\xFF\xFF\xFF")}}, "65535 x 65535"},
        {"animated.webp", {{24, BYTES("\xFF\x7F\0\xFF\x7F\0")}}, "32768 x 32768"},
        {"rgb.tif", {{10 + 8, BYTES("\x20\x4E\0\0")}, {22 + 8, BYTES("\x20\x4E\0\0")}}, "20000 x 20000"},
        {"rgb.tif", {{10 + 8, BYTES("\xFF\xFF\xFF\xFF")}}, "4294967295 x 21"},
        {"444.avif", {{0xBD, BYTES("\0\0\xFF\xFF\0\0\xFF\xFF")}}, "65535 x 65535"},
#undef BYTES
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t bytes;
        char expected[100];
        yt_image image = {0};
        yt_err err = {.text = ""};
        char *data = read_file(path_of(cases[i].name), &bytes);
        for (size_t k = 0; k < 2; k++)
            if (cases[i].changes[k].at)
                memcpy(data + cases[i].changes[k].at, cases[i].changes[k].bytes, cases[i].changes[k].length);
        test_folder_write("giant", data, bytes);
        free(data);
        if (!load(test_folder_path("giant"), &image, &err)) continue;
        cr_expect_eq(err.code, YT_ERR_DATA, "%s: %s", cases[i].name, err.text);
        snprintf(expected, sizeof expected, "giant: %s pixels are more than the 268435456", cases[i].size);
        cr_expect_not_null(strstr(err.text, expected), "%s: %s", cases[i].name, err.text);
    }
}

/* Cut anywhere, each file ends in pixels or in an error; what is not a JPEG or an image of several parts in an error.
 */
Test(formats, cut_off_and_damaged_files_never_crash) {
    static row rows[MAX_ROWS];
    size_t count = read_table(rows);
    uint32_t state = 11;
    int refused = 0;
    for (size_t i = 0; i < count; i++) {
        size_t bytes;
        char *data = read_file(path_of(rows[i].name), &bytes);
        for (int round = 0; round < 24; round++) {
            char *damaged = malloc(bytes);
            cr_assert_not_null(damaged);
            memcpy(damaged, data, bytes);
            for (int k = 0; k < 3 && round % 2; k++) {
                state = state * 1664525u + 1013904223u;
                damaged[(state >> 8) % bytes] = (char)(state >> 4);
            }
            test_folder_write("damaged", damaged, round % 2 ? bytes : bytes * (size_t)round / 24);
            free(damaged);
            yt_image image = {0};
            yt_err err = {.text = ""};
            if (yt_image_load(test_folder_path("damaged"), &image, &err) != YT_OK) {
                cr_assert_neq(err.text[0], '\0');
                refused++;
            }
            yt_image_free(&image);
        }
        free(data);
    }
    cr_assert_gt(refused, 200);
}

Test(formats, a_cut_off_file_is_refused) {
    static const char *const names[] = {"rgba.png", "top-down.bmp", "rle8.bmp", "lossless.webp", "rgb.tif", "444.avif"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t bytes;
        char *data = read_file(path_of(names[i]), &bytes);
        test_folder_write("cut", data, bytes - bytes / 3);
        free(data);
        yt_image image = {0};
        yt_err err = {.text = ""};
        if (load(test_folder_path("cut"), &image, &err)) cr_expect_null(image.rgb, "%s was read", names[i]);
        yt_image_free(&image);
    }
}

/* The high byte is what is read, as the reference reads it. */
Test(formats, bits_of_a_channel_are_reported) {
    yti_image_info info;
    cr_assert_eq(yti_image_probe(path_of("rgb16.png"), &info, NULL), YT_OK);
    cr_assert_eq(info.bits, 16);
    cr_assert_eq(yti_image_probe(path_of("rgba.png"), &info, NULL), YT_OK);
    cr_assert_eq(info.bits, 8);
    cr_assert_geq(info.memory, 29u * 21 * 7);
}

/* 12-bit values in 16 bits: the reference's numbers, and a word about them. */
Test(formats, twelve_bits_in_sixteen_are_noticed) {
    static const struct {
        const char *name;
        bool dim;
    } cases[] = {{"twelve-bits.png", true},
                 {"twelve-bits.tif", true},
                 {"rgb16.png", false},
                 {"rgb16.tif", false},
                 {"rgba.png", false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        yt_image image = {0};
        yti_image_info info;
        yt_err err = {.text = ""};
        if (!load(path_of(cases[i].name), &image, &err)) continue;
        yt_image_free(&image);
        cr_assert_eq(yti_image_load_with_info(path_of(cases[i].name), &image, &info, &err), YT_OK, "%s", err.text);
        cr_expect_eq(yti_image_is_dim(&image, &info), cases[i].dim, "%s", cases[i].name);
        yt_image_free(&image);
    }
}

typedef struct visit { /* of one thread */
    yti_decode_gate *gate;
    size_t memory;
} visit;

static void *pass_often(void *context) {
    const visit *v = context;
    for (int i = 0; i < 500; i++) {
        yti_decode_gate_enter(v->gate, v->memory);
        pthread_mutex_lock(&v->gate->lock);
        cr_assert_leq(v->gate->used, (size_t)YT_MAX_DECODE_BYTES);
        cr_assert_geq(v->gate->used, v->memory);
        pthread_mutex_unlock(&v->gate->lock);
        yti_decode_gate_leave(v->gate, v->memory);
    }
    return NULL;
}

/* Of all, of half and of little: what is in use never exceeds one image's most, and everybody comes through. */
Test(formats, threads_share_the_memory_of_one_large_image) {
    yti_decode_gate gate;
    pthread_t threads[6];
    visit visits[6];
    cr_assert_eq(yti_decode_gate_init(&gate, NULL), YT_OK);
    for (size_t i = 0; i < 6; i++) {
        visits[i] = (visit){&gate, i % 3 == 0 ? YT_MAX_DECODE_BYTES : i % 3 == 1 ? YT_MAX_DECODE_BYTES / 2 : 1000};
        cr_assert_eq(pthread_create(&threads[i], NULL, pass_often, &visits[i]), 0);
    }
    for (size_t i = 0; i < 6; i++) pthread_join(threads[i], NULL);
    cr_assert_eq(gate.used, 0u);
    yti_decode_gate_deinit(&gate);
}
