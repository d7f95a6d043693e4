#!/usr/bin/env python3
"""measure.py COMMAND...: runs a command on a quiet machine and prints its last line, a JSON object, with more in it.

wall_s    from start to end
peak_mb   the largest resident set of one process, as the system counted it: one ruler for all programs
others_s  processor seconds that other programs used meanwhile; much of it spoils a measurement

It first waits, two minutes at most, for a second in which the machine is idle. A command whose last line is no JSON object
gives these numbers alone.
"""
import json
import os
import resource
import subprocess
import sys
import time

TICK = os.sysconf("SC_CLK_TCK")


def busy_seconds():
    """Of all processors, since boot: everything but idle and waiting for a disk."""
    with open("/proc/stat", encoding="ascii") as f:
        ticks = [int(x) for x in f.readline().split()[1:9]]
    return (sum(ticks) - ticks[3] - ticks[4]) / TICK


def wait_until_idle():
    for _ in range(120):
        before = busy_seconds()
        time.sleep(1)
        if busy_seconds() - before < 0.1:
            return
    print("measure.py: the machine is not idle; measuring all the same", file=sys.stderr)


def main():
    wait_until_idle()
    busy, start = busy_seconds(), time.perf_counter()
    done = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE, text=True, check=False)
    wall, busy = time.perf_counter() - start, busy_seconds() - busy
    if done.returncode:
        sys.exit(f"measure.py: {sys.argv[1]} ended with {done.returncode}")
    try:
        result = json.loads(done.stdout.strip().rsplit("\n", 1)[-1])
    except ValueError:
        result = {}
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(json.dumps({**(result if isinstance(result, dict) else {}), "wall_s": round(wall, 2),
                      "peak_mb": round(used.ru_maxrss * 1024 / 1e6),
                      "others_s": round(max(busy - used.ru_utime - used.ru_stime, 0), 1)}))


if __name__ == "__main__":
    main()
