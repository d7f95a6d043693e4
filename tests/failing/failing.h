/* failing.h: a process in which the n-th allocation, or the n-th call that touches files, fails.
 *
 * failing.c is preloaded into a program (LD_PRELOAD, told what to do by its environment) or linked into a test, which
 * calls what is declared here. Counted are the calls of the program, of libyolotrain and of the libraries that read
 * files for it (libyaml, cJSON, libzip, the image decoders); those of the C library itself, of OpenMP's and of C++'s
 * run time are left alone, because what these do without memory is nothing that a caller can change.
 *
 *     YT_FAIL=alloc:17    the 17th allocation fails; io:17 the 17th call that touches files
 *     YT_FAIL=io:17+      that one and every later one of its kind (no memory left, a full disk)
 *     YT_FAIL=alloc:0     none does
 *     YT_FAIL_MARK=FILE   what failed is written there: an empty or missing file says that there were fewer calls
 *     YT_FAIL_TRACE=FILE  every counted call: its number, its name, and the place of the call
 *
 * Only a program whose name begins with YT_FAIL_PROGRAM (default "yolo") is touched, not what it starts.
 */
#ifndef YT_TEST_FAILING_H
#define YT_TEST_FAILING_H

#include <stdbool.h>

typedef enum failing_kind { FAILING_NOTHING, FAILING_ALLOC, FAILING_IO } failing_kind;

/* From now on the n-th call of this kind fails; n 0: they are only counted. `lasting`: those after it, too. */
void failing_begin(failing_kind kind, long n, bool lasting);

/* Back to normal. Returns whether a call failed since failing_begin. */
bool failing_end(void);

/* Calls counted since failing_begin. */
long failing_count(void);

#endif
