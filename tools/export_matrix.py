#!/usr/bin/env python3
"""export_matrix.py YOLOEXPORT FIXTURES: exported files in the runtimes that this Python has, as a table in Markdown.

Three trained networks (FIXTURES is the folder that fixtures/README.md describes) are exported in every form and run on its four
images. The truth are the reference outputs of the fixtures, or where there are none the file of 32-bit floats in ONNX Runtime.
Rows: largest difference of scores and of box coordinates in pixels over all anchors (o2o: rows above 0.01), and how many of
the detections above 0.25 differ by more than 0.5 px or 1e-3. onnx.checker's full check is made of every file; onnxslim and onnxsim
must not change the results.

    pip install onnx==1.23.2 onnxruntime==1.32.0 onnxslim onnxsim opencv-python-headless==5.0.0.93 openvino==2026.4.1 ncnn==1.0.20261020 numpy
"""
import importlib
import os
import subprocess
import sys
import tempfile

import numpy as np

SIZE, IMAGES, MODELS = 320, 4, ("yolov8n", "yolo11n", "yolo26n")


def in_onnxruntime(path, x):
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return dict(zip([o.name for o in session.get_outputs()], session.run(None, {"images": x})))


def in_opencv(path, x):
    import cv2
    net = cv2.dnn.readNetFromONNX(path)
    net.setInput(x)
    names = net.getUnconnectedOutLayersNames()
    return dict(zip(names, net.forward(names)))


def in_openvino(path, x):
    import openvino
    core = openvino.Core()
    compiled = core.compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    result = compiled([x])
    return {o.get_any_name(): np.array(result[o]) for o in compiled.outputs}


def in_ncnn(path, x):
    """path: the folder; one image after another."""
    import ncnn
    net = ncnn.Net()
    assert net.load_param(f"{path}/model.ncnn.param") == 0 and net.load_model(f"{path}/model.ncnn.bin") == 0
    answers = []
    for image in x:
        extractor = net.create_extractor()
        extractor.input("in0", ncnn.Mat(image).clone())
        answers.append(np.array(extractor.extract("out0")[1]))
    return {"output0": np.stack(answers)}


RUNTIMES = {"onnxruntime": ("ONNX Runtime", in_onnxruntime), "cv2": ("OpenCV", in_opencv), "openvino": ("OpenVINO f32", in_openvino)}


def available():
    for module, (name, run) in RUNTIMES.items():
        try:
            version = importlib.import_module(module).__version__
        except ImportError:
            print(f"{name}: not installed, left out", file=sys.stderr)
            continue
        yield f"{name} {version.split('-')[0]}", run


def version_of_ncnn():
    try:
        return importlib.import_module("ncnn").__version__
    except ImportError:
        print("ncnn: not installed, left out", file=sys.stderr)
        return None


def suppressed(y, conf=0.25, iou=0.7):
    """(4 + nc, anchors): rows x1 y1 x2 y2 score class after NMS inside each class."""
    score, cls = y[4:].max(0), y[4:].argmax(0)
    order = [i for i in np.argsort(-score, kind="stable") if score[i] > conf]
    centre, half = y[:2].T, y[2:4].T / 2
    box = np.concatenate([centre - half, centre + half], 1).astype(np.float64)
    kept = []
    for i in order:
        for j in kept:
            w = np.minimum(box[i, 2:], box[j, 2:]) - np.maximum(box[i, :2], box[j, :2])
            both = max(w[0], 0) * max(w[1], 0)
            if cls[i] == cls[j] and both > iou * (np.prod(box[i, 2:] - box[i, :2]) + np.prod(box[j, 2:] - box[j, :2]) - both):
                break
        else:
            kept.append(i)
    return np.array([[*box[i], score[i], cls[i]] for i in kept]).reshape(-1, 6)


def detections(y):
    return y[y[:, 4] > 0.25].astype(np.float64) if y.shape[1] == 6 else suppressed(y)


def differing(a, b):
    def alone(p, q):
        return sum(not any(r[5] == s[5] and abs(r[4] - s[4]) <= 1e-3 and np.abs(r[:4] - s[:4]).max() <= 0.5 for s in q) for r in p)
    return max(alone(a, b), alone(b, a))


def compare(truth, got):
    """Arrays (n, 4 + nc, anchors) or (n, k, 6): score, box, detections, how many differ."""
    if truth.shape[2] == 6:
        rows = truth[..., 4] > 0.01
        score, box = np.abs(truth[..., 4] - got[..., 4])[rows].max(), np.abs(truth[..., :4] - got[..., :4])[rows].max()
    else:
        score, box = np.abs(truth[:, 4:] - got[:, 4:]).max(), np.abs(truth[:, :4] - got[:, :4]).max()
    pairs = [(detections(p), detections(q)) for p, q in zip(truth, got)]
    return score, box, sum(len(p) for p, _ in pairs), sum(differing(p, q) for p, q in pairs)


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


def main():
    exporter, fixtures = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    pixels = np.fromfile(f"{fixtures}/batch_images_{IMAGES}x{SIZE}x{SIZE}x3_rgb_u8.bin", np.uint8)
    x = np.ascontiguousarray(pixels.reshape(IMAGES, SIZE, SIZE, 3).transpose(0, 3, 1, 2)).astype(np.float32) / np.float32(255)
    runtimes = list(available())
    worst = 0
    print("| network | head | weights | runtime | score | box, px | detections | differing |")
    print("|---|---|---|---|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as folder:
        for model in MODELS:
            for head in ("o2m", "o2o") if model == "yolo26n" else ("o2m",):
                truth = None
                shape = "x".join(map(str, (IMAGES, 300, 6) if head == "o2o" else (IMAGES, 84, 2100)))
                reference = f"{fixtures}/{model}/eval_output_{shape}_f32.bin"
                if os.path.exists(reference):
                    truth = np.fromfile(reference, np.float32).reshape(tuple(map(int, shape.split("x"))))
                for half in (False, True):
                    path = f"{folder}/{model}_{head}{'_half' if half else ''}.onnx"
                    subprocess.run([exporter, f"{fixtures}/{model}/{model}_coco8_fit.pt", "-o", path, "--imgsz", str(SIZE), "--batch",
                                    str(IMAGES), "--head", head] + (["--half"] if half else []), check=True, capture_output=True)
                    import onnx
                    onnx.checker.check_model(path, full_check=True)
                    for name, run in runtimes:
                        try:
                            got = run(path, x)["output0"]
                        except Exception as error:  # a runtime that refuses a file is a row of the table
                            print(f"| {model} | {head} | {'fp16' if half else 'fp32'} | {name} | refused: {str(error).splitlines()[0][:80]} | | | |")
                            continue
                        if truth is None:
                            truth = got
                        score, box, count, other = compare(truth, got)
                        worst += other if not half else 0
                        print(f"| {model} | {head} | {'fp16' if half else 'fp32'} | {name} | {score:.1e} | {box:.1e} | {count} | {other} |",
                              flush=True)
                    if head == "o2m" and version_of_ncnn():
                        subprocess.run([exporter, f"{fixtures}/{model}/{model}_coco8_fit.pt", "-f", "ncnn", "-o", f"{folder}/ncnn", "--imgsz",
                                        str(SIZE)] + (["--half"] if half else []), check=True, capture_output=True)
                        score, box, count, other = compare(truth, in_ncnn(f"{folder}/ncnn", x)["output0"])
                        worst += other if not half else 0
                        print(f"| {model} | {head} | {'fp16' if half else 'fp32'} | ncnn {version_of_ncnn()} | {score:.1e} | {box:.1e} | {count} | "
                              f"{other} |", flush=True)
                    for tool in ("onnxslim", "onnxsim") if not half else ():
                        try:
                            simple = simplified(path, tool)
                        except ImportError:
                            print(f"{tool}: not installed, left out", file=sys.stderr)
                            continue
                        score, box, count, other = compare(truth, in_onnxruntime(simple, x)["output0"])
                        worst += other
                        print(f"| {model} | {head} | fp32 | {tool}, then ONNX Runtime | {score:.1e} | {box:.1e} | {count} | {other} |",
                              flush=True)
    print(f"{worst} detections of files of 32-bit floats differ", file=sys.stderr)
    sys.exit(worst > 0)


main()
