#!/usr/bin/env python3
"""Writes tests/data/parity: three tiny networks, one image, and what PyTorch makes of them.

    python3 tools/oracle/parity_small.py IMAGE LABELS      needs torch, numpy, Pillow, PyYAML and safetensors

The networks are models/*.yaml at a width of a few channels, trained for a while on the image so that real detections come
out; where NAME.safetensors is there its weights are kept. Network and loss are those of tools/bench/torch_peer, written in PyTorch from the published architecture;
`torch_peer --check` compares them with the reference trainer's own numbers. Choosing boxes and the optimizers' steps are
written here: nothing of the C code takes part. IMAGE and LABELS were drawn by

    build/render_dataset --out tiny --count 6 --val 1 --size 128x96 --objects 3-3 --seed 3       (000000000005)

Files, per network: NAME.yaml, NAME.safetensors (F16), NAME.json (summaries, as support/fixture.h reads them, losses, and the
chosen boxes) and NAME.bin (F32: for every branch [anchors][4 + classes]: corners in pixels, scores).
"""
import json
import os
import re
import sys

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
sys.path.insert(0, os.path.join(HERE, "..", "bench", "torch_peer"))
from loss import anchors_of, loss_of, pack_targets  # noqa: E402
from network import Network  # noqa: E402

OUT = os.path.join(ROOT, "tests", "data", "parity")
NETWORKS = {"tiny8": "yolov8", "tiny11": "yolo11", "tiny26": "yolo26"}
CLASSES, CONF, IOU = 3, 0.05, 0.7
EPOCH, EPOCHS = 0, 10  # of the two branches' proportion


def write_yaml(name, base):
    """The rows of models/BASE.yaml, with one scale of few channels, and few bins where the head has a distribution."""
    with open(os.path.join(ROOT, "models", base + ".yaml"), encoding="utf-8") as f:
        text = f.read()
    rows = text[text.index("backbone:"):]
    kept = re.findall(r"^(?:end2end|reg_max): .*\n", text, flags=re.M) or ["reg_max: 4\n"]
    depth = re.search(r"n: \[([0-9.]+)", text).group(1)
    path = os.path.join(OUT, name + ".yaml")
    with open(path, "w", encoding="utf-8") as f:
        f.write(f"# models/{base}.yaml with few channels, classes and bins: written by tools/oracle/parity_small.py.\n"
                f"nc: {CLASSES}\n{''.join(kept)}scales: # [depth, width, max_channels]\n  n: [{depth}, 0.03125, 256]\n\n")
        f.write(re.sub(r" +#.*", "", rows))
    return path


def train(net, images, targets, anchors):
    """Until objects are found."""
    optimizer = torch.optim.AdamW(net.parameters(), lr=4e-3, weight_decay=1e-4)
    for step in range(250):
        for group in optimizer.param_groups:
            group["lr"] = 4e-3 * min(1, (step + 1) / 20) * (1 - step / 260)
        noisy = (images + 0.02 * torch.randn_like(images)).clamp(0, 1)
        loss, _ = loss_of(net(noisy), anchors, targets, EPOCH, EPOCHS)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 10.0)
        optimizer.step()


def number(x, digits=7):
    return float(f"{float(torch.as_tensor(x).detach()):.{digits}g}")


def summary(tensor):
    """As the fixtures of the reference: of a tensor in file order."""
    flat = tensor.detach().double().flatten()
    picks = sorted({int(p * (len(flat) - 1)) for p in (0.37,)})
    return {"numel": len(flat), "l2": number(flat.norm(), 8), "mean": number(flat.mean(), 8),
            "absmax": number(flat.abs().max()), "samples": [[i, number(flat[i])] for i in picks]}


def decode(prediction, anchors, bins):
    """Corners in pixels and scores, (anchors, 4 + classes)."""
    raw, logits = prediction[0][0], prediction[1][0]
    points, strides, _ = anchors
    if bins > 1:
        raw = raw.unflatten(-1, (4, bins)).softmax(-1) @ torch.arange(bins, dtype=raw.dtype)
    return torch.cat((points - raw[:, :2] * strides, points + raw[:, 2:] * strides, logits.sigmoid()), 1)


def overlap(a, b):
    wh = np.clip(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0, None)
    inter = wh[0] * wh[1]
    return inter / (np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2]) - inter)


def suppress(dense):
    """One class per anchor, by descending score; a box goes where a better one of its class overlaps it."""
    kept = []
    for row in sorted(dense, key=lambda r: -r[4:].max()):
        box, score, cls = row[:4], row[4:].max(), int(row[4:].argmax())
        if score > CONF and all(k[5] != cls or overlap(box, np.array(k[:4])) <= IOU for k in kept):
            kept.append([*box, score, cls])
    return kept


def best(dense):
    """Every class of every anchor, by descending score: of a branch that needs no suppression."""
    pairs = [[*row[:4], row[4 + c], c] for row in dense for c in range(CLASSES) if row[4 + c] > CONF]
    return sorted(pairs, key=lambda r: -r[4])


def listed(boxes):
    return [[number(v, 6) for v in row[:5]] + [row[5]] for row in boxes]


def evaluate(net, images, anchors, reference, name):
    net.eval()
    maps = {}
    hooks = [layer.register_forward_hook(lambda _, __, out, i=i: maps.update({i: out.clone()}))
             for i, layer in enumerate(list(net.model)[:-1])]
    with torch.no_grad():
        net(images)
        for hook in hooks:
            hook.remove()
        head, sources = net.model[-1], [maps[s] for s in net.sources[-1]]
        branches = [head.branch(sources, head.cv2, head.cv3)]
        if net.end2end:
            branches.append(head.branch(sources, head.one2one_cv2, head.one2one_cv3))
    dense = [decode(b, anchors, net.bins).numpy() for b in branches]
    np.concatenate([d.ravel() for d in dense]).astype("<f4").tofile(os.path.join(OUT, name + ".bin"))
    reference["eval_layers"] = [{"layer": i, **summary(m)} for i, m in maps.items()]
    reference["anchors"] = len(dense[0])
    reference["nms"] = listed(suppress(dense[0].astype(np.float64)))
    if net.end2end:
        reference["end2end"] = listed(best(dense[1].astype(np.float64)))


def step_loss(net, images, anchors, targets):
    net.zero_grad(set_to_none=True)
    loss, items = loss_of(net(images), anchors, targets, EPOCH, EPOCHS)
    loss.backward()
    return loss, items


def some(tensors, every):
    return {name: summary(t) for i, (name, t) in enumerate(tensors) if i % every == 0}


def first_step(net, images, anchors, targets, reference):
    loss, items = step_loss(net.train(), images, anchors, targets)
    third = "dfl_loss" if net.bins > 1 else "l1_loss"
    reference["train_loss"] = {"total": number(loss, 9), "items": {
        key: number(v, 9) for key, v in zip(("box_loss", "cls_loss", third), items)}}
    reference["grads"] = some([(n, p.grad) for n, p in net.named_parameters() if p.requires_grad], 1)
    reference["bn_after_one_train_forward"] = some([(n, b) for n, b in net.named_buffers() if "running" in n], 3)


def three_steps(net, images, anchors, targets, make):
    """Losses before step 1, 2, 3 and after; parameters after step 3. Decay is for weights, not for norms and biases."""
    net.train()
    params = [p for p in net.parameters() if p.requires_grad]
    decay = 5e-4 if make == "SGD" else 1e-2
    groups = [{"params": [p for p in params if p.ndim > 1], "weight_decay": decay},
              {"params": [p for p in params if p.ndim <= 1], "weight_decay": 0.0}]
    lr, momentum = (0.01, 0.9) if make == "SGD" else (1e-3, 0.9)
    if make == "SGD":
        optimizer = torch.optim.SGD(groups, lr=lr, momentum=momentum, nesterov=True)
    else:
        optimizer = torch.optim.AdamW(groups, lr=lr, betas=(momentum, 0.999))
    losses = []
    for step in range(4):
        losses.append(number(step_loss(net, images, anchors, targets)[0], 9))
        if step < 3:
            optimizer.step()
    trained = [(n, p) for n, p in net.named_parameters() if p.requires_grad]
    return {"lr": lr, "momentum": momentum, "weight_decay": decay, "losses": losses, "params_after": some(trained, 5)}


def moved(rows):
    """Boxes beside those that were learnt: a loss near 0 would be the difference of nearly equal numbers."""
    return rows + torch.tensor([0, 0, 0.02, -0.03, 0.03, 0.02])


def write_network(name, base, images, rows):
    h, w = images.shape[2:]
    anchors, targets = anchors_of(h, w), pack_targets(rows, 1, h, w)
    torch.manual_seed(0)
    net = Network(write_yaml(name, base), "n").train()
    path = os.path.join(OUT, name + ".safetensors")
    if not os.path.exists(path):
        train(net, images, targets, anchors)
        save_file({k: v.half() for k, v in net.state_dict().items() if v.is_floating_point()}, path)
        os.chmod(path, 0o644)
    net.load_state_dict({k: v.float() for k, v in load_file(path).items()}, strict=False)  # counters are not stored
    net, images = net.double(), images.double()  # so that what differs is the error of the other side
    weights = {k: v.clone() for k, v in net.state_dict().items()}
    targets = pack_targets(moved(rows), 1, h, w)
    reference = {}
    evaluate(net, images, anchors, reference, name)
    first_step(net, images, anchors, targets, reference)
    reference["optimizer_steps"] = {}
    for make in ("SGD", "AdamW"):
        net.load_state_dict(weights)
        reference["optimizer_steps"][make] = three_steps(net, images, anchors, targets, make)
    with open(os.path.join(OUT, name + ".json"), "w", encoding="utf-8") as f:
        f.write("{" + ",\n".join(f'"{k}":{json.dumps(v, separators=(",", ":"))}' for k, v in reference.items()) + "}\n")
    print(name, sum(p.numel() for p in net.parameters()), "parameters,", len(reference["grads"]), "gradients,",
          len(reference["bn_after_one_train_forward"]), "statistics, loss", reference["train_loss"],
          "nms", len(reference["nms"]), reference["nms"][:4], "end2end", reference.get("end2end", [])[:4])


def main():
    torch.set_num_threads(1)
    os.makedirs(OUT, exist_ok=True)
    picture = Image.open(sys.argv[1]).convert("RGB")
    picture.save(os.path.join(OUT, "image.png"), optimize=True)
    images = torch.from_numpy(np.asarray(picture).copy()).permute(2, 0, 1)[None].float() / 255
    labels = np.loadtxt(sys.argv[2], ndmin=2)
    rows = np.column_stack((np.zeros(len(labels)), np.arange(len(labels)) % CLASSES, labels[:, 1:]))
    rows = torch.from_numpy(rows.astype("<f4"))
    moved(rows).numpy().tofile(os.path.join(OUT, "targets.bin"))
    for name, base in NETWORKS.items():
        write_network(name, base, images, rows)


main()
