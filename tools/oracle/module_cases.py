#!/usr/bin/env python3
"""Writes tests/data/module_cases.json: small networks, one for each module, with the numbers that PyTorch in double
gives for them; tests/unit/model/test_modules.c compares.

    tools/oracle/module_cases.py > tests/data/module_cases.json

The modules are written here from their papers and the published parameter counts of the networks they stand in (see
tests/unit/model/test_model_zoo.c), as our C is, and from nothing else; names are those of the tensors in checkpoints. Every
value is drawn from a hash of its tensor's name, so that the file holds results only.
"""
import json
import math
import os
import sys

import numpy as np
import torch
import torch.nn.functional as F
import yaml
from torch import nn

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "bench"))
from torch_peer.network import SPPF, Attention, Bottleneck, C2f, C3k, Concat, Conv, Detect  # noqa: E402

BATCH, SIDE = 2, 32


# ---- modules ----

class RepConv(nn.Module):
    """Two convolutions of one map, added before the activation (RepVGG, arXiv 2101.03697; no identity branch)."""

    def __init__(self, c1, c2, k=3, s=1):
        super().__init__()
        self.conv1, self.conv2 = Conv(c1, c2, k, s, act=False), Conv(c1, c2, 1, s, act=False)

    def forward(self, x):
        return F.silu(self.conv1(x) + self.conv2(x))


class RepBottleneck(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.cv1, self.cv2 = RepConv(c, c), Conv(c, c, 3)

    def forward(self, x):
        return x + self.cv2(self.cv1(x))


class CSP3(nn.Module):
    """C3 with another inner module."""

    def __init__(self, c1, c2, n, inner):
        super().__init__()
        hidden = c2 // 2
        self.cv1, self.cv2, self.cv3 = Conv(c1, hidden), Conv(c1, hidden), Conv(2 * hidden, c2)
        self.m = nn.Sequential(*(inner(hidden) for _ in range(n)))

    def forward(self, x):
        return self.cv3(torch.cat((self.m(self.cv1(x)), self.cv2(x)), 1))


class Elan(nn.Module):
    """arXiv 2402.13616, figure 4: RepNCSPELAN4, or ELAN1 with plain convolutions for stages (repeats 0)."""

    def __init__(self, c1, c2, hidden, inner, repeats=1):
        super().__init__()

        def stage(c):
            if repeats == 0:
                return Conv(c, inner, 3)
            return nn.Sequential(CSP3(c, inner, repeats, RepBottleneck), Conv(inner, inner, 3))
        self.cv1, self.cv2, self.cv3 = Conv(c1, hidden), stage(hidden // 2), stage(inner)
        self.cv4 = Conv(hidden + 2 * inner, c2)

    def forward(self, x):
        whole = self.cv1(x)
        a = self.cv2(whole.chunk(2, 1)[1])
        return self.cv4(torch.cat((whole, a, self.cv3(a)), 1))


class AConv(nn.Module):
    def __init__(self, c1, c2):
        super().__init__()
        self.cv1 = Conv(c1, c2, 3, 2)

    def forward(self, x):
        return self.cv1(F.avg_pool2d(x, 2, 1))


class ADown(nn.Module):
    def __init__(self, c1, c2):
        super().__init__()
        self.cv1, self.cv2 = Conv(c1 // 2, c2 // 2, 3, 2), Conv(c1 // 2, c2 // 2)

    def forward(self, x):
        a, b = F.avg_pool2d(x, 2, 1).chunk(2, 1)
        return torch.cat((self.cv1(a), self.cv2(F.max_pool2d(b, 3, 2, 1))), 1)


class SPPELAN(nn.Module):
    def __init__(self, c1, c2, hidden, k=5):
        super().__init__()
        self.cv1, self.cv5, self.k = Conv(c1, hidden), Conv(4 * hidden, c2), k

    def forward(self, x):
        parts = [self.cv1(x)]
        for _ in range(3):
            parts.append(F.max_pool2d(parts[-1], self.k, 1, self.k // 2))
        return self.cv5(torch.cat(parts, 1))


class SPP(nn.Module):
    def __init__(self, c1, c2, kernels=(5, 9, 13)):
        super().__init__()
        self.cv1, self.cv2, self.kernels = Conv(c1, c1 // 2), Conv(c1 // 2 * (len(kernels) + 1), c2), kernels

    def forward(self, x):
        x = self.cv1(x)
        return self.cv2(torch.cat([x] + [F.max_pool2d(x, k, 1, k // 2) for k in self.kernels], 1))


class C2(nn.Module):
    def __init__(self, c1, c2, n, shortcut=True):
        super().__init__()
        c = c2 // 2
        self.cv1, self.cv2 = Conv(c1, 2 * c), Conv(2 * c, c2)
        self.m = nn.Sequential(*(Bottleneck(c, 1.0, shortcut) for _ in range(n)))

    def forward(self, x):
        a, b = self.cv1(x).chunk(2, 1)
        return self.cv2(torch.cat((self.m(a), b), 1))


class GhostConv(nn.Module):
    """arXiv 1911.11907: the second half of the channels from the first, depth-wise."""

    def __init__(self, c1, c2, k=1, s=1, act=True):
        super().__init__()
        self.cv1, self.cv2 = Conv(c1, c2 // 2, k, s, act=act), Conv(c2 // 2, c2 // 2, 5, groups=c2 // 2, act=act)

    def forward(self, x):
        y = self.cv1(x)
        return torch.cat((y, self.cv2(y)), 1)


class GhostBottleneck(nn.Module):
    def __init__(self, c1, c2, k=3, s=1):
        super().__init__()
        c = c2 // 2
        halve = Conv(c, c, k, s, groups=c, act=False) if s == 2 else nn.Identity()
        self.conv = nn.Sequential(GhostConv(c1, c), halve, GhostConv(c, c2, act=False))
        self.shortcut = nn.Identity() if s == 1 else nn.Sequential(
            Conv(c1, c1, k, s, groups=c1, act=False), Conv(c1, c2, act=False))

    def forward(self, x):
        return self.conv(x) + self.shortcut(x)


class SCDown(nn.Module):
    """arXiv 2405.14458, section 3.2: channels first, then the size."""

    def __init__(self, c1, c2, k=3, s=2):
        super().__init__()
        self.cv1, self.cv2 = Conv(c1, c2), Conv(c2, c2, k, s, groups=c2, act=False)

    def forward(self, x):
        return self.cv2(self.cv1(x))


class LargeDepthwise(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.conv, self.conv1 = Conv(c, c, 7, groups=c, act=False), Conv(c, c, 3, groups=c, act=False)

    def forward(self, x):
        return F.silu(self.conv(x) + self.conv1(x))


class CIB(nn.Module):
    def __init__(self, c1, c2, shortcut=True, e=0.5, large=False):
        super().__init__()
        c = 2 * int(c2 * e)
        self.cv1 = nn.Sequential(Conv(c1, c1, 3, groups=c1), Conv(c1, c),
                                 LargeDepthwise(c) if large else Conv(c, c, 3, groups=c),
                                 Conv(c, c2), Conv(c2, c2, 3, groups=c2))
        self.add = shortcut and c1 == c2

    def forward(self, x):
        return x + self.cv1(x) if self.add else self.cv1(x)


class PSA(nn.Module):
    def __init__(self, c1, c2):
        super().__init__()
        c = c2 // 2
        self.cv1, self.cv2 = Conv(c1, 2 * c), Conv(2 * c, c2)
        self.attn = Attention(c, max(c // 64, 1))
        self.ffn = nn.Sequential(Conv(c, 2 * c), Conv(2 * c, c, act=False))

    def forward(self, x):
        a, b = self.cv1(x).chunk(2, 1)
        b = b + self.attn(b)
        return self.cv2(torch.cat((a, b + self.ffn(b)), 1))


class AreaAttention(nn.Module):
    """arXiv 2502.12524, section 3.1: attention inside equal stretches of the pixels, by their order in the image."""

    def __init__(self, c, areas):
        super().__init__()
        self.heads, self.areas = c // 32, areas
        self.qkv, self.proj = Conv(c, 3 * c, act=False), Conv(c, c, act=False)
        self.pe = Conv(c, c, 7, groups=c, act=False)

    def forward(self, x):
        b, c, h, w = x.shape
        part = h * w // self.areas
        # image, head, area, pixel, channel
        qkv = self.qkv(x).reshape(b, self.heads, 3 * 32, self.areas, part).permute(0, 1, 3, 4, 2)
        q, k, v = qkv.split(32, -1)
        out = F.scaled_dot_product_attention(q, k, v)

        def image(t):
            return t.permute(0, 1, 4, 2, 3).reshape(b, c, h, w)
        return self.proj(image(out) + self.pe(image(v)))


class AreaBlock(nn.Module):
    def __init__(self, c, areas, ratio):
        super().__init__()
        self.attn, self.mlp = AreaAttention(c, areas), nn.Sequential(
            Conv(c, int(c * ratio)), Conv(int(c * ratio), c, act=False))

    def forward(self, x):
        x = x + self.attn(x)
        return x + self.mlp(x)


class A2C2f(nn.Module):
    """arXiv 2502.12524, section 3.2: R-ELAN."""

    def __init__(self, c1, c2, n, attend=True, areas=1, residual=False, ratio=2.0):
        super().__init__()
        c = c2 // 2
        self.cv1, self.cv2 = Conv(c1, c), Conv((1 + n) * c, c2)
        self.gamma = nn.Parameter(torch.full((c2,), 0.01)) if attend and residual else None
        self.m = nn.ModuleList(
            nn.Sequential(AreaBlock(c, areas, ratio), AreaBlock(c, areas, ratio)) if attend else C3k(c, 2)
            for _ in range(n))

    def forward(self, x):
        parts = [self.cv1(x)]
        for m in self.m:
            parts.append(m(parts[-1]))
        y = self.cv2(torch.cat(parts, 1))
        return y if self.gamma is None else x + self.gamma.view(1, -1, 1, 1) * y


class CBLinear(nn.Module):
    def __init__(self, c1, widths):
        super().__init__()
        self.conv, self.widths = nn.Conv2d(c1, sum(widths), 1), widths

    def forward(self, x):
        return self.conv(x).split(self.widths, 1)


class CBFuse(nn.Module):
    def __init__(self, which):
        super().__init__()
        self.which = which

    def forward(self, xs):
        size = xs[-1].shape[2:]
        return xs[-1] + sum(F.interpolate(x[i], size=size, mode="nearest") for x, i in zip(xs, self.which))


# ---- networks ----

def build(module, c1, n, args):
    """A row's layer and its channels."""
    c2 = args[0] if args else c1
    table = {
        "Conv": lambda: Conv(c1, *args),
        "C2f": lambda: C2f(c1, c2, n, *args[1:]),
        "SPPF": lambda: SPPF(c1, c2, *args[1:]),
        "RepConv": lambda: RepConv(c1, *args),
        "RepCSP": lambda: CSP3(c1, c2, n, RepBottleneck),
        "RepNCSPELAN4": lambda: Elan(c1, *args),
        "ELAN1": lambda: Elan(c1, *args, 0),
        "AConv": lambda: AConv(c1, c2),
        "ADown": lambda: ADown(c1, c2),
        "SPPELAN": lambda: SPPELAN(c1, *args),
        "SPP": lambda: SPP(c1, *args),
        "C2": lambda: C2(c1, c2, n, *args[1:]),
        "C3Ghost": lambda: CSP3(c1, c2, n, lambda c: GhostBottleneck(c, c)),
        "GhostConv": lambda: GhostConv(c1, *args),
        "GhostBottleneck": lambda: GhostBottleneck(c1, *args),
        "SCDown": lambda: SCDown(c1, *args),
        "CIB": lambda: CIB(c1, *args),
        "C2fCIB": lambda: C2f(c1, c2, n, inner=lambda c: CIB(c, c, *args[1:2], e=1.0, large=args[2])),
        "PSA": lambda: PSA(c1, c2),
        "A2C2f": lambda: A2C2f(c1, c2, n, *args[1:]),
        "nn.ConvTranspose2d": lambda: nn.ConvTranspose2d(c1, *args),
    }
    same = {
        "nn.Identity": lambda: nn.Identity(),
        "nn.MaxPool2d": lambda: nn.MaxPool2d(*args),
        "nn.ZeroPad2d": lambda: nn.ZeroPad2d(args[0]),
        "nn.Upsample": lambda: nn.Upsample(scale_factor=args[1], mode="nearest"),
    }
    return (same[module](), c1) if module in same else (table[module](), c2)


class Network(nn.Module):
    def __init__(self, text):
        super().__init__()
        table = yaml.safe_load(text)
        rows = table["backbone"] + table["head"]
        channels, layers, self.sources = [], [], []
        for i, (source, n, module, args) in enumerate(rows):
            sources = [s if s >= 0 else i + s for s in (source if isinstance(source, list) else [source])]
            inputs = [channels[s] if s >= 0 else 3 for s in sources]
            if module in ("Detect", "v10Detect"):
                split = module == "v10Detect" or any(row[2] in ("A2C2f", "C2fCIB", "C3k2") for row in rows)
                layer = Detect(table["nc"], inputs, table["reg_max"], module == "v10Detect", split)
                c2 = 0
            elif module == "Concat":
                layer, c2 = Concat(), sum(inputs)
            elif module == "CBLinear":
                layer, c2 = CBLinear(inputs[0], args[0]), 0
            elif module == "CBFuse":
                layer, c2 = CBFuse(args[0]), inputs[-1]
            else:
                layer, c2 = build(module, inputs[0], n, args)
            layers.append(layer)
            channels.append(c2)
            self.sources.append(sources if isinstance(source, list) else sources[0])
        self.model = nn.ModuleList(layers)
        if "activation" in table:  # "nn.Hardswish()"
            name = table["activation"].removeprefix("nn.").removesuffix("()")
            for module in self.modules():
                if isinstance(getattr(module, "act", None), nn.SiLU):
                    module.act = getattr(nn, name)()

    def forward(self, x):
        """[branch][level]: box map, class map."""
        outputs = {-1: x}
        for i, (layer, source) in enumerate(zip(self.model, self.sources)):
            given = [outputs[s] for s in source] if isinstance(source, list) else outputs[source]
            if isinstance(layer, Detect):
                branches = [[(box(x), cls(x)) for box, cls, x in zip(layer.cv2, layer.cv3, given)]]
                if layer.end2end:
                    branches.append([(box(x.detach()), cls(x.detach())) for box, cls, x
                                     in zip(layer.one2one_cv2, layer.one2one_cv3, given)])
                return branches
            outputs[i] = layer(given)


# ---- values ----

def uniform(name, count):
    """In [0, 1), from a hash of the name and the index (FNV-1a and the last steps of MurmurHash3)."""
    seed = 2166136261
    for byte in name.encode():
        seed = (seed ^ byte) * 16777619 % 2**32
    x = (np.arange(count, dtype=np.uint64) * 0x9E3779B9 + seed) % 2**32
    x ^= x >> np.uint64(16)
    x = x * 0x85EBCA6B % 2**32
    x ^= x >> np.uint64(13)
    x = x * 0xC2B2AE35 % 2**32
    x ^= x >> np.uint64(16)
    return (x >> np.uint64(8)).astype(np.float64) / 2**24


def weights(name, shape):
    return torch.from_numpy(2 * uniform(name, math.prod(shape)) - 1).view(shape)


def draw(network):
    for name, tensor in list(network.named_parameters()) + list(network.named_buffers()):
        if name.endswith("num_batches_tracked") or ".dfl." in name:
            continue
        u = torch.from_numpy(uniform(name, tensor.numel()))
        if tensor.dim() == 4:
            value = (2 * u - 1) * math.sqrt(3 / math.prod(tensor.shape[1:]))
        elif name.endswith(("bn.weight", "running_var", "gamma")):
            value = u + 0.5
        elif name.endswith("running_mean"):
            value = 0.4 * (u - 0.5)
        else:
            value = u - 0.5
        tensor.data.copy_(value.float().view(tensor.shape))


def numbers(*tensors):
    return [float(f"{t.item():.9g}") for t in tensors]


def measure(maps):
    """Per branch and level, of box and class map: the sum of squares and a product with fixed weights."""
    return [numbers(t.square().sum(), (t * weights(f"{b}.{level}.{what}", t.shape)).sum())
            for b, levels in enumerate(maps) for level, pair in enumerate(levels)
            for what, t in zip(("box", "cls"), pair)]


def case(name, text):
    network = Network(text).double()
    draw(network)
    pixels = np.floor(uniform("input", BATCH * SIDE * SIDE * 3) * 256).reshape(BATCH, SIDE, SIDE, 3)
    x = torch.from_numpy(pixels).permute(0, 3, 1, 2) / 255
    with torch.no_grad():
        evaluated = measure(network.eval()(x))
    maps = network.train()(x)
    loss = sum((t * weights(f"{b}.{level}.{what}", t.shape)).sum() for b, levels in enumerate(maps)
               for level, pair in enumerate(levels) for what, t in zip(("box", "cls"), pair))
    loss.backward()
    gradients = {n: numbers(p.grad.norm(), (p.grad * weights("gradient." + n, p.shape)).sum())
                 for n, p in network.named_parameters() if p.requires_grad}
    return {"name": name, "yaml": text, "eval": evaluated, "train": measure(maps), "gradients": gradients}


def text_of(rows, detect, nc=2, reg_max=1, head="Detect"):
    lines = [f"nc: {nc}", f"reg_max: {reg_max}", "backbone:"]
    lines += [f"  - {row}" for row in rows]
    lines += ["head:", f"  - [{detect}, 1, {head}, [nc]]", ""]
    return "\n".join(lines)


STEM, STEM2 = "[-1, 1, Conv, [16, 3, 2]]", "[-1, 1, Conv, [16, 3, 4]]"
# Name, rows, the maps that the head reads. Where a module keeps the size or halves it, the head reads its source as
# well, so that gradients are added to others.
CASES = (
    ("RepConv", [STEM, "[-1, 1, RepConv, [24, 3, 2]]"], [0, 1]),
    ("RepCSP", [STEM2, "[-1, 2, RepCSP, [16]]"], [0, 1]),
    ("RepNCSPELAN4", [STEM2, "[-1, 1, RepNCSPELAN4, [24, 16, 8, 2]]"], [1]),
    ("ELAN1", [STEM2, "[-1, 1, ELAN1, [24, 16, 8]]"], [1]),
    ("AConv", [STEM, "[-1, 1, AConv, [24]]"], [0, 1]),
    ("ADown", [STEM, "[-1, 1, ADown, [24]]"], [0, 1]),
    ("SPPELAN", [STEM2, "[-1, 1, SPPELAN, [24, 8]]"], [1]),
    ("SPP", [STEM2, "[-1, 1, SPP, [24, [3, 5, 7]]]"], [1]),
    ("C2", [STEM2, "[-1, 2, C2, [24, True]]"], [1]),
    ("C2 without shortcuts", [STEM2, "[-1, 1, C2, [24, False]]"], [1]),
    ("C3Ghost", [STEM2, "[-1, 2, C3Ghost, [32]]"], [1]),
    ("GhostConv", [STEM, "[-1, 1, GhostConv, [24, 3, 2]]"], [0, 1]),
    ("GhostBottleneck", [STEM2, "[-1, 1, GhostBottleneck, [16, 3, 1]]", "[-1, 1, GhostBottleneck, [24, 3, 2]]"],
     [0, 2]),
    ("SCDown", [STEM, "[-1, 1, SCDown, [24, 3, 2]]"], [0, 1]),
    ("CIB", [STEM2, "[-1, 1, CIB, [16]]", "[-1, 1, CIB, [24, True, 0.5, True]]"], [1, 2]),
    ("C2fCIB", [STEM2, "[-1, 2, C2fCIB, [24, True, False]]"], [1]),
    ("C2fCIB, large kernels", [STEM2, "[-1, 1, C2fCIB, [24, True, True]]"], [1]),
    ("PSA", ["[-1, 1, Conv, [128, 3, 8]]", "[-1, 1, PSA, [128]]"], [1]),
    ("A2C2f", [STEM2, "[-1, 1, A2C2f, [128, True, 4]]"], [1]),
    ("A2C2f with a residual", ["[-1, 1, Conv, [64, 3, 4]]", "[-1, 2, A2C2f, [64, True, 1, True, 1.2]]"], [0, 1]),
    ("A2C2f without attention", [STEM2, "[-1, 2, A2C2f, [24, False, -1]]"], [1]),
    ("CBLinear and CBFuse",
     ["[-1, 1, nn.Identity, []]", "[-1, 1, Conv, [8, 3, 2]]", "[-1, 1, Conv, [16, 3, 2]]",
      "[1, 1, CBLinear, [[8]]]", "[2, 1, CBLinear, [[8, 16]]]", "[0, 1, Conv, [8, 3, 2]]",
      "[[3, 4, -1], 1, CBFuse, [[0, 0]]]", "[-1, 1, Conv, [16, 3, 2]]", "[[4, -1], 1, CBFuse, [[1]]]"], [6, 8]),
    ("nn.MaxPool2d and nn.ZeroPad2d",
     [STEM, "[-1, 1, nn.MaxPool2d, [2, 2, 0]]", "[-1, 1, nn.ZeroPad2d, [[0, 1, 0, 1]]]",
      "[-1, 1, nn.MaxPool2d, [2, 1, 0]]", "[-1, 1, Conv, [16, 3, 1]]"], [1, 4]),
    ("nn.ConvTranspose2d", [STEM2, "[-1, 1, nn.ConvTranspose2d, [24, 2, 2, 0]]"], [0, 1]),
    ("nn.ConvTranspose2d, overlapping", [STEM2, "[-1, 1, nn.ConvTranspose2d, [8, 4, 2, 1]]"], [1]),
)


def main():
    torch.manual_seed(0)  # values are drawn anew; nothing depends on it
    cases = [case(name, text_of(rows, detect)) for name, rows, detect in CASES]
    cases += [case(f"activation {name}", f"activation: nn.{name}()\n" + text_of([STEM2, "[-1, 1, C2, [24, True]]"], [0, 1]))
              for name in ("ReLU", "GELU", "Hardswish")]
    cases.append(case("v10Detect", text_of([STEM2, "[-1, 1, Conv, [24, 3, 2]]"], [0, 1], 3, 4, "v10Detect")))
    print("[" + ",\n".join(json.dumps(c) for c in cases) + "]")


if __name__ == "__main__":
    main()
