#!/usr/bin/env python3
"""The training step and the inference of this project in PyTorch, to be timed beside ours.

    python3 tools/bench/torch_peer --steps 20 --json              time one training step
    python3 tools/bench/torch_peer --eval --batch 1               time the fused network
    python3 tools/bench/torch_peer --profile                      a training step by kind of work
    python3 tools/bench/torch_peer --check FIXTURES               is it a true peer? (needs safetensors)
"""
import argparse
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
MODELS = os.path.join(HERE, "..", "..", "..", "models")


def parse_arguments():
    p = argparse.ArgumentParser(prog="torch_peer", description="time a PyTorch training step of the same network")
    p.add_argument("--model", default=os.path.join(MODELS, "yolo26.yaml"))
    p.add_argument("--scale", default="n", choices=list("nsmlx"))
    p.add_argument("--imgsz", type=int, default=640)
    p.add_argument("--batch", type=int, default=4)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--steps", type=int, default=11)
    p.add_argument("--warmup", type=int, default=2, help="steps before the counted ones, besides the very first")
    p.add_argument("--boxes", type=int, default=8, help="random boxes in each image")
    p.add_argument("--optimizer", default="sgd", choices=["sgd", "adamw"])
    p.add_argument("--fused-optimizer", action="store_true", help="the library's fused update")
    p.add_argument("--memory-format", default="channels_last", choices=["channels_last", "contiguous"])
    p.add_argument("--compile", action="store_true", help="torch.compile the network")
    p.add_argument("--compile-loss", action="store_true", help="torch.compile the loss")
    p.add_argument("--compile-mode", default="default")
    p.add_argument("--eval", action="store_true", help="the fused network's forward pass instead of a training step")
    p.add_argument("--profile", action="store_true", help="print self time by kind of work")
    p.add_argument("--json", action="store_true")
    p.add_argument("--check", metavar="FIXTURES", help="compare with FIXTURES/<model>/reference.json and exit")
    return p.parse_args()


def main():
    args = parse_arguments()
    os.environ.setdefault("OMP_NUM_THREADS", str(args.threads))  # before torch is loaded
    import torch

    torch.set_num_threads(args.threads)
    if args.check:
        from check import check

        return 0 if check(args.check, MODELS) else 1
    if args.profile:
        from kinds import print_table, profile_steps
        from step import Training

        table = profile_steps(Training(args), args.steps, args.warmup + 1)
        print(json.dumps(table)) if args.json else print_table(table)
        return 0
    from step import time_steps

    result = time_steps(args)
    print(json.dumps(result) if args.json else
          "torch %(torch)s, %(memory_format)s, batch %(batch)d at %(imgsz)d, %(threads)d threads: "
          "median %(median_s).4f s, best %(best_s).4f s, peak memory %(peak_mb)d MB "
          "(%(library_mb)d of it the library)" % result)
    return 0


if __name__ == "__main__":
    sys.exit(main())
