"""network.py: the detectors of models/*.yaml as PyTorch modules.

Written from the published structure of the networks, as our C is, and from nothing else. Names of modules are
those of the checkpoints, so that a state_dict of the same network fits.
"""
import copy
import math
import sys

import torch
import yaml
from torch import nn

STRIDES = (8, 16, 32)


class Conv(nn.Module):
    def __init__(self, c1, c2, k=1, s=1, groups=1, act=True):
        super().__init__()
        self.conv = nn.Conv2d(c1, c2, k, s, k // 2, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(c2, eps=1e-3, momentum=0.03)
        self.act = nn.SiLU(inplace=True) if act else nn.Identity()

    def forward(self, x):
        return self.act(self.bn(self.conv(x)))


class Bottleneck(nn.Module):
    def __init__(self, c, expansion, shortcut=True):
        super().__init__()
        hidden = int(c * expansion)
        self.cv1, self.cv2, self.add = Conv(c, hidden, 3), Conv(hidden, c, 3), shortcut

    def forward(self, x):
        y = self.cv2(self.cv1(x))
        return x + y if self.add else y


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


class C2f(nn.Module):
    def __init__(self, c1, c2, n, shortcut=False, expansion=0.5, inner=None):
        super().__init__()
        c = int(c2 * expansion)
        self.cv1, self.cv2 = Conv(c1, 2 * c), Conv((2 + n) * c, c2)
        inner = inner or (lambda c: Bottleneck(c, 1.0, shortcut))
        self.m = nn.ModuleList(inner(c) for _ in range(n))

    def forward(self, x):
        parts = list(self.cv1(x).chunk(2, 1))
        for m in self.m:
            parts.append(m(parts[-1]))
        return self.cv2(torch.cat(parts, 1))


class C3k2(C2f):
    def __init__(self, c1, c2, n, c3k=False, expansion=0.5, attn=False):
        def inner(c):
            if attn:
                return nn.Sequential(Bottleneck(c, 0.5), PSABlock(c))
            return C3k(c, 2) if c3k else Bottleneck(c, 0.5)
        super().__init__(c1, c2, n, expansion=expansion, inner=inner)


class SPPF(nn.Module):
    def __init__(self, c1, c2, k=5, n=3, shortcut=False, act=False):
        super().__init__()
        self.cv1, self.cv2 = Conv(c1, c1 // 2, act=act), Conv(c1 // 2 * (n + 1), c2)
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


class DFL(nn.Module):
    """The frozen ramp 0..bins-1 of the checkpoints; the loss takes the expectation itself."""

    def __init__(self, bins):
        super().__init__()
        self.conv = nn.Conv2d(bins, 1, 1, bias=False).requires_grad_(False)
        self.conv.weight.data[:] = torch.arange(bins, dtype=torch.float32).view(1, bins, 1, 1)


class Detect(nn.Module):
    """Branches for boxes and classes at every level. end2end: a second, one-to-one copy of them sees features that
    are cut off from the graph, and is the only one that runs outside training.

    Output: a list of (boxes (b, anchors, 4 * bins), logits (b, anchors, classes)), one for each branch that ran."""

    def __init__(self, classes, channels, bins, end2end, depthwise):
        super().__init__()
        c2, c3 = max(16, channels[0] // 4, 4 * bins), max(channels[0], min(classes, 100))
        self.classes, self.bins, self.end2end = classes, bins, end2end
        self.cv2 = nn.ModuleList(
            nn.Sequential(Conv(c, c2, 3), Conv(c2, c2, 3), nn.Conv2d(c2, 4 * bins, 1)) for c in channels)

        def pair(c):
            return nn.Sequential(Conv(c, c, 3, groups=c), Conv(c, c3)) if depthwise else Conv(c, c3, 3)
        self.cv3 = nn.ModuleList(nn.Sequential(pair(c), pair(c3), nn.Conv2d(c3, classes, 1)) for c in channels)
        for box, cls, stride in zip(self.cv2, self.cv3, STRIDES):
            nn.init.constant_(box[-1].bias, 2.0)
            nn.init.constant_(cls[-1].bias, math.log(5 / classes / (640 / stride) ** 2))
        if bins > 1:
            self.dfl = DFL(bins)
        if end2end:
            self.one2one_cv2, self.one2one_cv3 = copy.deepcopy(self.cv2), copy.deepcopy(self.cv3)

    @staticmethod
    def branch(xs, box_branch, class_branch):
        boxes = torch.cat([m(x).flatten(2) for m, x in zip(box_branch, xs)], 2)
        scores = torch.cat([m(x).flatten(2) for m, x in zip(class_branch, xs)], 2)
        return boxes.transpose(1, 2), scores.transpose(1, 2)

    def forward(self, xs):
        if not self.end2end:
            return [self.branch(xs, self.cv2, self.cv3)]
        detached = [x.detach() for x in xs]
        many = [self.branch(xs, self.cv2, self.cv3)] if self.training else []
        return many + [self.branch(detached, self.one2one_cv2, self.one2one_cv3)]


class Network(nn.Module):
    def __init__(self, path, scale, classes=None, sppf=None):  # sppf: whether its cv1 has an activation
        super().__init__()
        with open(path, encoding="utf-8") as f:
            table = yaml.safe_load(f)
        classes = classes or table["nc"]
        depth, width, limit = table["scales"][scale]
        rows = table["backbone"] + table["head"]
        channels, layers, self.sources = [], [], []
        for i, (source, repeats, module, args) in enumerate(rows):
            sources = [s if s >= 0 else i + s for s in (source if isinstance(source, list) else [source])]
            inputs = [channels[s] if s >= 0 else 3 for s in sources]
            n = max(round(repeats * depth), 1) if repeats > 1 else repeats
            c1 = inputs[0]
            c2 = math.ceil(min(args[0], limit) * width / 8) * 8 if isinstance(args[0], int) else 0
            if module == "Conv":
                layer = Conv(c1, c2, *args[1:])
            elif module == "C2f":
                layer = C2f(c1, c2, n, *args[1:])
            elif module == "C3k2":
                layer = C3k2(c1, c2, n, *([True] if scale in "mlx" else args[1:2]), *args[2:])
            elif module == "SPPF":
                layer = SPPF(c1, c2, *args[1:], act=len(args) <= 2 if sppf is None else sppf)
            elif module == "C2PSA":
                layer = C2PSA(c1, c2, n)
            elif module == "nn.Upsample":
                layer, c2 = nn.Upsample(scale_factor=2, mode="nearest"), c1
            elif module == "Concat":
                layer, c2 = Concat(), sum(inputs)
            elif module == "Detect":
                depthwise = any(row[2] == "C3k2" for row in rows)
                layer = Detect(classes, inputs, table.get("reg_max", 16), table.get("end2end", False), depthwise)
                c2 = 0
            else:
                sys.exit(f"torch_peer: {path}: row {i}: module {module} is not known here")
            layers.append(layer)
            channels.append(c2)
            self.sources.append(sources if isinstance(source, list) else sources[0])
        self.model = nn.ModuleList(layers)
        self.kept = {s for row in self.sources for s in (row if isinstance(row, list) else [row])} - {-1}
        self.bins, self.end2end = layers[-1].bins, layers[-1].end2end

    def forward(self, x):
        outputs = {-1: x}
        for i, (layer, source) in enumerate(zip(self.model, self.sources)):
            x = layer([outputs[s] for s in source] if isinstance(source, list) else outputs[source])
            if i in self.kept:
                outputs[i] = x
        return x


@torch.no_grad()
def fuse(net):
    """For inference: every batch normalisation folded into its convolution, the one-to-many branch dropped."""
    net.eval()
    for module in net.modules():
        if isinstance(module, Conv):
            bn, old = module.bn, module.conv
            scale = bn.weight / torch.sqrt(bn.running_var + bn.eps)
            new = nn.Conv2d(old.in_channels, old.out_channels, old.kernel_size, old.stride, old.padding,
                            groups=old.groups)
            new.weight.data.copy_(old.weight * scale.view(-1, 1, 1, 1))
            new.bias.data.copy_(bn.bias - bn.running_mean * scale)
            module.conv, module.bn = new, nn.Identity()
    head = net.model[-1]
    if head.end2end:
        head.cv2, head.cv3, head.end2end = head.one2one_cv2, head.one2one_cv3, False
        del head.one2one_cv2, head.one2one_cv3
    return net.requires_grad_(False)
