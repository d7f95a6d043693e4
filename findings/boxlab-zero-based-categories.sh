#!/usr/bin/env bash
# boxlab 0.1.4, COCO to YOLO: with category ids from 0, the boxes move to other classes.
#
# Three boxes of the categories 0 car, 1 person, 2 dog are converted. The label rows say 0, 0, 1: the first two classes are
# one, the third has taken the second's number, and the names in data.yaml still are car, person, dog. COCO files number
# from 0 wherever the tool that wrote them does (Label Studio, for one); nothing is reported, and the exit status is 0.
# What to do: number the categories from 1 before the conversion, or give the COCO file to the trainer as it is.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install boxlab==0.1.4

mkdir "$folder/images"
"$folder/venv/bin/python" - "$folder/images" <<'PYTHON'
import json
import sys
from PIL import Image

Image.new("RGB", (100, 80)).save(sys.argv[1] + "/a.png")
names = ["car", "person", "dog"]
boxes = [{"id": i + 1, "image_id": 1, "category_id": i, "bbox": [10 + 20 * i, 10, 15, 20], "area": 300, "iscrowd": 0}
         for i in range(3)]
json.dump({"images": [{"id": 1, "file_name": "a.png", "width": 100, "height": 80}],
           "categories": [{"id": i, "name": name} for i, name in enumerate(names)], "annotations": boxes},
          open(sys.argv[1] + "/annotations.json", "w"))
PYTHON
"$folder/venv/bin/boxlab" dataset convert "$folder/images/annotations.json" -if coco "$folder/out" -of yolo --no-split >/dev/null

echo "expected classes: 0 1 2 (car, person, dog)"
classes=$(cut -d ' ' -f 1 "$(find "$folder/out" -name a.txt)" | tr '\n' ' ')
echo "written classes:  $classes"
grep -A 4 '^names' "$folder/out/data.yaml"
[[ $classes == "0 0 1 " ]]
