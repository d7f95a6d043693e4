#!/bin/bash
# What `cmake --install` makes, moved to another folder: programs of others are built on it (consumer.sh); its own programs find
# the installed models and the starter dataset by name.
# usage: test_install.sh BUILD
set -euo pipefail
build=$1 here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/package/examples.sh
source "$here/examples.sh"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${CMAKE:-cmake}" --install "$build" --prefix "$folder/first" >/dev/null
mv "$folder/first" "$folder/prefix"

mkdir "$folder/user" && cd "$folder/user"
export OMP_WAIT_POLICY=passive
bin=$(dirname "$(find "$folder/prefix" -name yolotrain -perm -u+x -type f)")
"$bin/yolotrain" coco8.yaml --imgsz 64 --epochs 1 --name test >log 2>&1 || { cat log; echo "FAILED: yolotrain coco8.yaml"; exit 1; }
"$bin/yoloval" coco8.yaml >log 2>&1 || { cat log; echo "FAILED: yoloval coco8.yaml"; exit 1; }
grep -q "$folder/prefix.*/data/coco8.yaml" runs/detect/test/args.yaml || { echo "FAILED: args.yaml does not say which coco8.yaml"; exit 1; }
"$bin/yoloinfer" "$(dirname "$bin")"/share/yolotrain/data/coco8/images/val >log 2>&1 || { cat log; echo "FAILED: yoloinfer"; exit 1; }
[[ -z $(find "$folder/prefix" -newer log) ]] || { echo "FAILED: the programs wrote into the installed folder"; exit 1; }

photo=$(dirname "$bin")/share/yolotrain/data/coco8/images/val/000000000006.jpg weights=$folder/user/runs/detect/test/weights/best.safetensors
mkdir "$folder/sources"
cp "$here/version.c" "$here"/../../examples/*.c* "$folder/sources/" 2>/dev/null || true
cp "$here/version.c" "$folder/sources/version.cpp" # the headers in C++
mapfile -t sources < <(example_sources "$folder/sources" "$weights" "$photo" coco8/coco8.yaml "$(dirname "$bin")/share/yolotrain/models/yolo26n.yaml")
((${#sources[@]} >= 2)) || exit 1
mkdir coco8 && cp -r "$(dirname "$bin")"/share/yolotrain/data/* coco8/
bash "$here/consumer.sh" "$folder/prefix" "$folder/consumer" "${sources[@]}"

touch coco8.yaml # one in the working folder comes first
"$bin/yoloval" coco8.yaml >log 2>&1 && { echo "FAILED: an empty coco8.yaml in the working folder is passed over"; exit 1; }
echo "installed, moved, and used"
