#!/usr/bin/env bash
# check_baseline.sh: the programs on a processor without AVX, as an emulator has it.
#
#   tools/check_baseline.sh [build folder]        needs qemu-x86_64 (apt-get install qemu-user)
#
# One epoch of the rendered COCO8 at 64 px is trained here with YT_MAX_ISA=generic and on an emulated Nehalem. There an
# instruction beyond SSE4.2, outside the files that are built for it, ends the run; the weights of both must have the same
# hash. On a machine that is not an x86-64 nothing is checked.
set -euo pipefail
[ "$(uname -m)" = x86_64 ] || {
    echo "check_baseline.sh: skipped: not an x86-64"
    exit 0
}
cd "$(dirname "$0")/.."
build=${1:-build}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
train() { # name, command before the program...
    local name=$1
    shift
    # With a waiting policy the program has no reason to start itself anew, which would leave the emulator.
    OMP_WAIT_POLICY=passive "$@" "$build/yolotrain" data/coco8.yaml --epochs 1 --imgsz 64 --batch 4 --threads 1 --project "$folder" \
        --name "$name" >"$folder/$name.log" 2>&1 || {
        cat "$folder/$name.log" >&2
        echo "check_baseline.sh: the run '$name' ended badly" >&2
        exit 1
    }
    sed -n 's/.*weights hash \([0-9a-f]*\).*/\1/p' "$folder/$name.log"
}
here=$(train here env YT_MAX_ISA=generic)
emulated=$(train emulated qemu-x86_64 -cpu Nehalem)
echo "here     $here"
echo "emulated $emulated"
[ -n "$here" ] && [ "$here" = "$emulated" ] || {
    echo "check_baseline.sh: other weights on a processor without AVX" >&2
    exit 1
}
