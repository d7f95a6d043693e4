/* fuzz_lists.c: data sets that no YAML describes: a file of JSON lines, its images looked for in /dev/fd and so
 * found nowhere or by chance, and darknet's obj.data. No image is opened. */
#include "data/index/darknet.h"
#include "data/index/ndjson.h"
#include "fuzz.h"

#include <stdlib.h>

static void read_split(const char *path, const char *split) {
    yt_err err = {.text = ""};
    yti_report report = {0};
    yti_records records;
    if (!fuzz_done(yti_ndjson_load(path, split, &records, &report, &err), &err))
        for (size_t i = 0; i < records.count; i++)
            if (!records.items[i].image || !records.items[i].rows || !records.items[i].line) abort();
    yti_records_free(&records);
    yti_report_free(&report);
}

static void open_with(yt_status (*open)(const char *, yti_dataset *, yt_err *), const char *path) {
    yt_err err = {.text = ""};
    yti_dataset dataset;
    if (!fuzz_done(open(path, &dataset, &err), &err))
        for (int i = 0; i < dataset.n_classes; i++)
            if (!dataset.names[i]) abort();
    yti_dataset_close(&dataset);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *path = fuzz_file(data, size);
    open_with(yti_ndjson_open, path);
    open_with(yti_darknet_open, path);
    read_split(path, "train");
    free(path);
    return 0;
}
