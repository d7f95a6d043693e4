/* darknet.h: obj.data, the file that darknet's data sets begin with. */
#ifndef YT_DATA_DARKNET_H
#define YT_DATA_DARKNET_H

#include "data/index/dataset.h"

/* Whether a path has its ending. */
bool yti_is_darknet(const char *path);

/* Reads classes, names and the lists of train and valid. *out is to be closed also after a failure. */
yt_status yti_darknet_open(const char *path, yti_dataset *out, yt_err *err);

#endif
