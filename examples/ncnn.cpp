/* ncnn.cpp: prints the objects in an image by ncnn alone: ncnn BEST_ncnn_model IMAGE.
 *
 * The folder is of `yoloexport BEST --format ncnn` at 640 x 640 pixels: out0 has 4 + classes rows (cx cy w h in pixels of
 * the input, then a score per class) of one column per anchor. The image is fitted as in training: scaled, the rest grey
 * 114. Boxes of a class that overlap a better one are left out here.
 */
#include <algorithm>
#include <cstdio>
#include <net.h>
#include <string>
#include <vector>

#define STB_IMAGE_IMPLEMENTATION
#include <stb/stb_image.h>

struct Box {
    float x1, y1, x2, y2, score;
    int label;
};

static float overlap(const Box &a, const Box &b) {
    const float w = std::min(a.x2, b.x2) - std::max(a.x1, b.x1), h = std::min(a.y2, b.y2) - std::max(a.y1, b.y1);
    const float both = std::max(w, 0.f) * std::max(h, 0.f);
    return both / ((a.x2 - a.x1) * (a.y2 - a.y1) + (b.x2 - b.x1) * (b.y2 - b.y1) - both);
}

int main(int argc, char **argv) {
    const int side = 640;
    if (argc != 3) return std::fprintf(stderr, "usage: ncnn BEST_ncnn_model IMAGE\n"), 2;
    const std::string folder = argv[1];
    ncnn::Net net;
    if (net.load_param((folder + "/model.ncnn.param").c_str()) || net.load_model((folder + "/model.ncnn.bin").c_str()))
        return std::fprintf(stderr, "ncnn: %s cannot be loaded\n", argv[1]), 1;
    int w, h;
    unsigned char *rgb = stbi_load(argv[2], &w, &h, nullptr, 3);
    if (!rgb) return std::fprintf(stderr, "ncnn: %s: %s\n", argv[2], stbi_failure_reason()), 1;

    const float scale = static_cast<float>(side) / static_cast<float>(std::max(w, h));
    const int inner_w = static_cast<int>(static_cast<float>(w) * scale + 0.5f),
              inner_h = static_cast<int>(static_cast<float>(h) * scale + 0.5f);
    const int left = (side - inner_w) / 2, top = (side - inner_h) / 2;
    const ncnn::Mat small = ncnn::Mat::from_pixels_resize(rgb, ncnn::Mat::PIXEL_RGB, w, h, inner_w, inner_h);
    stbi_image_free(rgb);
    ncnn::Mat in, out;
    ncnn::copy_make_border(small, in, top, side - inner_h - top, left, side - inner_w - left, ncnn::BORDER_CONSTANT, 114.f);
    const float by[3] = {1 / 255.f, 1 / 255.f, 1 / 255.f};
    in.substract_mean_normalize(nullptr, by);
    ncnn::Extractor run = net.create_extractor();
    run.input("in0", in);
    run.extract("out0", out);

    std::vector<Box> found;
    for (int i = 0; i < out.w; i++) {
        int best = 4;
        for (int c = 5; c < out.h; c++)
            if (out.row(c)[i] > out.row(best)[i]) best = c;
        if (!(out.row(best)[i] > 0.25f)) continue;
        const float cx = out.row(0)[i], cy = out.row(1)[i], bw = out.row(2)[i], bh = out.row(3)[i];
        found.push_back({cx - bw / 2, cy - bh / 2, cx + bw / 2, cy + bh / 2, out.row(best)[i], best - 4});
    }
    std::sort(found.begin(), found.end(), [](const Box &a, const Box &b) { return a.score > b.score; });
    std::vector<Box> kept;
    for (const Box &box : found)
        if (std::none_of(kept.begin(), kept.end(),
                         [&](const Box &better) { return better.label == box.label && overlap(better, box) > 0.7f; }))
            kept.push_back(box);
    for (const Box &box : kept) {
        const float x = static_cast<float>(left), y = static_cast<float>(top);
        std::printf("class %d %.3f %.1f %.1f %.1f %.1f\n", box.label, static_cast<double>(box.score),
                    static_cast<double>((box.x1 - x) / scale), static_cast<double>((box.y1 - y) / scale),
                    static_cast<double>((box.x2 - x) / scale), static_cast<double>((box.y2 - y) / scale));
    }
    return 0;
}
