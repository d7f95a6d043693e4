#!/bin/sh
# The programs of examples/ find what yoloinfer finds, say what went wrong, and end as they should.
# usage: test_examples.sh BUILD SOURCE SHARED
set -eu
build=$1
set -- "$build/examples/detect" "$2" "$3"
. "$(dirname "$0")/common.sh" # expect, says, fail

# Weights of a network that has seen four images for two epochs.
"$build/yolotrain" "$source/data/coco8.yaml" --model "$source/models/yolo26n.yaml" --imgsz 64 --epochs 2 --batch 4 --threads 1 \
    --project runs --name tiny >out 2>err || fail "the weights cannot be trained"
weights=$(find . -name best.safetensors)
set -- "$source"/data/coco8/images/train/*.jpg
image=$1

# As yoloinfer prints it, without the name of the image.
infer() { "$build/yoloinfer" --weights "$weights" "$@" 2>/dev/null; }

infer "$image" | sed "s|^$image: ||" >expected
expect 0 "$weights" "$image"
cmp -s out expected || fail "detect finds something else than yoloinfer"
expect 2
says err '^usage'
expect 1 "$weights" absent.jpg
says err '^detect: absent.jpg: cannot be opened: '
expect 1 absent.safetensors "$image"
says err '^detect: absent.safetensors: '

if [ -x "$build/examples/detect_cpp" ]; then
    program=$build/examples/detect_cpp name=detect_cpp
    infer "$image" --conf 0 --iou 1 --max-det 20 --threads 1 | sed "s|^$image: ||" >expected
    [ "$(wc -l <expected)" -eq 20 ] || fail "20 boxes are expected to compare"
    expect 0 "$weights" "$image" conf 0 iou 1 max-det 20 threads 1
    cmp -s out expected || fail "detect_cpp finds something else than yoloinfer"
    expect 1 "$weights" "$image" conf 2
    says err '^detect_cpp: conf: 2 is above 1$'
    expect 1 "$weights" "$image" cnof 2
    says err 'did you mean conf'
    expect 1 "$weights" absent.jpg
    says err '^detect_cpp: absent.jpg: the file is empty$'
else
    echo "there is no C++ compiler: detect_cpp is not built"
fi

program=$build/examples/detect_threads name=detect_threads
infer "$@" --threads 1 >expected
for threads in 1 3; do
    expect 0 $threads "$weights" "$@"
    cmp -s out expected || fail "$threads threads find something else than yoloinfer"
    says err '^weights [0-9]+ bytes for all, [0-9]+ more per thread$'
done
expect 1 2 "$weights" "$image" absent.jpg
says err '^detect_threads: absent.jpg: '
expect 2 0 "$weights" "$image"
echo "the examples do what they say"
