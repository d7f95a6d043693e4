/* kernels.c: picks the kernel table, once.
 *
 * The best row of kernel_list.inc that the CPU supports and YT_MAX_ISA allows. A cap that names a table which does not
 * run here takes the best one below it. A name that no row has is no cap here; the programs refuse it
 * (yti_kernels_check).
 */
#include "base/text.h"
#include "kernels/kernels_internal.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    yti_isa isa;
    const yti_kernels *(*get)(void);
} rows[] = {
#define YT_KERNELS_ROW(isa, getter) {isa, getter},
#include "kernels/kernel_list.inc"
#undef YT_KERNELS_ROW
};
enum { ROWS = sizeof rows / sizeof rows[0] };

static pthread_once_t pick_once = PTHREAD_ONCE_INIT;
static const yti_kernels *picked;

static int last_allowed_row(void) {
    const char *cap = getenv("YT_MAX_ISA");
    for (int i = 0; cap && i < ROWS; i++)
        if (strcmp(rows[i].get()->name, cap) == 0) return i;
    return ROWS - 1;
}

static void pick(void) {
    int row = last_allowed_row();
    while (row > 0 && !yti_cpu_supports(rows[row].isa)) row--;
    picked = rows[row].get();
}

void yti_kernels_list(char *text, size_t room) {
    text[0] = '\0';
    for (int i = 0; i < ROWS; i++) yti_text_append(text, room, "%s%s", i ? ", " : "", rows[i].get()->name);
}

yt_status yti_kernels_check(yt_err *err) {
    const char *cap = getenv("YT_MAX_ISA");
    char names[128];
    for (int i = 0; cap && i < ROWS; i++)
        if (strcmp(rows[i].get()->name, cap) == 0) return YT_OK;
    if (!cap || !cap[0]) return YT_OK;
    yti_kernels_list(names, sizeof names);
    return yt_fail(err, YT_ERR_ARGUMENT, "YT_MAX_ISA: unknown \"%.100s\"; it is one of %s", cap, names);
}

const yti_kernels *yti_kernels_get(void) {
    pthread_once(&pick_once, pick);
    return picked;
}

const yti_kernels *yti_kernels_of(yti_isa isa) {
    for (int i = 0; i < ROWS; i++)
        if (rows[i].isa == isa && yti_cpu_supports(isa)) return rows[i].get();
    return NULL;
}

int yti_conv_out(int in, int kernel, int stride, int pad, int dilation) {
    int room = in + 2 * pad - dilation * (kernel - 1) - 1;
    return room < 0 ? 0 : room / stride + 1;
}
