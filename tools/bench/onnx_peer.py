#!/usr/bin/env python3
"""onnx_peer.py: inference of the same fused network in ONNX Runtime, to be timed beside ours.

    onnx_peer.py --export FILE.onnx [--model YAML ...]      write the network of torch_peer (needs torch, onnx, onnxscript)
    onnx_peer.py --run FILE.onnx [--threads 2 --json]       time it (needs onnxruntime and numpy alone)

Two calls, so that the memory of PyTorch is not counted as ONNX Runtime's.
"""
import argparse
import json
import os
import statistics
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))


def parse_arguments():
    p = argparse.ArgumentParser(description="time the same network in ONNX Runtime")
    what = p.add_mutually_exclusive_group(required=True)
    what.add_argument("--export", metavar="FILE")
    what.add_argument("--run", metavar="FILE")
    p.add_argument("--model", default=os.path.join(HERE, "..", "..", "models", "yolo26.yaml"))
    p.add_argument("--scale", default="n")
    p.add_argument("--imgsz", type=int, default=640)
    p.add_argument("--batch", type=int, default=1)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--steps", type=int, default=50)
    p.add_argument("--json", action="store_true")
    return p.parse_args()


def export(args):
    sys.path.insert(0, os.path.join(HERE, "torch_peer"))
    import torch
    from network import Network, fuse

    torch.manual_seed(0)
    net = fuse(Network(args.model, args.scale))
    torch.onnx.export(net, (torch.rand(args.batch, 3, args.imgsz, args.imgsz),), args.export, dynamo=True,
                      input_names=["images"], output_names=["boxes", "logits"], external_data=False, verbose=False)


def run(args):
    import numpy as np
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = args.threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(args.run, options, providers=["CPUExecutionProvider"])
    feed = {session.get_inputs()[0].name: np.random.default_rng(0).random(session.get_inputs()[0].shape, np.float32)}
    seconds = []
    for step in range(args.steps + 3):
        start = time.perf_counter()
        session.run(None, feed)
        if step >= 3:
            seconds.append(time.perf_counter() - start)
    result = {"onnxruntime": onnxruntime.__version__, "threads": args.threads, "steps": args.steps,
              "median_s": round(statistics.median(seconds), 5), "best_s": round(min(seconds), 5)}
    print(json.dumps(result) if args.json else "ONNX Runtime %(onnxruntime)s, %(threads)d threads: "
          "median %(median_s).5f s, best %(best_s).5f s" % result)


if __name__ == "__main__":
    ARGS = parse_arguments()
    export(ARGS) if ARGS.export else run(ARGS)
