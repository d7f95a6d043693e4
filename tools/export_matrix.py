#!/usr/bin/env python3
"""export_matrix.py YOLOEXPORT FIXTURES [DATA]: exported files in the runtimes that this Python has, as a table in Markdown.

Three trained networks (FIXTURES is the folder that fixtures/README.md describes) are exported in every form and run on its four
images; in integers only where DATA, a dataset YAML, is there to choose scales by. The truth are the reference outputs of the
fixtures, or where there are none the file of 32-bit floats in ONNX Runtime. Rows: largest difference of scores and of box
coordinates in pixels over all anchors (o2o: rows above 0.01; raw: of the sigmoid of the class maps, and of the box maps), and
how many of the detections above 0.25 differ by more than 0.5 px or 1e-3. onnx.checker's full check is made of every file;
onnxslim and onnxsim must not change the results.

    pip install onnx==1.23.2 onnxslim onnxsim, and what runtimes.py names
"""
import os
import subprocess
import sys
import tempfile

import numpy as np

from runtimes import available, compare, in_ncnn, in_onnxruntime, version_of_ncnn

SIZE, IMAGES, MODELS = 320, 4, ("yolov8n", "yolo11n", "yolo26n")


def simplified(path, tool):
    import onnx
    model = onnx.load(path)
    if tool == "onnxslim":
        import onnxslim
        model = onnxslim.slim(model)
    else:
        import onnxsim
        model, good = onnxsim.simplify(model)
        assert good
    onnx.save(model, path + ".simple")
    return path + ".simple"


def export(exporter, fixtures, model, options, path):
    weights = f"{fixtures}/{model}/{model}_coco8_fit.pt"
    subprocess.run([exporter, weights, "-o", path, "--imgsz", str(SIZE)] + options, check=True, capture_output=True)
    return path


def maps_differ(truth, got):
    """Of files of raw maps: the largest difference of scores, and of box maps."""
    score = max(np.abs(1 / (1 + np.exp(-truth[k])) - 1 / (1 + np.exp(-got[k]))).max() for k in truth if k.startswith("cls"))
    return score, max(np.abs(truth[k] - got[k]).max() for k in truth if k.startswith("box"))


class Table:
    def __init__(self):
        self.worst = 0
        print("| network | head | weights | runtime | score | box, px | detections | differing |")
        print("|---|---|---|---|---:|---:|---:|---:|")

    def row(self, model, head, kind, runtime, truth, got):
        if head == "raw":
            score, box = maps_differ(truth, got)
            print(f"| {model} | {head} | {kind} | {runtime} | {score:.1e} | {box:.1e} | | |", flush=True)
            return
        score, box, count, other = compare(truth, got["output0"])
        self.worst += other if kind == "fp32" else 0
        print(f"| {model} | {head} | {kind} | {runtime} | {score:.1e} | {box:.1e} | {count} | {other} |", flush=True)

    def refused(self, model, head, kind, runtime, error):
        print(f"| {model} | {head} | {kind} | {runtime} | refused: {str(error).splitlines()[0][:80]} | | | |", flush=True)


def reference(fixtures, model, head):
    """The outputs of the reference trainer; None: there are none of this form."""
    shape = (IMAGES, 300, 6) if head == "o2o" else (IMAGES, 84, 2100)
    path = f"{fixtures}/{model}/eval_output_{'x'.join(map(str, shape))}_f32.bin"
    return np.fromfile(path, np.float32).reshape(shape) if head != "raw" and os.path.exists(path) else None


def main():
    import onnx
    exporter, fixtures = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    data = os.path.abspath(sys.argv[3]) if len(sys.argv) > 3 else None
    pixels = np.fromfile(f"{fixtures}/batch_images_{IMAGES}x{SIZE}x{SIZE}x3_rgb_u8.bin", np.uint8)
    x = np.ascontiguousarray(pixels.reshape(IMAGES, SIZE, SIZE, 3).transpose(0, 3, 1, 2)).astype(np.float32) / np.float32(255)
    runtimes = list(available())
    kinds = {"fp32": [], "fp16": ["--half"]}
    if data:
        kinds["int8"] = ["--int8", "--calib", data]
    table = Table()
    with tempfile.TemporaryDirectory() as folder:
        for model in MODELS:
            for head in ("o2m", "o2o", "raw") if model == "yolo26n" else ("o2m", "raw"):
                truth = reference(fixtures, model, head)
                for kind, options in kinds.items():
                    path = export(exporter, fixtures, model, ["--batch", str(IMAGES), "--head", head] + options,
                                  f"{folder}/{model}_{head}_{kind}.onnx")
                    onnx.checker.check_model(path, full_check=True)
                    for name, run in runtimes:
                        try:
                            got = run(path, x)
                        except Exception as error:  # a runtime that refuses a file is a row of the table
                            table.refused(model, head, kind, name, error)
                            continue
                        if truth is None:
                            truth = got if head == "raw" else got["output0"]
                        table.row(model, head, kind, name, truth, got)
                    if head == "o2m" and kind != "int8" and version_of_ncnn():
                        export(exporter, fixtures, model, ["-f", "ncnn"] + options, f"{folder}/ncnn")
                        table.row(model, head, kind, f"ncnn {version_of_ncnn()}", truth, in_ncnn(f"{folder}/ncnn", x))
                    for tool in ("onnxslim", "onnxsim") if kind == "fp32" else ():
                        try:
                            simple = simplified(path, tool)
                            import onnxruntime  # noqa: F401
                        except ImportError:
                            print(f"{tool}: not installed, left out", file=sys.stderr)
                            continue
                        table.row(model, head, kind, f"{tool}, then ONNX Runtime", truth, in_onnxruntime(simple, x))
    print(f"{table.worst} detections of files of 32-bit floats differ", file=sys.stderr)
    sys.exit(table.worst > 0)


main()
