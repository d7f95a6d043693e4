/* log.h: messages of the library. Nothing is printed unless the program sets a sink. */
#ifndef YT_LOG_H
#define YT_LOG_H

typedef enum yt_log_level { YT_LOG_DEBUG, YT_LOG_INFO, YT_LOG_WARNING } yt_log_level;

/* Receives one finished line without a newline. Called from one thread at a time. */
typedef void (*yt_log_sink)(void *context, yt_log_level level, const char *text);

/* Sets where messages go; NULL drops them (the default). From any thread. The programs send them to stderr. */
void yt_log_set_sink(yt_log_sink sink, void *context);

void yt_log(yt_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
