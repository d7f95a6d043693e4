/* log.h: a message to the sink of the public log.h. */
#ifndef YT_BASE_LOG_H
#define YT_BASE_LOG_H

#include "yolotrain/log.h"

/* A line without a newline; longer than 2047 bytes it is cut off. From any thread. */
void yti_log(yt_log_level level, const char *format, ...) YT_PRINTF(2, 3);

#endif
