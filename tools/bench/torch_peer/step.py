"""step.py: what is timed: one training step, or one forward pass of the fused network, on random pictures and boxes."""
import resource
import statistics
import time

import torch

from loss import anchors_of, loss_of, pack_targets
from network import Network, fuse


def peak_memory():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def make_optimizer(net, name, fused):
    decay, plain = [], []
    for p in net.parameters():
        if p.requires_grad:
            (decay if p.ndim > 1 else plain).append(p)
    groups = [{"params": decay, "weight_decay": 5e-4}, {"params": plain, "weight_decay": 0.0}]
    fused = True if fused else None
    if name == "sgd":
        return torch.optim.SGD(groups, lr=0.01, momentum=0.937, nesterov=True, fused=fused)
    return torch.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.999), fused=fused)


def make_images(args):
    images = torch.rand(args.batch, 3, args.imgsz, args.imgsz)
    return images.to(memory_format=memory_format(args))


def memory_format(args):
    return torch.channels_last if args.memory_format == "channels_last" else torch.contiguous_format


class Training:
    """One step: forward, loss, backward, clipping, update. No decoding of pictures, no moving average."""

    def __init__(self, args):
        torch.manual_seed(0)
        self.net = Network(args.model, args.scale).train().to(memory_format=memory_format(args))
        self.images = make_images(args)
        n = args.batch * args.boxes
        rows = torch.cat((torch.arange(args.batch).repeat_interleave(args.boxes)[:, None].float(),
                          torch.randint(0, 80, (n, 1)).float(), torch.rand(n, 2) * 0.6 + 0.2,
                          torch.rand(n, 2) * 0.35 + 0.05), 1)
        self.targets = pack_targets(rows, args.batch, args.imgsz, args.imgsz)
        self.anchors = anchors_of(args.imgsz, args.imgsz)
        self.optimizer = make_optimizer(self.net, args.optimizer, args.fused_optimizer)
        self.forward, self.loss = self.net, loss_of
        if args.compile:
            self.forward = torch.compile(self.net, mode=args.compile_mode)
        if args.compile_loss:
            torch._dynamo.config.capture_dynamic_output_shape_ops = True
            self.loss = torch.compile(loss_of, dynamic=True)

    def update(self):
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 10.0)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)

    def step(self):
        loss, _ = self.loss(self.forward(self.images), self.anchors, self.targets)
        loss.backward()
        self.update()


class Inference:
    """The fused network up to the outputs of its head: what is timed in ours as well. No decoding, no choice of boxes."""

    def __init__(self, args):
        torch.manual_seed(0)
        self.net = fuse(Network(args.model, args.scale)).to(memory_format=memory_format(args))
        self.images = make_images(args)
        self.forward = torch.compile(self.net, mode=args.compile_mode) if args.compile else self.net

    def step(self):
        with torch.inference_mode():
            self.forward(self.images)


def time_steps(args):
    at_start = peak_memory()
    work = Inference(args) if args.eval else Training(args)
    started = time.perf_counter()
    work.step()
    first, seconds = time.perf_counter() - started, []
    for step in range(args.steps + args.warmup):
        start = time.perf_counter()
        work.step()
        if step >= args.warmup:
            seconds.append(time.perf_counter() - start)
    return {"torch": torch.__version__, "memory_format": args.memory_format, "compile": args.compile,
            "imgsz": args.imgsz, "batch": args.batch, "threads": torch.get_num_threads(), "steps": args.steps,
            "median_s": round(statistics.median(seconds), 5), "best_s": round(min(seconds), 5),
            "first_step_s": round(first, 2), "peak_mb": round(peak_memory() / 1e6),
            "library_mb": round(at_start / 1e6)}
