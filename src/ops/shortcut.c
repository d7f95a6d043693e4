/* shortcut.c: see shortcut.h. */
#include "ops/shortcut.h"

yt_status yti_check_shortcut(const yti_ports *io, yt_err *err) {
    if (io->n_src != 2) return YT_OK;
    const yti_shape *s = &io->src[1], *d = &io->dst;
    if (s->n == d->n && s->h == d->h && s->w == d->w && s->c == d->c) return YT_OK;
    return yt_fail(err, YT_ERR_MISMATCH, "adds a %dx%dx%d map to one of %dx%dx%d", s->h, s->w, s->c, d->h, d->w, d->c);
}
