/* number.h: decimal text to double and back, whatever the locale. */
#ifndef YT_BASE_NUMBER_H
#define YT_BASE_NUMBER_H

#include <stdbool.h>
#include <stddef.h>

/* The whole of text as a decimal number: sign, digits with an optional point, optional exponent. No words ("nan",
 * "inf"), no hexadecimal, no overflow; false leaves *out. */
bool yti_parse_decimal(const char *text, size_t length, double *out);

/* Writes value with at most that many significant digits, 1 to 17, as %g does where the decimal point is a point; "nan"
 * without a sign. With 17 digits reading gives the same double. Returns out. */
enum { YTI_DECIMAL = 40 };
const char *yti_decimal(double value, int digits, char out[YTI_DECIMAL]);

#endif
