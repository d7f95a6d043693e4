/* pt_network.h: from the value of a checkpoint's pickle to what yti_pt_file holds. Internal to src/formats. */
#ifndef YT_PT_NETWORK_H
#define YT_PT_NETWORK_H

#include "formats/pt.h"
#include "formats/pt_tensors.h"

/* Fills everything but `storage`; texts and values lie in the arena, the list of tensors is malloc'd (also after a
 * failure). */
yt_status yti_pt_read_network(const yti_pt_value *root, const char *name, yti_pt_tensors *tensors, yti_arena *arena,
                              yti_pt_file *out, yt_err *err);

#endif
