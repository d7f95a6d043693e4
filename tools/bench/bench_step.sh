#!/usr/bin/env bash
# bench_step.sh: ours beside PyTorch, in turn, and the ratios as a markdown table. See README.md beside this file.
#
#   tools/bench/bench_step.sh [--build DIR] [--rounds N] [--steps N] [--threads N] [--best SETTING] [ROW...]
#
# Rows: 26n 11n v8n (training, 640 px, batch 4), 26n-320 (batch 16), inference (26n, 640 px, one image), threads (ours
# alone, 1 and --threads). Without a row: all. Every round runs each program of a row once, so that what else the machine
# does hits all of them; medians of the rounds are compared. Progress goes to stderr, one JSON line for each run.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tools/bench/torch_settings.sh
source tools/bench/torch_settings.sh
usage() {
    sed -n '2,4s/^# \?//p' "$0" >&2
    exit 2
}

build=build rounds=3 steps=11 threads=2 rows=()
best_training=$TORCH_BEST_TRAINING best_inference=$TORCH_BEST_INFERENCE
while [ $# -gt 0 ]; do
    case $1 in
    --build) build=${2:?}; shift ;;
    --rounds) rounds=${2:?}; shift ;;
    --steps) steps=${2:?}; shift ;;
    --threads) threads=${2:?}; shift ;;
    --best) best_training=${2:?} best_inference=${2:?}; shift ;;
    26n | 11n | v8n | 26n-320 | inference | threads) rows+=("$1") ;;
    *) usage ;;
    esac
    shift
done
[ ${#rows[@]} -gt 0 ] || rows=(26n 11n v8n 26n-320 inference threads)

results=$(mktemp) network=$(mktemp --suffix .onnx)
trap 'rm -f "$results" "$network"' EXIT

record() { # row, program, command...
    local row=$1 program=$2 line
    shift 2
    line=$(python3 tools/bench/measure.py "$@")
    printf '%s\t%s\t%s\n' "$row" "$program" "$line" | tee -a "$results" >&2
}

ours() { # row, program, arguments...
    local row=$1 program=$2
    shift 2
    record "$row" "$program" "$build/bench_step" --scale n --steps "$steps" --json "$@"
}

torch() { # row, program, setting, arguments...
    local row=$1 program=$2
    torch_setting "$3" || {
        echo "bench_step.sh: PyTorch setting '$3' cannot be had here" >&2
        return
    }
    shift 3
    record "$row" "$program" env "${torch_env[@]}" python3 tools/bench/torch_peer --scale n --steps "$steps" \
        --threads "$threads" "${torch_args[@]}" --json "$@"
}

training() { # row, model, pixels, batch
    local work=(--model "models/$2.yaml" --imgsz "$3" --batch "$4")
    local row="YOLO${2#yolo}n training step, $3 px, batch $4"
    ours "$row" yolotrain "${work[@]}" --threads "$threads"
    torch "$row" "PyTorch as installed" installed "${work[@]}"
    torch "$row" "PyTorch at its best ($best_training)" "$best_training" "${work[@]}"
}

inference() {
    local work=(--model models/yolo26.yaml --imgsz 640 --batch 1)
    local row="YOLO26n inference, 640 px, one image" steps=$((steps * 10))
    ours "$row" yolotrain "${work[@]}" --threads "$threads" --eval
    torch "$row" "PyTorch eager, fused" installed "${work[@]}" --eval
    torch "$row" "PyTorch at its best ($best_inference)" "$best_inference" "${work[@]}" --eval
    if python3 -c 'import onnxruntime, onnxscript' 2>/dev/null; then
        [ -s "$network" ] || python3 tools/bench/onnx_peer.py --export "$network" "${work[@]}" >/dev/null 2>&1
        record "$row" "ONNX Runtime" python3 tools/bench/onnx_peer.py --run "$network" --threads "$threads" \
            --steps "$steps" --json
    fi
}

thread_counts() {
    local row="YOLO26n training step, 640 px, batch 4, yolotrain alone"
    ours "$row" "$threads threads" --model models/yolo26.yaml --threads "$threads"
    ours "$row" "1 thread" --model models/yolo26.yaml --threads 1
}

for ((round = 1; round <= rounds; round++)); do
    for row in "${rows[@]}"; do
        case $row in
        26n) training "$row" yolo26 640 4 ;;
        11n) training "$row" yolo11 640 4 ;;
        v8n) training "$row" yolov8 640 4 ;;
        26n-320) training "$row" yolo26 320 16 ;;
        inference) inference ;;
        threads) thread_counts ;;
        esac
    done
done
python3 tools/bench/table.py "$results"
