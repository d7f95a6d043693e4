/* muon.h: the orthogonalised momentum step of MuSGD. Internal to src/optim. */
#ifndef YT_MUON_H
#define YT_MUON_H

#include <stddef.h>

/* Bytes of working memory, 64-byte aligned, for a matrix of rows x cols. */
size_t yti_muon_bytes(int rows, int cols);

/* Multiplications of a step of such a matrix, about. */
double yti_muon_work(int rows, int cols);

/* One step of the matrix p (row-major, rows x cols) with gradient scale * g; m is its momentum, zero at first. The
 * step is nearly the orthogonal factor of the momentum: its singular values around 1, its singular vectors those of
 * the momentum (spec training 4.4). Zero stays zero. */
void yti_muon_step(float *p, const float *g, float *m, int rows, int cols, float scale, float lr, float momentum,
                   void *work);

#endif
