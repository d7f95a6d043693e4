#!/bin/sh
# The program yolotrain from outside: exit codes, where output goes, what a run leaves, interruption and resumption.
# usage: test_yolotrain.sh PROGRAM SOURCE SHARED
. "$(dirname "$0")/common.sh" # expect, says, habit, fail

# --- usage ---
expect 0 --help
says out '--epochs N'
says out 'yolo26n\.yaml\)'
[ ! -s err ] || fail "--help wrote to stderr"
expect 0 --version
expect 2
says err 'yolotrain: name a dataset YAML'
expect 2 data.yaml --epochs 0
says err 'yolotrain: --epochs: 0 is below 1'
expect 2 data.yaml --epoch 3
says err 'did you mean --epochs\?'
expect 2 data.yaml --optimizer gradient
says err 'it is one of .*auto'
expect 2 data.yaml --optimizer NAdam
says err 'unknown "NAdam"; did you mean Adam\? It is one of SGD, Adam, AdamW, MuSGD, auto '
expect 2 data.yaml --reference oldest
says err 'it is one of 8\.4\.190, 8\.4\.104 \('
expect 2 data.yaml --log-gradients often
says err 'yolotrain: unexpected "often"; --log-gradients takes its value with ='
expect 2 data.yaml --no-residual cps
says err 'unexpected "cps"; --no-residual takes its value with =; did you mean --no-residual=csp'
expect 2 data.yaml --log-gradients=-1
says err 'log-gradients: -1 is below 0'
expect 2 data.yaml --freeze abc
says err 'yolotrain: --freeze: "abc" is neither'
expect 2 data.yaml --classes ,
says err 'yolotrain: --classes: "," has an empty entry'
expect 2 data.yaml --no-residual=ad
says err 'yolotrain: --no-residual: unknown "ad"; did you mean add\?'
expect 2 data.yaml --init orthogonl
says err 'yolotrain: --init: unknown "orthogonl"; did you mean orthogonal\?'
# what other programs call it, and numbers that are none
habit 'type --epochs 10' data.yaml epochs=10
habit 'type: yolotrain x.yaml' data=x.yaml epochs=10
habit 'type --weights yolo11n.pt' data.yaml model=yolo11n.pt
habit 'type --model yolo11n.yaml' data.yaml model=yolo11n.yaml
habit 'type --batch 8' batch=8
habit 'each task is a program of its own' detect train data=x.yaml
habit 'runs on the processor; leave it out' data.yaml --device cpu
habit 'runs on the processor; leave it out' data.yaml device=0
habit 'runs on the processor; leave it out' data.yaml -gpus 0,1
habit 'type --imgsz' data.yaml --img 640
habit 'type --imgsz' data.yaml --img_size 640
habit 'type --imgsz' data.yaml --image-size 640
habit 'type --lr0' data.yaml --Learning-Rate 0.1
habit 'the number of classes is that of the dataset' data.yaml --nc 3
habit 'yoloexport writes files with 16' data.yaml --amp
habit 'unknown option --size' data.yaml --size 640 # a part of a word is none
habit 'type --batch' data.yaml --batch-size 8
habit 'type --model' --cfg yolov5s.yaml
habit 'every hyperparameter is an option' data.yaml --hyp hyp.yaml
habit 'is not a number' data.yaml --lr0 ' 1'
habit 'is not a number' data.yaml --box 0x10
habit 'is not a whole number' data.yaml --epochs 0x10
habit 'is not a whole number' data.yaml --epochs '1 '
habit 'is not a number' data.yaml --box inf
habit 'did you mean --epochs' data.yaml --epoch 3
: >"key=1.yaml"
expect 1 key=1.yaml # a file of that name is one
expect 0 -h
says out '^Environment$'
[ "$(grep -c '^Validation$' out)" -eq 1 ] || fail "the group Validation is not printed once"
sed -n '/^Validation$/,/^$/p' out | grep -q -- --end2end || fail "--end2end does not stand with --nms"
! "$program" --help >/dev/full 2>err || fail "--help to a full disk succeeds"
says err 'the results cannot be written'
! "$program" --version >/dev/full 2>err || fail "--version to a full disk succeeds"
export YT_MAX_ISA=avx-2
expect 2 none.yaml
says err 'YT_MAX_ISA: unknown "avx-2"; it is one of ref, generic'
export YT_MAX_ISA=generic
expect 1 none.yaml
unset YT_MAX_ISA

expect 1 none.yaml
says err 'yolotrain: none.yaml'
[ ! -e runs ] || fail "a failed setup left a folder"

# every key of the table is an option and a line of args.yaml
keys=$(sed -n 's/^[A-Z]*_OPTION(\([a-z0-9_]*\),.*/\1/p' "$source/src/train/settings/train_options.inc")
"$program" --help >help
for key in $keys; do
    grep -q -e "--\(\[no-\]\)\?$(echo "$key" | tr _ -)\b" help || fail "--help lacks $key"
done

# --- the layer table ---
expect 0 --model "$source/models/yolo26n.yaml" --summary
says out 'Detect'
says out '2572280'
[ ! -e runs ] || fail "--summary left a folder"

[ ! -s err ] || fail "a name that says its scale is warned of"
expect 0 --model "$source/models/yolo26.yaml" --summary
says out '2572280'
says err '^warning: yolo26.yaml has several scales, .* it is built in scale n$'

# --- a run ---
cat >tiny.yaml <<'YAML'
nc: 80
end2end: True
reg_max: 1
backbone:
  - [-1, 1, Conv, [8, 3, 2]]
  - [-1, 1, Conv, [16, 3, 2]]
  - [-1, 1, Conv, [16, 3, 2]]
  - [-1, 1, Conv, [16, 3, 2]]
  - [-1, 1, Conv, [16, 3, 2]]
head:
  - [[2, 3, 4], 1, Detect, [nc]]
YAML
data=$source/data/coco8.yaml
tiny="--model tiny.yaml --imgsz 64 --threads 1"
# shellcheck disable=SC2086
expect 0 --log-gradients "$data" $tiny --epochs 2 --warmup_epochs 1
says out 'mAP50-95'
says err 'epoch 2/2'
says err 'auto  *batch 2'
says err 'weights hash'
says err 'gradients: logging them took [0-9.]* s of'
[ "$(grep -c . err)" -lt 40 ] || fail "progress is not one line per epoch"
! grep -q "$(printf '\r')" err || fail "a live line went to a file"
run=runs/detect/train
for file in args.yaml results.csv gradients.csv weights/best.safetensors weights/last.safetensors; do
    [ -s "$run/$file" ] || fail "no $file"
done
[ "$(grep -c . $run/results.csv)" -eq 3 ] || fail "results.csv has not three lines"
for key in $keys; do
    grep -q -e "^$key: .*  # \(default\|cli\|auto\|dataset\|checkpoint\)$" "$run/args.yaml" || fail "args.yaml lacks $key"
done
says $run/args.yaml '^warmup_epochs: 1.0  # cli$'
says $run/args.yaml '^log_gradients: 100  # cli$'
! ls $run/weights | grep -q tmp || fail "a temporary file was left"

# --- finished, then longer ---
expect 1 --resume
says err 'a larger --epochs'
expect 0 --resume --epochs 3
says err 'resuming runs/detect/train at epoch 3 of 3'
[ "$(grep -c . $run/results.csv)" -eq 4 ] || fail "results.csv has not four lines after --resume"

# --- a run is resumed where it lies, and nowhere else ---
expect 1 --resume $run
says err 'a larger --epochs'
expect 1 --resume $run/weights
says err 'a larger --epochs'
mkdir -p stranger/sub
cp $run/weights/last.safetensors stranger/sub/saved.safetensors
echo 'alice,1' >stranger/results.csv
echo 'name: bob' >stranger/args.yaml
(
    cd stranger/sub
    expect 1 --resume saved.safetensors --epochs 9
    says err 'saved.safetensors: lies in no run folder.*--weights saved.safetensors'
)
[ "$(cat stranger/results.csv stranger/args.yaml)" = "$(printf 'alice,1\nname: bob')" ] || fail "--resume wrote over strangers' files"
[ "$(ls stranger stranger/sub | tr '\n' ' ')" = "stranger: args.yaml results.csv sub  stranger/sub: err out saved.safetensors " ] || fail "--resume left something beside a copy"
expect 1 --resume stranger
says err 'stranger: there is no weights/last.safetensors in this folder'
cp $run/weights/last.safetensors yolo.pt
expect 1 --resume yolo.pt
says err 'yolo.pt: is not a checkpoint of this program.*--weights yolo.pt'
expect 1 --resume none.safetensors
says err 'No such file'
expect 1 --resume "$data"
says err 'coco8.yaml: is not a checkpoint'
ln -s "$PWD/$run/weights/last.safetensors" link.safetensors
expect 1 --resume link.safetensors
says err 'a larger --epochs'

# --- files that a run lacks because it was killed at its end are written on --resume; what was removed is not named ---
rm $run/pr_curve.csv $run/confidence_curves.csv
cp $run/results.csv results.before
expect 0 --resume $run
says err 'has all its epochs; writing the files that it lacks'
says err 'saved to .*, pr_curve.csv, confidence_curves.csv$'
[ -s $run/pr_curve.csv ] || fail "the last files are not written on --resume"
cmp -s $run/results.csv results.before || fail "a run that is over got another row"
expect 1 --resume $run

# --- close-mosaic longer than the run ---
# shellcheck disable=SC2086
expect 0 "$data" $tiny --epochs 1 --close-mosaic 9 --name closed
says err '^mosaic   none: close_mosaic 9 leaves out mosaics and mixing in all 1 epochs$'
# shellcheck disable=SC2086
expect 0 "$data" $tiny --epochs 1 --close-mosaic 9 --reference 8.4.104 --name open
says err '^mosaic   to the end: with --reference 8\.4\.104 close_mosaic 9 does nothing in 1 epochs$'

# --- closed standard streams: nothing that is printed gets into a file ---
# shellcheck disable=SC2086
"$program" "$data" $tiny --epochs 2 --log-gradients --name streams <&- >&- 2>&-
[ "$(grep -c . runs/detect/streams/results.csv)" -eq 3 ] || fail "results.csv of a run without standard streams"
! grep -q 'epoch 1/2\|training for' runs/detect/streams/*.* || fail "progress in a file of the run"

# --- signals ---
for signal in TERM:143 HUP:129; do
    # shellcheck disable=SC2086
    "$program" "$data" $tiny --epochs 100000 --no-val --name "end${signal%:*}" >long.out 2>long.err &
    pid=$!
    tries=0
    until [ -s "runs/detect/end${signal%:*}/weights/last.safetensors" ]; do
        tries=$((tries + 1))
        [ $tries -lt 300 ] || fail "no checkpoint after 30 s"
        sleep 0.1
    done
    kill -s "${signal%:*}" $pid
    code=0
    wait $pid || code=$?
    [ $code -eq "${signal#*:}" ] || fail "SIG${signal%:*}: exit code $code"
    says long.err '^stopping as soon as this batch'
done

# --- an interrupted run ends with 130 and can go on ---
# shellcheck disable=SC2086
"$program" "$data" $tiny --epochs 100000 --no-val --name long >long.out 2>long.err &
pid=$!
tries=0
until [ -s runs/detect/long/weights/last.safetensors ]; do
    tries=$((tries + 1))
    [ $tries -lt 300 ] || fail "no checkpoint after 30 s"
    sleep 0.1
done
expect 1 --resume runs/detect/long
says err "runs/detect/long: process $pid is working in this folder"
# shellcheck disable=SC2086
expect 1 "$data" $tiny --epochs 1 --name long --exist-ok
says err "process $pid is working in this folder"
[ -s runs/detect/long/weights/last.safetensors ] || fail "--exist-ok took the checkpoint of a run that goes on"
kill -INT $pid
code=0
wait $pid || code=$?
[ $code -eq 130 ] || fail "interrupted: exit code $code, not 130"
says long.err '--resume runs/detect/long/weights/last.safetensors'
done_epochs=$(grep -c '^[0-9]' runs/detect/long/results.csv)
expect 1 --resume runs/detect/long/weights/last.safetensors --lr0 0.5
says err 'lr0: cannot be 0.5'
expect 2 --resume runs/detect/long/weights/last.safetensors --epochs=-1
[ "$done_epochs" -ge 1 ] || fail "no epoch was logged"

# --- a run that explodes: one step without clipping with too large a gain ---
explode="$tiny --epochs 3 --no-val --optimizer SGD --lr0 0.1 --warmup-epochs 0 --box 1e30"
# shellcheck disable=SC2086
expect 1 "$data" $explode --clip 0 --name boom
says err '^not finite: epoch 1, batch 2 of 2, step 1:'
says err '^  first     -?(nan|inf) in the .* model\.[0-9]'
says err '^  made from '
says err 'gradient norm'
says err 'coco8/images/train/'
says err '^yolotrain: epoch 1, batch 2 of 2: .*; no update was made and there is no checkpoint yet'
[ ! -e runs/detect/boom/weights/last.safetensors ] || fail "a run that exploded in its first epoch left a checkpoint"
dump=runs/detect/boom/non-finite.safetensors
grep '^  ' err >finding
for threads in 1 2 3; do
    expect 1 --replay $dump --threads $threads
    says err "^yolotrain: $dump: as in the run, to the last bit: "
    grep '^  ' out | cmp -s - finding || fail "$threads threads find something else"
done
expect 2 --replay $dump --lr0 0.1
says err 'only --threads may stand beside it'
expect 1 --replay none.safetensors
head -c 20000 $dump >cut.safetensors
expect 1 --replay cut.safetensors
says err 'yolotrain: cut.safetensors: '
expect 1 --replay $run/weights/last.safetensors
says err 'is not a step to replay'
# shellcheck disable=SC2086
expect 1 "$data" $explode --clip 0 --on-nan skip --name skips
says err '^epoch 1/3 .*  1 batch skipped$'
says err '; without it the epoch would have no batch;'
# shellcheck disable=SC2086
expect 1 "$data" $explode --clip 0 --on-nan rollback --name back
[ "$(grep -c '^going back from epoch 1 to the initial weights, with half' err)" -eq 5 ] || fail "--on-nan rollback does not go back five times"
[ "$(grep -c '^not finite' err)" -eq 2 ] || fail "the report is not written for the first and the last one"
says err '^  noticed   '
says err 'the run went back there 5 times'
# shellcheck disable=SC2086
expect 0 "$data" $explode --clip 10 --name clipped
! grep -q 'went back' err || fail "a run in which nothing happened says so"
# shellcheck disable=SC2086
expect 0 "$data" $tiny --epochs 1 --batch 1 --optimizer SGD --momentum 0 --warmup-epochs 0 --clip 0 --lr0 0.5 \
    --no-batchnorm --activation identity --init scaled:1.5 --on-nan rollback --name tamed
says err '^ablation init scaled:1.5'
says err '^went back 1 time, because something was not finite; learning rates are 0.5 of those set$'
expect 2 "$data" --on-nan ignore
says err 'on-nan'

# --- from weights: their network, unless another is typed ---
expect 0 "$data" --weights $run/weights/best.safetensors --imgsz 64 --threads 1 --epochs 1 --init kaiming --name tuned
says err '^model    tiny, 80 classes'
says err '^weights  ([0-9]*) of \1 tensors taken from runs/detect/train/weights/best.safetensors$'
! grep -q '^ablation' err || fail "initial values are announced that the weights replace"
says runs/detect/tuned/args.yaml '^model: tiny.yaml  # checkpoint$'
expect 1 "$data" --weights args.txt --imgsz 64
expect 1 "$data" --model $run/weights/best.safetensors
says err 'is a weights file; name it with --weights'
# shellcheck disable=SC2086
expect 1 "$data" $tiny --freeze 99
says err 'yolotrain: --freeze: 99 rows, but tiny has 6'
expect 1 "$data" --classes persn
says err "yolotrain: --classes: 'persn' .*did you mean person\?"
# --- ablations say what they change, and stay with the weights ---
study="--model $source/models/study-s.yaml --imgsz 64 --threads 1 --epochs 1"
# shellcheck disable=SC2086
expect 0 --no-residual "$data" $study --name plain
says err '^ablation no_residual add: 391204 -> 391204 parameters, 0.098 -> 0.098 GFLOPs$'
says runs/detect/plain/args.yaml '^no_residual: add  # cli$'
expect 0 "$data" --model "$source/models/yolov8n.yaml" --imgsz 64 --threads 1 --epochs 1 --no-residual=lateral \
    --activation tanh --init scaled:2 --name cut
says err '^ablation no_residual lateral: 3157200 -> 2309392 parameters'
says err '^ablation activation tanh: 2309392 -> 2309392 parameters'
says err '^ablation init scaled:2: other values'
expect 0 --weights runs/detect/cut/weights/best.safetensors --summary
says out '^yolov8n: 23 rows, 2309392 parameters'
expect 0 "$data" --weights runs/detect/cut/weights/best.safetensors --imgsz 64 --threads 1 --epochs 1 --name cut2
says runs/detect/cut2/args.yaml '^no_residual: lateral  # checkpoint$'
# --- a set without a validation set trains without measuring, and says so ---
sed '/^val:/d' "$data" >"$folder/noval.yaml"
sed -i "s|^path:.*|path: $source/data/coco8|" "$folder/noval.yaml"
# shellcheck disable=SC2086
expect 0 noval.yaml $study --name noval
says err '^val      none: no mAP is measured, and best.safetensors is that of the last epoch'
says err '; without validation; weights hash'
says err '^saved to runs/detect/noval: weights/best.safetensors, weights/last.safetensors, results.csv, args.yaml$'
! grep -q '^warning' err || fail "a file is missed that was never to be written"
expect 0 --resume runs/detect/noval/weights/last.safetensors --epochs 2
# --- nothing to learn from ---
mkdir -p empty/images empty/labels
cp "$source"/data/coco8/images/train/*.jpg empty/images
for image in empty/images/*; do echo "0,0.5,0.5,0.2,0.2" >"empty/labels/$(basename "${image%.*}").txt"; done
printf 'train: images\nval: images\nnames: [a]\n' >empty/data.yaml
# shellcheck disable=SC2086
expect 1 empty/data.yaml $study
says err 'train: no usable box in 4 images; 4 bad rows were left out, the first: empty/labels/.*:1: .*commas'
pt=${3:-}/fixtures/yolov8n/yolov8n_coco8_fit.pt
if [ -f "$pt" ]; then
    expect 0 --weights "$pt" --summary
    says out '^yolov8n: 23 rows, 3157200 parameters'
fi
echo "yolotrain: all checks passed"
