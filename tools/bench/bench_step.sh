#!/usr/bin/env bash
# bench_step.sh: one training step of ours and of PyTorch, alternately, and the ratio. See README.md beside this file.
#
#   tools/bench/bench_step.sh [build folder] [rounds] [steps per round]
#
# Every round runs ours, PyTorch as installed, and PyTorch with an allocator that keeps its pages ("tuned"), each for
# the same number of steps, so that what else the machine does hits all three. The medians of the rounds are compared.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${1:-build}
rounds=${2:-3}
steps=${3:-11}
image_size=${IMGSZ:-640}
batch=${BATCH:-4}
threads=${THREADS:-2}
common=(--model models/yolo26.yaml --scale n --imgsz "$image_size" --batch "$batch" --threads "$threads" --steps "$steps" --json)
tuned=(MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=99999999999 MALLOC_TOP_PAD_=268435456)

results=$(mktemp)
trap 'rm -f "$results"' EXIT
record() { # name command...
    local name=$1 line
    shift
    line=$("$@")
    echo "$name $line" | tee -a "$results" >&2
}
for ((round = 1; round <= rounds; round++)); do
    record ours "$build/bench_step" "${common[@]}"
    record torch python3 tools/bench/torch_peer.py "${common[@]}" --memory-format channels_last
    record torch_tuned env "${tuned[@]}" python3 tools/bench/torch_peer.py "${common[@]}" --memory-format channels_last
done

python3 - "$results" "$image_size" "$batch" "$threads" <<'PYTHON'
import collections, json, statistics, sys
medians, bests = collections.defaultdict(list), collections.defaultdict(list)
for line in open(sys.argv[1]):
    name, text = line.split(" ", 1)
    row = json.loads(text)
    medians[name].append(row["median_s"])
    bests[name].append(row["best_s"])
print("YOLO26n, %s px, batch %s, %s threads; seconds per step" % tuple(sys.argv[2:5]))
ours, ours_best = statistics.median(medians["ours"]), min(bests["ours"])
for name in ("ours", "torch", "torch_tuned"):
    m, b = statistics.median(medians[name]), min(bests[name])
    print("%-12s median %.3f  best %.3f  ratio to ours %.2f (median) %.2f (best)" % (name, m, b, m / ours, b / ours_best))
PYTHON
