/* foreign_names.c: class names as other programs write them into metadata: a list of texts, or a map from 0, 1, 2, ...
 * to texts, in JSON or as Python's repr() prints them. One grammar takes both: texts stand in either kind of quotes,
 * and the numbers of a map in quotes or not.
 */
#include "weights/foreign_names.h"

#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_NAMES = 10000, MAX_NAME = 1024 };

static void skip_space(const char **at) {
    *at += strspn(*at, " \t\r\n");
}

static bool take(const char **at, char c) {
    skip_space(at);
    if (**at != c) return false;
    ++*at;
    return true;
}

/* A code point of Unicode as UTF-8. */
static void put_letter(uint32_t code, char **out) {
    char *to = *out;
    if (code < 0x80) {
        *to++ = (char)code;
    } else if (code < 0x800) {
        *to++ = (char)(0xc0 | code >> 6);
        *to++ = (char)(0x80 | (code & 63));
    } else {
        if (code >= 0x10000) *to++ = (char)(0xf0 | code >> 18);
        *to++ = (char)(code >= 0x10000 ? 0x80 | (code >> 12 & 63) : 0xe0 | code >> 12);
        *to++ = (char)(0x80 | (code >> 6 & 63));
        *to++ = (char)(0x80 | (code & 63));
    }
    *out = to;
}

/* What a backslash stands for with what follows it: a letter, or with x, u and U one by its number, as Python prints
 * those that cannot be seen. */
static bool take_escape(const char **at, char **out) {
    static const char letters[] = "nrt\\'\"/", meanings[] = "\n\r\t\\'\"/";
    const int digits = **at == 'x' ? 2 : **at == 'u' ? 4 : **at == 'U' ? 8 : 0;
    if (digits) {
        char number[9] = "";
        char *end;
        memcpy(number, *at + 1, strnlen(*at + 1, (size_t)digits));
        const unsigned long code = strtoul(number, &end, 16);
        if (strspn(number, "0123456789abcdefABCDEF") != (size_t)digits || code == 0 || code > 0x10ffff) return false;
        *at += 1 + digits;
        put_letter((uint32_t)code, out);
        return true;
    }
    const char *found = **at ? strchr(letters, **at) : NULL;
    if (!found) return false;
    ++*at;
    *(*out)++ = meanings[found - letters];
    return true;
}

/* A text in quotes, at most MAX_NAME bytes with its end, where an escape may become four. */
static bool take_text(const char **at, char out[MAX_NAME]) {
    skip_space(at);
    const char quote = **at;
    char *to = out;
    if (quote != '\'' && quote != '"') return false;
    for (++*at; **at && **at != quote && to < out + MAX_NAME - 4;) {
        if (**at != '\\')
            *to++ = *(*at)++;
        else if (++*at, !take_escape(at, &to))
            return false;
    }
    *to = '\0';
    return take(at, quote) && yti_text_is_utf8(out, (size_t)(to - out));
}

/* A key, which must be the number of the next name. */
static bool take_key(const char **at, int expected) {
    char number[MAX_NAME], wanted[16];
    skip_space(at);
    const size_t digits = strspn(*at, "0123456789");
    snprintf(wanted, sizeof wanted, "%d", expected);
    if (digits) {
        const bool same = digits == strlen(wanted) && strncmp(*at, wanted, digits) == 0;
        *at += digits;
        return same && take(at, ':');
    }
    return take_text(at, number) && strcmp(number, wanted) == 0 && take(at, ':');
}

static bool take_names(const char *at, yti_json_writer *names) {
    const bool map = take(&at, '{');
    char name[MAX_NAME];
    if (!map && !take(&at, '[')) return false;
    for (int i = 0; !take(&at, map ? '}' : ']'); i++) {
        if (i == MAX_NAMES || (i && !take(&at, ','))) return false;
        if (i && take(&at, map ? '}' : ']')) break; /* a comma after the last one */
        if ((map && !take_key(&at, i)) || !take_text(&at, name)) return false;
        yti_json_text(names, NULL, name);
    }
    skip_space(&at);
    return *at == '\0';
}

yti_json *yti_foreign_names(const char *text) {
    yti_json_writer names = {0};
    yti_json_array(&names, NULL);
    if (take_names(text, &names)) return yti_json_tree(&names);
    yti_json_discard(&names);
    return NULL;
}
