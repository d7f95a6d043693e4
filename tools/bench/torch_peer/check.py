"""check.py: is it a true peer? Parameters, loss, terms and gradients of all three families, and the output of the
fused network for inference, against reference numbers (FIXTURES/<model>/reference.json). Needs numpy and safetensors.
"""
import json
import os

import numpy as np
import torch
from safetensors.torch import load_file

from loss import anchors_of, loss_of, pack_targets
from network import Network, fuse

PARAMETERS = {"yolov8": 3157200, "yolo11": 2624080, "yolo26": 2572280}


def compare(what, ours, theirs, tolerance):
    good = abs(ours - theirs) <= tolerance * max(abs(theirs), 1e-12)
    print(f"{'ok  ' if good else 'FAIL'} {what}: {ours:.7g}, reference {theirs:.7g}")
    return good


def check_gradients(net, reference):
    worst, where, seen, bound = 0.0, "", 0, 3e-3  # of sums over 10^5 float32 products with cancellation
    for name, p in net.named_parameters():
        if not p.requires_grad:
            continue
        seen += 1
        theirs = reference[name]["l2"]
        error = abs(p.grad.double().norm().item() - theirs) / max(theirs, 1e-4)  # below: rounding noise
        if not error <= worst:
            worst, where = error, name
    good = worst <= bound and seen == len(reference)
    print(f"{'ok  ' if good else 'FAIL'} norms of {seen} of {len(reference)} gradients: "
          f"worst off by {worst:.2g} of its size ({where})")
    return good


@torch.no_grad()
def check_inference(net, images, reference):
    """Of the best box of each image; the reference lists (x1,y1,x2,y2,score,class) or (cx,cy,w,h,scores)."""
    points, strides, _ = anchors_of(*images.shape[2:])
    raw, logits = fuse(net)(images)[0]
    if net.bins > 1:
        raw = raw.unflatten(-1, (4, net.bins)).softmax(-1) @ torch.arange(net.bins, dtype=raw.dtype)
    low, high = points - raw[..., :2] * strides, points + raw[..., 2:] * strides
    score, anchor = logits.sigmoid().amax(-1).max(-1)
    i = torch.arange(len(images))
    found = torch.cat((low[i, anchor], high[i, anchor], score[:, None]), 1)
    if net.end2end:
        wanted = reference[:, 0, :5]
    else:
        score, anchor = reference[:, 4:].amax(1).max(-1)
        best = reference[i, :4, anchor]
        wanted = torch.cat((best[:, :2] - best[:, 2:] / 2, best[:, :2] + best[:, 2:] / 2, score[:, None]), 1)
    worst = (found - wanted).abs().max().item()
    print(f"{'ok  ' if worst <= 1e-2 else 'FAIL'} fused inference: best boxes' corners (px) and scores off by {worst:.2g}")
    return worst <= 1e-2


def check_model(folder, models, name):
    print(name + "n")
    with open(os.path.join(folder, name + "n", "reference.json"), encoding="utf-8") as f:
        reference = json.load(f)
    net = Network(os.path.join(models, name + ".yaml"), "n", sppf=False).train()  # as the fixtures were made
    good = compare("parameters", sum(p.numel() for p in net.parameters()), PARAMETERS[name], 0)
    weights = load_file(os.path.join(folder, name + "n", name + "n_coco8_fit.safetensors"))
    weights = {k: v.float() if v.is_floating_point() else v for k, v in weights.items()}
    net.load_state_dict(weights)
    images = np.fromfile(os.path.join(folder, "batch_images_4x320x320x3_rgb_u8.bin"), np.uint8)
    images = torch.from_numpy(images.reshape(4, 320, 320, 3)).permute(0, 3, 1, 2).float() / 255
    rows = np.fromfile(os.path.join(folder, "batch_targets_13x6_f32.bin"), np.float32)
    targets = pack_targets(torch.from_numpy(rows.reshape(-1, 6)), 4, 320, 320)
    loss, items = loss_of(net(images), anchors_of(320, 320), targets)
    good &= compare("loss", loss.item(), reference["train_loss"]["total"], 1e-4)
    for (term, theirs), ours in zip(reference["train_loss"]["items"].items(), items):
        good &= compare(term, ours.item(), theirs, 1e-3)
    loss.backward()
    good &= check_gradients(net, reference["grads"])
    net.load_state_dict(weights)  # the forward pass above has moved the running statistics
    shape = reference["eval_output"]["shape"]
    output = np.fromfile(os.path.join(folder, name + "n", "eval_output_%s_f32.bin" % "x".join(map(str, shape))),
                         np.float32)
    return good & check_inference(net, images, torch.from_numpy(output.reshape(shape)))


def check(folder, models):
    return all([check_model(folder, models, name) for name in PARAMETERS])
