/* problems.h: problems found in a dataset, kept as text until they can be reported in order. */
#ifndef YT_DATA_REPORT_H
#define YT_DATA_REPORT_H

#include <stdbool.h>
#include <stddef.h>

/* Lines, each ended by a newline. Zero-initialised; release with yti_report_free. */
typedef struct yti_report {
    char *text;
    size_t used, capacity;
    size_t count;       /* problems, also those that found no memory */
    bool out_of_memory; /* some text is missing */
} yti_report;

void yti_report_add(yti_report *report, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same for what is no problem of its own: not counted. */
void yti_report_note(yti_report *report, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Gives every line, without its newline, to sink (NULL: nobody), and empties the report's text. */
void yti_report_tell(yti_report *report, void (*sink)(void *context, const char *text), void *context);

void yti_report_free(yti_report *report);

#endif
