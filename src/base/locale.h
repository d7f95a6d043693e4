/* locale.h: numbers with a decimal point, whatever locale the program around the library has chosen.
 *
 * printf, strtod and the JSON library write and read what LC_NUMERIC of the calling thread says: in half of Europe a
 * comma. So a function of the public API works in the C locale from its first to its last line, and a thread of the
 * library does all its life; a callback of the program gets the program's locale back while it runs.
 */
#ifndef YT_BASE_LOCALE_H
#define YT_BASE_LOCALE_H

#include <locale.h>

/* Gives the calling thread the C locale; returns the one it had, for yti_locale_leave. May be nested. */
locale_t yti_locale_enter(void);
void yti_locale_leave(locale_t former);

/* Gives it back the program's locale (in a thread of the library's own: that of the process), for a callback. */
locale_t yti_locale_enter_callback(void);

#endif
