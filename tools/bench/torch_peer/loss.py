"""loss.py: the training loss of the three families.

Task-aligned assignment (Feng et al. 2021), CIoU (Zheng et al. 2020), binary cross entropy, and for the distances
either distribution focal loss (Li et al. 2020; 16 bins) or L1 (1 bin). Two branches are added with the weights
of an epoch.
"""
import math

import torch
import torch.nn.functional as F

from network import STRIDES


def ciou(a, b):
    """Complete IoU of boxes xyxy in the last dimension; the epsilons are the reference trainer's."""
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


def focal(logits, wanted, bins):
    """Distribution focal loss: cross entropy with the two bins next to the wanted distance, weighted by nearness."""
    wanted = wanted.clamp(0, bins - 1.01)
    left = wanted.long()
    near = left + 1 - wanted
    logits, left = logits.reshape(-1, bins), left.reshape(-1)
    low = F.cross_entropy(logits, left, reduction="none").view_as(near)
    high = F.cross_entropy(logits, left + 1, reduction="none").view_as(near)
    return (low * near + high * (1 - near)).mean(-1)


def branch_loss(prediction, anchors, targets, topk, topk2):
    """The three gained terms (box, class, distance) of one branch."""
    raw, logits = prediction
    points, strides, size = anchors
    gt_class, gt_box, valid = targets
    bins = raw.shape[-1] // 4
    grid = points / strides
    distance = raw
    if bins > 1:
        distance = raw.unflatten(-1, (4, bins)).softmax(-1) @ torch.arange(bins, dtype=raw.dtype)
    boxes = torch.cat((grid - distance[..., :2], grid + distance[..., 2:]), -1)  # in cells
    gt, score, fg = assign(logits.detach().sigmoid(), boxes.detach() * strides, points, gt_class, gt_box,
                           valid, topk, topk2)
    total = score.sum().clamp(min=1)
    # Binary cross entropy; the library's own loses 1 % to cancellation at the logits (-12) a head starts at.
    class_loss = (F.softplus(logits) - logits * score).sum() / total
    if not fg.any():
        zero = raw.sum() * 0
        return torch.stack((zero, 0.5 * class_loss, zero))
    weight = score.sum(-1)[fg]
    stride = strides.expand(fg.shape[0], -1, -1)[fg]
    point = grid.expand(fg.shape[0], -1, -1)[fg]
    gt = gt[fg] / stride
    box_loss = ((1 - ciou(boxes[fg], gt)) * weight).sum() / total
    wanted = torch.cat((point - gt[:, :2], gt[:, 2:] - point), -1)
    if bins > 1:
        each = focal(raw[fg], wanted, bins)
    else:
        h, w = size
        unit = stride / torch.tensor([w, h, w, h], dtype=stride.dtype)
        each = ((distance[fg] - wanted) * unit).abs().mean(-1)
    return torch.stack((7.5 * box_loss, 0.5 * class_loss, 1.5 * (each * weight).sum() / total))


def anchors_of(h, w):
    """For an image of h x w pixels: points in pixels (A,2), strides (A,1), and that size."""
    points, strides = [], []
    for s in STRIDES:
        y, x = torch.meshgrid(torch.arange(h // s) + 0.5, torch.arange(w // s) + 0.5, indexing="ij")
        points.append(torch.stack((x, y), -1).reshape(-1, 2) * s)
        strides.append(torch.full(((h // s) * (w // s), 1), float(s)))
    return torch.cat(points), torch.cat(strides), (h, w)


def loss_of(branches, anchors, targets, epoch=0, epochs=10):
    """What is back-propagated, and the three terms reported: those of the last, one-to-one branch."""
    batch = branches[0][0].shape[0]
    many = branch_loss(branches[0], anchors, targets, 10, 10)
    if len(branches) == 1:
        return many.sum() * batch, many.detach()
    share = max(1 - epoch / max(epochs - 1, 1), 0) * 0.7 + 0.1
    one = branch_loss(branches[1], anchors, targets, 7, 1)
    return (share * many.sum() + (1 - share) * one.sum()) * batch, one.detach()


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
