#!/bin/sh
# The figures of yolotrain --compare, drawn by gnuplot. Without gnuplot the test is skipped (77).
# usage: test_compare_figures.sh PROGRAM SOURCE SHARED
. "$(dirname "$0")/common.sh" # expect, says, fail
. "$(dirname "$0")/tiny_study.sh" # tiny
if ! command -v gnuplot >/dev/null; then
    echo "SKIPPED: gnuplot is not installed"
    exit 77
fi
data=$source/data/coco8.yaml folder_of=runs/detect/compare

# shellcheck disable=SC2086
expect 0 "$data" $tiny --compare residual,plain --seeds 1
for figure in profile-step0 profile-step1 ratio-step0 heat-0 heat-1 loss; do
    grep -q '</svg>' $folder_of/figures/$figure.svg || fail "no figure $figure"
done
[ "$(grep -c '<svg' $folder_of/compare.html)" -eq "$(grep -c '<figcaption>' $folder_of/compare.html)" ] ||
    fail "figures and captions do not match"

# Nothing to draw: gradients of exactly 0, and runs that die at once.
# shellcheck disable=SC2086
expect 0 "$data" $tiny --compare plain --seeds 1 --init scaled:1e-30 --name zeros
grep -q 'warning' err && fail "figures of gradients of 0 failed"
# shellcheck disable=SC2086
expect 0 "$data" $tiny --compare plain --seeds 2 --lr0 1 --clip 0 --optimizer SGD --warmup-epochs 0 --box 1e38 --name dead
grep -q 'warning' err && fail "figures of runs that died failed"
echo "yolotrain --compare: all checks of its figures passed"
