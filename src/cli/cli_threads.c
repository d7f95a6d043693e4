/* cli_threads.c: how waiting threads wait.
 *
 * Between two parallel loops an OpenMP thread waits for the others. The runtime's default is to spin for milliseconds,
 * which is best on a machine that does nothing else and ruinous on any other: the spinning thread holds the core that
 * the awaited one needs. Measured with one busy process beside two threads on two cores: 6 s for a training step that
 * takes 0.95 s alone, against 2.5 s with a spin of 1000 rounds. 10000 rounds are as fast as the default on an idle
 * machine and 1000 a tenth slower; 4000 lie between. The runtime reads its environment before main, so the only way to
 * choose is to set the variable and start over, once. What the user has set stands, and then nothing is started over
 * (debuggers, strace).
 */

#include "cli/cli_threads.h"
#include "base/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void cli_begin(char **argv) {
    if (!yti_open_standard_streams()) {
        fputs("/dev/null cannot be opened in place of a standard stream that is closed\n", stderr);
        exit(1);
    }
#ifdef _OPENMP
    if (getenv("OMP_WAIT_POLICY") || getenv("GOMP_SPINCOUNT") || getenv("KMP_BLOCKTIME")) return;
    setenv("GOMP_SPINCOUNT", "4000", 1); /* gcc's runtime: rounds; some ten microseconds */
    setenv("KMP_BLOCKTIME", "0", 1);     /* clang's: milliseconds */
    execv("/proc/self/exe", argv);       /* comes back only if that failed: then as it was */
#else
    (void)argv;
#endif
}
