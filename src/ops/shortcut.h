/* shortcut.h: the second source of an op that adds one to its result. */
#ifndef YT_OPS_SHORTCUT_H
#define YT_OPS_SHORTCUT_H

#include "ops/op.h"

/* Where there is a second source it must have the shape of the result, which is known. */
yt_status yti_check_shortcut(const yti_ports *io, yt_err *err);

#endif
