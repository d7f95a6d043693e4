#!/bin/sh
# yoloval as a user runs it: exit codes, messages, table, JSON.
# usage: test_yoloval.sh PROGRAM SOURCE SHARED. Without reference weights in SHARED the second half is skipped (77).
set -eu
program=$1 source=$2 shared=$3
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

fail() {
    echo "FAILED: $1"
    for file in out err; do sed "s/^/  $file: /" "$file"; done
    exit 1
}

# expect CODE ARGUMENTS...: runs the program with its output in the files out and err.
expect() {
    code=$1
    shift
    got=0
    "$program" "$@" >out 2>err || got=$?
    [ "$got" -eq "$code" ] || fail "yoloval $* exits with $got instead of $code"
}

says() { # FILE EXTENDED-REGULAR-EXPRESSION
    grep -Eq -- "$2" "$1" || fail "$1 has no line like: $2"
}

# ---- without weights ----

expect 0 --help
for option in weights model split imgsz batch conf iou max-det json threads strict; do says out "--$option"; done
expect 2
expect 2 data.yaml --splt val
says err 'did you mean --split\?'
expect 1 data.yaml
says err 'train first'

# ---- with the reference weights ----

weights=$shared/fixtures/yolov8n/yolov8n_coco8_fit.safetensors data=$shared/data/coco8.yaml
if [ ! -f "$weights" ] || [ ! -f "$data" ]; then
    echo "SKIPPED: $weights and $data are not here"
    exit 77
fi
set -- --weights "$weights" --model "$source/models/yolov8n.yaml" --imgsz 320 --split train

# The network was fitted to these four pictures, so it finds nearly everything.
expect 0 "$data" "$@"
says out '^ *Class +Images +Instances +P +R +mAP50 +mAP50-95$'
says out '^ *all +4 +13( +[0-9.]+){2} +0\.9[0-9]* +0\.[78][0-9]*$'
says out '^ *giraffe +1 +2 '
[ "$(wc -l <out)" -eq 9 ] || fail "the table does not have nine lines"
says err 'ms per image'
cp out table

# Neither threads nor the size of a batch change the table where all pictures have one shape.
expect 0 "$data" "$@" --no-rect --threads 1 --batch 1
cp out square
expect 0 "$data" "$@" --no-rect --threads 2 --batch 3
cmp out square || fail "batch or threads change the result"

expect 0 "$data" "$@" --json
[ "$(head -c 1 out)" = '{' ] || fail "JSON does not begin with {"
says out '"map50_95":.*0\.[78]'
says out '"dfl":'
[ "$(grep -c '"class":' out)" -eq 7 ] || fail "JSON does not have seven classes"

expect 1 absent.yaml "$@"
says err '^yoloval: .*absent.yaml'
expect 1 "$data" "$@" --split nonsense
says err 'nonsense'
printf 'train: .\nval: .\nnames: [a, b]\n' >two.yaml
expect 1 two.yaml "$@"
says err 'two.yaml: has 2 classes, but the weights know 80'
echo "all passed"
