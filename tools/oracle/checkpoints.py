#!/usr/bin/env python3
"""checkpoints.py: checkpoints laid out as releases 8.4.175 and later of the reference trainer write them, made by PyTorch's
own torch.save from the networks of tools/bench/torch_peer, and the boxes that PyTorch finds with them against ours.

    checkpoints.py FOLDER MODELS IMAGES              writes FOLDER/*.pt; IMAGES: 320 x 320 PNG files
    checkpoints.py FOLDER MODELS IMAGES YOLOINFER    and compares

The classes in the files have the names of the reference's and nothing else of it. What a file for one or three classes has
of the one for 80 is everything but its last class layers: the class branch stays 80 wide, and the model description says
nothing of it. Needs torch, numpy, pyyaml, pillow.
"""
import collections
import copy
import glob
import json
import math
import os
import subprocess
import sys
import types

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "bench"))

import numpy as np  # noqa: E402
import torch  # noqa: E402
import yaml  # noqa: E402
from PIL import Image  # noqa: E402
from torch import nn  # noqa: E402
from torch_peer import network as peer  # noqa: E402

LICENSE = "AGPL-3.0 License (https://ultralytics.com/license)"
HOMES = {"Conv": "conv", "Concat": "conv", "Detect": "head", "DFL": "block", "Bottleneck": "block", "C3k": "block",
         "Attention": "block", "PSABlock": "block", "C2f": "block", "C3k2": "block", "SPPF": "block", "C2PSA": "block"}


def module(name):
    parts = name.split(".")
    for i in range(1, len(parts) + 1):
        sys.modules.setdefault(".".join(parts[:i]), types.ModuleType(".".join(parts[:i])))
    return sys.modules[name]


def call_it(cls, home):
    cls.__module__ = home
    cls.__qualname__ = cls.__name__
    setattr(module(home), cls.__name__, cls)
    return cls


class DetectionModel(nn.Module):
    pass


class IterableSimpleNamespace(types.SimpleNamespace):
    pass


call_it(DetectionModel, "ultralytics.nn.tasks")
call_it(IterableSimpleNamespace, "ultralytics.utils")
for word, home in HOMES.items():
    call_it(getattr(peer, word), "ultralytics.nn.modules." + home)


def spread(net, seed):
    """Statistics and class layers by which there are hundreds of boxes with distinct scores."""
    random = torch.Generator().manual_seed(seed)
    for m in net.modules():
        if isinstance(m, nn.BatchNorm2d):
            m.running_mean.copy_(0.1 * torch.randn(m.num_features, generator=random))
            m.running_var.copy_(0.5 + torch.rand(m.num_features, generator=random))
            m.weight.data.copy_(0.8 + 0.4 * torch.rand(m.num_features, generator=random))
            m.num_batches_tracked.fill_(1234)


def maps_of(net, pixels):
    """What the head reads."""
    x, outputs = pixels, {-1: pixels}
    for i, (layer, source) in enumerate(zip(net.model[:-1], net.sources[:-1])):
        x = layer([outputs[s] for s in source] if isinstance(source, list) else outputs[source])
        outputs[i] = outputs[-1] = x
    return [outputs[s] for s in net.sources[-1]]


def strides_of(net, pixels):
    """Pixels per cell of each level; its maps are square, as the images are."""
    return [pixels.shape[-1] // x.shape[-1] for x in maps_of(net, pixels)]


def level_out(net, pixels):
    """Logits of an image lie around -3, a few of them above 0."""
    head, maps = net.model[-1], maps_of(net, pixels)
    for branch in [head.cv3] + ([head.one2one_cv3] if head.end2end else []):
        for level, x in zip(branch, maps):
            logits = level(x)
            scale = 1.2 / (logits - logits.mean((0, 2, 3), keepdim=True)).std()
            level[-1].weight.data.mul_(scale)
            level[-1].bias.data.copy_(-3 - (logits.mean((0, 2, 3)) - level[-1].bias) * scale)


def with_classes(net, classes, pixels):
    """Other last class layers, all else kept."""
    net = copy.deepcopy(net)
    head = net.model[-1]
    for branch in [head.cv3] + ([head.one2one_cv3] if head.end2end else []):
        for level in branch:
            hidden = level[-1].in_channels
            level[-1] = nn.Conv2d(hidden, classes, 1)
    head.classes = classes
    level_out(net, pixels)
    return net


def scale_of(name):
    """The letter of the size: yolo26n-p2 -> n."""
    return name.split("-")[0][-1]


def detector(net, name, table, classes, args, strides):
    made = DetectionModel()
    made.model = nn.Sequential(*net.model)
    for i, row in enumerate(made.model):
        row.i, row.f, row.type, row.np = i, -1, type(row).__module__, sum(p.numel() for p in row.parameters())
    head = made.model[-1]
    head.nc, head.nl, head.reg_max, head.no = classes, len(strides), head.bins, classes + 4 * head.bins
    head.stride = torch.tensor(strides, dtype=torch.float32)
    head._end2end, head.max_det = False, 300
    made.yaml = dict(copy.deepcopy(table), nc=table["nc"], scale=scale_of(name), yaml_file=name + ".yaml", channels=3, ch=3)
    made.yaml["nc"] = classes
    made.names = {i: f"thing {i}" for i in range(classes)}
    made.nc, made.inplace, made.save, made.task, made.args = classes, True, [4, 6, 9], "detect", args
    made.stride, made.pt_path, made.criterion = head.stride, name + ".pt", None
    return made


def finished(model, dtype=torch.float16):
    model = copy.deepcopy(model).to(dtype)
    for p in model.parameters():
        p.requires_grad = False
    return {"date": "2026-11-30T12:00:00+00:00", "version": "8.4.190", "license": LICENSE,
            "docs": "https://docs.ultralytics.com", "epoch": -1, "best_fitness": None, "stopper": None, "model": model,
            "ema": None, "updates": None, "modelopt": None, "optimizer": None, "scaler": None,
            "train_args": dict(model.args), "train_metrics": {"fitness": 0.5}, "train_results": {"epoch": [1]},
            "git": {"root": "None", "branch": None, "commit": None, "message": None, "origin": None}}


def in_the_middle(model):
    live = copy.deepcopy(model)
    optimizer = torch.optim.AdamW(live.parameters(), lr=1e-3)
    for p in live.parameters():
        p.grad = torch.zeros_like(p)
    optimizer.step()
    half = copy.deepcopy(model).half()
    half.args = IterableSimpleNamespace(**model.args)
    root = finished(model)
    root.update(epoch=3, best_fitness=0.25, stopper={"best_fitness": 0.25, "best_epoch": 2}, model=None, ema=half,
                updates=77, optimizer=optimizer.state_dict(), scaler={})
    return root


def write_all(folder, models, pixels):
    """Returns file -> (the network as it is in the file, whether it has two branches)."""
    made = {}
    args = {"task": "detect", "imgsz": 320, "nms": None, "lr0": 0.01}
    for name in ("yolo26n", "yolo26s", "yolo26n-p2", "yolo26n-p6", "yolo11n", "yolov8n", "yolov8n-p2"):
        scale = scale_of(name)
        path = os.path.join(models, name.replace(scale + "-", "-") if "-" in name else name[:-1]) + ".yaml"
        with open(path, encoding="utf-8") as f:
            table = yaml.safe_load(f)
        torch.manual_seed(1)
        net = peer.Network(path, scale).eval()
        with torch.no_grad():
            spread(net, 2)
            strides = strides_of(net, pixels)
            level_out(net, pixels)
            for classes in (80, 3, 1):
                other = net if classes == 80 else with_classes(net, classes, pixels)
                for dtype in (torch.float16, torch.float32, torch.bfloat16)[:3 if classes == 80 and name == "yolo26n" else 1]:
                    file = f"{name}-{classes}" + {torch.float16: "", torch.float32: "-f32", torch.bfloat16: "-bf16"}[dtype]
                    made[file] = copy.deepcopy(other).to(dtype).float()
                    torch.save(finished(detector(copy.deepcopy(other), name, table, classes, args, strides), dtype),
                               os.path.join(folder, file + ".pt"))
        file = name + "-3-middle"
        made[file] = copy.deepcopy(other := with_classes(net, 3, pixels)).half().float()
        buffer = os.path.join(folder, file + ".pt")
        with open(buffer, "wb") as f:
            torch.save(in_the_middle(detector(copy.deepcopy(other), name, table, 3, args, strides)), f)
        file = name + "-3-bare"
        made[file] = copy.deepcopy(made[name + "-3"])
        state = collections.OrderedDict(("module." + k, v.half() if v.is_floating_point() else v)
                                        for k, v in made[file].state_dict().items())
        torch.save({"state_dict": state}, os.path.join(folder, file + ".pt"))
        file = name + "-3-legacy"
        torch.save(state, os.path.join(folder, file + ".pt"), _use_new_zipfile_serialization=False)
    return made


def decode(boxes, logits, bins, strides, side=320):
    points, steps = [], []
    for s in strides:
        n = side // s
        y, x = torch.meshgrid(torch.arange(n), torch.arange(n), indexing="ij")
        points.append(torch.stack((x, y), -1).reshape(-1, 2) + 0.5)
        steps.append(torch.full((n * n, 1), float(s)))
    points, steps = torch.cat(points), torch.cat(steps)
    if bins > 1:
        ramp = torch.arange(bins, dtype=torch.float32)
        boxes = (boxes.reshape(-1, 4, bins).softmax(-1) * ramp).sum(-1)
    return torch.cat((points - boxes[:, :2], points + boxes[:, 2:]), 1) * steps, logits.sigmoid()


def top(corners, scores, count=300):
    best = scores.amax(1).topk(min(count, len(scores))).indices
    value, at = scores[best].flatten().topk(min(count, len(scores)))
    return [(*corners[best[i // scores.shape[1]]].tolist(), v.item(), (i % scores.shape[1]).item())
            for v, i in zip(value, at)]


def greedy(corners, scores, conf, iou=0.7, count=300):
    value, label = scores.max(1)
    keep = value > conf
    boxes, value, label = corners[keep], value[keep], label[keep]
    order = value.argsort(descending=True, stable=True)
    boxes, value, label = boxes[order], value[order], label[order]
    shifted = (boxes + label[:, None].float() * 7680).numpy()
    area = (shifted[:, 2] - shifted[:, 0]) * (shifted[:, 3] - shifted[:, 1])
    alive, found = np.ones(len(shifted), bool), []
    for i in range(len(shifted)):
        if not alive[i] or len(found) == count:
            continue
        found.append((*boxes[i].tolist(), value[i].item(), label[i].item()))
        w = np.clip(np.minimum(shifted[i, 2], shifted[i + 1:, 2]) - np.maximum(shifted[i, 0], shifted[i + 1:, 0]), 0, None)
        h = np.clip(np.minimum(shifted[i, 3], shifted[i + 1:, 3]) - np.maximum(shifted[i, 1], shifted[i + 1:, 1]), 0, None)
        alive[i + 1:] &= ~(w * h / (area[i] + area[i + 1:] - w * h) > iou)
    return found


@torch.no_grad()
def expected(net, pixels, one_to_one, conf):
    head = net.model[-1]
    maps = maps_of(net, pixels)
    branches = (head.one2one_cv2, head.one2one_cv3) if one_to_one else (head.cv2, head.cv3)
    boxes, logits = head.branch(maps, *branches)
    corners, scores = decode(boxes[0], logits[0], head.bins, strides_of(net, pixels))
    found = top(corners, scores) if one_to_one else greedy(corners, scores, conf, 1)
    return [row for row in found if row[4] > conf]


def compare(folder, made, images, pixels, program):
    # Without suppression: of overlapping boxes with scores that are equal to the last digit, rounding decides which one stays.
    print(f"{'file':24} {'branch':12} boxes ours/theirs  unmatched  score     box (px)")
    good = True
    for file, net in made.items():
        for one_to_one in ([False, True] if net.model[-1].end2end else [False]):
            conf = 0.3
            out = subprocess.run([program, *images, "--weights", os.path.join(folder, file + ".pt"), "--imgsz", "320",
                                  "--no-rect", "--conf", str(conf), "--iou", "1", "--json", "--nms", "false" if one_to_one else "auto"],
                                 capture_output=True, text=True, check=False)
            if out.returncode:
                print(file, out.stderr.strip())
                good = False
                continue
            ours_all, theirs_all, missed, score, box = 0, 0, 0, 0.0, 0.0
            for entry, image in zip(json.loads(out.stdout), pixels):
                theirs = [[min(max(c, 0), 320) for c in row[:4]] + list(row[4:]) for row in
                          expected(net, image, one_to_one, conf)]
                ours = [(*b["xyxy"], b["score"], b["class_id"]) for b in entry["boxes"]]
                ours_all, theirs_all = ours_all + len(ours), theirs_all + len(theirs)
                # Cells of plain padding have equal scores: which of them are among the best 300 is anybody's choice.
                cut = min(row[4] for row in theirs) + 1e-4 if len(theirs) == 300 else 0
                for mine in (row for row in ours if row[4] > cut):
                    off = [(max(abs(a - b) for a, b in zip(mine[:4], row[:4])), abs(mine[4] - row[4])) for row in theirs
                           if row[5] == mine[5]]
                    near = min(off, default=(math.inf, 0), key=lambda o: o[0] + o[1])
                    if near[0] > 0.5 or near[1] > 1e-3:
                        missed += 1
                    else:
                        box, score = max(box, near[0]), max(score, near[1])
            good &= missed == 0 and abs(ours_all - theirs_all) <= 2 and ours_all > 0
            print(f"{file:24} {'one-to-one' if one_to_one else 'one-to-many':12} {ours_all:6} /{theirs_all:6}"
                  f"   {missed:8}   {score:8.1e}  {box:8.1e}", flush=True)
    return good


def main():
    torch.set_num_threads(2)
    if len(sys.argv) not in (4, 5):
        sys.exit(__doc__)
    folder, models, images = sys.argv[1], sys.argv[2], sorted(glob.glob(os.path.join(sys.argv[3], "*.png")))
    os.makedirs(folder, exist_ok=True)
    pixels = [torch.from_numpy(np.array(Image.open(i).convert("RGB"))).permute(2, 0, 1)[None].float() / 255 for i in images]
    made = write_all(folder, models, pixels[0])
    if len(sys.argv) == 5:
        sys.exit(0 if compare(folder, made, images, pixels, sys.argv[4]) else 1)


main()
