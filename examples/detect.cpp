// detect.cpp: prints the objects in an image, from C++: detect_cpp WEIGHTS IMAGE [OPTION VALUE]...
//
// Handles become owners that close them, failures become exceptions, and the image comes from bytes in memory.
#include <cstdio>
#include <fstream>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <vector>
#include <yolotrain.h>

namespace {

void check(yt_status status, const yt_err &err) {
    if (status != YT_OK) throw std::runtime_error(err.text);
}

struct Close {
    void operator()(yt_detector *detector) const {
        yt_detector_close(detector);
    }
    void operator()(yt_detector_options *options) const {
        yt_detector_options_destroy(options);
    }
};

std::unique_ptr<yt_detector, Close> open_detector(const char *weights, char **options, char **end) {
    yt_err err;
    yt_detector_options *made = nullptr;
    check(yt_detector_options_create(&made, &err), err);
    std::unique_ptr<yt_detector_options, Close> owner(made);
    for (; options + 1 < end; options += 2) check(yt_detector_options_set(made, options[0], options[1], &err), err);
    yt_detector *detector = nullptr;
    check(yt_detector_open(weights, made, &detector, &err), err);
    return std::unique_ptr<yt_detector, Close>(detector);
}

void detect(yt_detector *detector, const char *path) {
    std::ifstream file(path, std::ios::binary);
    const std::vector<char> bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    yt_err err;
    yt_image image;
    check(yt_image_decode(bytes.data(), bytes.size(), path, &image, &err), err);
    const yt_pixels pixels = yt_image_pixels(&image);
    std::vector<yt_detection> found(yt_detector_max_found(detector));
    std::size_t n_found = 0;
    const yt_status status = yt_detector_run(detector, &pixels, found.data(), found.size(), &n_found, &err);
    yt_image_free(&image);
    check(status, err);
    found.resize(n_found);
    for (const yt_detection &d : found)
        std::printf("%s %.3f %.1f %.1f %.1f %.1f\n", yt_detector_class_name(detector, d.class_id),
                    static_cast<double>(d.score), static_cast<double>(d.box.x1), static_cast<double>(d.box.y1),
                    static_cast<double>(d.box.x2), static_cast<double>(d.box.y2));
}

} // namespace

int main(int argc, char **argv) {
    if (argc < 3) {
        std::fprintf(stderr, "usage: detect_cpp WEIGHTS IMAGE [OPTION VALUE]...\n");
        return 2;
    }
    try {
        const std::unique_ptr<yt_detector, Close> detector = open_detector(argv[1], argv + 3, argv + argc);
        detect(detector.get(), argv[2]);
    } catch (const std::exception &failure) {
        std::fprintf(stderr, "detect_cpp: %s\n", failure.what());
        return 1;
    }
    return 0;
}
