/* muon.h: the orthogonalised momentum step of MuSGD. Internal to src/optim. */
#ifndef YT_MUON_H
#define YT_MUON_H

#include <stddef.h>

/* Bytes of working memory, 64-byte aligned, for a matrix of rows x cols. */
size_t yti_muon_bytes(int rows, int cols);

/* x (row-major, rows x cols) becomes nearly the orthogonal factor of itself: its singular values go to around
 * 1, its singular vectors stay (spec training 4.4). Zero stays zero. */
void yti_orthogonalise(float *x, int rows, int cols, void *work, int threads);

/* One step of the matrix p with gradient scale * g; m is its momentum, zero at first. */
void yti_muon_step(float *p, const float *g, float *m, int rows, int cols, float scale, float lr,
                   float momentum, void *work, int threads);

#endif
