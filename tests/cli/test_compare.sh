#!/bin/sh
# yolotrain --compare from outside: what it says, what it leaves, that it goes on where it was interrupted.
# usage: test_compare.sh PROGRAM SOURCE SHARED
. "$(dirname "$0")/common.sh" # expect, says, fail

data=$source/data/coco8.yaml
. "$(dirname "$0")/tiny_study.sh" # tiny

# --- what is wrong is said before a run ---
expect 2 "$data" --compare residul
says err 'yolotrain: --compare: unknown "residul"; did you mean residual\?'
expect 2 "$data" --compare plain --seeds 0
says err '--seeds: 0 is below 1'
expect 2 --compare plain
says err 'name a dataset YAML'
# shellcheck disable=SC2086
expect 1 "$data" $tiny --compare tanh,plain --activation relu
says err 'activation: is typed, and variant "tanh" sets it'
expect 1 "$data" --compare residual,plain+model=none.yaml
says err 'none.yaml'
expect 2 "$data" --seeds 3
says err '--seeds counts the runs of a comparison'
expect 2 --model tiny.yaml --summary --compare plain
says err '--summary shows one network'
expect 2 --replay file --compare plain
says err '--replay takes its settings from the file'
expect 2 "$data" --compare freeze=0,1
says err "unknown \"1\"; it is one of .* a setting whose value has no ',' and no '\+'"
# shellcheck disable=SC2086
expect 1 "$data" $tiny --compare plain --log-gradients=0
says err 'log_gradients: 0 leaves no gradients to compare'
# shellcheck disable=SC2086
expect 1 "$data" $tiny --compare plain --seed 2147483647 --seeds 2
says err 'leave the range of seeds'
[ ! -e runs ] || fail "a failed setup left a folder"

# --- a study ---
# shellcheck disable=SC2086
expect 0 "$data" $tiny --compare residual,plain --seeds 1
folder_of=runs/detect/compare
says err '^run 1/2  residual  seed 0  2 epochs  mAP50-95 '
says err '^run 2/2  plain  seed 0  2 epochs  mAP50-95 '
says out '^gradients at initialisation$'
says out '^  plain: (flat|decaying|vanishing|growing|exploding): '
[ "$(grep -c '^run ' err)" -eq 2 ] || fail "progress is not one line per run"
for file in compare.json compare.html residual-seed0/run.json plain-seed0/gradients.csv plain-seed0/results.csv; do
    [ -s "$folder_of/$file" ] || fail "no $file"
done
for part in '"name":.*"residual"' '"name":.*"plain"' '"no_residual":.*"true"' '"slope_log10_per_layer":' '"verdict":' \
    '"against_first":' '"thresholds":' '"vanishing ratio"' '"final_ap":' '"weights_hash":' '"settings":' '"ratio_across_log10":'; do
    grep -Eq -- "$part" $folder_of/compare.json || fail "compare.json lacks $part"
done
if command -v python3 >/dev/null; then
    python3 - $folder_of/compare.json <<'PY' || fail "compare.json does not say what the runs left"
import json, math, sys
study = json.load(open(sys.argv[1]))
assert [v["name"] for v in study["variants"]] == ["residual", "plain"]
for variant in study["variants"]:
    assert [p["depth"] for p in variant["points"]] == [1, 3, 5, 6], variant["points"]
    assert all(p["in_backbone"] for p in variant["points"])
    run = variant["runs"][0]
    assert [e["epoch"] for e in run["epochs"]] == [1, 2] and run["finite"]
    assert [s["step"] for s in run["samples"]][:2] == [0, 1]
    moment, rms = variant["moments"][0], run["samples"][0]["rms"]
    assert moment["step"] == 0
    depth = [p["depth"] for p in variant["points"]]
    logs = [math.log10(x) for x in rms]
    mx, my = sum(depth) / 4, sum(logs) / 4
    slope = sum((x - mx) * (y - my) for x, y in zip(depth, logs)) / sum((x - mx) ** 2 for x in depth)
    assert abs(moment["slope_log10_per_layer"]["value"] - slope) < 1e-6, slope
    assert abs(moment["first_to_last_log10"]["value"] - (logs[0] - logs[3])) < 1e-6
    for p, point in enumerate(variant["points"]):
        if point["before"] is not None:
            assert abs(moment["ratio_across_log10"][p]["value"] - (logs[point["before"]] - logs[p])) < 1e-6
PY
fi

# --- the page needs nothing else ---
grep -Eq '<table>' $folder_of/compare.html || fail "no table on the page"
if grep -oE "(src|href)=[\"'][^\"'#]|url\([^#)]|@import|<script|https?://[^\"' ]*" $folder_of/compare.html |
    grep -vE '^http://www\.w3\.org/(2000/svg|1999/xlink)$'; then
    fail "the page refers to something outside"
fi

# --- complete runs are kept; what is not complete is trained again, to the same weights ---
cp $folder_of/compare.json before.json
rm $folder_of/plain-seed0/run.json $folder_of/compare.json
# shellcheck disable=SC2086
expect 0 "$data" $tiny --compare residual,plain --seeds 1
says err '^run 1/2 .*already complete$'
[ "$(grep -c 'already complete' err)" -eq 1 ] || fail "not exactly one run was kept"
grep weights_hash before.json >before && grep weights_hash $folder_of/compare.json >after
cmp -s before after || fail "a repeated run has other weights"
# shellcheck disable=SC2086
expect 1 "$data" $tiny --compare residual,plain --seeds 1 --lr0 0.002
says err 'the study here was made with lr0 .* choose another --name'
# shellcheck disable=SC2086
expect 1 "$data" $tiny --compare tanh --seeds 1
says err 'holds the comparison of residual,plain with 1 seed; choose another --name, or continue it: --compare residual,plain,tanh '
sum() { cat $folder_of/compare.json $folder_of/compare.html $folder_of/figures/* 2>/dev/null | cksum; }
kept=$(sum)
# shellcheck disable=SC2086
expect 1 "$data" $tiny --compare plain --seeds 1
[ "$kept" = "$(sum)" ] || fail "a refused study changed the report"

# --- it may grow; figures of a former report go, and what is not of the report stays ---
mkdir -p $folder_of/figures
touch $folder_of/figures/heat-9.svg $folder_of/figures/profile-step999.dat $folder_of/figures/note.svg
# shellcheck disable=SC2086
expect 0 "$data" $tiny --compare residual,plain,tanh --seeds 1
[ "$(grep -c 'already complete' err)" -eq 2 ] || fail "a study that grows trains again what it has"
grep -q '"tanh"' $folder_of/compare.json || fail "the new variant is not in the report"
[ ! -e $folder_of/figures/heat-9.svg ] && [ ! -e $folder_of/figures/profile-step999.dat ] || fail "stale figures are left"
[ -e $folder_of/figures/note.svg ] || fail "a file that is no figure was removed"

# --- another name is another study; a variant that is not finite is a result ---
# shellcheck disable=SC2086
expect 0 "$data" $tiny --compare residual,lr0=1+clip=0+optimizer=SGD+nobn+warmup-epochs=0+box=1e30 --seeds 1 --name two
says err '^run 2/2 .*diverged \(NaN or Inf\)'
says out '1 of 1 runs diverged \(NaN or Inf\)'
grep -q 'diverged (NaN or Inf)' runs/detect/two/compare.html || fail "the page does not name the failed run"
says runs/detect/two/compare.json '"finite":.*false'

# --- runs that die at once are a result, too ---
# shellcheck disable=SC2086
expect 0 "$data" $tiny --compare plain --seeds 2 --lr0 1 --clip 0 --optimizer SGD --warmup-epochs 0 --box 1e38 --name dead
says out '2 of 2 runs diverged \(NaN or Inf\)'

# --- a gnuplot that fails costs the figures and no more ---
mkdir -p broken
printf '#!/bin/sh\n[ "$1" = --version ] && exit 0\ntouch heat-0.svg\necho "line 1: no such terminal" >&2\nexit 1\n' >broken/gnuplot
chmod +x broken/gnuplot
# shellcheck disable=SC2086
PATH=$PWD/broken:$PATH expect 0 "$data" $tiny --compare plain --seeds 1 --name broken-plot
says err 'warning: figures.gp: gnuplot failed: line 1: no such terminal'
says out 'gradients at initialisation'
says runs/detect/broken-plot/compare.html 'There are none: figures.gp: gnuplot failed'
[ -s runs/detect/broken-plot/compare.json ] || fail "no compare.json where gnuplot fails"

# --- a name with a slash ---
# shellcheck disable=SC2086
expect 0 "$data" $tiny --compare residual --seeds 1 --name a/b
[ -s runs/detect/a/b/compare.html ] && [ -s runs/detect/a/b/residual-seed0/run.json ] || fail "--name a/b"

# --- without gnuplot there is a page without figures ---
mkdir bin
for tool in sh; do ln -s "$(command -v $tool)" bin/; done
code=0
# shellcheck disable=SC2086
PATH=$PWD/bin "$program" "$data" $tiny --compare residual --seeds 1 --name bare >out 2>err || code=$?
[ $code -eq 0 ] || fail "without gnuplot: exit code $code"
says err 'warning: the figures need the program gnuplot .Debian: apt-get install gnuplot-nox'
says runs/detect/bare/compare.html 'There are none: the figures need'
[ -s runs/detect/bare/compare.json ] || fail "no compare.json without gnuplot"
echo "yolotrain --compare: all checks passed"
