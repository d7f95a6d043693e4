/* cli_nms.c: one option under two names; see cli_nms.h. */
#include "cli/cli_nms.h"
#include "cli/cli_print.h"

#include <stdio.h>
#include <string.h>

const char *const cli_truths[] = {"false", "true", NULL};

int cli_settle_nms(cli_line *cli) {
    const cli_value *old = cli_get(cli, "end2end"), *new = cli_get(cli, "nms");
    if (!old->typed || strcmp(old->text, "auto") == 0) return -1;
    const bool one_to_one = strcmp(old->text, "true") == 0;
    if (new->typed && one_to_one != (strcmp(new->text, "false") == 0))
        return cli_usage_error(cli, "--end2end %s is --nms %s, and --nms %s was typed too; leave one out", old->text,
                               one_to_one ? "false" : "auto", new->text);
    fprintf(stderr, "%s: --end2end %s is taken as --nms %s, its name since 8.4.142 of the reference trainer\n",
            cli->program, old->text, one_to_one ? "false" : "auto");
    if (new->typed) return -1;
    for (size_t i = 0; i < cli->n_options; i++)
        if (strcmp(cli->options[i].name, "nms") == 0)
            cli->values[i] = (cli_value){.typed = true,
                                         .text = one_to_one ? "false" : "auto",
                                         .number = one_to_one ? YT_NMS_FALSE : YT_NMS_AUTO};
    return -1;
}
