/* fuzz.h: what the fuzzed readers share.
 *
 * Every fuzz_<reader>.c defines LLVMFuzzerTestOneInput. Built with clang and -DYT_FUZZ=ON it is a libFuzzer program;
 * otherwise it is linked with replay.c and reads the files of its corpus again, as a test.
 */
#ifndef YT_FUZZ_H
#define YT_FUZZ_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* True when there is nothing to go on with. Aborts on a failure without a sentence: an error that says nothing is a
 * defect as a crash is. */
bool fuzz_done(yt_status status, const yt_err *err);

/* Puts the bytes into a file that lives in memory, and returns its path, to be freed. The file is one and the same
 * at every call. Aborts where that cannot be done. */
char *fuzz_file(const uint8_t *data, size_t size);

/* The path of a file that may be written, to be freed; in the folder for temporary files and one and the same at
 * every call. Whoever has written it removes it. */
char *fuzz_target(void);

/* Does with the bytes of a file of weights what --weights and yoloexport do. */
void fuzz_use_weights(const uint8_t *data, size_t size);

#endif
