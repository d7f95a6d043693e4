/* detect_threads.c: several threads over one set of weights: detect_threads THREADS WEIGHTS IMAGE...
 *
 * Thread t takes images t, t + THREADS, ...; what it finds is printed at the end, in the order of the images.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <yolotrain.h>

enum { MAX_THREADS = 64, CAPACITY = 300 };

typedef struct result {
    yt_status status;
    yt_err err;
    size_t n_found;
    yt_detection found[CAPACITY];
} result;

typedef struct job {
    yt_detector *detector; /* this thread's own */
    char **images;
    result *results;
    int first, step, count;
} job;

static void *work(void *context) {
    const job *j = context;
    for (int i = j->first; i < j->count; i += j->step) {
        result *r = &j->results[i];
        yt_image image = {0};
        r->status = yt_image_load(j->images[i], &image, &r->err);
        if (r->status == YT_OK) {
            const yt_pixels pixels = yt_image_pixels(&image);
            r->status = yt_detector_run(j->detector, &pixels, r->found, CAPACITY, &r->n_found, &r->err);
        }
        yt_image_free(&image);
    }
    return NULL;
}

/* The first detector opens the weights, the others share them; each computes on one core. */
static yt_status open_detectors(const char *weights, job *jobs, int threads, yt_err *err) {
    yt_detector_options *options = NULL;
    yt_status status = yt_detector_options_create(&options, err);
    if (status == YT_OK) status = yt_detector_options_set(options, "threads", "1", err);
    if (status == YT_OK) status = yt_detector_open(weights, options, &jobs[0].detector, err);
    for (int t = 1; t < threads && status == YT_OK; t++)
        status = yt_detector_share(jobs[0].detector, &jobs[t].detector, err);
    yt_detector_options_destroy(options);
    return status;
}

static void print_result(const yt_detector *detector, const char *image, const result *r) {
    if (r->status != YT_OK) fprintf(stderr, "detect_threads: %s\n", r->err.text);
    for (size_t i = 0; r->status == YT_OK && i < r->n_found && i < CAPACITY; i++)
        printf("%s: %s %.3f %.1f %.1f %.1f %.1f\n", image, yt_detector_class_name(detector, r->found[i].class_id),
               (double)r->found[i].score, (double)r->found[i].box.x1, (double)r->found[i].box.y1,
               (double)r->found[i].box.x2, (double)r->found[i].box.y2);
}

int main(int argc, char **argv) {
    const int threads = argc > 1 ? atoi(argv[1]) : 0, count = argc - 3;
    if (argc < 4 || threads < 1 || threads > MAX_THREADS) {
        fprintf(stderr, "usage: detect_threads THREADS WEIGHTS IMAGE...\n");
        return 2;
    }
    job jobs[MAX_THREADS] = {{0}};
    pthread_t running[MAX_THREADS];
    result *results = calloc((size_t)count, sizeof *results);
    yt_err err;
    int failed = 0;
    if (!results || open_detectors(argv[2], jobs, threads, &err) != YT_OK) {
        fprintf(stderr, "detect_threads: %s\n", results ? err.text : "out of memory");
        failed = 1;
    }
    int started = 0;
    for (; !failed && started < threads; started++) {
        job *j = &jobs[started];
        *j = (job){j->detector, argv + 3, results, started, threads, count};
        if (pthread_create(&running[started], NULL, work, j) != 0) {
            fprintf(stderr, "detect_threads: a thread could not be started\n");
            failed = 1;
            break;
        }
    }
    for (int t = 0; t < started; t++) pthread_join(running[t], NULL);
    for (int i = 0; !failed && i < count; i++) print_result(jobs[0].detector, argv[3 + i], &results[i]);
    for (int i = 0; results && i < count; i++) failed |= results[i].status != YT_OK;
    if (!failed)
        fprintf(stderr, "weights %zu bytes for all, %zu more per thread\n", yt_detector_shared_bytes(jobs[0].detector),
                yt_detector_own_bytes(jobs[0].detector));
    for (int t = 0; t < threads; t++) yt_detector_close(jobs[t].detector);
    free(results);
    return failed;
}
