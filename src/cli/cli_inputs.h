/* cli_inputs.h: the images a command line names. */
#ifndef CLI_INPUTS_H
#define CLI_INPUTS_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

/* Owns paths. */
typedef struct cli_inputs {
    const char *program; /* set by the caller, for messages */
    int problems;        /* lines of lists that name nothing, said on stderr */
    char **paths;
    size_t count, capacity;
} cli_inputs;

/* Appends what a word names: an image; the images of a folder and of those below it, in the order of their names;
 * those that a .txt list names, one per line (looked for beside the list, then from here); "-": those that standard
 * input names; or the files that a pattern matches. What does not exist, and what has no image, is an error. */
yt_status cli_inputs_add(cli_inputs *inputs, const char *path, yt_err *err);
void cli_inputs_free(cli_inputs *inputs);

/* malloc'd path in folder `dir` for the result of image i: its own name, with -2, -3, ... where images before it
 * have the same, and .png after it where images of its kind are not written. NULL: out of memory. */
char *cli_inputs_result(const cli_inputs *inputs, size_t i, const char *dir);

/* Whether `path` is one of the inputs themselves, by whatever name. */
bool cli_inputs_has(const cli_inputs *inputs, const char *path);

#endif
