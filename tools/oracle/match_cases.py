#!/usr/bin/env python3
"""Writes tests/data/match_cases.json: detections and truth at random, with what the Ultralytics account and a confusion matrix
make of them, by a plain program written from their published rules alone.

    tools/oracle/match_cases.py > tests/data/match_cases.json

Matching, per IoU threshold t: detections by descending score; each takes the best truth of its class with IoU >= t that is
still free (rule "free"), or is judged by the best truth of all, which has its first claimant only (rule "single").
AP: precision raised to the largest at the same or a larger recall, sampled at 101 recalls, area by trapezoids.
Confusion: detections above 0.25 by descending score, whatever their class; each takes the best free truth with IoU > 0.45.
No IoU lies close to a threshold and no two scores are equal, so that float32 and the order of arrival do not matter.
"""
import json
import random
import sys

THRESHOLDS = [0.5 + 0.05 * i for i in range(10)]


def iou(a, b):
    w = min(a[2], b[2]) - max(a[0], b[0])
    h = min(a[3], b[3]) - max(a[1], b[1])
    inter = w * h if w > 0 and h > 0 else 0
    return inter / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - inter)


def best(box, truth, allowed, least, strictly=False):
    """The index of the allowed truth of largest IoU; None: no IoU is large enough."""
    ranked = sorted((-iou(box, truth[g][1:5]), g) for g in allowed)
    if not ranked:
        return None
    value = -ranked[0][0]
    return ranked[0][1] if (value > least if strictly else value >= least) and value > 0 else None


def hits(image, t, rule):
    """(score, class, hit) of each detection of an image."""
    truth, taken, out = image["truth"], set(), []
    for d in sorted(image["found"], key=lambda d: -d[5]):
        same = [g for g in range(len(truth)) if truth[g][0] == d[0] and (rule == "single" or g not in taken)]
        g = best(d[1:5], truth, same, t)
        hit = g is not None and g not in taken
        if hit:
            taken.add(g)
        out.append((d[5], d[0], hit))
    return out


def interpolate(x, xs, ys):
    """Linear; of points at the same x the last counts."""
    for i in range(len(xs) - 1, -1, -1):
        if xs[i] <= x:
            if i == len(xs) - 1 or xs[i] == x:
                return ys[i]
            return ys[i] + (ys[i + 1] - ys[i]) * (x - xs[i]) / (xs[i + 1] - xs[i])
    raise ValueError(x)


def average_precision(records, n_truth):
    recall, precision, found = [0.0], [1.0], 0
    for i, (_, _, hit) in enumerate(sorted(records, key=lambda r: -r[0])):
        found += hit
        recall.append(found / n_truth)
        precision.append(found / (i + 1))
    recall += [recall[-1], 1.0]
    precision += [0.0, 0.0]
    for i in range(len(precision) - 2, -1, -1):
        precision[i] = max(precision[i], precision[i + 1])
    samples = [interpolate(i / 100, recall, precision) for i in range(101)]
    return sum((a + b) / 2 / 100 for a, b in zip(samples, samples[1:]))


def measure(case, rule):
    """mAP50 and mAP50-95."""
    present = sorted({row[0] for image in case["images"] for row in image["truth"]})
    table = []
    for t in THRESHOLDS:
        records = [r for image in case["images"] for r in hits(image, t, rule)]
        table.append([])
        for c in present:
            count = sum(row[0] == c for image in case["images"] for row in image["truth"])
            own = [r for r in records if r[1] == c]
            table[-1].append(average_precision(own, count) if own else 0.0)
    means = [sum(row) / len(row) for row in table]
    return [means[0], sum(means) / len(means)]


def confusion(case):
    n = case["n_classes"]
    matrix = [[0] * (n + 1) for _ in range(n + 1)]
    for image in case["images"]:
        free = set(range(len(image["truth"])))
        for d in sorted(image["found"], key=lambda d: -d[5]):
            if d[5] <= 0.25:
                continue
            g = best(d[1:5], image["truth"], sorted(free), 0.45, strictly=True)
            matrix[d[0]][n if g is None else image["truth"][g][0]] += 1
            free.discard(g)
        for g in free:
            matrix[n][image["truth"][g][0]] += 1
    return matrix


def is_clear(case):
    for image in case["images"]:
        for d in image["found"]:
            own = sorted(iou(d[1:5], t[1:5]) for t in image["truth"])
            if any(abs(v - t) < 1e-4 for v in own for t in THRESHOLDS + [0.45]):
                return False
            if any(0 < b - a < 1e-4 or (a == b and a > 0) for a, b in zip(own, own[1:])):
                return False
    return True


def draw_case(draw):
    n_classes = draw.randint(1, 3)
    scores = draw.sample(range(1, 1000), 400)
    images = []
    for _ in range(draw.randint(1, 4)):
        truth = []
        for _ in range(draw.randint(0, 5)):
            x, y, w, h = draw.randint(0, 40), draw.randint(0, 40), draw.randint(30, 90), draw.randint(30, 90)
            truth.append([draw.randrange(n_classes), x, y, x + w, y + h])
        found = []
        for row in truth + truth:
            box = [v + draw.randint(-9, 9) for v in row[1:]]
            found.append([draw.randrange(n_classes) if draw.random() < 0.2 else row[0], *box, scores.pop() / 1000])
        for _ in range(draw.randint(0, 2)):
            x, y = draw.randint(0, 60), draw.randint(0, 60)
            found.append([draw.randrange(n_classes), x, y, x + 40, y + 40, scores.pop() / 1000])
        images.append({"truth": truth, "found": sorted(found, key=lambda d: -d[5])})
    return {"n_classes": n_classes, "images": images}


def main():
    draw, lines, differ = random.Random(1), [], 0
    while len(lines) < 60:
        case = draw_case(draw)
        if not any(image["truth"] for image in case["images"]) or not is_clear(case):
            continue
        case["free"], case["single"], case["confusion"] = measure(case, "free"), measure(case, "single"), confusion(case)
        differ += case["free"] != case["single"]
        lines.append(json.dumps(case, separators=(",", ":")))
    print("[\n" + ",\n".join(lines) + "\n]")
    print(f"{len(lines)} cases; the rules differ in {differ}", file=sys.stderr)


main()
