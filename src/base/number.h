/* number.h: decimal text to double, whatever the locale. */
#ifndef YT_BASE_NUMBER_H
#define YT_BASE_NUMBER_H

#include <stdbool.h>
#include <stddef.h>

/* The whole of text as a decimal number: sign, digits with an optional point, optional exponent. No words ("nan",
 * "inf"), no hexadecimal, no overflow; false leaves *out. */
bool yti_parse_decimal(const char *text, size_t length, double *out);

#endif
