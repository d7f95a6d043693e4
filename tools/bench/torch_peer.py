#!/usr/bin/env python3
"""torch_peer.py: the training step of this project in PyTorch, to be timed beside ours.

Written from the published structure of the networks, as our C is, and from nothing else: the layer table
is the same models/*.yaml, the loss is task-aligned assignment (Feng et al. 2021) with CIoU (Zheng et al.
2020), binary cross entropy and L1. Only what YOLO26 needs is here (end-to-end head, reg_max 1).

    torch_peer.py --steps 20 --memory-format channels_last --json      time one step
    torch_peer.py --check fixtures/                                    is it a true peer? (needs safetensors)

--check compares parameter count, loss, the three reported terms and the gradients with reference numbers.
"""
import argparse
import copy
import json
import math
import os
import re
import statistics
import sys
import time

STRIDES = (8, 16, 32)


def parse_arguments():
    here = os.path.dirname(os.path.abspath(__file__))
    p = argparse.ArgumentParser(description="time a PyTorch training step of the same network")
    p.add_argument("--model", default=os.path.join(here, "..", "..", "models", "yolo26.yaml"))
    p.add_argument("--scale", default="n", choices=list("nsmlx"))
    p.add_argument("--imgsz", type=int, default=640)
    p.add_argument("--batch", type=int, default=4)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--steps", type=int, default=11)
    p.add_argument("--boxes", type=int, default=8, help="random boxes in each image")
    p.add_argument("--optimizer", default="sgd", choices=["sgd", "adamw"])
    p.add_argument("--memory-format", default="channels_last", choices=["channels_last", "contiguous"])
    p.add_argument("--json", action="store_true")
    p.add_argument("--check", metavar="DIR", help="folder with yolo26n/reference.json; compares and exits")
    return p.parse_args()


ARGS = parse_arguments()
os.environ.setdefault("OMP_NUM_THREADS", str(ARGS.threads))  # before torch is loaded

import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402
import yaml  # noqa: E402
from torch import nn  # noqa: E402


# ---- modules -------------------------------------------------------------------------------------

class Conv(nn.Module):
    def __init__(self, c1, c2, k=1, s=1, groups=1, act=True):
        super().__init__()
        self.conv = nn.Conv2d(c1, c2, k, s, k // 2, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(c2, eps=1e-3, momentum=0.03)
        self.act = nn.SiLU(inplace=True) if act else nn.Identity()

    def forward(self, x):
        return self.act(self.bn(self.conv(x)))


class Bottleneck(nn.Module):
    def __init__(self, c, expansion, k=(3, 3)):
        super().__init__()
        hidden = int(c * expansion)
        self.cv1, self.cv2 = Conv(c, hidden, k[0]), Conv(hidden, c, k[1])

    def forward(self, x):
        return x + self.cv2(self.cv1(x))


class C3k(nn.Module):
    def __init__(self, c, n):
        super().__init__()
        hidden = c // 2
        self.cv1, self.cv2, self.cv3 = Conv(c, hidden), Conv(c, hidden), Conv(2 * hidden, c)
        self.m = nn.Sequential(*(Bottleneck(hidden, 1.0) for _ in range(n)))

    def forward(self, x):
        return self.cv3(torch.cat((self.m(self.cv1(x)), self.cv2(x)), 1))


class Attention(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads, self.head_dim = heads, dim // heads
        self.key_dim = self.head_dim // 2
        self.qkv = Conv(dim, dim + 2 * self.key_dim * heads, act=False)
        self.proj = Conv(dim, dim, act=False)
        self.pe = Conv(dim, dim, 3, groups=dim, act=False)

    def forward(self, x):
        b, c, h, w = x.shape
        qkv = self.qkv(x).reshape(b, self.heads, 2 * self.key_dim + self.head_dim, h * w)
        q, k, v = qkv.split((self.key_dim, self.key_dim, self.head_dim), 2)
        weights = ((q * self.key_dim**-0.5).transpose(2, 3) @ k).softmax(-1)
        out = (v @ weights.transpose(2, 3)).reshape(b, c, h, w)
        return self.proj(out + self.pe(v.reshape(b, c, h, w)))


class PSABlock(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.attn = Attention(c, max(c // 64, 1))
        self.ffn = nn.Sequential(Conv(c, 2 * c), Conv(2 * c, c, act=False))

    def forward(self, x):
        x = x + self.attn(x)
        return x + self.ffn(x)


class C3k2(nn.Module):
    def __init__(self, c1, c2, n, c3k=False, expansion=0.5, attn=False):
        super().__init__()
        c = int(c2 * expansion)
        self.cv1, self.cv2 = Conv(c1, 2 * c), Conv((2 + n) * c, c2)
        inner = lambda: (nn.Sequential(Bottleneck(c, 0.5), PSABlock(c)) if attn  # noqa: E731
                         else C3k(c, 2) if c3k else Bottleneck(c, 0.5))
        self.m = nn.ModuleList(inner() for _ in range(n))

    def forward(self, x):
        parts = list(self.cv1(x).chunk(2, 1))
        for m in self.m:
            parts.append(m(parts[-1]))
        return self.cv2(torch.cat(parts, 1))


class SPPF(nn.Module):
    def __init__(self, c1, c2, k=5, n=3, shortcut=False):
        super().__init__()
        self.cv1, self.cv2 = Conv(c1, c1 // 2, act=False), Conv(c1 // 2 * (n + 1), c2)
        self.pool, self.n = nn.MaxPool2d(k, 1, k // 2), n
        self.add = shortcut and c1 == c2

    def forward(self, x):
        parts = [self.cv1(x)]
        for _ in range(self.n):
            parts.append(self.pool(parts[-1]))
        out = self.cv2(torch.cat(parts, 1))
        return out + x if self.add else out


class C2PSA(nn.Module):
    def __init__(self, c1, c2, n):
        super().__init__()
        c = c1 // 2
        self.cv1, self.cv2 = Conv(c1, 2 * c), Conv(2 * c, c2)
        self.m = nn.Sequential(*(PSABlock(c) for _ in range(n)))

    def forward(self, x):
        a, b = self.cv1(x).chunk(2, 1)
        return self.cv2(torch.cat((a, self.m(b)), 1))


class Concat(nn.Module):
    def forward(self, xs):
        return torch.cat(xs, 1)


class Detect(nn.Module):
    """Two copies of every branch; the second (one-to-one) sees features that are cut off from the graph."""

    def __init__(self, classes, channels):
        super().__init__()
        c2, c3 = max(16, channels[0] // 4, 4), max(channels[0], min(classes, 100))
        self.classes = classes
        self.cv2 = nn.ModuleList(
            nn.Sequential(Conv(c, c2, 3), Conv(c2, c2, 3), nn.Conv2d(c2, 4, 1)) for c in channels)
        self.cv3 = nn.ModuleList(
            nn.Sequential(nn.Sequential(Conv(c, c, 3, groups=c), Conv(c, c3)),
                          nn.Sequential(Conv(c3, c3, 3, groups=c3), Conv(c3, c3)),
                          nn.Conv2d(c3, classes, 1)) for c in channels)
        for box, cls, stride in zip(self.cv2, self.cv3, STRIDES):
            nn.init.constant_(box[-1].bias, 2.0)
            nn.init.constant_(cls[-1].bias, math.log(5 / classes / (640 / stride) ** 2))
        self.one2one_cv2, self.one2one_cv3 = copy.deepcopy(self.cv2), copy.deepcopy(self.cv3)

    def branch(self, xs, box_branch, class_branch):
        boxes = torch.cat([m(x).flatten(2) for m, x in zip(box_branch, xs)], 2)
        scores = torch.cat([m(x).flatten(2) for m, x in zip(class_branch, xs)], 2)
        return boxes.transpose(1, 2), scores.transpose(1, 2)  # (b, anchors, 4), (b, anchors, classes)

    def forward(self, xs):
        detached = [x.detach() for x in xs]
        return (self.branch(xs, self.cv2, self.cv3),
                self.branch(detached, self.one2one_cv2, self.one2one_cv3), [x.shape[2:] for x in xs])


class Network(nn.Module):
    def __init__(self, path, scale, classes=None):
        super().__init__()
        with open(path, encoding="utf-8") as f:
            table = yaml.safe_load(f)
        classes = classes or table["nc"]
        depth, width, limit = table["scales"][scale]
        channels, layers, self.sources = [], [], []
        for i, (source, repeats, module, args) in enumerate(table["backbone"] + table["head"]):
            sources = [s if s >= 0 else i + s for s in (source if isinstance(source, list) else [source])]
            inputs = [channels[s] if s >= 0 else 3 for s in sources]
            n = max(round(repeats * depth), 1) if repeats > 1 else repeats
            c1 = inputs[0]
            c2 = math.ceil(min(args[0], limit) * width / 8) * 8 if isinstance(args[0], int) else 0
            if module == "Conv":
                layer = Conv(c1, c2, *args[1:])
            elif module == "C3k2":
                rest = list(args[1:])
                if scale in "mlx":
                    rest[0] = True
                layer = C3k2(c1, c2, n, *rest)
            elif module == "SPPF":
                layer = SPPF(c1, c2, *args[1:])
            elif module == "C2PSA":
                layer = C2PSA(c1, c2, n)
            elif module == "nn.Upsample":
                layer, c2 = nn.Upsample(scale_factor=2, mode="nearest"), c1
            elif module == "Concat":
                layer, c2 = Concat(), sum(inputs)
            elif module == "Detect":
                layer, c2 = Detect(classes, inputs), 0
            else:
                sys.exit(f"torch_peer: {path}: row {i}: module {module} is not known here")
            layers.append(layer)
            channels.append(c2)
            self.sources.append(sources if isinstance(source, list) else sources[0])
        self.model = nn.ModuleList(layers)
        used = {s for row in self.sources for s in (row if isinstance(row, list) else [row])}
        self.kept = used - {-1}

    def forward(self, x):
        outputs = {-1: x}
        for i, (layer, source) in enumerate(zip(self.model, self.sources)):
            x = layer([outputs[s] for s in source] if isinstance(source, list) else outputs[source])
            if i in self.kept:
                outputs[i] = x
        return x


# ---- loss ----------------------------------------------------------------------------------------

def ciou(a, b):
    """Complete IoU of boxes xyxy in the last dimension; the epsilons are the family's."""
    eps = 1e-7
    ax1, ay1, ax2, ay2 = a.unbind(-1)
    bx1, by1, bx2, by2 = b.unbind(-1)
    aw, ah, bw, bh = ax2 - ax1, ay2 - ay1 + eps, bx2 - bx1, by2 - by1 + eps
    inter = (torch.minimum(ax2, bx2) - torch.maximum(ax1, bx1)).clamp(min=0) * \
            (torch.minimum(ay2, by2) - torch.maximum(ay1, by1)).clamp(min=0)
    iou = inter / (aw * ah + bw * bh - inter + eps)
    cw = torch.maximum(ax2, bx2) - torch.minimum(ax1, bx1)
    ch = torch.maximum(ay2, by2) - torch.minimum(ay1, by1)
    rho2 = ((bx1 + bx2 - ax1 - ax2) ** 2 + (by1 + by2 - ay1 - ay2) ** 2) / 4
    v = 4 / math.pi**2 * (torch.atan(bw / bh) - torch.atan(aw / ah)) ** 2
    with torch.no_grad():
        alpha = v / (v - iou + (1 + eps))
    return iou - (rho2 / (cw**2 + ch**2 + eps) + v * alpha)


@torch.no_grad()
def assign(scores, boxes, points, gt_class, gt_box, valid, topk, topk2):
    """Task-aligned assignment: scores (b,A,nc), boxes (b,A,4) in pixels, ground truth (b,G), (b,G,4), (b,G).

    Returns the target box (b,A,4), the target scores (b,A,nc) and which anchors are foreground (b,A)."""
    b, anchors, classes = scores.shape
    count = gt_box.shape[1]
    # Small boxes are widened for the test of which points lie inside.
    centre, size = (gt_box[..., :2] + gt_box[..., 2:]) / 2, gt_box[..., 2:] - gt_box[..., :2]
    size = torch.where(size < STRIDES[0], torch.full_like(size, STRIDES[1]), size)
    lo, hi = (centre - size / 2)[:, :, None], (centre + size / 2)[:, :, None]
    inside = torch.cat((points - lo, hi - points), -1).amin(-1) > 1e-9
    inside &= valid[..., None]
    # Only pairs of an inside point are worth computing.
    bi, gi, ai = inside.nonzero(as_tuple=True)
    overlap = scores.new_zeros(b, count, anchors)
    align = scores.new_zeros(b, count, anchors)
    overlap[bi, gi, ai] = ciou(gt_box[bi, gi], boxes[bi, ai]).clamp(min=0)
    align[bi, gi, ai] = scores[bi, ai, gt_class[bi, gi]].sqrt() * overlap[bi, gi, ai] ** 6
    best = align.topk(topk, -1).indices
    positive = torch.zeros_like(inside).scatter_(-1, best, True) & inside
    # An anchor of several boxes goes to the one it overlaps most.
    several = positive.sum(1) > 1
    winner = F.one_hot(overlap.argmax(1), count).transpose(1, 2).bool()
    positive = torch.where(several[:, None], winner, positive)
    if topk2 != topk:
        best = (align * positive).topk(topk2, -1).indices
        positive &= torch.zeros_like(positive).scatter_(-1, best, True)
    foreground = positive.any(1)
    owner = positive.float().argmax(1)  # (b, A)
    align, overlap = align * positive, overlap * positive
    norm = (align * overlap.amax(-1, keepdim=True) / (align.amax(-1, keepdim=True) + 1e-9)).amax(1)
    target = scores.new_zeros(b, anchors, classes)
    bi, ai = foreground.nonzero(as_tuple=True)
    target[bi, ai, gt_class[bi, owner[bi, ai]]] = norm[bi, ai]
    return gt_box.gather(1, owner[..., None].expand(-1, -1, 4)), target, foreground


def branch_loss(prediction, points, strides, size, targets, topk, topk2):
    """The three gained terms (box, class, L1) of one branch. points and boxes in pixels."""
    distance, logits = prediction
    gt_class, gt_box, valid = targets
    grid = points / strides
    boxes = torch.cat((grid - distance[..., :2], grid + distance[..., 2:]), -1)  # in cells
    gt, score, fg = assign(logits.detach().sigmoid(), boxes.detach() * strides, points, gt_class, gt_box,
                           valid, topk, topk2)
    total = score.sum().clamp(min=1)
    # Binary cross entropy; the library's own loses 1 % to cancellation at the logits (-12) a head starts at.
    class_loss = (F.softplus(logits) - logits * score).sum() / total
    if not fg.any():
        zero = distance.sum() * 0
        return torch.stack((zero, 0.5 * class_loss, zero))
    weight = score.sum(-1)[fg]
    stride = strides.expand(fg.shape[0], -1, -1)[fg]
    point = grid.expand(fg.shape[0], -1, -1)[fg]
    gt = gt[fg] / stride
    box_loss = ((1 - ciou(boxes[fg], gt)) * weight).sum() / total
    h, w = size
    unit = stride / torch.tensor([w, h, w, h], dtype=stride.dtype)
    wanted = torch.cat((point - gt[:, :2], gt[:, 2:] - point), -1)
    l1_loss = (((distance[fg] - wanted) * unit).abs().mean(-1) * weight).sum() / total
    return torch.stack((7.5 * box_loss, 0.5 * class_loss, 1.5 * l1_loss))


def anchors_of(shapes):
    points, strides = [], []
    for (h, w), s in zip(shapes, STRIDES):
        y, x = torch.meshgrid(torch.arange(h) + 0.5, torch.arange(w) + 0.5, indexing="ij")
        points.append(torch.stack((x, y), -1).reshape(-1, 2) * s)
        strides.append(torch.full((h * w, 1), float(s)))
    return torch.cat(points), torch.cat(strides)


def loss_of(output, targets, epoch=0, epochs=10):
    """What is back-propagated, and the three reported (one-to-one) terms."""
    many, one, shapes = output
    points, strides = anchors_of(shapes)
    size = shapes[0][0] * STRIDES[0], shapes[0][1] * STRIDES[0]
    share = max(1 - epoch / max(epochs - 1, 1), 0) * 0.7 + 0.1
    l_many = branch_loss(many, points, strides, size, targets, 10, 10)
    l_one = branch_loss(one, points, strides, size, targets, 7, 1)
    batch = many[0].shape[0]
    return (share * l_many.sum() + (1 - share) * l_one.sum()) * batch, l_one.detach()


def pack_targets(rows, batch, h, w):
    """rows: image, class, cx, cy, w, h (0..1) -> class (b,G), box xyxy in pixels (b,G,4), valid (b,G)."""
    count = max(int((rows[:, 0] == i).sum()) for i in range(batch))
    cls, box = torch.zeros(batch, count, dtype=torch.long), torch.zeros(batch, count, 4)
    for i in range(batch):
        mine = rows[rows[:, 0] == i]
        centre, half = mine[:, 2:4] * torch.tensor([w, h]), mine[:, 4:6] * torch.tensor([w, h]) / 2
        cls[i, :len(mine)] = mine[:, 1].long()
        box[i, :len(mine)] = torch.cat((centre - half, centre + half), 1)
    return cls, box, box.sum(-1) > 0


# ---- programs ------------------------------------------------------------------------------------

def make_optimizer(net, name):
    decay, plain = [], []
    for n, p in net.named_parameters():
        (decay if p.ndim > 1 else plain).append(p)
    groups = [{"params": decay, "weight_decay": 5e-4}, {"params": plain, "weight_decay": 0.0}]
    if name == "sgd":
        return torch.optim.SGD(groups, lr=0.01, momentum=0.937, nesterov=True)
    return torch.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.999))


def train_step(net, optimizer, images, targets):
    loss, _ = loss_of(net(images), targets)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(net.parameters(), 10.0)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return loss


def time_steps():
    torch.manual_seed(0)
    net = Network(ARGS.model, ARGS.scale).train()
    images = torch.rand(ARGS.batch, 3, ARGS.imgsz, ARGS.imgsz)
    if ARGS.memory_format == "channels_last":
        net, images = net.to(memory_format=torch.channels_last), images.to(memory_format=torch.channels_last)
    rows = torch.cat((torch.arange(ARGS.batch).repeat_interleave(ARGS.boxes)[:, None].float(),
                      torch.randint(0, 80, (ARGS.batch * ARGS.boxes, 1)).float(),
                      torch.rand(ARGS.batch * ARGS.boxes, 2) * 0.6 + 0.2,
                      torch.rand(ARGS.batch * ARGS.boxes, 2) * 0.3 + 0.05), 1)
    targets = pack_targets(rows, ARGS.batch, ARGS.imgsz, ARGS.imgsz)
    optimizer, seconds = make_optimizer(net, ARGS.optimizer), []
    for step in range(ARGS.steps + 2):  # the first two warm caches and make the optimiser's state
        start = time.perf_counter()
        train_step(net, optimizer, images, targets)
        if step >= 2:
            seconds.append(time.perf_counter() - start)
    result = {"torch": torch.__version__, "memory_format": ARGS.memory_format, "imgsz": ARGS.imgsz,
              "batch": ARGS.batch, "threads": torch.get_num_threads(), "steps": ARGS.steps,
              "median_s": round(statistics.median(seconds), 4), "best_s": round(min(seconds), 4)}
    print(json.dumps(result) if ARGS.json else
          "torch %(torch)s, %(memory_format)s, batch %(batch)d at %(imgsz)d, %(threads)d threads: "
          "median %(median_s).4f s, best %(best_s).4f s per step" % result)


def check(folder):
    import numpy as np
    from safetensors.torch import load_file

    bad = 0

    def compare(what, ours, theirs, tolerance):
        nonlocal bad
        error = abs(ours - theirs) / max(abs(theirs), 1e-12)
        good = error <= tolerance
        bad += not good
        print(f"{'ok  ' if good else 'FAIL'} {what}: {ours:.7g}, reference {theirs:.7g}")

    with open(os.path.join(folder, "yolo26n", "reference.json"), encoding="utf-8") as f:
        reference = json.load(f)
    net = Network(ARGS.model, "n").train()
    compare("parameters", sum(p.numel() for p in net.parameters()), 2572280, 0)
    weights = load_file(os.path.join(folder, "yolo26n", "yolo26n_coco8_fit.safetensors"))
    net.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in weights.items()})
    images = np.fromfile(os.path.join(folder, "batch_images_4x320x320x3_rgb_u8.bin"), np.uint8)
    images = torch.from_numpy(images.reshape(4, 320, 320, 3)).permute(0, 3, 1, 2).float() / 255
    rows = np.fromfile(os.path.join(folder, "batch_targets_13x6_f32.bin"), np.float32)
    rows = torch.from_numpy(rows.reshape(-1, 6))
    loss, items = loss_of(net(images), pack_targets(rows, 4, 320, 320))
    compare("loss", loss.item(), reference["train_loss"]["total"], 1e-4)
    for name, value in zip(("box_loss", "cls_loss", "l1_loss"), items):
        compare(name, value.item(), reference["train_loss"]["items"][name], 1e-3)
    loss.backward()
    worst, where = 0.0, ""
    for name, p in net.named_parameters():
        theirs = reference["grads"][name]["l2"]
        error = abs(p.grad.double().norm().item() - theirs) / max(theirs, 1e-4)  # below: rounding noise
        if not error <= worst:
            worst, where = error, name
    print(f"{'ok  ' if worst <= 1e-3 else 'FAIL'} norms of {len(reference['grads'])} gradients: "
          f"worst off by {worst:.2g} of its size ({where})")
    return 1 if bad or not worst <= 1e-3 else 0


if __name__ == "__main__":
    torch.set_num_threads(ARGS.threads)
    if ARGS.check:
        sys.exit(check(ARGS.check))
    time_steps()
