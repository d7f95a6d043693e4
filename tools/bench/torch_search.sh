#!/usr/bin/env bash
# torch_search.sh: the best PyTorch can be made to do on this machine: one training step (or --eval) under each setting of
# torch_settings.sh, in turn, sorted by the median.
#
#   tools/bench/torch_search.sh [--rounds N] [--steps N] [--settings "A B C"] [arguments of torch_peer...]
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tools/bench/torch_settings.sh
source tools/bench/torch_settings.sh

rounds=2 steps=7 settings=$TORCH_SETTINGS
while [ $# -gt 0 ]; do
    case $1 in
    --rounds) rounds=$2 ;;
    --steps) steps=$2 ;;
    --settings) settings=$2 ;;
    *) break ;;
    esac
    shift 2
done

results=$(mktemp)
trap 'rm -f "$results"' EXIT
for ((round = 1; round <= rounds; round++)); do
    for setting in $settings; do
        torch_setting "$setting" || continue
        line=$(python3 tools/bench/measure.py env "${torch_env[@]}" python3 tools/bench/torch_peer --steps "$steps" \
            "${torch_args[@]}" --json "$@") || continue
        printf '%s\t%s\n' "$setting" "$line" | tee -a "$results" >&2
    done
done
python3 - "$results" <<'PYTHON'
import collections, json, statistics, sys
runs = collections.defaultdict(list)
for line in open(sys.argv[1], encoding="utf-8"):
    setting, result = line.split("\t")
    runs[setting].append(json.loads(result))
rows = [(statistics.median(r["median_s"] for r in rs), min(r["best_s"] for r in rs), max(r["peak_mb"] for r in rs), s)
        for s, rs in runs.items()]
for median, best, peak, setting in sorted(rows):
    print(f"{setting:<28} median {1e3 * median:8.1f} ms   best {1e3 * best:8.1f} ms   peak {peak} MB")
PYTHON
