#!/usr/bin/env python3
"""Writes tests/data/coco_cases.json: made detections and truth with the twelve numbers pycocotools gives for them.

    pip install pycocotools
    tools/oracle/coco_cases.py > tests/data/coco_cases.json

The cases are drawn at random and aim at what an evaluation can get wrong: equal scores within and across images, equal
overlaps, overlaps and areas exactly on a threshold, crowds, more than 100 detections of a class in an image, images and
classes without truth or without detections, detections out of order, images out of order. A case is
{name, n_classes, images: [{id, truth: [[class, x, y, w, h, area, crowd]], found: [[class, x, y, w, h, score]]}],
numbers: [12]}. Other seeds: coco_cases.py SEED CASES.
"""
import contextlib
import io
import json
import sys

import numpy
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval


def evaluate(case):
    """The twelve numbers of pycocotools."""
    truth, found = [], []
    for image in case["images"]:
        for c, x, y, w, h, area, crowd in image["truth"]:  # ids from 1: pycocotools takes 0 for "no match"
            truth.append({"id": len(truth) + 1, "image_id": image["id"], "category_id": c + 1, "bbox": [x, y, w, h],
                          "area": area, "iscrowd": crowd})
        for c, x, y, w, h, score in image["found"]:
            found.append({"image_id": image["id"], "category_id": c + 1, "bbox": [x, y, w, h], "score": score})
    with contextlib.redirect_stdout(io.StringIO()):
        dataset = COCO()
        dataset.dataset = {"images": [{"id": i["id"]} for i in case["images"]], "annotations": truth,
                           "categories": [{"id": c + 1} for c in range(case["n_classes"])]}
        dataset.createIndex()
        evaluation = COCOeval(dataset, dataset.loadRes(found), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return [float(x) for x in evaluation.stats]


def number(value, decimals):
    return round(float(value), decimals)


def box(rng, whole):
    """Sides from 4 to 300 pixels, a fifth of them 32 or 96, so that areas lie on the bounds."""
    w, h = numpy.exp(rng.uniform(numpy.log(4), numpy.log(300), 2))
    if rng.random() < 0.2:
        w = h = rng.choice([32, 96])
    decimals = 0 if whole else 3
    return [number(v, decimals) for v in (rng.uniform(0, 400), rng.uniform(0, 300), max(w, 1), max(h, 1))]


def near(rng, b, whole):
    """A box that overlaps b somehow; on whole pixels some overlaps are exactly on a threshold."""
    x, y, w, h = b
    if whole:
        part = rng.choice([0.5, 0.55, 0.6, 0.75, 0.8, 0.9, 0.95, 1])
        return [x, y, w, number(max(1, h * part), 0)]
    spread = rng.choice([0.02, 0.1, 0.3])
    dx, dy, dw, dh = rng.normal(0, spread, 4)
    return [number(v, 3) for v in (x + dx * w, y + dy * h, w * numpy.exp(dw), h * numpy.exp(dh))]


def draw_truth(rng, n_classes, whole):
    truth = []
    for _ in range(rng.integers(0, 9)):
        b = box(rng, whole)
        crowd = int(rng.random() < 0.15)
        area = b[2] * b[3]
        if not whole:
            area = number(area * rng.uniform(0.4, 1), 4)
        truth.append([int(rng.integers(n_classes)), *b, area, crowd])
        if rng.random() < 0.15:  # the same truth again: equal overlaps
            truth.append(list(truth[-1]))
    return truth


def draw_found(rng, n_classes, truth, whole, decimals, many):
    found = []
    for t in truth:
        for _ in range(rng.integers(0, 4)):
            c = t[0] if rng.random() < 0.8 else int(rng.integers(n_classes))
            found.append([c, *near(rng, t[1:5], whole), number(rng.random(), decimals)])
    for _ in range(rng.integers(0, 6)):
        found.append([int(rng.integers(n_classes)), *box(rng, whole), number(rng.random(), decimals)])
    if many:
        for _ in range(130):
            found.append([0, *box(rng, whole), number(rng.uniform(0.3, 1), decimals)])
    rng.shuffle(found)
    return [[int(f[0]), *[float(v) for v in f[1:]]] for f in found]


def draw_case(seed, index):
    rng = numpy.random.default_rng([seed, index])
    n_classes = int(rng.choice([1, 2, 3, 6]))
    whole, decimals = index % 2 == 0, int(rng.choice([1, 2, 5]))
    ids = rng.permutation(10 * numpy.arange(1, int(rng.integers(2, 9)) + 1))
    missing = int(rng.integers(n_classes)) if index % 3 == 1 and n_classes > 1 else -1
    images = []
    for at, i in enumerate(ids):
        truth = [t for t in draw_truth(rng, n_classes, whole) if t[0] != missing]
        found = draw_found(rng, n_classes, truth, whole, decimals, many=index % 4 == 3 and at == 0)
        if rng.random() < 0.15:
            truth = []
        if rng.random() < 0.15:
            found = []
        images.append({"id": int(i), "truth": truth, "found": found})
    if not any(i["found"] for i in images):  # pycocotools cannot load no results at all
        images[0]["found"] = [[0, 0.0, 0.0, 10.0, 10.0, 0.5]]
    name = f"{'whole pixels' if whole else 'thousandths'}, {decimals} decimals, seed {seed} case {index}"
    return {"name": name, "n_classes": n_classes, "images": images}


def main():
    seed, count = (int(a) for a in sys.argv[1:3]) if len(sys.argv) > 2 else (1, 16)
    cases = [draw_case(seed, i) for i in range(count)]
    for case in cases:
        case["numbers"] = evaluate(case)
    print("[")
    print(",\n".join(json.dumps(case, separators=(",", ":")) for case in cases))
    print("]")


if __name__ == "__main__":
    main()
