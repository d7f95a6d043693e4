/* cli_threads.h: how waiting threads wait. */
#ifndef YT_CLI_THREADS_H
#define YT_CLI_THREADS_H

/* First statement of every program; argv as main got it. Returns, or starts the program over with another
 * environment. */
void yt_cli_settle_threads(char **argv);

#endif
