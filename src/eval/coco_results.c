/* coco_results.c: see coco_results.h.
 *
 * One object per line. Numbers are written so that reading them gives the double they were rounded to, hence an
 * evaluation of the file and one of the boxes in memory agree.
 */
#include "eval/coco_results.h"

#include "base/file.h"
#include "base/json.h"
#include "base/number.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { DIGITS = 10 };

struct yti_coco_results {
    yti_file_writer writer;
    const int64_t *category_ids;
    bool any;
    int64_t dropped;
};

/* COCO's 2017 labels without the eleven that no image has: 12, 26, 29, 30, 45, 66, 68, 69, 71, 83, 91. */
static const int64_t category_ids[YT_COCO_CLASSES] = {
    1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 27, 28, 31,
    32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59,
    60, 61, 62, 63, 64, 65, 67, 70, 72, 73, 74, 75, 76, 77, 78, 79, 80, 81, 82, 84, 85, 86, 87, 88, 89, 90};

const int64_t *yti_coco_category_ids(void) {
    return category_ids;
}

yt_status yti_coco_results_open(const char *path, const int64_t *ids, yti_coco_results **out, yt_err *err) {
    yti_coco_results *results = calloc(1, sizeof *results);
    if (!results) return yt_fail(err, YT_ERR_NO_MEMORY, "%s: no memory to open it for writing", path);
    results->category_ids = ids;
    yt_status status = yti_file_writer_open(path, &results->writer, err);
    if (status != YT_OK) {
        free(results);
        return status;
    }
    fputs("[", results->writer.stream);
    *out = results;
    return YT_OK;
}

yt_status yti_coco_results_add(yti_coco_results *results, const char *image_path, int64_t image_id,
                               const yti_coco_found *found, int n_found, yt_err *err) {
    FILE *stream = results->writer.stream;
    char *name = yti_json_quoted(yti_path_base(image_path));
    if (!name) return yti_no_memory(err, "the results of %s", image_path);
    for (int i = 0; i < n_found; i++) {
        const yti_coco_found *f = &found[i];
        char text[5][YTI_DECIMAL];
        long long category = results->category_ids ? (long long)results->category_ids[f->class_id] : f->class_id + 1;
        if (category < 0) {
            results->dropped++;
            continue;
        }
        fprintf(stream,
                "%s\n{\"image_id\":%lld,\"file_name\":%s,\"category_id\":%lld,\"bbox\":[%s,%s,%s,%s],\"score\":%s}",
                results->any ? "," : "", (long long)image_id, name, category, yti_decimal(f->box.x, DIGITS, text[0]),
                yti_decimal(f->box.y, DIGITS, text[1]), yti_decimal(f->box.w, DIGITS, text[2]),
                yti_decimal(f->box.h, DIGITS, text[3]), yti_decimal(f->score, DIGITS, text[4]));
        results->any = true;
    }
    free(name);
    if (ferror(stream)) return yt_fail(err, YT_ERR_IO, "%s: writing failed: %s", results->writer.path, strerror(errno));
    return YT_OK;
}

int64_t yti_coco_results_dropped(const yti_coco_results *results) {
    return results->dropped;
}

yt_status yti_coco_results_commit(yti_coco_results *results, yt_err *err) {
    fputs("\n]\n", results->writer.stream);
    yt_status status = yti_file_writer_commit(&results->writer, err);
    free(results);
    return status;
}

void yti_coco_results_discard(yti_coco_results *results) {
    if (!results) return;
    yti_file_writer_discard(&results->writer);
    free(results);
}
