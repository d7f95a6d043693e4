#!/bin/sh
# check_runtime.sh [BUILD-FOLDER [SHARED-FOLDER]]: files that yoloexport writes, run by ONNX Runtime from PyPI (its C library,
# through yoloexport --verify): every head in floats answers as the network does at every anchor, and a file in integers is loaded
# and judged. With the weights and photographs of SHARED-FOLDER (default ../shared), or without them those of a short training
# on drawn images. Exit code 77, skipped, where the package cannot be had.
set -eu
source=$(cd "$(dirname "$0")/.." && pwd)
build=$(cd "${1:-$source/build}" && pwd)
shared=${2:-$source/../shared}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/python" >/dev/null 2>&1 &&
    "$folder/python/bin/pip" install --quiet --disable-pip-version-check onnxruntime==1.32.0 >"$folder/pip" 2>&1 || {
    echo "SKIPPED: onnxruntime 1.32.0 cannot be installed: $(tail -n 1 "$folder/pip" 2>/dev/null)"
    exit 77
}
YT_ONNXRUNTIME=$(find "$folder/python" -name 'libonnxruntime.so.*' | head -n 1)
export YT_ONNXRUNTIME

weights=$shared/fixtures/yolo26n/yolo26n_coco8_fit.pt data=$shared/data/coco8.yaml
if [ ! -e "$weights" ] || [ ! -e "$data" ]; then
    data=$folder/drawn.yaml
    "$build/render_dataset" --out "$folder/drawn" --count 8 --val 4 --size 128x128 --objects 1-2 >/dev/null
    "$build/yolotrain" "$data" --model "$source/models/yolo26n.yaml" --imgsz 128 --batch 4 --epochs 5 --project "$folder/runs" \
        >"$folder/log" 2>&1 || {
        tail "$folder/log"
        exit 1
    }
    weights=$(find "$folder/runs" -name best.safetensors)
fi

verify() { # options of yoloexport...
    "$build/yoloexport" "$weights" -o "$folder/a.onnx" --imgsz 320 "$@" --verify "$data" >/dev/null 2>"$folder/err" || {
        cat "$folder/err"
        exit 1
    }
    echo "$*:" "$(sed -n 's/.*ONNX Runtime [0-9.]* on //p' "$folder/err")"
}
below() { # key limit: a number of the certificate
    awk -v key="\"$1\":" -v limit="$2" '$1 == key { found = $2 + 0 <= limit } END { exit !found }' "$folder/a.verify.json" || {
        echo "FAILED: $1 is above $2:"
        cat "$folder/a.verify.json"
        exit 1
    }
}
for options in "--head o2m" "--head o2o" "--head raw" "--nms" "--nms --iou 0.45 --conf 0.1 --max-det 5" "--batch 2" "--dynamic --opset 11" "--opset 22"; do
    # shellcheck disable=SC2086 # several words
    verify $options
    below largest_score_difference 1e-4
    below largest_box_difference_px 0.01
    below detections_that_differ 0
done
verify --half
below largest_score_difference 0.02
verify --int8 --calib "$data"
below largest_box_difference_px 100
echo "$(basename "$YT_ONNXRUNTIME") answers as the network does"
