#!/bin/sh
# yoloval as a user runs it: exit codes, messages, table, JSON.
# usage: test_yoloval.sh PROGRAM SOURCE SHARED [reference]: with it, also what needs the reference weights in SHARED.
. "$(dirname "$0")/common.sh" # expect, says, habit, fail

# ---- without weights ----

# what other programs call it
habit 'it is given without an option: yoloval DATA.yaml' --data x.yaml
habit 'type: yoloval x.yaml' data=x.yaml
habit 'type --weights a.pt' x.yaml model=a.pt
habit 'type --conf' x.yaml --conf-thres 0.1
habit 'type --save-json' x.yaml --save_txt
habit 'type --batch' x.yaml --batchsize 4
habit 'that of the dataset; leave it out' x.yaml --nc 3
habit 'runs on the processor' x.yaml --device cpu

expect 0 --help
for option in weights model nms end2end split classes single-cls strict imgsz batch conf iou max-det agnostic json save-json \
    project name exist-ok threads; do
    says out "--$option"
done
says out '\.safetensors or \.pt'
expect 2
expect 2 data.yaml --split nonsense
says err '"nonsense"; it is one of train, val, test'
expect 2 data.yaml --classes ,
says err '^yoloval: --classes: "," has an empty entry'
expect 2 data.yaml --splt val
says err 'did you mean --split\?'
expect 1 data.yaml
says err 'train first'

# ---- with the reference weights ----

weights=$shared/fixtures/yolov8n/yolov8n_coco8_fit.pt data=$shared/data/coco8.yaml
reference_part "$weights" "$data"
set -- --weights "$weights" --model "$source/models/yolov8n.yaml" --imgsz 320 --split train

# The network was fitted to these four pictures, so it finds nearly everything.
expect 0 "$data" "$@"
says out '^ *Class +Images +Instances +P +R +mAP50 +mAP50-95$'
says out '^ *all +4 +13( +[0-9.]+){2} +0\.9[0-9]* +0\.[78][0-9]*$'
says out '^ *giraffe +1 +2 '
[ "$(grep -c '^ *[a-zA-Z ]* [0-9. ]*$' out)" -eq 8 ] || fail "the table does not have eight rows"
says out '^ Average Precision  \(AP\) @\[ IoU=0\.50:0\.95 \| area=   all \| maxDets=100 \] = 0\.[78]'
says out '^ Average Recall     \(AR\) @\[ IoU=0\.50:0\.95 \| area= small \| maxDets=100 \] = -1\.000$'
[ "$(grep -c '@' out)" -eq 12 ] || fail "there are not twelve lines of COCO's"
says err 'ms per image'
cp out table

# The files of the run. 34 is the zebra, image 000000000034.
[ "$(head -1 runs/detect/val/confusion_matrix.csv | tr ',' '\n' | wc -l)" -eq 82 ] || fail "not 82 columns"
grep '^giraffe,' runs/detect/val/confusion_matrix.csv >out
says out '^giraffe(,0){23},2(,0){56},[0-9]+$'
[ "$(grep -c '^23,giraffe,' runs/detect/val/pr_curve.csv)" -eq 101 ] || fail "not 101 recalls"
[ "$(grep -c '^-1,all,' runs/detect/val/confidence_curves.csv)" -eq 1000 ] || fail "not 1000 confidences"
[ ! -e runs/detect/val/predictions.json ] || fail "predictions.json was not asked for"
expect 0 "$data" "$@" --save-json
cmp out table || fail "--save-json changes the result"
cp runs/detect/val-2/predictions.json out
says out '^\{"image_id":34,"file_name":"000000000034.jpg","category_id":23,"bbox":\[[0-9.,]+\],"score":0\.99'
expect 0 "$data" "$@" --project "$folder/mine" --name here
expect 0 "$data" "$@" --project "$folder/mine" --name here --exist-ok
says err "saved to $folder/mine/here: confusion_matrix.csv"
[ ! -e mine/here-2 ] || fail "--exist-ok makes another folder"

# One class: the truth of all of them, found whatever it is called.
expect 0 "$data" "$@" --single-cls
says out '^ *item +4 +13 '
[ "$(head -1 runs/detect/val-3/confusion_matrix.csv)" = 'predicted at confidence > 0.25,item,background' ] || fail "not one class"
expect 0 "$data" "$@" --classes giraffe,45 --save-json --name some
says out '^ *all +4 +5 '
sed -n 's/.*"category_id":\([0-9]*\),.*/\1/p' runs/detect/some/predictions.json | sort -nu | tr '\n' ' ' >out
says out '^24 46 $'

# A truth that lacks most classes: their boxes are dropped and counted, but not where all classes are one.
images=$shared/data/coco8/images/train
cat >truth.json <<END
{"images": [{"id": 9, "file_name": "000000000009.jpg"}], "categories": [{"id": 70, "name": "bowl"}],
 "annotations": [{"id": 1, "image_id": 9, "category_id": 70, "bbox": [1, 188, 612, 284]}]}
END
{
    printf 'train: truth.json\nval: truth.json\ntrain_images: %s\nval_images: %s\n' "$images" "$images"
    sed -n '/^names:/,$p' "$data"
} >bowl.yaml
expect 0 bowl.yaml "$@" --save-json --name bowl
says err '[1-9][0-9]* boxes are not in predictions.json: the ground truth has no category for their class'
says runs/detect/bowl/predictions.json '"category_id":70,'
grep -q '"category_id":[^7]' runs/detect/bowl/predictions.json && fail "a class without category is written"
expect 0 bowl.yaml "$@" --save-json --single-cls --name one
says runs/detect/one/predictions.json '"category_id":1,'
grep -q '"category_id":70' runs/detect/one/predictions.json && fail "one class has the category of another"
grep -q 'not in predictions' err && fail "boxes of the one class are dropped"
expect 1 "$data" "$@" --classes girafe
says err "^yoloval: --classes: 'girafe' is neither .*; did you mean giraffe\?"
expect 0 "$data" "$@" --agnostic
says out '^ *all +4 +13 '

# Either branch of an end-to-end head, and a model that has one only.
two=$shared/fixtures/yolo26n/yolo26n_coco8_fit.safetensors
expect 0 "$data" "$@" --weights "$two" --model "$source/models/yolo26n.yaml" --nms false
says out '^ *all +4 +13( +[0-9.]+){2} +0\.9[0-9]* +0\.7'
sed -n '/ Head /,$p' out >heads_one
says heads_one '^ *one-to-many and NMS( +[0-9.]+){2} +0\.9[0-9]* +0\.8[0-9]* +0\.8'
cp out one_to_one
expect 0 "$data" "$@" --weights "$two" --model "$source/models/yolo26n.yaml"
says out '^ *all +4 +13( +[0-9.]+){2} +0\.9[0-9]* +0\.8'
cmp -s out one_to_one && fail "--nms false changes nothing"
[ "$(sed -n '/ Head /,$p' out | sort)" = "$(sort heads_one)" ] || fail "the two heads are not the same in both runs"
cp out one_to_many
expect 0 "$data" "$@" --weights "$two" --model "$source/models/yolo26n.yaml" --end2end false
cmp out one_to_many || fail "--end2end false is not --nms auto"
says err '^yoloval: --end2end false is taken as --nms auto'
expect 0 "$data" "$@" --weights "$two" --model "$source/models/yolo26n.yaml" --json
says out '"head":.*"one_to_many"'
says out '"other_head":'
says out '"head":.*"one_to_one"'
[ "$(grep -c '"AP50":' out)" -eq 2 ] || fail "JSON does not have both heads"
expect 1 "$data" "$@" --end2end true
says err 'no one-to-one branch'
expect 2 "$data" "$@" --end2end true --nms true
says err '^yoloval: --end2end true is --nms false, and --nms true was typed too'

# Neither threads nor the size of a batch change the table where all pictures have one shape.
expect 0 "$data" "$@" --no-rect --threads 1 --batch 1
cp out square
expect 0 "$data" "$@" --no-rect --threads 2 --batch 3
cmp out square || fail "batch or threads change the result"

expect 0 "$data" "$@" --json
[ "$(head -c 1 out)" = '{' ] || fail "JSON does not begin with {"
says out '"map50_95":.*0\.[78]'
says out '"dfl":'
says out '"AP50":'
says out '"folder":.*runs/detect/val'
[ "$(grep -c '"class":' out)" -eq 7 ] || fail "JSON does not have seven classes"

# Classes are matched by name, whatever their order and number; a class that the weights do not know is named.
pt=$shared/fixtures/yolov8n/yolov8n_coco8_fit.pt
mkdir -p turned/images few/images crowded/images
for set in turned few crowded; do
    mkdir "$set/labels"
    cp "$shared"/data/coco8/images/train/*.jpg "$set/images"
done
for labels in "$shared"/data/coco8/labels/train/*.txt; do
    awk '{ $1 = 79 - $1; print }' "$labels" >"turned/labels/$(basename "$labels")"
    awk '$1 == 22 { $1 = 0; print } $1 == 23 { $1 = 2; print }' "$labels" >"few/labels/$(basename "$labels")"
    cp "$labels" crowded/labels
done
names=$(sed -n '/^names:/,$p' "$data" | sed -n 's/^ *[0-9]*: *//p')
{
    printf 'path: turned\ntrain: images\nval: images\nnames:\n'
    echo "$names" | sed -n '1!G;h;$p' | sed 's/^/  - /'
} >turned.yaml
printf 'path: few\ntrain: images\nval: images\nnames: [zebra, unicorn, giraffe]\n' >few.yaml
expect 0 "$data" --weights "$pt" --imgsz 320 --split train
sed -n '/Class/,/^$/p' out | sort >named
expect 0 turned.yaml --weights "$pt" --imgsz 320
sed -n '/Class/,/^$/p' out | sort | cmp - named || fail "classes in another order have other numbers"
says err "^yoloval: classes are matched by name: 'toothbrush', class 0 of the data set, is 79 in the weights"
expect 0 few.yaml --weights "$pt" --imgsz 320
says err "78 other classes of the weights is left out; 'unicorn' is unknown to the weights"
says out '^ *all +4 +3 '
[ "$(awk '/giraffe/ { print $(NF - 1), $NF }' out)" = "$(awk '/giraffe/ { print $(NF - 1), $NF }' named)" ] ||
    fail "giraffes have another AP"
expect 1 few.yaml --weights "$pt" --imgsz 320 --classes unicorn
says err "has no box of the classes unicorn: there is nothing to measure"

# As many boxes as there are objects are possible; what is typed holds.
awk 'BEGIN { for (i = 0; i < 310; i++) printf "0 %.3f %.3f 0.01 0.01\n", (i % 40 + 1) / 42, (int(i / 40) + 1) / 42 }' \
    >crowded/labels/000000000009.txt
{
    printf 'path: crowded\ntrain: images\nval: images\n'
    sed -n '/^names:/,$p' "$data"
} >crowded.yaml
expect 0 crowded.yaml --weights "$pt" --imgsz 320
says err 'warning: an image has 310 objects: --max-det is 310 instead of 300'
expect 0 crowded.yaml --weights "$pt" --imgsz 320 --max-det 300
says err 'warning: an image has 310 objects, and --max-det 300 caps the recall'

# Weights with a NaN find nothing, which is no result.
cp "${pt%.pt}.safetensors" nan.safetensors
head -c 2000 /dev/zero | tr '\0' '\377' |
    dd of=nan.safetensors bs=1 seek=$(($(wc -c <nan.safetensors) / 2)) conv=notrunc 2>dd_said
expect 1 "$data" "$@" --weights nan.safetensors
says err 'holds NaN or infinity'

expect 1 absent.yaml "$@"
says err '^yoloval: .*absent.yaml'
sed '/^test:/d' "$data" >no_test.yaml
expect 1 no_test.yaml "$@" --split test
says err "no_test.yaml: has no 'test:'; add .test: FOLDER. to the YAML, or use --split val"
printf 'train: .\nval: .\nnames: [a, b]\n' >two.yaml
expect 1 two.yaml "$@"
says err 'two.yaml: has 2 classes, but the weights know 80'
echo "all passed"
