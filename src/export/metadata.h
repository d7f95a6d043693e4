/* metadata.h: what an exported file says about itself, in the keys that loaders of Ultralytics' exports read. */
#ifndef YT_EXPORT_METADATA_H
#define YT_EXPORT_METADATA_H

#include "weights/weights_metadata.h"

typedef struct yti_export_facts {
    const yti_model *model;
    const yti_class_names *names;
    int height, width, batch;
    int opset; /* 0: it has none */
    bool dynamic, half, nms, end2end;
} yti_export_facts;

/* Adds the pairs. Numbers, lists and names are written as Python literals, as which they are read. No date, unless
 * SOURCE_DATE_EPOCH says one: the same weights give the same file. ARGUMENT: SOURCE_DATE_EPOCH is no number; NO_MEMORY.
 */
yt_status yti_export_describe(const yti_export_facts *facts, yti_metadata *metadata, yt_err *err);

#endif
