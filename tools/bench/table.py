#!/usr/bin/env python3
"""table.py FILE: the markdown table of bench_step.sh.

FILE has lines of row <tab> program <tab> JSON with median_s, best_s, peak_mb. Of several rounds: the median of the medians,
the best of all, the largest peak. The ratio is that of the medians to the row's first program, ours.
"""
import json
import statistics
import sys


def read(path):
    rows = {}
    with open(path, encoding="utf-8") as f:
        for line in f:
            row, program, result = line.rstrip("\n").split("\t")
            rows.setdefault(row, {}).setdefault(program, []).append(json.loads(result))
    return rows


def main():
    rows = read(sys.argv[1])
    print("| | ms, median | best | times ours | peak memory, MB |\n|---|---:|---:|---:|---:|")
    disturbed = 0
    for row, programs in rows.items():
        print(f"| **{row}** | | | | |")
        ours = None
        for program, results in programs.items():
            median = statistics.median(r["median_s"] for r in results)
            best = min(r["best_s"] for r in results)
            peak = max(r["peak_mb"] for r in results)
            disturbed += sum(r.get("others_s", 0) > 0.1 * r["wall_s"] for r in results)
            ratio = "" if ours is None else f"{median / ours:.2f}"
            ours = ours or median
            print(f"| {program} | {1e3 * median:.1f} | {1e3 * best:.1f} | {ratio} | {peak} |")
    if disturbed:
        print(f"\n{disturbed} runs were disturbed: other programs used more than a tenth of a processor.", file=sys.stderr)


if __name__ == "__main__":
    main()
