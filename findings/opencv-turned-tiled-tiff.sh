#!/usr/bin/env bash
# OpenCV 5.0.0.93: a TIFF stored in tiles whose orientation tag is 2, 3, 6 or 7 is read with every tile mirrored in its own
# place, an image in pieces, without an error or a warning. Orientations 1, 4, 5 and 8, and the same pixels in strips, are
# read right. A detector's boxes then point at other things than the image shows.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install opencv-python-headless==5.0.0.93 tifffile==2026.3.3 imagecodecs==2026.3.6 numpy==2.4.6

"$folder/venv/bin/python" - <<'PYTHON'
import io
import cv2
import numpy as np
import tifffile

upright = {1: lambda a: a, 2: lambda a: a[:, ::-1], 3: lambda a: a[::-1, ::-1], 4: lambda a: a[::-1],
           5: lambda a: a.transpose(1, 0, 2), 6: lambda a: a[::-1].transpose(1, 0, 2),
           7: lambda a: a[::-1, ::-1].transpose(1, 0, 2), 8: lambda a: a[:, ::-1].transpose(1, 0, 2)}
stored = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)


def read(orientation, **layout):
    file = io.BytesIO()
    tifffile.imwrite(file, stored, photometric="rgb", compression="zlib", metadata=None,
                     extratags=[(274, 3, 1, orientation, True)], **layout)
    return cv2.imdecode(np.frombuffer(file.getvalue(), np.uint8), cv2.IMREAD_COLOR)[..., ::-1]


seen = {}
for layout, options in (("strips", {"rowsperstrip": 16}), ("tiles", {"tile": (32, 32)})):
    seen[layout] = [o for o in upright if not np.array_equal(read(o, **options), upright[o](stored))]
    print(f"{layout}: orientations read wrong: {seen[layout]}")

pieces = read(2, tile=(32, 32))
mirrored_in_place = np.concatenate([np.concatenate([stored[y:y + 32, x:x + 32][:, ::-1] for x in (0, 32)], 1)
                                    for y in (0, 32)], 0)
in_place = np.array_equal(pieces, mirrored_in_place)
print("orientation 2 in tiles: every tile mirrored in its own place:", in_place)
raise SystemExit(0 if seen == {"strips": [], "tiles": [2, 3, 6, 7]} and in_place else 1)
PYTHON
