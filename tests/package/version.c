/* version.c: the smallest program that uses the library: headers and library are of one version, and errors are
 * sentences. */
#include <stdio.h>
#include <yolotrain.h>

int main(void) {
    yt_image image;
    yt_err err;
    if (yt_version() != YT_VERSION) {
        fprintf(stderr, "headers of version %d, library of version %d\n", YT_VERSION, yt_version());
        return 1;
    }
    if (yt_image_load("no-such-folder/image.jpg", &image, &err) == YT_OK) return 1;
    printf("yolotrain %s: %s\n", yt_version_text(), err.text);
    return 0;
}
