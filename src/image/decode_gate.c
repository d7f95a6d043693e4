/* decode_gate.c: a counter of bytes with a queue before it. A small file can hold a large image, and sixteen threads
 * sixteen of them; small images never wait. */
#include "image/decode_gate.h"

yt_status yti_decode_gate_init(yti_decode_gate *gate, yt_err *err) {
    gate->used = 0;
    if (pthread_mutex_init(&gate->lock, NULL) == 0) {
        if (pthread_cond_init(&gate->left, NULL) == 0) return YT_OK;
        pthread_mutex_destroy(&gate->lock);
    }
    return yt_fail(err, YT_ERR_NO_MEMORY, "no memory to decode images");
}

void yti_decode_gate_deinit(yti_decode_gate *gate) {
    pthread_cond_destroy(&gate->left);
    pthread_mutex_destroy(&gate->lock);
}

void yti_decode_gate_enter(yti_decode_gate *gate, size_t memory) {
    pthread_mutex_lock(&gate->lock);
    while (gate->used > 0 && memory > YT_MAX_DECODE_BYTES - gate->used) pthread_cond_wait(&gate->left, &gate->lock);
    gate->used += memory;
    pthread_mutex_unlock(&gate->lock);
}

void yti_decode_gate_leave(yti_decode_gate *gate, size_t memory) {
    pthread_mutex_lock(&gate->lock);
    gate->used -= memory;
    pthread_cond_broadcast(&gate->left);
    pthread_mutex_unlock(&gate->lock);
}
