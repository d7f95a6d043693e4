/* kernels_internal.h: the getters of the tables in kernel_list.inc, for kernels.c and the files that define them. */
#ifndef YT_KERNELS_INTERNAL_H
#define YT_KERNELS_INTERNAL_H

#include "kernels/kernels.h"

#define YT_KERNELS_ROW(isa, getter) const yti_kernels *getter(void);
#include "kernels/kernel_list.inc"
#undef YT_KERNELS_ROW

#endif
