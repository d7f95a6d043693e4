/* number.c: decimal text to double and back, whatever the locale (strtod and printf use a comma in half of Europe).
 *
 * The digits become an integer and a power of ten. Where the integer is below 2^53 and the power within 10^22, both are
 * exact doubles and one operation rounds correctly (Clinger 1990); that is every number people write. The rest goes
 * through long double, whose error is below the double's rounding but for rare ties.
 */
#include "base/number.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { MAX_DIGITS = 19, MAX_EXPONENT = 10000 };

/* Digits read so far: value = mantissa * 10^exponent. */
typedef struct decimal {
    uint64_t mantissa;
    int digits; /* significant ones kept */
    int exponent;
} decimal;

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* Takes digits from text[at], those after the point with `behind_point`; returns the next position. */
static size_t read_digits(const char *text, size_t length, size_t at, bool behind_point, decimal *d) {
    for (; at < length && is_digit(text[at]); at++) {
        bool kept = d->digits < MAX_DIGITS;
        if (kept) {
            d->mantissa = d->mantissa * 10 + (uint64_t)(text[at] - '0');
            if (d->mantissa) d->digits++;
        }
        int shift = (kept ? 0 : 1) - behind_point;
        if (d->exponent > -MAX_EXPONENT && d->exponent < MAX_EXPONENT) d->exponent += shift;
    }
    return at;
}

/* The exponent after 'e'; returns the next position, or `at` itself when there is no digit. */
static size_t read_exponent(const char *text, size_t length, size_t at, int *exponent) {
    size_t first = at;
    bool negative = first < length && text[first] == '-';
    if (first < length && (text[first] == '-' || text[first] == '+')) first++;
    int value = 0;
    size_t i = first;
    for (; i < length && is_digit(text[i]); i++)
        if (value < MAX_EXPONENT) value = value * 10 + (text[i] - '0');
    if (i == first) return at;
    *exponent += negative ? -value : value;
    return i;
}

static double scale(uint64_t mantissa, int exponent) {
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    if (mantissa == 0) return 0;
    if (mantissa <= (uint64_t)1 << 53 && exponent >= 0 && exponent <= 22) return (double)mantissa * powers[exponent];
    if (mantissa <= (uint64_t)1 << 53 && exponent < 0 && exponent >= -22) return (double)mantissa / powers[-exponent];
    if (exponent > 400) return (double)INFINITY;
    if (exponent < -400) return 0;
    return (double)((long double)mantissa * powl(10.0L, (long double)exponent));
}

bool yti_parse_decimal(const char *text, size_t length, double *out) {
    decimal d = {0};
    size_t at = 0;
    bool negative = length > 0 && text[0] == '-';
    if (length > 0 && (text[0] == '-' || text[0] == '+')) at++;
    size_t whole = at;
    at = read_digits(text, length, at, false, &d);
    size_t digits = at - whole;
    if (at < length && text[at] == '.') {
        size_t point = at + 1;
        at = read_digits(text, length, point, true, &d);
        digits += at - point;
    }
    if (digits == 0) return false;
    if (at < length && (text[at] == 'e' || text[at] == 'E')) {
        size_t after = read_exponent(text, length, at + 1, &d.exponent);
        if (after == at + 1) return false;
        at = after;
    }
    double value = scale(d.mantissa, d.exponent);
    if (at != length || !isfinite(value)) return false;
    *out = negative ? -value : value;
    return true;
}

/* What printf writes beside digits, signs, an exponent and the words nan and inf is the locale's decimal point, of one
 * byte or several. */
const char *yti_decimal(double value, int digits, char out[YTI_DECIMAL]) {
    static const char own[] = "0123456789+-einfa";
    if (isnan(value)) return memcpy(out, "nan", sizeof "nan"); /* printf may write -nan */
    snprintf(out, YTI_DECIMAL, "%.*g", digits, value);
    char *point = out + strspn(out, own);
    const size_t length = strcspn(point, own);
    if (*point == '\0') return out;
    *point = '.';
    memmove(point + 1, point + length, strlen(point + length) + 1);
    return out;
}
