/* log.h: messages of the library. Nothing is printed unless the program sets a sink. */
#ifndef YOLOTRAIN_LOG_H
#define YOLOTRAIN_LOG_H

#include "yolotrain/version.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum yt_log_level { YT_LOG_DEBUG, YT_LOG_INFO, YT_LOG_WARNING } yt_log_level;

/* Receives one finished line without a newline. Called from one thread at a time. */
typedef void (*yt_log_sink)(void *context, yt_log_level level, const char *text);

/* Sets where messages go; NULL drops them (the default). Thread-safe; one sink for the whole process. */
YT_API void yt_log_set_sink(yt_log_sink sink, void *context);

#ifdef __cplusplus
}
#endif

#endif
