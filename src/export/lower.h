/* lower.h: a fused model as standard tensor operations, up to the maps of its head. */
#ifndef YT_EXPORT_LOWER_H
#define YT_EXPORT_LOWER_H

#include "export/net.h"

/* The input, YTI_NET_OPEN where it is known only when the net runs. */
typedef struct yti_net_size {
    int64_t batch, height, width;
} yti_net_size;

/* The maps of the head, per level; of a model with one branch (yti_model_fuse). */
typedef struct yti_net_maps {
    int n_levels;
    yti_net_value box[YT_MAX_LEVELS], cls[YT_MAX_LEVELS];
} yti_net_maps;

/* Builds the net up to the maps of the head, in the type net->body. The input "images", float, is RGB from 0 to 1. The
 * maps and convolutions that a quantization (of this model; NULL: none) has scales for become codes. The descriptions
 * of weights are lent to the net, their values are not read. ERR_MODEL: an operation that has no counterpart, named
 * with its place; MISMATCH: a size that the network cannot have; NO_MEMORY. */
yt_status yti_lower(yti_model *model, const yti_quantization *quantization, yti_net_size size, yti_net *net,
                    yti_net_maps *maps, yt_err *err);

/* The path of a module's tensors as PyTorch's exporter writes it ("model.10.m.0.ffn.1" is "/model.10/m/m.0/ffn/ffn.1"):
 * an item of a list is named "m.0", one of a sequence after the sequence itself, "m/m.0". */
void yti_net_scope(const yti_model *model, const char *path, char *scope, size_t room);

#endif
