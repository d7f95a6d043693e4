#!/bin/sh
# walk_failures.sh [BUILD-FOLDER [OPERATION...]]: every allocation and every call that touches files fails once, alone and
# with all later ones, in every operation of tests/failing/walk.py; prints how many there were and how the programs ended. Of
# all operations that are some two hundred thousand runs: hours. `ctest -R failures` walks one call of each place in the code.
set -eu
source=$(cd "$(dirname "$0")/.." && pwd)
build=${1:-$source/build}
[ $# -eq 0 ] || shift
cmake --build "$build" --target yt_failing yolotrain yoloinfer yoloval yoloexport >/dev/null
exec python3 "$source/tests/failing/walk.py" "$build" "$source" "$(find "$build/tests" -name 'libyt_failing.*' | head -1)" every \
    -j "$(nproc)" "$@"
