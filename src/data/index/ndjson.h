/* ndjson.h: a data set as one file of JSON lines, as the Ultralytics Platform and luxonis-ml write it. */
#ifndef YT_DATA_NDJSON_H
#define YT_DATA_NDJSON_H

#include "data/index/dataset.h"
#include "data/index/listing.h"

/* Whether a path has its ending, .ndjson or .jsonl. */
bool yti_is_ndjson(const char *path);

/* Reads the names and which splits there are. *out is to be closed also after a failure. */
yt_status yti_ndjson_open(const char *path, yti_dataset *out, yt_err *err);

/* What the lines of one split say about their images. Zero-initialised. */
typedef struct yti_records {
    char *path; /* of the file */
    struct yti_record *items;
    size_t count, capacity;
} yti_records;

typedef struct yti_record {
    char *image;   /* its path */
    char *rows;    /* its labels as the text of a label file */
    int shapeless; /* annotations that are no list of numbers, and so no rows */
    size_t line;
} yti_record;

/* The images of a split that exist, by path; those that do not are reported. *out is to be freed also after a failure.
 */
yt_status yti_ndjson_load(const char *path, const char *split, yti_records *out, yti_report *report, yt_err *err);
void yti_records_free(yti_records *records);

#endif
