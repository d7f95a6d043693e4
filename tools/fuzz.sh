#!/usr/bin/env bash
# fuzz.sh SECONDS [READER...]: feeds damaged files to the readers of tests/fuzz under clang's libFuzzer with address and
# undefined-behaviour sanitizers, each reader for SECONDS, all at the same time. What a reader learns is kept in
# build-fuzz/corpus/<reader>; files that broke it are build-fuzz/found/<reader>-*. Exit 1 when something was found.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:?usage: fuzz.sh SECONDS [READER...]}
shift
readers=("$@")
((${#readers[@]} > 0)) || for source in tests/fuzz/fuzz_*.c; do
    name=${source##*/fuzz_}
    readers+=("${name%.c}")
done
formats=(bmp gif heif jpeg png tiff webp) # the reader of images, one format at a time
(($# > 0)) || readers+=("${formats[@]}")

cmake -S . -B build-fuzz -G Ninja -DCMAKE_C_COMPILER=clang -DCMAKE_BUILD_TYPE=RelWithDebInfo -DYT_FUZZ=ON \
    -DYT_SANITIZE=ON -DYT_OPENMP=OFF >/dev/null
cmake --build build-fuzz --target "${readers[@]/#/fuzz_}"

mkdir -p build-fuzz/found
status=0
pids=()
for reader in "${readers[@]}"; do
    mkdir -p "build-fuzz/corpus/$reader"
    seeds=("tests/fuzz/corpus/$reader")
    [[ " ${formats[*]} " == *" $reader "* ]] && seeds=(tests/fuzz/corpus/image tests/data/images)
    "build-fuzz/tests/fuzz/fuzz_$reader" -max_total_time="$seconds" -timeout=120 -rss_limit_mb=2048 -max_len=65536 \
        -print_final_stats=1 -artifact_prefix="build-fuzz/found/$reader-" \
        "build-fuzz/corpus/$reader" "${seeds[@]}" >"build-fuzz/$reader.log" 2>&1 &
    pids+=($!)
done
for i in "${!readers[@]}"; do
    verdict="nothing found"
    wait "${pids[i]}" || {
        verdict="FOUND, see build-fuzz/found and build-fuzz/${readers[i]}.log"
        status=1
    }
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "build-fuzz/${readers[i]}.log")
    echo "${readers[i]}: ${runs:-?} files, $verdict"
done
exit "$status"
