/* cli_threads.h: how a program begins: standard streams, and how waiting threads wait. */
#ifndef CLI_THREADS_H
#define CLI_THREADS_H

/* First statement of every program; argv as main got it. Where a standard stream is closed it opens /dev/null: else
 * the first file that is written would get its number, and with it what is printed. Then it returns, or starts the
 * program over with another environment. */
void cli_begin(char **argv);

#endif
