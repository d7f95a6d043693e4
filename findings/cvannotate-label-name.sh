#!/usr/bin/env bash
# cvannotate 1.0.0, Pascal VOC to YOLO: the label file of a.jpg is called a.jpg.txt.
#
# Every YOLO trainer looks for a.txt, finds none, and takes the image for a background: a whole data set without objects,
# with exit status 0 on both sides. What to do: rename the files (for f in *.jpg.txt; do mv "$f" "${f%.jpg.txt}.txt"; done).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install cvannotate==1.0.0

cat >"$folder/a.xml" <<'XML'
<annotation><filename>a.jpg</filename><size><width>100</width><height>80</height><depth>3</depth></size>
<object><name>cat</name><bndbox><xmin>10</xmin><ymin>10</ymin><xmax>50</xmax><ymax>40</ymax></bndbox></object></annotation>
XML
"$folder/venv/bin/cvannotate" convert -i "$folder/a.xml" -o "$folder/out" --from-format voc -f yolo -c dog,cat -w 100 --height 80
echo "written: $(ls "$folder/out")"
[[ $(ls "$folder/out") == a.jpg.txt ]]
