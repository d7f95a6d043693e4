#!/usr/bin/env python3
"""bench_export.py YOLOEXPORT WEIGHTS DATA [SIZE]: what integers of 8 bits save in the runtimes that this Python has.

The weights are exported in 32-bit floats and with --int8 --calib DATA, and both files run in turn in each runtime on two threads, one
image of noise at a time: the median of five medians of 30 runs each, and the ratio. Nothing else should be running.

    pip install onnxruntime==1.32.0 openvino==2026.4.1 numpy
"""
import os
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

ROUNDS, RUNS = 5, 30


def in_onnxruntime(path):
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return f"ONNX Runtime {onnxruntime.__version__}", lambda x: session.run(None, {"images": x})


def in_openvino(path):
    import openvino
    compiled = openvino.Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 2})
    request = compiled.create_infer_request()
    return f"OpenVINO {openvino.__version__.split('-')[0]}", lambda x: request.infer({0: x})


def median_ms(run, x):
    times = []
    for _ in range(RUNS):
        begin = time.perf_counter()
        run(x)
        times.append(1e3 * (time.perf_counter() - begin))
    return statistics.median(times)


def main():
    program, weights, data = (os.path.abspath(path) for path in sys.argv[1:4])
    size = int(sys.argv[4]) if len(sys.argv) > 4 else 320
    x = np.random.default_rng(0).random((1, 3, size, size), np.float32)
    with tempfile.TemporaryDirectory() as folder:
        files = {"floats": [], "integers": ["--int8", "--calib", data]}
        for kind, options in files.items():
            subprocess.run([program, weights, "-f", "onnx", "-o", f"{folder}/{kind}.onnx", "--imgsz", str(size)] + options, check=True,
                           capture_output=True)
        for opener in (in_onnxruntime, in_openvino):
            try:
                runs = {kind: opener(f"{folder}/{kind}.onnx") for kind in files}
            except ImportError as error:
                print(f"left out: {error}", file=sys.stderr)
                continue
            times = {kind: [] for kind in files}
            for _ in range(ROUNDS):
                for kind, (_, run) in runs.items():
                    times[kind].append(median_ms(run, x))
            floats, integers = (statistics.median(times[kind]) for kind in files)
            print(f"{runs['floats'][0]}: floats {floats:.2f} ms, integers {integers:.2f} ms: {floats / integers:.2f} x")


main()
