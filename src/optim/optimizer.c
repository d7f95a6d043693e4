/* optimizer.c: update rules over spans of one flat block of parameters.
 *
 * A rule is a row of the table below: its state arrays and how one span is stepped; the arithmetic itself is a kernel.
 * Updates are element by element, or with MuSGD matrix by matrix, each on one thread and the costly ones first, so the
 * number of threads changes nothing. The scale of a clipped gradient is applied inside the step, which saves a pass
 * over the gradients.
 */
#include "base/carve.h"
#include "kernels/kernels.h"
#include "optim/muon.h"
#include "optim/optim.h"

#ifdef _OPENMP
#    include <omp.h>
#endif
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MAX_STATES = 2 };

/* Below this, waking threads costs more than the update (norm parameters come in spans of a few dozen). */
static const size_t MIN_PARALLEL_FLOATS = 1 << 15;

struct yti_optimizer {
    yti_optimizer_kind kind;
    size_t count;
    yti_param_span *spans;
    size_t n_spans, n_matrices; /* the matrices come first */
    float weight_decay;
    double beta1;
    int64_t steps;
    float *state[MAX_STATES];
    char *work; /* [threads][work_bytes] for the largest matrix */
    size_t work_bytes;
    int threads;
};

/* One span in one step. */
typedef struct update {
    float *p;
    const float *g;
    float *state[MAX_STATES];
    size_t count, columns;
    float scale, lr, momentum, decay;
    double beta1;
    int64_t t;
    void *work;
    int threads;
} update;

static void step_sgd(const yti_kernels *k, const update *u) {
    k->sgd_step(u->p, u->g, u->state[0], u->count, u->scale, u->lr, u->momentum, u->decay, u->threads);
}

/* The orthogonalised step first, then SGD on what it left, with a momentum of its own (spec training 4.3). */
static void step_musgd(const yti_kernels *k, const update *u) {
    if (u->columns)
        yti_muon_step((yti_muon_matrix){u->p, u->g, u->state[1], (int)(u->count / u->columns), (int)u->columns},
                      u->scale, u->lr, u->momentum, u->work);
    step_sgd(k, u);
}

/* beta2 and eps: spec training 4.3, PyTorch's defaults. */
static yti_adam adam_of(const update *u) {
    return (yti_adam){
        .lr = (double)u->lr, .beta1 = u->beta1, .beta2 = 0.999, .eps = 1e-8, .scale = (double)u->scale, .t = u->t};
}

static void step_adam(const yti_kernels *k, const update *u) {
    yti_adam adam = adam_of(u);
    adam.l2 = (double)u->decay;
    k->adam_step(u->p, u->g, u->state[0], u->state[1], u->count, &adam, u->threads);
}

static void step_adamw(const yti_kernels *k, const update *u) {
    yti_adam adam = adam_of(u);
    adam.decay = (double)u->decay;
    k->adam_step(u->p, u->g, u->state[0], u->state[1], u->count, &adam, u->threads);
}

static const struct rule {
    const char *states[MAX_STATES]; /* names in a checkpoint; NULL: fewer */
    bool matrices;                  /* looks at the columns of a span */
    void (*step)(const yti_kernels *kernels, const update *u);
} RULES[YT_OPTIM_COUNT] = {
    [YT_OPTIM_SGD] = {{"momentum"}, false, step_sgd},
    [YT_OPTIM_ADAM] = {{"exp_avg", "exp_avg_sq"}, false, step_adam},
    [YT_OPTIM_ADAMW] = {{"exp_avg", "exp_avg_sq"}, false, step_adamw},
    [YT_OPTIM_MUSGD] = {{"momentum", "muon_momentum"}, true, step_musgd},
};

static const char *const NAMES[YT_OPTIM_COUNT] = {
#define OPTIMIZER_NAME(code, name) [YT_OPTIM_##code] = name,
    YT_OPTIMIZER_MAP(OPTIMIZER_NAME)
#undef OPTIMIZER_NAME
};

const char *yti_optimizer_name(yti_optimizer_kind kind) {
    return NAMES[kind];
}

int yti_optimizer_find(const char *name) {
    for (int i = 0; i < YT_OPTIM_COUNT; i++) {
        if (strcasecmp(name, NAMES[i]) == 0) return i;
    }
    return -1;
}

int yti_optimizer_columns(yti_optimizer_kind kind, yti_group columns[YT_MAX_LR_COLUMNS]) {
    static const yti_group plain[] = {YT_GROUP_WEIGHT, YT_GROUP_NORM, YT_GROUP_BIAS};
    static const yti_group split[] = {YT_GROUP_FAST_WEIGHT, YT_GROUP_WEIGHT,    YT_GROUP_FAST_NORM,
                                      YT_GROUP_NORM,        YT_GROUP_FAST_BIAS, YT_GROUP_BIAS,
                                      YT_GROUP_FAST_WEIGHT, YT_GROUP_WEIGHT}; /* the last two: matrices */
    const bool musgd = kind == YT_OPTIM_MUSGD;
    memcpy(columns, musgd ? split : plain, musgd ? sizeof split : sizeof plain);
    return musgd ? YT_MAX_LR_COLUMNS : 3;
}

static bool overlap(const yti_param_span *a, const yti_param_span *b) {
    return a->offset < b->offset + b->count && b->offset < a->offset + a->count;
}

static yt_status check_spans(size_t count, const yti_param_span *spans, size_t n_spans, yt_err *err) {
    for (size_t i = 0; i < n_spans; i++) {
        const yti_param_span *s = &spans[i];
        if (s->count > count || s->offset > count - s->count || (int)s->group < 0 || s->group >= YT_GROUP_COUNT) {
            return yt_fail(err, YT_ERR_ARGUMENT, "span %zu (%zu floats at %zu) is not within the %zu parameters", i,
                           s->count, s->offset, count);
        }
        if (s->columns && (s->count % s->columns || s->count > INT_MAX)) {
            return yt_fail(err, YT_ERR_ARGUMENT, "span %zu of %zu floats is no matrix of %zu columns", i, s->count,
                           s->columns);
        }
        for (size_t j = 0; j < i; j++) {
            if (overlap(s, &spans[j])) {
                return yt_fail(err, YT_ERR_ARGUMENT, "spans %zu and %zu of the optimizer overlap", j, i);
            }
        }
    }
    return YT_OK;
}

/* Copies the spans, joining neighbours of one group: fewer, longer sweeps. Matrices stay apart. */
static bool copy_spans(yti_optimizer *o, const yti_param_span *spans, size_t n_spans) {
    o->spans = calloc(n_spans + 1, sizeof *spans);
    if (!o->spans) return false;
    for (size_t i = 0; i < n_spans; i++) {
        yti_param_span *last = o->n_spans ? &o->spans[o->n_spans - 1] : NULL, next = spans[i];
        if (!RULES[o->kind].matrices) next.columns = 0;
        if (last && last->group == next.group && last->offset + last->count == next.offset && !last->columns &&
            !next.columns) {
            last->count += next.count;
        } else {
            o->spans[o->n_spans++] = next;
        }
    }
    return true;
}

static double work_of(const yti_param_span *s) {
    return s->columns ? yti_muon_work((int)(s->count / s->columns), (int)s->columns) : 0;
}

/* The costly ones first, so that threads that take one after the other end together. */
static int by_work(const void *a, const void *b) {
    const yti_param_span *x = a, *y = b;
    double of_x = work_of(x), of_y = work_of(y);
    return of_x != of_y ? (of_x < of_y) - (of_x > of_y) : (x->offset > y->offset) - (x->offset < y->offset);
}

static bool make_work(yti_optimizer *o) {
    qsort(o->spans, o->n_spans, sizeof *o->spans, by_work);
    for (; o->n_matrices < o->n_spans && o->spans[o->n_matrices].columns; o->n_matrices++) {
        const yti_param_span *s = &o->spans[o->n_matrices];
        size_t bytes = yti_muon_bytes((int)(s->count / s->columns), (int)s->columns);
        if (bytes > o->work_bytes) o->work_bytes = bytes;
    }
    if (o->work_bytes) o->work = aligned_alloc(YTI_LINE, (size_t)o->threads * o->work_bytes);
    return !o->work_bytes || o->work;
}

yt_status yti_optimizer_create(yti_optimizer_kind kind, size_t count, const yti_param_span *spans, size_t n_spans,
                               float weight_decay, int threads, yti_optimizer **out, yt_err *err) {
    if ((int)kind < 0 || kind >= YT_OPTIM_COUNT) return yt_fail(err, YT_ERR_ARGUMENT, "no optimizer %d", (int)kind);
    YT_TRY(check_spans(count, spans, n_spans, err));
    yti_optimizer *o = calloc(1, sizeof *o);
    if (o)
        *o = (yti_optimizer){.kind = kind,
                             .count = count,
                             .weight_decay = weight_decay,
                             .beta1 = 0.9,
                             .threads = threads > 1 ? threads : 1};
    bool ok = o && copy_spans(o, spans, n_spans) && make_work(o);
    for (int i = 0; ok && i < MAX_STATES && RULES[kind].states[i]; i++) {
        o->state[i] = yti_zeros(count, YT_READ_SLACK);
        ok = o->state[i];
    }
    if (!ok) {
        yti_optimizer_destroy(o);
        return yti_no_memory(err, "the optimizer's state of %zu parameters", count);
    }
    *out = o;
    return YT_OK;
}

void yti_optimizer_destroy(yti_optimizer *optimizer) {
    if (!optimizer) return;
    for (int i = 0; i < MAX_STATES; i++) free(optimizer->state[i]);
    free(optimizer->spans);
    free(optimizer->work);
    free(optimizer);
}

size_t yti_optimizer_bytes(const yti_optimizer *optimizer) {
    size_t states = 0;
    while (states < MAX_STATES && optimizer->state[states]) states++;
    return states * optimizer->count * sizeof(float) + (size_t)optimizer->threads * optimizer->work_bytes;
}

void yti_optimizer_set_beta1(yti_optimizer *optimizer, double beta1) {
    optimizer->beta1 = beta1;
}

/* The parts of a step that all spans share. */
typedef struct step {
    float *params;
    const float *grads;
    float gradient_scale, momentum;
    const float *lr;
} step;

static void step_span(const yti_optimizer *o, const yti_param_span *span, const step *s, void *work, int threads) {
    update u = {.p = s->params + span->offset,
                .g = s->grads + span->offset,
                .count = span->count,
                .columns = span->columns,
                .scale = s->gradient_scale,
                .lr = s->lr[span->group],
                .momentum = s->momentum,
                .beta1 = o->beta1,
                .decay = yti_group_base(span->group) == YT_GROUP_WEIGHT ? o->weight_decay : 0,
                .t = o->steps,
                .work = work,
                .threads = span->count < MIN_PARALLEL_FLOATS ? 1 : threads};
    for (int j = 0; j < MAX_STATES && o->state[j]; j++) u.state[j] = o->state[j] + span->offset;
    RULES[o->kind].step(yti_kernels_get(), &u);
}

static int thread_id(void) {
#ifdef _OPENMP
    return omp_get_thread_num();
#else
    return 0;
#endif
}

void yti_optimizer_step(yti_optimizer *optimizer, float *params, const float *grads, float gradient_scale,
                        const float lr[YT_GROUP_COUNT], float momentum) {
    yti_optimizer *o = optimizer;
    const step s = {params, grads, gradient_scale, momentum, lr};
    o->steps++;
#pragma omp parallel for schedule(dynamic) num_threads(o->threads)
    for (size_t i = 0; i < o->n_matrices; i++)
        step_span(o, &o->spans[i], &s, o->work + (size_t)thread_id() * o->work_bytes, 1);
    for (size_t i = o->n_matrices; i < o->n_spans; i++) step_span(o, &o->spans[i], &s, NULL, o->threads);
}

bool yti_optimizer_state(yti_optimizer *optimizer, int index, const char **name, float **array) {
    if (index < 0 || index >= MAX_STATES || !optimizer->state[index]) return false;
    *name = RULES[optimizer->kind].states[index];
    *array = optimizer->state[index];
    return true;
}

int64_t yti_optimizer_steps(const yti_optimizer *optimizer) {
    return optimizer->steps;
}

void yti_optimizer_set_steps(yti_optimizer *optimizer, int64_t steps) {
    optimizer->steps = steps;
}
