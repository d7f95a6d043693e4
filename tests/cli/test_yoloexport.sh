#!/bin/sh
# yoloexport as a user runs it: exit codes, messages, the file it writes.
# usage: test_yoloexport.sh PROGRAM SOURCE SHARED [reference]: with it, also what needs the reference weights in SHARED.
. "$(dirname "$0")/common.sh" # expect, says, habit, fail

bytes() {
    wc -c <"$1" | tr -d ' '
}

# ---- without weights ----

# what other programs call it
habit 'type --format onnx' a.pt format=onnx
habit 'runs on the processor' a.pt --device 0
habit 'type --output' a.pt --out b.safetensors

expect 0 --help
for option in format output half model head nms conf iou max-det imgsz batch dynamic opset int8 calib calib-images calib-range threads help version; do says out "--$option"; done
says out 'safetensors'
[ ! -s err ] || fail "help writes to stderr"
expect 0 --version
says out '^yoloexport [0-9]+\.[0-9]+\.[0-9]+$'
expect 2
says err 'usage'
expect 2 a.pt --format onxx
says err '--format'
expect 2 absent.pt --output x.onnx --format safetensors
says err '^yoloexport: --output: x.onnx: --format safetensors writes .safetensors files'
expect 1 absent.pt --output x.onnx # the suffix says the format
says err '^yoloexport: absent.pt: cannot be opened'
expect 2 absent.pt --model x.yaml
says err '^yoloexport: --model is for networks'
expect 2 absent.pt --head o2o
says err '^yoloexport: --head is for networks; --format safetensors writes weights alone'
expect 2 absent.pt --format onnx --opset 30
says err '^yoloexport: --opset: 30 is above 22'
expect 2 absent.pt --format onnx --head end2end
says err '"end2end"; it is one of o2m, o2o, raw'
expect 1 absent.pt --output x
expect 1 absent.pt
says err '^yoloexport: absent.pt: cannot be opened'
mkfifo pipe.pt
expect 1 pipe.pt # and does not wait for what nobody writes
says err '^yoloexport: pipe.pt: is a pipe and not a file'
printf '\200\002\212\012rest' >old.pt
expect 1 old.pt
says err '^yoloexport: old.pt: is in the format of torch before 1.6'
printf 'PK\003\004 nothing more' >broken.pt
expect 1 broken.pt
says err '^yoloexport: broken.pt: is not a whole ZIP archive'
[ -z "$(find . -name '*.safetensors*')" ] || fail "a failure leaves a file behind"

# ---- with the reference weights ----

weights=$shared/fixtures/yolo26n/yolo26n_coco8_fit.pt
# ---- a network of tests/data/parity ----
tiny=$source/tests/data/parity/tiny26
cp "$tiny.safetensors" "$tiny.yaml" .
expect 0 tiny26.safetensors --model tiny26.yaml --format onnx --imgsz 64x96
says out '^tiny26.onnx$'
says err 'output0 \(1, 7, 126\), [0-9]+ operations'
says err 'operator set 17, 0.1 MB of weights'
cp tiny26.onnx first.onnx
expect 1 tiny26.safetensors --model tiny26.yaml --format onnx
says err 'tiny26.onnx: exists already'
expect 0 tiny26.safetensors --model tiny26.yaml -o tiny26.onnx --imgsz 64x96
cmp -s tiny26.onnx first.onnx || fail "the same weights give another file"
expect 0 tiny26.safetensors --model tiny26.yaml -o dynamic.onnx --dynamic --head o2o
says err 'output0 \(\?, 300, 6\)'
expect 1 tiny26.safetensors --model tiny26.yaml -o none.onnx --nms --batch 4
says err '^yoloexport: nms: works on one image per run'
[ ! -e none.onnx ] || fail "a file that was refused is there"
expect 0 tiny26.safetensors --model tiny26.yaml --format ncnn --imgsz 64
says out '^tiny26_ncnn_model$'
head -1 tiny26_ncnn_model/model.ncnn.param | grep -q '^7767517$' || fail "no list of layers"
grep -q '^imgsz: \[64, 64\]$' tiny26_ncnn_model/metadata.yaml || fail "no size in metadata.yaml"
expect 1 tiny26.safetensors --model tiny26.yaml --format ncnn --imgsz 64
says err 'tiny26_ncnn_model: exists already'
expect 1 tiny26.safetensors --model tiny26.yaml --format ncnn --opset 13 -o other
says err '^yoloexport: opset: is of ONNX files'
expect 1 tiny26.safetensors --model tiny26.yaml --format ncnn --head o2o -o other
says err 'ncnn has no layer for ReduceMax'
expect 2 tiny26.safetensors --int8
says err '^yoloexport: --int8 is for networks'
expect 1 tiny26.safetensors --model tiny26.yaml -o none.onnx --int8
says err '^yoloexport: int8: needs calib'
expect 1 tiny26.safetensors --model tiny26.yaml -o none.onnx --int8 --calib none.yaml
says err 'none.yaml'
[ ! -e none.onnx ] || fail "a file that was refused is there"
expect 1 tiny26.safetensors --model tiny26.yaml -o nowhere/x.onnx
says err 'nowhere/x.onnx'
expect 1 tiny26.safetensors --model tiny26.yaml --format onnx -o /dev/full
says err 'No space left'

reference_part "$weights"
cp "$weights" w.pt
expect 0 w.pt
says out '^w.safetensors$'
says err '^yoloexport: 708 tensors$'
[ -s w.safetensors ] || fail "w.safetensors was not written"
for name in model.0.conv.weight model.23.one2one_cv3.2.2.bias model_yaml toothbrush; do
    grep -aq "$name" w.safetensors || fail "w.safetensors has no $name"
done

# A file is never written over itself, under no name; another one is written where the user says.
cp w.safetensors kept
expect 2 w.safetensors
says err 'is the input itself'
ln w.safetensors other.safetensors
expect 2 w.safetensors --output other.safetensors

# Nothing is written over unless it is named.
echo mine >mine.safetensors
cp w.pt mine.pt
expect 1 mine.pt
says err '^yoloexport: mine.safetensors: exists already; name it with --output'
ln -s nowhere dangling.safetensors
cp w.pt dangling.pt
expect 1 dangling.pt
says err 'exists already'
grep -q '^mine$' mine.safetensors || fail "a file was written over"
expect 0 mine.pt --output mine.safetensors
cmp mine.safetensors w.safetensors || fail "--output does not write over a file"
cmp w.safetensors kept || fail "the input was changed"
expect 0 w.safetensors --output again.safetensors
says out '^again.safetensors$'
cmp w.safetensors again.safetensors || fail "a second conversion changes the file"
# a pipe, a device and standard output get the bytes; a link stays one
expect 0 w.safetensors --output /dev/stdout
cmp out again.safetensors || fail "the weights on standard output are others"
says err '^/dev/stdout$'
mkfifo pipe
cat pipe >piped &
reader=$!
expect 0 w.safetensors --output pipe
wait $reader
cmp piped again.safetensors || fail "the weights in a pipe are others"
[ -p pipe ] || fail "a pipe was replaced"
expect 0 w.safetensors --output /dev/null
[ -c /dev/null ] || fail "a device was replaced"
expect 1 w.safetensors --output /dev/full
says err 'No space left'
[ -c /dev/full ] || fail "a device was replaced"
mkdir store
echo old >store/real.safetensors
chmod 600 store/real.safetensors
ln -s store/real.safetensors link.safetensors
expect 0 w.safetensors --output link.safetensors
[ -L link.safetensors ] || fail "a link was replaced"
cmp store/real.safetensors again.safetensors || fail "the file that a link leads to is as it was"
[ "$(stat -c %a store/real.safetensors)" = 600 ] || fail "the mode of a file changed"
rm pipe link.safetensors
expect 0 w.safetensors --half -o half.safetensors
[ "$(bytes half.safetensors)" -eq "$(bytes w.safetensors)" ] || fail "halves are not kept as they are"
expect 1 w.pt --output no/such/folder/w.safetensors
says err 'cannot be written'
echo "all passed"
