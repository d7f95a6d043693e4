/* problems.c: see problems.h. */
#include "support/problems.h"

#include <stdio.h>
#include <string.h>

void test_problems_note(void *context, const char *text) {
    test_problems *problems = context;
    const size_t used = strlen(problems->text);
    snprintf(problems->text + used, sizeof problems->text - used, "%s\n", text);
    problems->count++;
}
