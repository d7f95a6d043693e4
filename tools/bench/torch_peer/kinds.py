"""kinds.py: where a PyTorch step spends its time, by kind of work and part of the step.

torch.profiler gives every operator's self time. It is counted under the outermost operator above it that has a kind, so
that a convolution's own allocations and reorderings are the convolution's; what no rule names is "rest". The backward
pass is cut at the head's outputs, so that the loss is seen whole, with its own backward pass.
"""
import collections
import re

import torch
from torch.profiler import ProfilerActivity, profile, record_function

KINDS = (
    ("convolution", re.compile(r"aten::(conv2d|convolution|mkldnn_conv|_?conv_depthwise)")),
    ("batch norm", re.compile(r"aten::(batch_norm|native_batch_norm)")),
    ("SiLU", re.compile(r"aten::silu")),
    ("attention products", re.compile(r"aten::(bmm|matmul|_?softmax)")),
    ("copy, cat, add", re.compile(r"aten::(copy_|cat|add_?|clone|contiguous|reshape|fill_|zero_|zeros"
                                  r"|(slice|select)_backward|(unsafe_)?split|chunk|narrow)\b")),
    ("pool, upsample", re.compile(r"aten::(max_pool|upsample)")),
)


def profiled_step(work):
    with record_function("part:forward"):
        branches = work.forward(work.images)
    with record_function("part:loss"):
        leaves = [[t.detach().requires_grad_() for t in branch] for branch in branches]
        work.loss(leaves, work.anchors, work.targets)[0].backward()
    with record_function("part:backward"):
        torch.autograd.backward([t for branch in branches for t in branch],
                                [t.grad for branch in leaves for t in branch])
    with record_function("part:optimiser"):
        work.update()


def kind_of(event):
    """(part, kind) of an event; None outside the step."""
    kind = "rest"
    while event is not None:
        if event.name.startswith("part:"):
            return event.name[5:], kind
        for name, pattern in KINDS:
            if pattern.match(event.name):
                kind = name
        event = event.cpu_parent
    return None


def profile_steps(work, steps, warmup):
    """Milliseconds per step: {kind: {part: ms}}. Loss and optimiser are kinds of their own."""
    for _ in range(warmup):
        profiled_step(work)
    with profile(activities=[ProfilerActivity.CPU]) as recorded:
        for _ in range(steps):
            profiled_step(work)
    table = collections.defaultdict(lambda: collections.defaultdict(float))
    for event in recorded.events():
        place = kind_of(event)
        if place:
            part, kind = place
            table[part if part in ("loss", "optimiser") else kind][part] += event.self_cpu_time_total / 1e3 / steps
    return {kind: dict(parts) for kind, parts in table.items()}


def print_table(table):
    print(f"{'self ms per step':<20}{'forward':>9}{'backward':>9}{'all':>9}")
    whole = 0
    for kind in [k for k, _ in KINDS] + ["rest", "loss", "optimiser"]:
        parts = table.get(kind, {})
        total = sum(parts.values())
        whole += total
        print(f"{kind:<20}{parts.get('forward', 0):>9.1f}{parts.get('backward', 0):>9.1f}{total:>9.1f}")
    print(f"{'step':<38}{whole:>9.1f}")
