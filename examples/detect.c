/* detect.c: prints the objects in an image: detect WEIGHTS IMAGE. */
#include <stdio.h>
#include <yolotrain.h>

enum { CAPACITY = 100 };

int main(int argc, char **argv) {
    yt_detector *detector = NULL;
    yt_image image = {0};
    yt_pixels pixels;
    yt_detection found[CAPACITY];
    size_t n_found = 0;
    yt_err err;
    yt_status status;
    if (argc != 3) return fprintf(stderr, "usage: detect WEIGHTS IMAGE\n"), 2;

    status = yt_detector_open(argv[1], NULL, &detector, &err);
    if (status == YT_OK) status = yt_image_load(argv[2], &image, &err);
    pixels = yt_image_pixels(&image);
    if (status == YT_OK) status = yt_detector_run(detector, &pixels, found, CAPACITY, &n_found, &err);
    if (status != YT_OK) fprintf(stderr, "detect: %s\n", err.text);

    for (size_t i = 0; i < n_found && i < CAPACITY; i++)
        printf("%s %.3f %.1f %.1f %.1f %.1f\n", yt_detector_class_name(detector, found[i].class_id),
               (double)found[i].score, (double)found[i].box.x1, (double)found[i].box.y1, (double)found[i].box.x2,
               (double)found[i].box.y2);
    yt_image_free(&image);
    yt_detector_close(detector);
    return status == YT_OK ? 0 : 1;
}
