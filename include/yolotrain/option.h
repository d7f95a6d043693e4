/* option.h: what an option is: one row of a table by which the library reads options by name, and by which a program
 * can offer them (a command line, a form). All are immutable and live as long as the process.
 */
#ifndef YOLOTRAIN_OPTION_H
#define YOLOTRAIN_OPTION_H

#ifdef __cplusplus
extern "C" {
#endif

typedef enum yt_option_type {
    YT_OPTION_FLAG,   /* "true" or "false" */
    YT_OPTION_INT,    /* a whole number; the word auto too where that is the default */
    YT_OPTION_DOUBLE, /* the same for any finite number, with a decimal point in every locale */
    YT_OPTION_TEXT,
    YT_OPTION_CHOICE /* one of choices, or the default word; case does not matter */
} yt_option_type;

/* Owned by the library, which may give it more fields at its end. */
typedef struct yt_option {
    const char *name; /* in which a dash and an underscore are the same */
    char letter;      /* of the programs' command lines; 0: none */
    yt_option_type type;
    const char *fallback;       /* the default, as text; NULL: none (of a flag: false) */
    double min, max;            /* numbers only; -HUGE_VAL and HUGE_VAL: no limit */
    const char *const *choices; /* CHOICE only, NULL-terminated */
    const char *metavar;        /* "N", "[N]" where the value may be left out; NULL: from the type */
    const char *group;          /* heading; rows of a group are neighbours */
    const char *help;           /* one sentence */
} yt_option;

#ifdef __cplusplus
}
#endif

#endif
