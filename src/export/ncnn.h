/* ncnn.h: a net as ncnn reads it (github.com/Tencent/ncnn, docs/developer-guide): model.ncnn.param lists layers and
 * blobs as text, model.ncnn.bin holds their weights in the same order, metadata.yaml says what the answers mean.
 */
#ifndef YT_EXPORT_NCNN_H
#define YT_EXPORT_NCNN_H

#include "export/net.h"
#include "weights/weights_metadata.h"

typedef struct yti_ncnn_folder {
    const char *path;
    bool half; /* weights of convolutions in 16 bits */
    const yti_metadata *metadata;
    const yti_class_names *names;
} yti_ncnn_folder;

/* Writes the three files into a folder, which is made where it is missing. Blobs: in0 (3, h, w), out0, or out0 out1 ...
 * in the order of the outputs. MODEL: an operation that ncnn has not, named with its place, or more than one image;
 * NON_FINITE, IO, NO_MEMORY. Nothing is written then; the list of layers is the last file. */
yt_status yti_ncnn_write(const yti_net *net, const yti_ncnn_folder *folder, yti_half_loss *loss, yt_err *err);

#endif
