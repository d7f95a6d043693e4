/* onnxruntime.c: prints the objects in an image by ONNX Runtime alone: onnxruntime BEST.onnx IMAGE.
 *
 * The file is of `yoloexport BEST --format onnx --head o2o` (YOLO26, YOLOv10) or `--nms` (all), at 640 x 640 pixels: its
 * output0 has rows x1 y1 x2 y2 score class. The image is fitted as in training: scaled, the rest grey 114.
 */
#include <onnxruntime_c_api.h>
#include <stdio.h>

#define STB_IMAGE_IMPLEMENTATION
#include <stb/stb_image.h>

enum { SIDE = 640 };

static const OrtApi *ort;

static void need(OrtStatus *status) {
    if (!status) return;
    fprintf(stderr, "onnxruntime: %s\n", ort->GetErrorMessage(status));
    exit(1);
}

/* Planes of red, green and blue from 0 to 1. Returns the scale; *left and *top: where the image begins. */
static float fit(const unsigned char *rgb, int w, int h, float *to, int *left, int *top) {
    const float scale = (float)SIDE / (float)(w > h ? w : h);
    const int inner_w = (int)((float)w * scale + 0.5f), inner_h = (int)((float)h * scale + 0.5f);
    *left = (SIDE - inner_w) / 2;
    *top = (SIDE - inner_h) / 2;
    for (int c = 0; c < 3; c++)
        for (int y = 0; y < SIDE; y++)
            for (int x = 0; x < SIDE; x++) {
                /* Between the four nearest pixels. */
                float sx = ((float)(x - *left) + 0.5f) / scale - 0.5f, sy = ((float)(y - *top) + 0.5f) / scale - 0.5f;
                const int inside = x >= *left && x < *left + inner_w && y >= *top && y < *top + inner_h;
                sx = sx < 0 ? 0 : sx > (float)(w - 1) ? (float)(w - 1) : sx;
                sy = sy < 0 ? 0 : sy > (float)(h - 1) ? (float)(h - 1) : sy;
                const int x0 = (int)sx, y0 = (int)sy, x1 = x0 + (x0 < w - 1), y1 = y0 + (y0 < h - 1);
                const float fx = sx - (float)x0, fy = sy - (float)y0;
                const float above = rgb[(y0 * w + x0) * 3 + c] * (1 - fx) + rgb[(y0 * w + x1) * 3 + c] * fx;
                const float below = rgb[(y1 * w + x0) * 3 + c] * (1 - fx) + rgb[(y1 * w + x1) * 3 + c] * fx;
                *to++ = (inside ? above * (1 - fy) + below * fy : 114) / 255;
            }
    return scale;
}

int main(int argc, char **argv) {
    static float input[3 * SIDE * SIDE];
    static const int64_t shape[4] = {1, 3, SIDE, SIDE};
    static const char *const inputs[] = {"images"}, *const outputs[] = {"output0"};
    int w, h, left, top;
    unsigned char *rgb = argc == 3 ? stbi_load(argv[2], &w, &h, NULL, 3) : NULL;
    if (argc != 3) return fprintf(stderr, "usage: onnxruntime BEST.onnx IMAGE\n"), 2;
    if (!rgb) return fprintf(stderr, "onnxruntime: %s: %s\n", argv[2], stbi_failure_reason()), 1;
    const float scale = fit(rgb, w, h, input, &left, &top);

    OrtEnv *env;
    OrtSessionOptions *options;
    OrtSession *session;
    OrtMemoryInfo *memory;
    OrtValue *image, *answer = NULL;
    OrtTensorTypeAndShapeInfo *info;
    size_t values;
    float *row;
    ort = OrtGetApiBase()->GetApi(ORT_API_VERSION);
    need(ort->CreateEnv(ORT_LOGGING_LEVEL_ERROR, "detect", &env));
    need(ort->CreateSessionOptions(&options));
    need(ort->CreateSession(env, argv[1], options, &session));
    need(ort->CreateCpuMemoryInfo(OrtArenaAllocator, OrtMemTypeDefault, &memory));
    need(ort->CreateTensorWithDataAsOrtValue(memory, input, sizeof input, shape, 4, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT,
                                             &image));
    need(ort->Run(session, NULL, inputs, (const OrtValue *const *)&image, 1, outputs, 1, &answer));
    need(ort->GetTensorTypeAndShape(answer, &info));
    need(ort->GetTensorShapeElementCount(info, &values));
    need(ort->GetTensorMutableData(answer, (void **)&row));
    for (size_t i = 0; i + 6 <= values; i += 6, row += 6)
        if (row[4] > 0.25f)
            printf("class %.0f %.3f %.1f %.1f %.1f %.1f\n", (double)row[5], (double)row[4],
                   (double)((row[0] - (float)left) / scale), (double)((row[1] - (float)top) / scale),
                   (double)((row[2] - (float)left) / scale), (double)((row[3] - (float)top) / scale));
    ort->ReleaseTensorTypeAndShapeInfo(info);
    ort->ReleaseValue(answer);
    ort->ReleaseValue(image);
    ort->ReleaseMemoryInfo(memory);
    ort->ReleaseSession(session);
    ort->ReleaseSessionOptions(options);
    ort->ReleaseEnv(env);
    stbi_image_free(rgb);
    return 0;
}
