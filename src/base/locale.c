/* locale.c: the C locale for a thread; see locale.h. */
#include "base/locale.h"

#include <pthread.h>

static locale_t plain; /* never freed: one for the process */
static pthread_once_t make_once = PTHREAD_ONCE_INIT;

static void make(void) {
    plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

static _Thread_local locale_t program; /* that the thread had before it entered; 0: it never had one */

locale_t yti_locale_enter(void) {
    pthread_once(&make_once, make);
    const locale_t former = uselocale(plain); /* without memory for a locale, 0, this only asks for the present one */
    if (former != plain) program = former;
    return former;
}

locale_t yti_locale_enter_callback(void) {
    return uselocale(program ? program : LC_GLOBAL_LOCALE);
}

void yti_locale_leave(locale_t former) {
    uselocale(former);
}
