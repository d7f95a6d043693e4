#!/usr/bin/env bash
# OpenCV 5.0.0.93: cv2.imread gives None for a TIFF whose orientation tag is 5 to 8 and whose sides differ, while
# cv2.imdecode of the very same bytes gives the image, turned upright. A loader that skips None loses these images; one that
# decodes from memory keeps them. (imread says "Internal imread issue" on stderr.)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install opencv-python-headless==5.0.0.93 tifffile==2026.3.3 numpy==2.4.6

cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import cv2
import numpy as np
import tifffile

pixels = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
lost, decoded = [], []
for orientation in range(1, 9):
    tifffile.imwrite("a.tif", pixels, photometric="rgb", metadata=None, extratags=[(274, 3, 1, orientation, True)])
    if cv2.imread("a.tif") is None:
        lost.append(orientation)
    image = cv2.imdecode(np.fromfile("a.tif", np.uint8), cv2.IMREAD_COLOR)
    if image is not None and image.shape[:2] == ((20, 30) if orientation < 5 else (30, 20)):
        decoded.append(orientation)
print("imread gives None for orientations", lost)
print("imdecode reads orientations", decoded)
raise SystemExit(0 if lost == [5, 6, 7, 8] and decoded == list(range(1, 9)) else 1)
PYTHON
