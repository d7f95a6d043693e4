#!/usr/bin/env bash
# bench_command.sh: the whole command on the real COCO8: ten epochs, 640 px, batch 4, with validation after each.
#
#   tools/bench/bench_command.sh COCO8.yaml [build folder] [threads]
#
# Prints wall seconds and peak memory (resident set), start and end of the program, reading of the pictures, writing of
# the run and all else included. The run goes into a temporary folder. The Ultralytics trainer took 42 s and
# 1.9 GB for the same on a machine with two cores; it is quoted, not run.
set -euo pipefail
[ $# -ge 1 ] || {
    sed -n '4s/^# *//p' "$0" >&2
    exit 2
}
root=$(cd "$(dirname "$0")/../.." && pwd)
data=$(realpath "$1") build=$(realpath "${2:-$root/build}") threads=${3:-2}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$root"
python3 tools/bench/measure.py "$build/yolotrain" "$data" --epochs 10 --imgsz 640 --batch 4 --threads "$threads" \
    --project "$folder" 2>"$folder/log" | tee "$folder/result" || {
    tail -5 "$folder/log" >&2
    exit 1
}
python3 - "$folder/result" <<'PYTHON'
import json, sys
r = json.load(open(sys.argv[1]))
print(f"{r['wall_s']:.1f} s, {42 / r['wall_s']:.1f} times as fast as 42 s; "
      f"{r['peak_mb']} MB, {100 * r['peak_mb'] / 1900:.0f} % of 1.9 GB")
PYTHON
