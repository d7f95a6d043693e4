"""runtimes.py: exported files in the runtimes that this Python has, and what they find; for export_matrix.py and verify_export.py.

    pip install onnxruntime==1.32.0 opencv-python-headless==5.0.0.93 openvino==2026.4.1 MNN==3.6.1 tract==0.23.9 ncnn==1.0.20261020 numpy
"""
import importlib
import importlib.metadata
import os
import subprocess
import sys

import numpy as np


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
    return {name: np.array(result[o]) for o in compiled.outputs for name in o.get_names()}


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


def in_mnn(path, x):
    """Converted first, in a process of its own: the command mnnconvert asks the network for a package on every call."""
    import MNN
    target = path[:-len(".onnx")] + ".mnn"
    command = ["", "-f", "ONNX", "--modelFile", path, "--MNNModel", target, "--bizCode", "yolotrain"]
    done = subprocess.run([sys.executable, "-c", "import sys, _tools; _tools.mnnconvert(sys.argv[1:])"] + command, capture_output=True, text=True)
    if not os.path.exists(target):
        raise RuntimeError("mnnconvert: " + (done.stdout + done.stderr).strip().splitlines()[-1])
    runtime = MNN.nn.create_runtime_manager(({"backend": "CPU", "numThread": 2},))
    net = MNN.nn.load_module_from_file(target, [], [], runtime_manager=runtime, rearrange=True)
    answers = net.onForward([MNN.expr.const(x, list(x.shape), MNN.expr.data_format.NCHW)])
    if not answers:
        raise RuntimeError("is converted and loaded, and answers with nothing")
    return {name: np.array(answer.read()) for name, answer in zip(net.get_info()["outputNames"], answers)}


def in_tract(path, x):
    import tract
    model = tract.onnx().load(path)
    names = [model.output_name(i) for i in range(model.output_count())]
    model = model.into_model()
    run = model.into_runnable() if hasattr(model, "into_runnable") else model.optimize().into_runnable()
    return dict(zip(names, (y.to_numpy() for y in run.run([x]))))


PACKAGES = {"cv2": "opencv-python-headless"}  # that are called otherwise than their modules
RUNTIMES = {"onnxruntime": ("ONNX Runtime", in_onnxruntime), "cv2": ("OpenCV", in_opencv), "openvino": ("OpenVINO f32", in_openvino),
            "MNN": ("MNN", in_mnn), "tract": ("tract", in_tract)}


def available():
    for module, (name, run) in RUNTIMES.items():
        try:
            importlib.import_module(module)
            version = importlib.metadata.version(PACKAGES.get(module, module))
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
