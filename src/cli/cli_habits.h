/* cli_habits.h: what people type who come from other YOLO programs, and what it is called here. */
#ifndef CLI_HABITS_H
#define CLI_HABITS_H

#include "cli/cli_options.h"

/* What to type for an option that there is not, of n letters: a sentence that ends a message; false: nothing is known.
 */
bool cli_habit(const cli_line *cli, const char *typed, size_t n, char *advice, size_t room);

/* The same for a word that is neither a file nor an option: "epochs=10", "detect". */
bool cli_word_habit(const cli_line *cli, const char *word, char *advice, size_t room);

#endif
