/* muon.h: the orthogonalised momentum step of MuSGD. Internal to src/optim. */
#ifndef YT_MUON_H
#define YT_MUON_H

#include <stddef.h>

/* Bytes of working memory, 64-byte aligned, for a matrix of rows x cols. */
size_t yti_muon_bytes(int rows, int cols);

/* Multiplications of a step of such a matrix, about. */
double yti_muon_work(int rows, int cols);

/* A matrix of parameters, rows x cols, row-major. */
typedef struct yti_muon_matrix {
    float *p;
    const float *g; /* gradient, to be multiplied by the step's scale */
    float *m;       /* momentum, zero at first */
    int rows, cols;
} yti_muon_matrix;

/* One step of a matrix with momentum in [0, 1) and working memory of yti_muon_bytes. The step is nearly the orthogonal
 * factor of the momentum: its singular values around 1, its singular vectors those of the momentum (spec training 4.4).
 * Zero stays zero. */
void yti_muon_step(yti_muon_matrix matrix, float scale, float lr, float momentum, void *work);

#endif
