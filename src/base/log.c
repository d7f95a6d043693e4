/* log.c: one sink for the messages of the library, set by the program. */
#include "base/log.h"
#include "base/locale.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>

static yt_log_sink current_sink;
static void *current_context;
static pthread_mutex_t sink_lock = PTHREAD_MUTEX_INITIALIZER; /* loader threads log too */

void yt_log_set_sink(yt_log_sink sink, void *context) {
    pthread_mutex_lock(&sink_lock);
    current_sink = sink;
    current_context = context;
    pthread_mutex_unlock(&sink_lock);
}

void yti_log(yt_log_level level, const char *format, ...) {
    char text[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    pthread_mutex_lock(&sink_lock);
    const locale_t former = yti_locale_enter_callback();
    if (current_sink) current_sink(current_context, level, text);
    yti_locale_leave(former);
    pthread_mutex_unlock(&sink_lock);
}
