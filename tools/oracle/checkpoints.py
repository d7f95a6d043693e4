#!/usr/bin/env python3
"""checkpoints.py: checkpoints laid out as releases 8.4.175 and later of the reference trainer write them, made by PyTorch's
own torch.save from the networks of tools/bench/torch_peer, and the boxes that PyTorch finds with them against ours.

    checkpoints.py FOLDER MODELS IMAGES              writes FOLDER/*.pt, and FOLDER/images/*.png from those in IMAGES
    checkpoints.py FOLDER MODELS IMAGES YOLOINFER    and compares

A row of the comparison says how many boxes were compared, not only how many there were: at least half of them must be,
with none left over on either side. A file in the format of before PyTorch 1.6 must be refused with a sentence.

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


GAIN = 0.85


def spread(net, pixels, seed):
    """Statistics as training leaves them: near those of the maps, so that images remain different to the last layer,
    but of no layer equal to them. With gains that keep the size of the maps, a random network doubles rounding errors
    from block to block, until scores in float and double differ by a thousandth; GAIN makes that a hundred thousandth."""
    random = torch.Generator().manual_seed(seed)
    norms = [m for m in net.modules() if isinstance(m, nn.BatchNorm2d)]
    for m in norms:
        m.weight.data.copy_(0.8 + 0.4 * torch.rand(m.num_features, generator=random))
        m.bias.data.copy_(0.2 * torch.randn(m.num_features, generator=random))
        m.momentum = None  # the mean over what it sees
        m.reset_running_stats()
    net.train()
    net(pixels)
    net.eval()
    for m in norms:
        m.momentum = 0.03
        m.weight.data.mul_(GAIN)
        m.running_mean.add_(0.1 * m.running_var.sqrt() * torch.randn(m.num_features, generator=random))
        m.running_var.mul_(0.8 + 0.4 * torch.rand(m.num_features, generator=random))
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
    """Logits of all images lie around -2.5, a few of them above 0 and none where sigmoids are 1 to the last digit."""
    head, maps = net.model[-1], maps_of(net, pixels)
    for branch in [head.cv3] + ([head.one2one_cv3] if head.end2end else []):
        for level, x in zip(branch, maps):
            logits = level(x) - level[-1].bias.view(1, -1, 1, 1)
            mean, largest = logits.mean((0, 2, 3)), logits.amax((0, 2, 3))
            # each class its own largest logit, so that classes differ and none takes all the places
            scale = torch.linspace(4.5, 6.5, len(mean)) / (largest - mean).clamp(min=1e-3)
            level[-1].weight.data.mul_(scale.view(-1, 1, 1, 1))
            level[-1].bias.data.copy_(-2.5 - mean * scale)


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
            spread(net, pixels, 2)
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


def best_class(corners, scores, conf, count=300):
    value, label = scores.max(1)
    order = [i for i in value.argsort(descending=True, stable=True)[:count].tolist() if value[i] > conf]
    return [(*corners[i].tolist(), value[i].item(), label[i].item()) for i in order]


@torch.no_grad()
def expected(net, pixels, one_to_one, conf):
    head = net.model[-1]
    maps = maps_of(net, pixels)
    branches = (head.one2one_cv2, head.one2one_cv3) if one_to_one else (head.cv2, head.cv3)
    boxes, logits = head.branch(maps, *branches)
    corners, scores = decode(boxes[0], logits[0], head.bins, strides_of(net, pixels))
    found = top(corners, scores) if one_to_one else best_class(corners, scores, conf)
    return [row for row in found if row[4] > conf]


def run(program, folder, file, images, one_to_one, conf):
    # Without suppression: of overlapping boxes with scores that are equal to the last digit, rounding decides which one stays.
    return subprocess.run([program, *images, "--weights", os.path.join(folder, file + ".pt"), "--imgsz", "320", "--no-rect",
                           "--conf", str(conf), "--iou", "1", "--json", "--nms", "false" if one_to_one else "auto"],
                          capture_output=True, text=True, check=False)


BOX, SCORE = 0.01, 1e-4  # px and probability: what counts as the same; float and double differ by a tenth of it


class Row:
    """What one file's boxes came to over all images."""

    def __init__(self):
        self.ours = self.theirs = self.compared = self.unmatched = 0
        self.score = self.box = 0.0

    def add(self, ours, theirs, cut):
        """Boxes above the cut need a partner, one each, whose score may be below it."""
        self.ours, self.theirs = self.ours + len(ours), self.theirs + len(theirs)
        mine, other = np.array(ours).reshape(-1, 6), np.array(theirs).reshape(-1, 6)
        box = np.abs(mine[:, None, :4] - other[None, :, :4]).max(-1)
        score = np.abs(mine[:, None, 4] - other[None, :, 4])
        same = (mine[:, None, 5] == other[None, :, 5]) & (box <= BOX) & (score <= SCORE)
        free = np.ones(len(other), bool)
        for i in np.flatnonzero(mine[:, 4] > cut):
            near = np.flatnonzero(same[i] & free)
            if not len(near):
                self.unmatched += 1
                continue
            k = near[(box[i, near] + 100 * score[i, near]).argmin()]
            free[k] = False
            self.compared += 1
            self.box, self.score = max(self.box, box[i, k]), max(self.score, score[i, k])
        self.unmatched += int((free & (other[:, 4] > cut + SCORE)).sum())

    def good(self):
        return self.unmatched == 0 and self.compared > 0 and 2 * self.compared >= max(self.ours, self.theirs)


def compare(folder, made, images, pixels, program):
    print(f"{'file':24} {'branch':12} {'ours':>6} {'theirs':>6} {'compared':>8} {'unmatched':>9} {'score':>8} {'box (px)':>8}")
    good, conf = True, 0.3
    for file, net in made.items():
        for one_to_one in ([False, True] if net.model[-1].end2end else [False]):
            out = run(program, folder, file, images, one_to_one, conf)
            if out.returncode:
                print(file, out.stderr.strip())
                good = False
                continue
            row = Row()
            for entry, image in zip(json.loads(out.stdout), pixels, strict=True):
                theirs = [[min(max(c, 0), 320) for c in b[:4]] + list(b[4:]) for b in
                          expected(net, image[None], one_to_one, conf)]
                # Which of equal scores are the last of 300 is anybody's choice, and rounding decides which exceed conf.
                cut = max(conf, min(b[4] for b in theirs) if len(theirs) == 300 else 0) + 1e-4
                row.add([(*b["xyxy"], b["score"], b["class_id"]) for b in entry["boxes"]], theirs, cut)
            good &= row.good()
            print(f"{file:24} {'one-to-one' if one_to_one else 'one-to-many':12} {row.ours:6} {row.theirs:6} {row.compared:8}"
                  f" {row.unmatched:9} {row.score:8.1e} {row.box:8.1e}{'' if row.good() else '   FAILS'}", flush=True)
    return good


def refused(folder, files, images, program):
    """What PyTorch wrote before 1.6 is a pickle without an archive: its tensors are not read, and the user hears so."""
    good = True
    for file in files:
        out = run(program, folder, file, images[:1], False, 0.3)
        fine = out.returncode == 1 and "torch before 1.6" in out.stderr and not out.stdout
        good &= fine
        print(f"{file:24} {'refused' if fine else 'FAILS'}: exit {out.returncode}: {out.stderr.strip()}")
    return good


def square_images(folder, source):
    """320 x 320 pixels of the first images of a folder, no two of them equal."""
    os.makedirs(folder, exist_ok=True)
    names, pixels = [], []
    for path in sorted(glob.glob(os.path.join(source, "*")))[:4]:
        names.append(os.path.join(folder, os.path.splitext(os.path.basename(path))[0] + ".png"))
        square = Image.open(path).convert("RGB").resize((320, 320), Image.Resampling.BILINEAR)
        square.save(names[-1])
        pixels.append(torch.from_numpy(np.array(square)).permute(2, 0, 1).float() / 255)
    if len(pixels) < 2 or any((a - b).abs().mean() < 0.02 for i, a in enumerate(pixels) for b in pixels[:i]):
        sys.exit(f"{source}: needs at least two images, which differ")
    return names, torch.stack(pixels)


def main():
    torch.set_num_threads(2)
    if len(sys.argv) not in (4, 5):
        sys.exit(__doc__)
    folder, models = sys.argv[1], sys.argv[2]
    images, pixels = square_images(os.path.join(folder, "images"), sys.argv[3])
    made = write_all(folder, models, pixels)
    if len(sys.argv) == 5:
        good = compare(folder, made, images, pixels, sys.argv[4])
        legacy = sorted(os.path.basename(f)[:-3] for f in glob.glob(os.path.join(folder, "*-legacy.pt")))
        good &= bool(legacy) and refused(folder, legacy, images, sys.argv[4])
        sys.exit(0 if good else 1)


main()
