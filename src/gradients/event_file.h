/* event_file.h: curves and histograms of a run as an event file, which TensorBoard reads. */
#ifndef YT_FLOW_EVENT_FILE_H
#define YT_FLOW_EVENT_FILE_H

#include "base/status.h"
#include "gradients/gradients.h"

typedef struct yti_event_file yti_event_file;

/* Opens path for appending. Of a file that is there, events whose step is below keep_below are kept and the others
 * dropped, atomically. NO_MEMORY, IO. */
yt_status yti_event_file_open(const char *path, int64_t keep_below, yti_event_file **out, yt_err *err);

/* Values of one step are one event, begun by the first and written by yti_event_file_end. */
void yti_event_file_scalar(yti_event_file *file, const char *tag, double value);

/* The magnitudes by their log2, one bucket for each power of two. */
void yti_event_file_histogram(yti_event_file *file, const char *tag, const yti_flow_stats *stats);
yt_status yti_event_file_end(yti_event_file *file, int64_t step, yt_err *err); /* NO_MEMORY, IO */
void yti_event_file_close(yti_event_file *file);                               /* NULL is fine */

#endif
