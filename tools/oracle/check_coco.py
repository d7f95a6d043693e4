#!/usr/bin/env python3
"""Runs yoloval and compares its COCO numbers with those pycocotools gives for the predictions.json it wrote.

    pip install pycocotools pillow
    tools/oracle/check_coco.py build/yoloval IMAGES_FOLDER NAMES [options of yoloval]

The truth is made from the label files beside the images (images/x -> labels/x) and given to yoloval twice: as label files
and as a COCO JSON file, where some boxes are declared crowds, areas are smaller than boxes, boxes hang over the border,
and some have no width or lie outside the picture.
NAMES: class names with commas between. Ends with 1 where a number differs by more than 1e-6.
"""
import contextlib
import io
import json
import pathlib
import random
import subprocess
import sys
import tempfile

from PIL import Image
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

TOLERANCE = 1e-6


def image_id(path):
    return int(path.stem) if path.stem.isdigit() else path.stem


def read_truth(folder, names, crowds, numbered):
    """A COCO ground truth as a dictionary. numbered: ids count from 1 instead of coming from the names."""
    draw = random.Random(0)
    images, annotations = [], []
    for number, path in enumerate(sorted(folder.iterdir())):
        with Image.open(path) as picture:
            width, height = picture.size
        ident = number + 1 if numbered else image_id(path)
        images.append({"id": ident, "file_name": path.name, "width": width, "height": height})
        labels = pathlib.Path(*["labels" if p == "images" else p for p in path.parts]).with_suffix(".txt")
        rows = sorted(set(labels.read_text().split("\n"))) if labels.exists() else []
        for row in rows:
            if not row.strip():
                continue
            c, x, y, w, h = (float(v) for v in row.split()[:5])
            box = [(x - w / 2) * width, (y - h / 2) * height, w * width, h * height]
            area = box[2] * box[3]
            crowd = int(crowds and draw.random() < 0.1)
            if crowds:
                area = round(area * draw.uniform(0.5, 1), 4)
                box = [round(box[0] + draw.uniform(-3, 3), 2)] + [round(v, 2) for v in box[1:]]
                odd = draw.random()
                if odd < 0.05:
                    box[2] = 0
                elif odd < 0.1:
                    box[0] = width + 5
            annotations.append({"id": len(annotations) + 1, "image_id": ident, "category_id": int(c) + 1, "bbox": box,
                                "area": area, "iscrowd": crowd})
    categories = [{"id": c + 1, "name": n} for c, n in enumerate(names)]
    return {"images": images, "annotations": annotations, "categories": categories}


def evaluate(truth, predictions):
    with contextlib.redirect_stdout(io.StringIO()):
        dataset = COCO()
        dataset.dataset = truth
        dataset.createIndex()
        evaluation = COCOeval(dataset, dataset.loadRes(str(predictions)), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation.stats


def check(program, options, yaml, truth, work, what):
    command = [program, str(yaml), "--save-json", "--json", "--project", str(work), "--name", what, *options]
    ours = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    theirs = evaluate(truth, pathlib.Path(ours["folder"]) / "predictions.json")
    worst = 0
    for (name, value), other in zip(ours["coco"].items(), theirs):
        worst = max(worst, abs(value - other))
        print(f"{what} {name:6} {value:.9f} {other:.9f} {value - other:+.1e}")
    print(f"{what}: largest difference {worst:.2e}")
    return worst <= TOLERANCE


def main():
    program, folder, names = sys.argv[1], pathlib.Path(sys.argv[2]).resolve(), sys.argv[3].split(",")
    with tempfile.TemporaryDirectory() as name:
        work, good = pathlib.Path(name), True
        for what, crowds in (("labels", False), ("json", True)):
            truth = read_truth(folder, names, crowds, numbered=crowds)
            file, yaml = work / f"{what}_truth.json", work / f"{what}.yaml"
            file.write_text(json.dumps(truth))
            val = file if crowds else folder
            extra = f"val_images: {folder}\n" if crowds else ""
            yaml.write_text(f"train: {folder}\nval: {val}\n{extra}names: {json.dumps(names)}\n")
            good = check(program, sys.argv[4:], yaml, truth, work, what) and good
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
