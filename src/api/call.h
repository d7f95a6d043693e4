/* call.h: what every function of the public API does around its work: numbers are read and written in the C locale,
 * whatever the program has chosen (base/locale.h). */
#ifndef YT_API_CALL_H
#define YT_API_CALL_H

#include "base/locale.h"

/* Runs a statement in the C locale, which it may not leave by return or goto. */
#define YTI_IN_C_LOCALE(statement)                                                                                     \
    do {                                                                                                               \
        const locale_t yti_former_ = yti_locale_enter();                                                               \
        statement;                                                                                                     \
        yti_locale_leave(yti_former_);                                                                                 \
    } while (0)

/* Runs a callback of the program in the program's locale. */
#define YTI_IN_PROGRAM_LOCALE(statement)                                                                               \
    do {                                                                                                               \
        const locale_t yti_inside_ = yti_locale_enter_callback();                                                      \
        statement;                                                                                                     \
        yti_locale_leave(yti_inside_);                                                                                 \
    } while (0)

#endif
