#!/bin/sh
# yoloinfer as a user runs it: exit codes, messages, lines, JSON, saved pictures.
# usage: test_yoloinfer.sh PROGRAM SOURCE SHARED [reference]: with it, also what needs the reference weights in SHARED.
. "$(dirname "$0")/common.sh" # expect, says, habit, fail

# ---- without weights ----

# what other programs call it
habit 'it is given without an option: yoloinfer IMAGE' --source a.jpg
habit 'type: yoloinfer a.jpg' source=a.jpg
habit 'type --iou' a.jpg --iou-thres 0.5
habit 'each task is a program of its own' predict a.jpg

expect 0 --help
for option in weights model nms end2end conf iou agnostic imgsz max-det classes json save out threads help version; do says out "--$option"; done
[ ! -s err ] || fail "help writes to stderr"
expect 0 --version
says out '^yoloinfer [0-9]+\.[0-9]+\.[0-9]+$'

expect 2
says err 'usage'
expect 2 picture.jpg --wieghts x
says err 'did you mean --weights\?'
expect 2 picture.jpg --conf 1.5
says err '--conf'
expect 2 picture.jpg --end2end maybe
says err '"maybe".*false, true, auto'
expect 2 picture.jpg --nms maybe
says err '"maybe".*true, false, auto'
expect 2 picture.jpg --classes ''
says err '^yoloinfer: --classes: "" has an empty entry'
expect 1 absent.jpg
says err '^yoloinfer: absent.jpg: no such file$'
mkdir empty
expect 1 empty
says err '^yoloinfer: empty: no images'
echo 'no picture' >broken.jpg
expect 1 broken.jpg
says err 'train first'
expect 1 broken.jpg --weights absent.safetensors
says err 'absent.safetensors'
[ ! -s out ] || fail "a failure writes to stdout"

# ---- with the reference weights ----

weights=$shared/fixtures/yolo26n/yolo26n_coco8_fit.safetensors pictures=$shared/data/coco8/images/train
reference_part "$weights" "$pictures"
set -- --model "$source/models/yolo26n.yaml" --imgsz 320 --conf 0.1
line='^[^:]+\.jpg: class_[0-9]+ [01]\.[0-9]{3}( [0-9]+\.[0-9]){4}$'

# The newest run is taken, whatever its name.
mkdir -p runs/detect/train/weights runs/detect/train-2/weights runs/detect/train-3
cp "$weights" runs/detect/train/weights/best.safetensors
echo broken >runs/detect/train-2/weights/best.safetensors
touch -t 202001010000 runs/detect/train-2/weights/best.safetensors
expect 0 "$pictures/000000000034.jpg" "$@"
says err '^yoloinfer: weights runs/detect/train/weights/best.safetensors$'
says err '^yoloinfer: 1 image, [0-9]+ box(es)?, [0-9.]+ ms per image$'
says out "$line"
if grep -Ev "$line" out; then fail "stdout has other lines than boxes"; fi

# A folder in order; one bad picture costs itself and the exit code; more threads change nothing.
mkdir some
cp "$pictures"/*.jpg some
cp some/000000000009.jpg some/b.JPG
cp broken.jpg some/a.jpg
echo text >some/notes.txt
expect 1 some "$@" --threads 1
says err '^yoloinfer: some/a.jpg: '
says err '^yoloinfer: 5 images'
if grep -q notes err; then fail "notes.txt was taken for a picture"; fi
cut -d: -f1 out | uniq >order
sort -u order | cmp - order || fail "pictures are not in order"
cp out one_thread
expect 1 some "$@" --threads 2
cmp out one_thread || fail "two threads find something else than one"
rm some/a.jpg

# JSON: one array and nothing else.
expect 0 some "$@" --json
[ "$(head -c 1 out)" = '[' ] || fail "JSON does not begin with ["
case $(tail -n 1 out) in
*']') ;;
*) fail "JSON does not end with ]" ;;
esac
[ "$(grep -c '"image":' out)" -eq 5 ] || fail "JSON does not have five pictures"
says out '"xyxy":.*\[[0-9.]+,'
says out '"width":.*640,'
[ "$(grep -c '"score":' out)" -eq "$(wc -l <one_thread)" ] || fail "JSON has another number of boxes than the lines"

# Saved pictures, in a fresh folder each time, or where the user says; equal names do not meet.
expect 0 some/b.JPG "$@" --save
says err 'drawn into runs/detect/predict$'
expect 0 some/b.JPG "$@" --save
says err 'drawn into runs/detect/predict-2$'
[ -s runs/detect/predict/b.JPG ] && [ -s runs/detect/predict-2/b.JPG ] || fail "b.JPG was not written"
cmp -s runs/detect/predict/b.JPG some/b.JPG && fail "nothing was drawn"
expect 0 some/b.JPG "$pictures/000000000009.jpg" some/000000000009.jpg "$@" --out to/here
for name in b.JPG 000000000009.jpg 000000000009-2.jpg; do
    [ -s "to/here/$name" ] || fail "to/here/$name was not written"
done
[ ! -e runs/detect/predict-3 ] || fail "--out makes another folder too"

# Lists, standard input, patterns, folders below; what is no picture is answered with what would be right.
mkdir -p tree/train/deep tree/val
cp some/000000000009.jpg tree/train/deep/a.jpg
cp some/000000000034.jpg tree/val/b.jpg
expect 0 tree "$@"
[ "$(cut -d: -f1 out | uniq | tr '\n' ' ')" = 'tree/train/deep/a.jpg tree/val/b.jpg ' ] || fail "folders below are passed over"
cp out by_folder
printf '\357\273\277train/deep/a.jpg\r\n\n./val/b.jpg\n' >tree/list.txt
expect 0 tree/list.txt "$@"
cmp out by_folder || fail "a list beside the pictures is another thing than their folder"
echo absent.jpg >>tree/list.txt
expect 1 tree/list.txt "$@"
cmp out by_folder || fail "a bad line costs more than itself"
says err "^yoloinfer: tree/list.txt:4: 'absent.jpg' does not exist"
expect 0 'tree/*/deep/*.jpg' 'tree/val/?.jpg' "$@"
cmp out by_folder || fail "patterns give other pictures"
expect 1 'tree/*.gif' "$@"
says err '^yoloinfer: tree/\*\.gif: no file matches'
expect 1 'tree/**/*.jpg' "$@"
says err 'name the folder'
got=0
printf 'tree/train/deep/a.jpg\ntree/val\n' | "$program" - "$@" >out 2>err || got=$?
[ "$got" -eq 0 ] || fail "a list on standard input exits with $got"
cmp out by_folder || fail "standard input gives other pictures"
got=0
"$program" - "$@" </dev/null >out 2>err || got=$?
[ "$got" -eq 1 ] || fail "an empty standard input exits with $got"
says err 'standard input names no image'
got=0
"$program" - "$@" <tree/train/deep/a.jpg >out 2>err || got=$?
[ "$got" -eq 1 ] || fail "an image on standard input exits with $got"
says err 'standard input is no text'
expect 1 clip.MP4 "$@"
says err '^yoloinfer: clip.MP4: videos are not read; .*ffmpeg'
expect 1 https://example.org/a.jpg "$@"
says err '^yoloinfer: https://example.org/a.jpg: addresses are not opened'

# A name is shown, not obeyed, and makes readable JSON.
bad=$(printf 'M\374ll\033[31m.jpg')
cp some/000000000009.jpg "$bad"
expect 0 "$bad" "$@"
LC_ALL=C grep -q "$(printf '\033')" out && fail "a control character reaches the terminal"
expect 0 "$bad" "$@" --json
says out "\"image\":.*\"M$(printf '\357\277\275')ll.u001b\[31m\.jpg\""
rm "$bad"

# Classes by number or name; the other branch of the head, and the model that has none.
expect 0 some/000000000009.jpg "$@" --classes 50,class_49
if grep -Ev ' class_(49|50) ' out; then fail "--classes lets other classes through"; fi
says out ' class_49 '
expect 1 some/000000000009.jpg "$@" --classes class_80
says err "'class_80' is neither"
expect 0 some/000000000009.jpg "$@"
says out "$line"
cp out one_to_many
expect 0 some/000000000009.jpg "$@" --nms true
cmp out one_to_many || fail "--nms true is not the default"
expect 0 some/000000000009.jpg "$@" --nms false
says out "$line"
cmp -s out one_to_many && fail "--nms false changes nothing"
cp out one_to_one
expect 0 some/000000000009.jpg "$@" --end2end true
cmp out one_to_one || fail "--end2end true is not --nms false"
says err '^yoloinfer: --end2end true is taken as --nms false'
for model in yolov8n yolo11n; do
    pt=$shared/fixtures/$model/${model}_coco8_fit.pt
    expect 1 some/000000000009.jpg --weights "$pt" --end2end true
    says err "^yoloinfer: $model has no one-to-one branch"
    expect 1 some/000000000009.jpg --weights "$pt" --nms false
    says err "^yoloinfer: $model has no one-to-one branch"
done

# From .pt files: as many boxes in each of eight pictures as the reference finds, with the names of the file.
count_boxes() { # MODEL COUNTS OPTION...: of the pictures in order
    counted=$1 expected=$2
    shift 2
    expect 0 "$pictures" "$pictures/../val" --weights "$shared/fixtures/$counted/${counted}_coco8_fit.pt" --imgsz 320 \
        --no-rect --conf 0.05 "$@"
    counts=
    for picture in "$pictures"/*.jpg "$pictures"/../val/*.jpg; do
        counts="$counts$(grep -c "^$picture: " out || true) "
    done
    [ "$counts" = "$expected " ] || fail "$counted: $counts boxes instead of $expected"
}
count_boxes yolov8n '29 8 3 4 0 9 0 0'
says out '000000000034\.jpg: zebra 0\.[0-9]+ '
says out '000000000009\.jpg: broccoli 0\.[0-9]+ '
count_boxes yolo11n '19 4 2 1 5 17 0 0'
count_boxes yolo26n '17 3 4 2 2 0 0 0' --nms false
says out '000000000034\.jpg: zebra 0\.77[0-9] 6\.[0-9] 0\.0 (429|430)\.[0-9] 384\.[0-9]$'

# A model of another shape is refused, and says why.
expect 1 some/b.JPG --model "$weights"
says err 'is a weights file; name it with --weights'
expect 1 some/b.JPG --weights some/notes.txt
says err '^yoloinfer: some/notes.txt: is neither a safetensors, a .pt nor an ONNX file'
expect 1 some/b.JPG --model "$source/models/yolov8n.yaml"
[ -s err ] || fail "no reason was given"
echo "all passed"
