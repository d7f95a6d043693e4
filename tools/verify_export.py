#!/usr/bin/env python3
"""verify_export.py YOLOINFER WEIGHTS FILE.onnx IMAGE...: what an exported file finds in the runtimes that this Python has, beside
what yoloinfer finds with the weights that it was made from.

The images are fitted into the input of the file first, and both sides read the result, so that they see the same pixels. Detections
above 0.25 are compared by 0.5 px and 1e-3. Exit status 1: one of a file in 32-bit floats differs.

    pip install pillow onnx==1.23.2, and what runtimes.py names
"""
import json
import os
import subprocess
import sys
import tempfile

import numpy as np

from runtimes import available, detections, differing


def fitted(path, width, height):
    from PIL import Image
    image = Image.open(path).convert("RGB")
    by = min(width / image.width, height / image.height)
    small = image.resize((round(image.width * by), round(image.height * by)), Image.BILINEAR)
    whole = Image.new("RGB", (width, height), (114, 114, 114))
    whole.paste(small, ((width - small.width) // 2, (height - small.height) // 2))
    return whole


def found_here(program, weights, folder, images, width, height, one_to_one):
    """Rows x1 y1 x2 y2 score class per image."""
    command = [program, "--weights", weights, "--imgsz", str(max(width, height)), "--conf", "0.25", "--json"]
    command += ["--nms", "false"] if one_to_one else []
    text = subprocess.run(command + images, check=True, capture_output=True, text=True, cwd=folder).stdout
    rows = {}
    for image in json.loads(text):
        rows[os.path.basename(image["image"])] = np.array(
            [[*box["xyxy"], box["score"], box["class_id"]] for box in image["boxes"]]).reshape(-1, 6)
    return [rows[os.path.basename(path)] for path in images]


def clipped(rows, width, height):
    """As yoloinfer gives them."""
    rows[:, :4] = np.clip(rows[:, :4], 0, [width, height, width, height])
    return rows


def main():
    import onnx
    program, weights, file = (os.path.abspath(path) for path in sys.argv[1:4])
    model = onnx.load(file, load_external_data=False)
    metadata = {p.key: p.value for p in model.metadata_props}
    height, width = json.loads(metadata["imgsz"])
    first = model.graph.input[0].type.tensor_type.shape.dim[0]
    batch = first.dim_value or 1
    exact = model.graph.node[0].op_type == "Conv"  # in 16 bits and in integers the input is converted first
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        images = []
        for i, path in enumerate(sys.argv[4:]):
            images.append(f"{folder}/{i}.png")
            fitted(path, width, height).save(images[-1])
        here = found_here(program, weights, folder, images, width, height, metadata.get("end2end") == "True")
        pixels = [np.asarray(fitted(path, width, height), np.float32).transpose(2, 0, 1) / np.float32(255) for path in sys.argv[4:]]
        for name, run in available():
            there = []
            try:
                for image in pixels:
                    there.append(clipped(detections(run(file, np.stack([image] * batch))["output0"][0]), width, height))
            except Exception as error:
                print(f"{name}: refused: {str(error).splitlines()[0][:100]}")
                continue
            count, other = sum(map(len, here)), sum(differing(p, q) for p, q in zip(here, there))
            bad += other if exact else 0
            print(f"{name}: {other} of {count} detections differ")
    sys.exit(bad > 0)


main()
