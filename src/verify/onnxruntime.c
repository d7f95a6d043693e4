/* onnxruntime.c: the C interface of ONNX Runtime, called through its table of functions; see onnxruntime.h. The table
 * only ever grows at its end (onnxruntime_c_api.h, "OrtApi"), so the places below hold for every later version.
 */
#include "verify/onnxruntime.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { API_VERSION = 13, LOG_ERRORS = 3, TYPE_FLOAT = 1, ARENA_ALLOCATOR = 1, MEMORY_DEFAULT = 0 };

/* Functions of the table: place, name. */
enum {
    GET_ERROR_MESSAGE = 2,
    CREATE_ENV = 3,
    CREATE_SESSION = 7,
    RUN = 9,
    CREATE_SESSION_OPTIONS = 10,
    SET_INTRA_OP_NUM_THREADS = 24,
    SESSION_GET_OUTPUT_COUNT = 31,
    SESSION_GET_OUTPUT_NAME = 37,
    CREATE_TENSOR_WITH_DATA = 49,
    GET_TENSOR_MUTABLE_DATA = 51,
    GET_TENSOR_ELEMENT_TYPE = 60,
    GET_DIMENSIONS_COUNT = 61,
    GET_DIMENSIONS = 62,
    GET_TENSOR_TYPE_AND_SHAPE = 65,
    CREATE_CPU_MEMORY_INFO = 69,
    ALLOCATOR_FREE = 76,
    GET_DEFAULT_ALLOCATOR = 78,
    RELEASE_ENV = 92,
    RELEASE_STATUS = 93,
    RELEASE_MEMORY_INFO = 94,
    RELEASE_SESSION = 95,
    RELEASE_VALUE = 96,
    RELEASE_SHAPE = 99,
    RELEASE_SESSION_OPTIONS = 100
};

typedef void (*function)(void);
typedef void *ort_status; /* NULL: it went well */

typedef struct api_base {
    const function *(*get_api)(uint32_t version);
    const char *(*version)(void);
} api_base;

struct yti_ort {
    void *library;
    const function *api;
    const char *version;
    void *env, *options, *session, *memory, *allocator;
    char *names[YTI_ORT_OUTPUTS];
    void *values[YTI_ORT_OUTPUTS]; /* of the last run */
    size_t n_outputs;
};

#define CALL(s, place, type) ((type)(s)->api[place])
typedef ort_status (*make)(void **out);

static yt_status check(const yti_ort *s, ort_status status, const char *what, yt_err *err) {
    if (!status) return YT_OK;
    const yt_status result = yt_fail(err, YT_ERR_SYNTAX, "ONNX Runtime %s: %s: %.300s", s->version, what,
                                     CALL(s, GET_ERROR_MESSAGE, const char *(*)(ort_status))(status));
    CALL(s, RELEASE_STATUS, void (*)(ort_status))(status);
    return result;
}

static yt_status load(yti_ort *s, yt_err *err) {
    const char *named = getenv("YT_ONNXRUNTIME"), *names[] = {"libonnxruntime.so", "libonnxruntime.so.1"};
    if (named && *named)
        s->library = dlopen(named, RTLD_NOW | RTLD_LOCAL);
    else
        for (size_t i = 0; i < sizeof names / sizeof *names && !s->library; i++)
            s->library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    if (!s->library && named && *named)
        return yt_fail(err, YT_ERR_ARGUMENT, "YT_ONNXRUNTIME: %.200s cannot be loaded: %.200s", named, dlerror());
    if (!s->library)
        return yt_fail(err, YT_ERR_ARGUMENT,
                       "ONNX Runtime is not found: neither libonnxruntime.so where the system looks for libraries, nor "
                       "a path in YT_ONNXRUNTIME (its Python package has the file, in onnxruntime/capi)");
    void *symbol = dlsym(s->library, "OrtGetApiBase");
    const api_base *(*base)(void);
    memcpy(&base, &symbol, sizeof base); /* what dlsym gives is no pointer to a function for ISO C */
    s->api = symbol ? base()->get_api(API_VERSION) : NULL;
    if (!s->api) return yt_fail(err, YT_ERR_ARGUMENT, "the library found is no ONNX Runtime of version 1.13 or later");
    s->version = base()->version();
    return YT_OK;
}

static yt_status open_session(yti_ort *s, const char *path, int threads, yt_err *err) {
    YT_TRY(load(s, err));
    YT_TRY(check(s, CALL(s, CREATE_ENV, ort_status(*)(int, const char *, void **))(LOG_ERRORS, "yolotrain", &s->env),
                 "begins", err));
    YT_TRY(check(s, CALL(s, CREATE_SESSION_OPTIONS, make)(&s->options), "options", err));
    YT_TRY(
        check(s, CALL(s, SET_INTRA_OP_NUM_THREADS, ort_status(*)(void *, int))(s->options, threads), "threads", err));
    YT_TRY(check(s,
                 CALL(s, CREATE_SESSION, ort_status(*)(const void *, const char *, const void *, void **))(
                     s->env, path, s->options, &s->session),
                 path, err));
    YT_TRY(check(
        s,
        CALL(s, CREATE_CPU_MEMORY_INFO, ort_status(*)(int, int, void **))(ARENA_ALLOCATOR, MEMORY_DEFAULT, &s->memory),
        "memory", err));
    YT_TRY(check(s, CALL(s, GET_DEFAULT_ALLOCATOR, make)(&s->allocator), "memory", err));
    YT_TRY(check(s, CALL(s, SESSION_GET_OUTPUT_COUNT, ort_status(*)(const void *, size_t *))(s->session, &s->n_outputs),
                 "outputs", err));
    if (s->n_outputs > YTI_ORT_OUTPUTS) s->n_outputs = YTI_ORT_OUTPUTS;
    for (size_t i = 0; i < s->n_outputs; i++)
        YT_TRY(check(s,
                     CALL(s, SESSION_GET_OUTPUT_NAME, ort_status(*)(const void *, size_t, void *, char **))(
                         s->session, i, s->allocator, &s->names[i]),
                     "outputs", err));
    return YT_OK;
}

yt_status yti_ort_open(const char *path, int threads, yti_ort **out, yt_err *err) {
    yti_ort *s = calloc(1, sizeof *s);
    if (!s) return yti_no_memory(err, "a session");
    const yt_status status = open_session(s, path, threads, err);
    if (status == YT_OK)
        *out = s;
    else
        yti_ort_close(s);
    return status;
}

const char *yti_ort_version(const yti_ort *session) {
    return session->version;
}

static void release(const yti_ort *s, int place, void *what) {
    if (what) CALL(s, place, void (*)(void *))(what);
}

static void release_values(yti_ort *s) {
    for (size_t i = 0; i < s->n_outputs; i++) {
        release(s, RELEASE_VALUE, s->values[i]);
        s->values[i] = NULL;
    }
}

static yt_status describe(const yti_ort *s, void *value, yti_ort_output *to, yt_err *err) {
    void *shape = NULL, *data = NULL;
    size_t n = 0;
    int type = 0;
    YT_TRY(check(s, CALL(s, GET_TENSOR_TYPE_AND_SHAPE, ort_status(*)(const void *, void **))(value, &shape),
                 "an output", err));
    yt_status status = check(s, CALL(s, GET_TENSOR_ELEMENT_TYPE, ort_status(*)(const void *, int *))(shape, &type),
                             "an output", err);
    if (status == YT_OK)
        status = check(s, CALL(s, GET_DIMENSIONS_COUNT, ort_status(*)(const void *, size_t *))(shape, &n), "an output",
                       err);
    if (status == YT_OK && (n > YTI_ORT_DIMS || type != TYPE_FLOAT))
        status = yt_fail(err, YT_ERR_MISMATCH, "ONNX Runtime: output %s is no tensor of floats", to->name);
    if (status == YT_OK)
        status = check(s, CALL(s, GET_DIMENSIONS, ort_status(*)(const void *, int64_t *, size_t))(shape, to->dims, n),
                       "an output", err);
    if (status == YT_OK)
        status = check(s, CALL(s, GET_TENSOR_MUTABLE_DATA, ort_status(*)(void *, void **))(value, &data), "an output",
                       err);
    to->n_dims = (int)n;
    to->values = data;
    release(s, RELEASE_SHAPE, shape);
    return status;
}

yt_status yti_ort_run(yti_ort *s, const float *input, const int64_t dims[4], yti_ort_output outputs[YTI_ORT_OUTPUTS],
                      int *n_outputs, yt_err *err) {
    typedef ort_status (*wrap)(const void *, void *, size_t, const int64_t *, size_t, int, void **);
    typedef ort_status (*run)(void *, const void *, const char *const *, const void *const *, size_t,
                              const char *const *, size_t, void **);
    const size_t bytes = (size_t)(dims[0] * dims[1] * dims[2] * dims[3]) * sizeof *input;
    void *value = NULL, *lent = (void *)(uintptr_t)input; /* which only reads */
    release_values(s);
    YT_TRY(check(s, CALL(s, CREATE_TENSOR_WITH_DATA, wrap)(s->memory, lent, bytes, dims, 4, TYPE_FLOAT, &value),
                 "the input", err));
    const void *const inputs[] = {value};
    const yt_status status = check(s,
                                   CALL(s, RUN, run)(s->session, NULL, (const char *const[]){"images"}, inputs, 1,
                                                     (const char *const *)s->names, s->n_outputs, s->values),
                                   "a run", err);
    release(s, RELEASE_VALUE, value);
    YT_TRY(status);
    for (size_t i = 0; i < s->n_outputs; i++) {
        outputs[i] = (yti_ort_output){.name = s->names[i]};
        YT_TRY(describe(s, s->values[i], &outputs[i], err));
    }
    *n_outputs = (int)s->n_outputs;
    return YT_OK;
}

void yti_ort_close(yti_ort *s) {
    if (!s) return;
    if (s->api) {
        release_values(s);
        for (size_t i = 0; i < s->n_outputs; i++)
            if (s->names[i]) CALL(s, ALLOCATOR_FREE, ort_status(*)(void *, void *))(s->allocator, s->names[i]);
        release(s, RELEASE_MEMORY_INFO, s->memory);
        release(s, RELEASE_SESSION, s->session);
        release(s, RELEASE_SESSION_OPTIONS, s->options);
        release(s, RELEASE_ENV, s->env);
    }
    /* The library stays: its threads may still be ending. */
    free(s);
}
