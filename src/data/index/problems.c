/* problems.c: a growing text of problem lines. Workers fill one each; they are reported in the order of the images.
 */
#include "data/index/problems.h"

#include "base/array.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void append(yti_report *report, const char *format, va_list args) {
    char line[2048];
    int length = vsnprintf(line, sizeof line - 1, format, args);
    if (length < 0) return;
    size_t bytes = (size_t)length < sizeof line - 1 ? (size_t)length : sizeof line - 2;
    for (size_t i = 0; i < bytes; i++) /* a file name may hold anything */
        if (line[i] == '\n') line[i] = '?';
    line[bytes++] = '\n';
    char *text = yti_grow(report->text, &report->capacity, report->used + bytes, 1);
    if (!text) {
        report->out_of_memory = true;
        return;
    }
    report->text = text;
    memcpy(text + report->used, line, bytes);
    report->used += bytes;
}

void yti_report_add(yti_report *report, const char *format, ...) {
    va_list args;
    va_start(args, format);
    append(report, format, args);
    va_end(args);
    report->count++;
}

void yti_report_note(yti_report *report, const char *format, ...) {
    va_list args;
    va_start(args, format);
    append(report, format, args);
    va_end(args);
}

void yti_report_tell(yti_report *report, void (*sink)(void *context, const char *text), void *context) {
    for (size_t at = 0; sink && at < report->used;) {
        char *line = report->text + at;
        char *end = memchr(line, '\n', report->used - at); /* each line has one */
        *end = '\0';
        sink(context, line);
        at = (size_t)(end - report->text) + 1;
    }
    report->used = 0;
}

void yti_report_free(yti_report *report) {
    free(report->text);
    *report = (yti_report){0};
}
