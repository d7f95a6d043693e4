/* csv.c: see csv.h. Class names are free text: commas, quotes and spaces at the ends occur. */
#include "eval/csv.h"

#include <string.h>

void yti_csv_text(FILE *file, const char *text) {
    size_t length = strlen(text);
    if (length > 0 && !strpbrk(text, ",\"\r\n") && text[0] != ' ' && text[length - 1] != ' ') {
        fputs(text, file);
        return;
    }
    fputc('"', file);
    for (const char *c = text; *c; c++) {
        if (*c == '"') fputc('"', file);
        fputc(*c, file);
    }
    fputc('"', file);
}
