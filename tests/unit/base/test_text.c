/* Tests of src/base/text.c: UTF-8 and control characters. */
#include "base/text.h"

#include <criterion/criterion.h>
#include <limits.h>
#include <string.h>

#define BYTES(text) text, sizeof text - 1
typedef struct sample {
    const char *bytes;
    size_t count;
} sample;

Test(text, characters_of_every_length_are_utf8) {
    static const sample good[] = {{BYTES("")},
                                  {BYTES("a\0b")},
                                  {BYTES("Stra\xC3\x9F"
                                         "e")},
                                  {BYTES("\xC2\x80\xDF\xBF")},                  /* U+0080, U+07FF */
                                  {BYTES("\xE0\xA0\x80\xEF\xBF\xBF")},          /* U+0800, U+FFFF */
                                  {BYTES("\xED\x9F\xBF\xEE\x80\x80")},          /* around the surrogates */
                                  {BYTES("\xF0\x90\x80\x80\xF4\x8F\xBF\xBF")}}; /* U+10000, U+10FFFF */
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        cr_assert(yti_text_is_utf8(good[i].bytes, good[i].count), "%zu", i);
}

Test(text, what_rfc_3629_excludes_is_not_utf8) {
    static const sample bad[] = {{BYTES("\x80")},
                                 {BYTES("caf\xE9")},          /* Latin-1 */
                                 {BYTES("\xC0\x80")},         /* NUL, overlong */
                                 {BYTES("\xC1\xBF")},         /* DEL, overlong */
                                 {BYTES("\xE0\x9F\xBF")},     /* U+07FF, overlong */
                                 {BYTES("\xED\xA0\x80")},     /* U+D800, a surrogate */
                                 {BYTES("\xF0\x8F\xBF\xBF")}, /* U+FFFF, overlong */
                                 {BYTES("\xF4\x90\x80\x80")}, /* U+110000 */
                                 {BYTES("\xF5\x80\x80\x80")},
                                 {BYTES("\xFF")},
                                 {BYTES("\xC3(")},
                                 {BYTES("\xE2\x82(")}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        cr_assert_not(yti_text_is_utf8(bad[i].bytes, bad[i].count), "%zu", i);
}

/* Copies without a NUL behind them, so that the sanitizer sees a step too far. */
Test(text, a_character_cut_short_is_not_utf8) {
    static const char whole[] = "\xF0\x9F\x90\xB4";
    for (size_t count = 1; count < 4; count++) {
        char cut[3];
        memcpy(cut, whole, count);
        cr_assert_not(yti_text_is_utf8(cut, count), "%zu", count);
    }
    cr_assert(yti_text_is_utf8(whole, 4));
}

Test(text, what_a_terminal_acts_on_is_a_control_character) {
    int count = 0;
    for (int c = CHAR_MIN; c <= CHAR_MAX; c++) count += yti_text_is_control((char)c);
    cr_assert_eq(count, 33);
    cr_assert(yti_text_is_control('\033') && yti_text_is_control('\n') && yti_text_is_control(127));
    cr_assert_not(yti_text_is_control(' ') || yti_text_is_control('~') || yti_text_is_control((char)0xC3));
}
