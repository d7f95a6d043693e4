/* One image in every format that the build reads: the same pixels, and the same boxes. The files are written here, by
 * the libraries' own encoders.
 */
#include "base/file.h"
#include "image/image.h"
#include "infer/predict.h"
#include "support/folder.h"
#include "weights/weights.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef YT_LIBHEIF
#    include <libheif/heif.h>
#endif
#ifdef YT_LIBTIFF
#    include <tiffio.h>
#endif
#ifdef YT_LIBWEBP
#    include <webp/encode.h>
#endif

TestSuite(boxes, .init = test_folder_make, .fini = test_folder_remove);

static void write_plain(const char *path, const yt_image *image) {
    cr_assert_eq(yt_image_save(path, image, NULL), YT_OK);
}

#ifdef YT_LIBWEBP
static void write_webp(const char *name, const yt_image *image) {
    uint8_t *data = NULL;
    size_t bytes = WebPEncodeLosslessRGB(image->rgb, image->w, image->h, 3 * image->w, &data);
    cr_assert_gt(bytes, 0u);
    test_folder_write(name, data, bytes);
    WebPFree(data);
}
#endif

#ifdef YT_LIBTIFF
/* Compressed tiles, or strips of 16 bits. */
static void write_tiff(const char *path, const yt_image *image, bool wide) {
    enum { TILE = 64 };
    TIFF *tiff = TIFFOpen(path, "w");
    cr_assert_not_null(tiff);
    TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, image->w);
    TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, image->h);
    TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, wide ? 16 : 8);
    TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, 3);
    TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_RGB);
    TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
    TIFFSetField(tiff, TIFFTAG_COMPRESSION, COMPRESSION_LZW);
    size_t row = 3 * (size_t)image->w;
    if (wide) {
        uint16_t *values = malloc(row * sizeof *values);
        cr_assert_not_null(values);
        for (int y = 0; y < image->h; y++) {
            for (size_t i = 0; i < row; i++) values[i] = (uint16_t)(257 * image->rgb[(size_t)y * row + i]);
            cr_assert_eq(TIFFWriteScanline(tiff, values, (uint32_t)y, 0), 1);
        }
        free(values);
    } else {
        static uint8_t tile[TILE * TILE * 3];
        TIFFSetField(tiff, TIFFTAG_TILEWIDTH, TILE);
        TIFFSetField(tiff, TIFFTAG_TILELENGTH, TILE);
        for (int y0 = 0; y0 < image->h; y0 += TILE)
            for (int x0 = 0; x0 < image->w; x0 += TILE) {
                int w = image->w - x0 < TILE ? image->w - x0 : TILE;
                for (int y = 0; y < TILE && y0 + y < image->h; y++)
                    memcpy(tile + (ptrdiff_t)y * TILE * 3, image->rgb + (size_t)(y0 + y) * row + 3 * (size_t)x0,
                           3 * (size_t)w);
                cr_assert_gt(TIFFWriteTile(tiff, tile, (uint32_t)x0, (uint32_t)y0, 0, 0), 0);
            }
    }
    TIFFClose(tiff);
}
#endif

#ifdef YT_LIBHEIF
/* False: libheif has no encoder for it. */
static bool write_heif(const char *path, const yt_image *image, enum heif_compression_format format) {
    struct heif_context *context = heif_context_alloc();
    struct heif_encoder *encoder = NULL;
    struct heif_image *pixels = NULL;
    bool there = heif_context_get_encoder_for_format(context, format, &encoder).code == heif_error_Ok;
    if (there) {
        int stride;
        heif_encoder_set_lossy_quality(encoder, 95);
        heif_encoder_set_parameter_integer(encoder, "speed", 8); /* AV1's; another has none */
        heif_image_create(image->w, image->h, heif_colorspace_RGB, heif_chroma_interleaved_RGB, &pixels);
        heif_image_add_plane(pixels, heif_channel_interleaved, image->w, image->h, 8);
        uint8_t *to = heif_image_get_plane(pixels, heif_channel_interleaved, &stride);
        size_t row = 3 * (size_t)image->w;
        for (int y = 0; y < image->h; y++) memcpy(to + (size_t)y * (size_t)stride, image->rgb + (size_t)y * row, row);
        cr_assert_eq(heif_context_encode_image(context, pixels, encoder, NULL, NULL).code, heif_error_Ok);
        cr_assert_eq(heif_context_write_to_file(context, path).code, heif_error_Ok);
        heif_image_release(pixels);
        heif_encoder_release(encoder);
    }
    heif_context_free(context);
    return there;
}
#endif

enum { MAX_FILES = 8 };

typedef struct written {
    const char *name;
    bool lossless;
} written;

/* Returns how many files were written. */
static int write_all(const yt_image *image, written files[MAX_FILES]) {
    int n = 0;
    write_plain(test_folder_path("a.png"), image);
    files[n++] = (written){"a.png", true};
    write_plain(test_folder_path("a.bmp"), image);
    files[n++] = (written){"a.bmp", true};
#ifdef YT_LIBWEBP
    write_webp("a.webp", image);
    files[n++] = (written){"a.webp", true};
#endif
#ifdef YT_LIBTIFF
    write_tiff(test_folder_path("tiles.tif"), image, false);
    files[n++] = (written){"tiles.tif", true};
    write_tiff(test_folder_path("wide.tif"), image, true);
    files[n++] = (written){"wide.tif", true};
#endif
#ifdef YT_LIBHEIF
    if (write_heif(test_folder_path("a.avif"), image, heif_compression_AV1)) files[n++] = (written){"a.avif", false};
    if (write_heif(test_folder_path("a.heic"), image, heif_compression_HEVC)) files[n++] = (written){"a.heic", false};
#endif
    return n;
}

static yt_image load(const char *path) {
    yt_image image;
    yt_err err;
    cr_assert_eq(yt_image_load(path, &image, &err), YT_OK, "%s", err.text);
    return image;
}

Test(boxes, one_image_has_the_same_pixels_in_every_format) {
    written files[MAX_FILES];
    yt_image image = load(YT_SOURCE_DIR "/data/coco8/images/val/000000000006.jpg");
    size_t values = 3 * (size_t)image.w * (size_t)image.h;
    int n = write_all(&image, files);
    for (int i = 0; i < n; i++) {
        yt_image other = load(test_folder_path(files[i].name));
        cr_assert(other.w == image.w && other.h == image.h);
        long sum = 0;
        for (size_t k = 0; k < values; k++) sum += labs((long)other.rgb[k] - image.rgb[k]);
        cr_expect_leq((double)sum / (double)values, files[i].lossless ? 0 : 3, "%s", files[i].name);
        yt_image_free(&other);
    }
    yt_image_free(&image);
}

#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
enum { SANITIZED = 1 }; /* takes memory of its own */
#elif defined __has_feature
#    if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
enum { SANITIZED = 1 };
#    else
enum { SANITIZED = 0 };
#    endif
#else
enum { SANITIZED = 0 };
#endif

/* Of what the process may write to, which the system counts for RLIMIT_DATA; the address space holds reserves. */
static size_t data_bytes(void) {
    char line[200];
    unsigned long kib = 0;
    FILE *file = fopen("/proc/self/status", "r");
    cr_assert_not_null(file);
    while (kib == 0 && fgets(line, sizeof line, file)) sscanf(line, "VmData: %lu kB", &kib);
    fclose(file);
    cr_assert_gt(kib, 0u);
    return kib << 10;
}

/* What loading gives where only that many more bytes can be had; in a process of its own, as the allocator keeps some.
 */
static yt_status load_with(const char *path, size_t more) {
    int status;
    size_t now = data_bytes();
    pid_t child = fork();
    if (child == 0) {
        yt_image image;
        struct rlimit limit;
        getrlimit(RLIMIT_DATA, &limit);
        limit.rlim_cur = now + more;
        _exit(setrlimit(RLIMIT_DATA, &limit) == 0 ? (int)yt_image_load(path, &image, NULL) : 255);
    }
    cr_assert_gt(child, 0);
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status), "%s: ended by signal %d with %zu bytes", path, WTERMSIG(status), more);
    return (yt_status)WEXITSTATUS(status);
}

/* In a process of its own, too: encoders leave much free memory to the allocator. */
static void write_all_but_heif(void) {
    int status;
    pid_t child = fork();
    if (child == 0) {
        yt_image image = load(YT_SOURCE_DIR "/data/coco8/images/val/000000000006.jpg");
        write_plain(test_folder_path("a.png"), &image);
        write_plain(test_folder_path("a.bmp"), &image);
        write_plain(test_folder_path("a.jpg"), &image);
#ifdef YT_LIBWEBP
        write_webp("a.webp", &image);
#endif
#ifdef YT_LIBTIFF
        write_tiff(test_folder_path("tiles.tif"), &image, false);
        write_tiff(test_folder_path("wide.tif"), &image, true);
#endif
        _exit(0);
    }
    cr_assert_gt(child, 0);
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* A good image is never called damaged, for which a scan would leave it out. Not of HEIF: libheif ends the program. */
Test(boxes, a_lack_of_memory_is_no_fault_of_the_file) {
    enum { STEP = 32 << 10, MAX_STEPS = 1000 };
    static const char *const names[] = {"a.png", "a.bmp", "a.jpg", "a.webp", "tiles.tif", "wide.tif"};
    if (SANITIZED) cr_skip_test("the sanitizers' memory cannot be limited");
    write_all_but_heif();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *path = test_folder_path(names[i]);
        yt_status status = YT_ERR_NO_MEMORY;
        size_t steps = 0;
        if (!yti_path_exists(path)) continue; /* the build has no library for it */
        for (; steps < MAX_STEPS && status == YT_ERR_NO_MEMORY; steps++) status = load_with(path, steps * STEP);
        cr_expect_eq(status, YT_OK, "%s: '%s' after %zu steps", names[i], yt_status_text(status), steps);
        cr_expect_gt(steps, 10u, "%s: %zu", names[i], steps);
    }
}

enum { SIDE = 320, MAX_DET = 300 };

static int predict(yti_predictor *predictor, const char *path, yt_detection *out) {
    yt_image image = load(path);
    int n = -1;
    cr_assert_eq(yti_predictor_run(predictor, image.rgb, image.w, image.h, out, &n, NULL), YT_OK);
    yt_image_free(&image);
    return n;
}

/* Whether a box of its class is within 3 pixels and 0.06 of its score. */
static bool is_found(const yt_detection *wanted, const yt_detection *found, int n) {
    for (int i = 0; i < n; i++) {
        const yt_xyxy a = wanted->box, b = found[i].box;
        if (found[i].class_id == wanted->class_id && fabsf(found[i].score - wanted->score) <= 0.06f &&
            fabsf(a.x1 - b.x1) <= 3 && fabsf(a.y1 - b.y1) <= 3 && fabsf(a.x2 - b.x2) <= 3 && fabsf(a.y2 - b.y2) <= 3)
            return true;
    }
    return false;
}

Test(boxes, one_photograph_has_the_same_boxes_in_every_format) {
    static const char *const search_dirs[] = {YT_SOURCE_DIR "/models", NULL};
    static const char weights[] = YT_SHARED_DIR "/fixtures/yolo26n/yolo26n_coco8_fit.pt";
    static const char photograph[] = YT_SHARED_DIR "/data/coco8/images/train/000000000009.jpg";
    if (!yti_path_exists(weights) || !yti_path_exists(photograph)) cr_skip_test("%s is not here", weights);
    yti_model *model;
    yti_class_names names;
    int imgsz;
    yt_err err;
    cr_assert_eq(yti_weights_open(weights, "yolo26n.yaml", search_dirs, &model, &names, &imgsz, &err), YT_OK, "%s",
                 err.text);
    yti_predict_options options = YT_PREDICT_DEFAULTS;
    options.imgsz = SIDE;
    options.max_det = MAX_DET;
    yti_predictor *predictor;
    cr_assert_eq(yti_predictor_create(model, &options, &predictor, NULL), YT_OK);
    static yt_detection wanted[MAX_DET], found[MAX_DET];
    int n_wanted = predict(predictor, photograph, wanted);
    cr_assert_geq(n_wanted, 8);
    written files[MAX_FILES];
    yt_image image = load(photograph);
    int n = write_all(&image, files);
    yt_image_free(&image);
    for (int i = 0; i < n; i++) {
        int n_found = predict(predictor, test_folder_path(files[i].name), found);
        if (files[i].lossless) {
            cr_expect_eq(n_found, n_wanted, "%s", files[i].name);
            for (int k = 0; k < n_found && k < n_wanted; k++) {
                cr_expect_arr_eq(&found[k].box, &wanted[k].box, sizeof wanted[k].box, "%s", files[i].name);
                cr_expect(found[k].score == wanted[k].score && found[k].class_id == wanted[k].class_id);
            }
            continue;
        }
        for (int k = 0; k < n_wanted; k++) /* those near the threshold may go */
            if (wanted[k].score > options.conf + 0.1f)
                cr_expect(is_found(&wanted[k], found, n_found), "%s: box %d", files[i].name, k);
    }
    yti_predictor_destroy(predictor);
    yti_model_destroy(model);
    yti_class_names_free(&names);
}
