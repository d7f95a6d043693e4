#!/usr/bin/env python3
"""make_corpus.py: writes the files of corpus/ anew: one good file of each kind and the ways in which one can be bad.

Needs Python alone; the compressed photographs (*.jpg) are kept as they are. The checkpoints are made by Python's own
pickle module from classes that only have the names of Ultralytics', so that the reader meets what a real trainer writes.
"""
import collections
import io
import json
import math
import pathlib
import pickle
import struct
import sys
import types
import zipfile
import zlib

ROOT = pathlib.Path(__file__).parent / "corpus"

TINY_YAML = {"nc": 2, "scale": "n", "scales": {"n": [1.0, 1.0, 64]}, "ch": 3, "channels": 3,
             "yaml_file": "tinyn.yaml",
             "backbone": [[-1, 1, "Conv", [8, 3, 2]], [-1, 1, "Conv", [8, 3, 2]], [-1, 1, "Conv", [8, 3, 2]]],
             "head": [[[2], 1, "Detect", ["nc"]]]}


def put(kind, name, data):
    folder = ROOT / kind
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data if isinstance(data, bytes) else data.encode())


# ---- pickles as the Ultralytics trainer writes them ----

class Storage:
    def __init__(self, kind, key, count):
        self.kind, self.key, self.count = kind, key, count


def module(name):
    at = sys.modules.setdefault(name, types.ModuleType(name))
    return at


def named(module_name, name, base=object):
    """A class that pickles as module_name.name."""
    made = type(name, (base,), {"__module__": module_name})
    setattr(module(module_name), name, made)
    return made


for path in ("torch", "torch._utils", "torch.nn", "torch.nn.modules", "torch.nn.modules.conv",
             "torch.nn.modules.batchnorm", "torch.nn.modules.activation", "torch.nn.modules.container",
             "ultralytics", "ultralytics.nn", "ultralytics.nn.tasks", "ultralytics.nn.modules",
             "ultralytics.nn.modules.conv", "ultralytics.nn.modules.head"):
    module(path)


def _rebuild_tensor_v2(*args):
    raise NotImplementedError


def _rebuild_parameter(*args):
    raise NotImplementedError


for function in (_rebuild_tensor_v2, _rebuild_parameter):
    function.__module__ = "torch._utils"
    setattr(module("torch._utils"), function.__name__, function)
HalfStorage, FloatStorage, LongStorage = (named("torch", n) for n in ("HalfStorage", "FloatStorage", "LongStorage"))
Model = named("ultralytics.nn.tasks", "DetectionModel")
Conv = named("ultralytics.nn.modules.conv", "Conv")
Conv2d = named("torch.nn.modules.conv", "Conv2d")
BatchNorm2d = named("torch.nn.modules.batchnorm", "BatchNorm2d")
Detect = named("ultralytics.nn.modules.head", "Detect")
SiLU = named("torch.nn.modules.activation", "SiLU")
Sequential = named("torch.nn.modules.container", "Sequential")


class Tensor:
    def __init__(self, archive, kind, shape, offset=0, strides=None, count=None):
        size = 1
        for d in shape:
            size *= d
        steps = []
        for d in reversed(shape):
            steps.insert(0, (steps[0] * shape[len(shape) - len(steps)]) if steps else 1)
        self.shape, self.offset, self.strides = tuple(shape), offset, tuple(steps if strides is None else strides)
        self.storage = archive.storage(kind, size if count is None else count)

    def __reduce__(self):
        return _rebuild_tensor_v2, (self.storage, self.offset, self.shape, self.strides, False,
                                    collections.OrderedDict())


class Parameter:
    def __init__(self, tensor):
        self.tensor = tensor

    def __reduce__(self):
        return _rebuild_parameter, (self.tensor, False, collections.OrderedDict())


class Archive:
    """The storages of one file; with `fixed`, every one is of so many bytes."""

    def __init__(self, fixed=None):
        self.members, self.fixed = {}, fixed

    def storage(self, kind, count):
        key = str(len(self.members))
        width = {HalfStorage: 2, FloatStorage: 4, LongStorage: 8}[kind]
        count = count if self.fixed is None else self.fixed // width
        self.members[key] = bytes((7 * i) % 61 for i in range(count * width))
        return Storage(kind, key, count)

    def pickle(self, value, protocol=2):
        out = io.BytesIO()
        pickler = pickle.Pickler(out, protocol)
        pickler.persistent_id = lambda v: (("storage", v.kind, v.key, "cpu", v.count)
                                           if isinstance(v, Storage) else None)
        pickler.dump(value)
        return out.getvalue()

    def zip(self, pickled, root="tiny", method=zipfile.ZIP_STORED, extra=()):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", method) as archive:
            members = {f"{root}/data.pkl": pickled, **{f"{root}/data/{k}": v for k, v in self.members.items()},
                       f"{root}/version": b"3\n", **dict(extra)}
            for name, data in members.items():
                archive.writestr(zipfile.ZipInfo(name), data, method)  # a fixed date: the same bytes again
        return out.getvalue()


def with_state(cls, **state):
    made = cls.__new__(cls)
    made.__dict__.update(state)
    return made


def modules(**children):
    return dict(training=False, _parameters=collections.OrderedDict(), _buffers=collections.OrderedDict(),
                _non_persistent_buffers_set=set(), _modules=collections.OrderedDict(children))


def conv_block(archive, cin, cout):
    conv = with_state(Conv2d, **modules(), in_channels=cin, out_channels=cout, kernel_size=(3, 3), stride=(2, 2))
    conv._parameters["weight"] = Parameter(Tensor(archive, HalfStorage, (cout, cin, 3, 3)))
    conv._parameters["bias"] = None
    norm = with_state(BatchNorm2d, **modules(), eps=1e-3, momentum=0.03)
    for name in ("weight", "bias"):
        norm._parameters[name] = Parameter(Tensor(archive, HalfStorage, (cout,)))
    for name in ("running_mean", "running_var"):
        norm._buffers[name] = Tensor(archive, HalfStorage, (cout,))
    norm._buffers["num_batches_tracked"] = Tensor(archive, LongStorage, ())
    return with_state(Conv, **modules(conv=conv, bn=norm, act=with_state(SiLU, **modules())))


def plain_conv(archive, cin, cout):
    conv = with_state(Conv2d, **modules(), in_channels=cin, out_channels=cout, kernel_size=(1, 1), stride=(1, 1))
    conv._parameters["weight"] = Parameter(Tensor(archive, HalfStorage, (cout, cin, 1, 1)))
    conv._parameters["bias"] = Parameter(Tensor(archive, HalfStorage, (cout,)))
    return conv


def sequence(*rows):
    return with_state(Sequential, **modules(**{str(i): row for i, row in enumerate(rows)}))


def checkpoint(archive, width=8, **changes):
    rows = {str(i): conv_block(archive, 3 if i == 0 else width, width) for i in range(3)}
    model = with_state(Model, **modules(model=with_state(Sequential, **modules(**rows))), yaml=TINY_YAML,
                       names={0: "cat", 1: "dog"}, nc=2, save=[], task="detect",
                       stride=Tensor(archive, FloatStorage, (1,)))
    root = {"epoch": -1, "best_fitness": None, "model": model, "ema": None, "updates": None, "optimizer": None,
            "train_args": {"imgsz": 320, "lr0": 0.01, "names": None}, "date": "2026-01-01T00:00:00",
            "version": "8.4.104", "big": 1 << 40}
    root.update(changes)
    return root


def whole_checkpoint(archive, **changes):
    """One that has every tensor of the network it describes."""
    root = checkpoint(archive)
    root["model"].__dict__["yaml"] = dict(TINY_YAML, reg_max=1)
    box = sequence(conv_block(archive, 8, 16), conv_block(archive, 16, 16), plain_conv(archive, 16, 4))
    cls = sequence(conv_block(archive, 8, 8), conv_block(archive, 8, 8), plain_conv(archive, 8, 2))
    head = with_state(Detect, **modules(cv2=sequence(box), cv3=sequence(cls)), nc=2, reg_max=1)
    root["model"]._modules["model"]._modules["3"] = head
    root["model"].__dict__.update(changes)
    return root


def pt_files():
    a = Archive()
    good = a.pickle(checkpoint(a))
    whole = a.zip(good)
    put("pt", "good.pt", whole)
    put("pt", "good-protocol-4.pt", a.zip(a.pickle(checkpoint(a), 4)))
    put("pt", "archive-root.pt", a.zip(good, root="archive", extra=[("archive/byteorder", b"little")]))
    whole_net = Archive()
    put("pt", "whole.pt", whole_net.zip(whole_net.pickle(whole_checkpoint(whole_net))))
    quoted = Archive()
    put("pt", "odd-names.pt", quoted.zip(quoted.pickle(whole_checkpoint(
        quoted, names={0: 'a "quoted" \\ name', 1: "\u00e4\n\t\u2603"}))))
    put("pt", "big-endian.pt", a.zip(good, extra=[("tiny/byteorder", b"big")]))
    put("pt", "compressed.pt", a.zip(good, method=zipfile.ZIP_DEFLATED))
    put("pt", "truncated.pt", whole[:len(whole) * 2 // 3])
    put("pt", "no-directory.pt", whole[:whole.index(b"PK\x01\x02")])
    put("pt", "no-pickle.pt", a.zip(b"").replace(b"tiny/data.pkl", b"tiny/data.txt"))
    put("pt", "two-pickles.pt", a.zip(good, extra=[("other/data.pkl", good)]))
    put("pt", "absolute-names.pt", a.zip(good, root="/etc"))
    put("pt", "parent-names.pt", a.zip(good, root="../.."))
    put("pt", "empty.pt", b"")
    put("pt", "empty-archive.pt", b"PK\x05\x06" + bytes(18))
    put("pt", "legacy.pt", pickle.dumps(0x1950a86a20f9469cfc6c, 2) + pickle.dumps(1001, 2))
    put("pt", "legacy-tar.pt", b"ustar" * 120)
    flipped = bytearray(whole)
    flipped[whole.index(b"PK\x01\x02") + 42] ^= 0x40  # offset of the first member
    put("pt", "wrong-offset.pt", bytes(flipped))
    flipped = bytearray(whole)
    flipped[whole.index(b"PK\x01\x02") + 24:whole.index(b"PK\x01\x02") + 28] = b"\xff\xff\xff\x7f"
    put("pt", "absurd-member-size.pt", bytes(flipped))
    short = Archive()
    pickled = short.pickle(checkpoint(short))
    short.members["0"] = short.members["0"][:-2]
    put("pt", "short-storage.pt", short.zip(pickled))
    gone = Archive()
    pickled = gone.pickle(checkpoint(gone))
    del gone.members["1"]
    put("pt", "missing-storage.pt", gone.zip(pickled))
    for name, shape, extra in (("beyond-storage", (8, 8), dict(count=8)), ("negative-stride", (4, 4), dict(strides=(-4, 1))),
                               ("huge-stride", (2, 2), dict(strides=(1 << 62, 1))), ("negative-size", (-4, 4), {}),
                               ("huge-shape", (1 << 31, 1 << 31, 4), dict(count=4)),
                               ("broadcast", (1 << 20, 4), dict(strides=(0, 1), count=4)),
                               ("many-dims", (1,) * 40, {}), ("offset", (4,), dict(offset=1 << 40)),
                               ("transposed", (4, 2), dict(strides=(1, 4)))):
        odd = Archive()
        kept = dict(extra)
        if "count" not in kept and any(d < 0 for d in shape):
            kept["count"] = 16
        state = collections.OrderedDict(w=Tensor(odd, FloatStorage, shape, **kept))
        put("pt", f"{name}.pt", odd.zip(odd.pickle(state)))
    shared = Archive()
    one = Tensor(shared, FloatStorage, (4,))
    two = Tensor(shared, FloatStorage, (2,))
    two.storage = one.storage
    put("pt", "shared-storage.pt", shared.zip(shared.pickle({"a": one, "b": two})))
    raw = {
        "unknown-opcode": b"\x80\x02\xfe.", "no-stop": b"\x80\x02}", "empty-stack": b"\x80\x02u.",
        "empty-pickle": b"", "only-stop": b".", "mark-only": b"\x80\x02(.", "bad-memo": b"\x80\x02h\xff.",
        "memo-huge": b"\x80\x02}r\xff\xff\xff\x7f.", "nested": b"\x80\x02" + b"(" * 100000 + b".",
        "nested-lists": b"\x80\x02" + b"]" * 20000 + b"a" * 19999 + b".", "self-list": b"\x80\x02]q\x00h\x00a.",
        "self-dict": b"\x80\x02}q\x00X\x05\x00\x00\x00modelh\x00s.",
        "runs-system": b"cposix\nsystem\nX\x04\x00\x00\x00true\x85R.",
        "huge-string": b"\x80\x02X\xff\xff\xff\x7fabc.", "huge-long": b"\x80\x02\x8b\xff\xff\xff\x7f.",
        "bad-utf8": b"\x80\x02X\x02\x00\x00\x00\xff\xfe.", "bad-global": b"\x80\x02cnoline",
        "unknown-persid": b"\x80\x02X\x01\x00\x00\x00aQ.", "protocol-9": b"\x80\x09N.",
        "build-nothing": b"\x80\x02N}b.", "dup": b"\x80\x02}2s.", "not-a-dict": b"\x80\x02K\x05.",
        "doubling": b"\x80\x02]q\x00" + b"".join(b"]q" + bytes([i]) + (b"h" + bytes([i - 1])) * 8 + b"e"[:0] + b"a" * 8
                                               for i in range(1, 40)) + b".",
    }
    for name, data in raw.items():
        put("pickle", f"{name}.pkl", data)
    for protocol in (2, 4):
        small = Archive(fixed=128)
        put("pickle", f"good-{protocol}.pkl", small.pickle(checkpoint(small, width=2), protocol))
    flat = Archive(fixed=128)
    put("pickle", "plain.pkl", flat.pickle(collections.OrderedDict(w=Tensor(flat, FloatStorage, (4, 2), strides=(1, 4)))))


# ---- safetensors ----

def safetensors(header, data=b"", length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def safetensors_files():
    w = {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}
    b = {"dtype": "I64", "shape": [], "data_offsets": [16, 24]}
    data = bytes(range(24))
    good = safetensors({"__metadata__": {"format": "pt"}, "w": w, "b": b}, data)
    put("safetensors", "good.safetensors", good)
    model = "nc: 2\nbackbone:\n  - [-1, 1, Conv, [8, 3, 2]]\nhead:\n  - [[0], 1, Detect, [nc]]\n"
    put("safetensors", "with-model.safetensors",
        safetensors({"__metadata__": {"model_yaml": model, "model_name": "tiny.yaml", "names": "[\"cat\", \"dog\"]",
                                      "imgsz": "64"}, "w": w, "b": b}, data))
    for name, header, body in (
            ("gap", {"w": dict(w, data_offsets=[8, 24])}, data), ("overlap", {"w": w, "v": w}, data),
            ("beyond", {"w": dict(w, data_offsets=[16, 32])}, data), ("backwards", {"w": dict(w, data_offsets=[16, 0])}, data),
            ("wrong-size", {"w": dict(w, shape=[3, 2])}, data), ("unknown-type", {"w": dict(w, dtype="Q4")}, data),
            ("negative", {"w": dict(w, shape=[-2, -2])}, data), ("huge", {"w": dict(w, shape=[1 << 33, 1 << 33])}, data),
            ("fraction", {"w": dict(w, shape=[1.5, 2])}, data), ("no-shape", {"w": {"dtype": "F32"}}, data),
            ("not-a-map", [1, 2], data), ("text-metadata", {"__metadata__": 5, "w": w}, data),
            ("many-dims", {"w": dict(w, shape=[1] * 20 + [4])}, data[:16])):
        put("safetensors", f"{name}.safetensors", safetensors(header, body))
    put("safetensors", "empty.safetensors", b"")
    put("safetensors", "length-only.safetensors", struct.pack("<Q", 5))
    put("safetensors", "absurd-length.safetensors", safetensors({"w": w}, data, length=1 << 63))
    put("safetensors", "broken-json.safetensors", safetensors(b'{"w": {"dtype": "F32", "shape": [2, 2', data))
    put("safetensors", "nested-json.safetensors", safetensors(b"[" * 5000, data))
    put("safetensors", "truncated.safetensors", good[:-7])


# ---- ONNX files: messages of protobuf by hand ----

def varint(value):
    out = b""
    while True:
        value, byte = value >> 7, value & 127
        out += bytes([byte | (128 if value else 0)])
        if not value:
            return out


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    value = value if isinstance(value, bytes) else value.encode()
    return varint(number << 3 | 2) + varint(len(value)) + value


def initializer(name, shape, raw=None, kind=1, more=b""):
    raw = bytes(4 * math.prod(shape)) if raw is None else raw
    return field(5, b"".join(field(1, n) for n in shape) + field(2, kind) + field(8, name) + (field(9, raw) if raw else b"") + more)


def node(op, name, inputs, outputs=("y",)):
    return field(1, b"".join(field(1, i) for i in inputs) + b"".join(field(2, o) for o in outputs) + field(3, name) + field(4, op))


def onnx(graph, metadata=(), before=b"\x08\x08" + field(2, "maker")):
    pairs = b"".join(field(14, field(1, key) + field(2, value)) for key, value in metadata)
    return before + field(7, graph) + field(8, field(2, 17)) + pairs


def onnx_files():
    w, b = initializer("model.0.conv.weight", (8, 3, 3, 3)), initializer("model.0.conv.bias", (8,))
    conv = node("Conv", "/model.0/conv/Conv", ("images", "model.0.conv.weight", "model.0.conv.bias"))
    good = onnx(w + b + conv, (("names", "{0: 'cat', 1: 'dog\\x07'}"), ("imgsz", "[64, 64]"), ("task", "detect")))
    put("onnx", "good.onnx", good)
    renamed = initializer("onnx::Conv_7", (8, 3, 3, 3)) + initializer("onnx::Conv_8", (8,))
    put("onnx", "renamed.onnx", onnx(renamed + node("Conv", "/model.0/conv/Conv", ("images", "onnx::Conv_7", "onnx::Conv_8"))))
    put("onnx", "deep-names.onnx", onnx(renamed + node("Conv", "/model.9" + "/m/m.0" * 60 + "/Conv", ("images", "onnx::Conv_7"))))
    for name, graph in (
            ("integers", w + b + conv + node("DequantizeLinear", "/q", ("model.0.conv.weight",))),
            ("twice", w + w), ("short", initializer("model.0.conv.weight", (8, 3, 3, 3), bytes(8))),
            ("huge", initializer("model.0.conv.weight", (1 << 33, 1 << 33), bytes(8))),
            ("negative", initializer("model.0.conv.weight", ((1 << 64) - 2, 3), bytes(8))),
            ("many-dims", initializer("model.0.conv.weight", (1,) * 20, bytes(4))),
            ("packed-dims", field(5, field(1, b"\x02\x03") + field(2, 1) + field(8, "model.0.a.bias") + field(9, bytes(24)))),
            ("open-dims", field(5, field(1, b"\xff\xff") + field(2, 1) + field(8, "model.0.a.bias"))),
            ("floats", initializer("model.0.conv.bias", (2,), b"", more=field(4, bytes(8)))),
            ("halves", initializer("model.0.conv.bias", (2,), b"", 10, field(5, varint(15360) + varint(48000)))),
            ("halves-cut", initializer("model.0.conv.bias", (2,), b"", 10, field(5, b"\x80\x80"))),
            ("outside", initializer("model.0.conv.bias", (2,), b"", more=field(13, field(1, "location") + field(2, "../secret")))),
            ("beside", initializer("model.0.conv.bias", (2,), b"", more=field(13, field(1, "location") + field(2, "none.data")))),
            ("no-weights", initializer("grid", (4,)) + node("Add", "/add", ("a", "b"))), ("nothing", b"")):
        put("onnx", f"{name}.onnx", onnx(graph))
    put("onnx", "task.onnx", onnx(w + b + conv, (("task", "segment"),)))
    put("onnx", "cut.onnx", good[:-20])
    put("onnx", "cut-early.onnx", good[:60])
    put("onnx", "no-graph.onnx", b"\x08\x08" + field(2, "maker") + field(8, field(2, 17)))


# ---- a step that was kept (src/train/diagnose/step_dump.c) ----

STEP_DUMP_YAML = "nc: 1\nreg_max: 1\nbackbone:\n  - [-1, 1, Conv, [8, 3, 2]]\nhead:\n  - [[0], 1, Detect, [nc]]\n"


def step_dump_shapes():
    """Names and shapes of STEP_DUMP_YAML: parameters, and statistics after them."""
    convs = (("model.0", 8, 3), ("model.1.cv2.0.0", 16, 8), ("model.1.cv2.0.1", 16, 16), ("model.1.cv3.0.0", 8, 8),
             ("model.1.cv3.0.1", 8, 8))
    params, statistics = {}, {}
    for name, out, into in convs:
        params[f"{name}.conv.weight"] = [out, into, 3, 3]
        params[f"{name}.bn.weight"] = params[f"{name}.bn.bias"] = [out]
        statistics[f"{name}.bn.running_mean"] = statistics[f"{name}.bn.running_var"] = [out]
    for name, out, into in (("model.1.cv2.0.2", 4, 16), ("model.1.cv3.0.2", 1, 8)):
        params[f"{name}.weight"], params[f"{name}.bias"] = [out, into, 1, 1], [out]
    return params, statistics


def halves(shape, first=None):
    count = math.prod(shape)
    values = [0.25 + (i * 7919 % 251 - 125) / 1000 for i in range(count)]
    if first is not None:
        values[0] = first
    return struct.pack(f"<{count}e", *values)


def step_dump(first=None, waiting=False, tensors=True, metadata={}, **changed):
    """One picture of 8 x 8 pixels with one box. changed: other (type, shape, bytes) of batch_rgb and so on."""
    params, statistics = step_dump_shapes()
    entries = {}
    if tensors:
        for name, shape in (params | statistics).items():
            entries[name] = ("F16", shape, halves(shape, first if name == "model.0.conv.weight" else None))
        for name, shape in params.items() if waiting else ():
            entries[f"waiting.{name}"] = ("F16", shape, halves(shape))
        entries |= {"batch_rgb": ("U8", [1, 8, 8, 3], bytes(range(192))), "batch_image": ("I32", [1], struct.pack("<i", 0)),
                    "batch_class": ("I32", [1], struct.pack("<i", 0)),
                    "batch_boxes": ("F32", [1, 4], struct.pack("<4f", 0.5, 0.5, 0.4, 0.3))}
    entries |= changed
    header, data = {}, b""
    step = {"epoch": 0, "epochs": 3, "batch": 1, "batches": 4, "step": 1, "waits": int(waiting)}
    words = {"format": "pt", "model_name": "tiny.yaml", "model_yaml": STEP_DUMP_YAML, "names": '["cat"]', "imgsz": "32",
             "settings": "{}", "step": json.dumps(step), "images": '["a.png", "b.png"]', "finding": "0",
             "sentence": "nan in the weight", "noticed": "box_loss is nan", "history": "  before\n"} | metadata
    header["__metadata__"] = {key: value for key, value in words.items() if value is not None}
    for name, (kind, shape, values) in entries.items():
        name = name.replace("batch_", "batch.")
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": [len(data), len(data) + len(values)]}
        data += values
    return safetensors(header, data)


def step_dump_files():
    put("step_dump", "good.safetensors", step_dump(first=math.nan))
    put("step_dump", "waiting.safetensors", step_dump(waiting=True))
    put("step_dump", "class-weights.safetensors", step_dump(class_weights=("F32", [1], struct.pack("<f", 3e38))))
    put("step_dump", "frozen.safetensors", step_dump(metadata={"settings": '{"freeze": "1", "box": "1e38"}'}))
    put("step_dump", "truncated.safetensors", step_dump()[:-9])
    for name, metadata in (("no-step", {"step": None}), ("step-of-text", {"step": '{"epoch": "0"}'}), ("step-cut", {"step": '{"ep'}),
                           ("no-finding", {"finding": None}), ("no-history", {"history": None}), ("no-model", {"model_yaml": None}),
                           ("settings-list", {"settings": "[]"}), ("settings-wrong", {"settings": '{"batch": "-1"}'}),
                           ("no-tensors", {})):
        put("step_dump", f"{name}.safetensors", step_dump(tensors=False, metadata=metadata))
    for name, metadata in (("images-of-numbers", {"images": "[1, 2]"}), ("freeze-99", {"settings": '{"freeze": "99"}'}),
                           ("waits-for-none", {"step": '{"epoch":0,"epochs":3,"batch":1,"batches":4,"step":1,"waits":1}'})):
        put("step_dump", f"{name}.safetensors", step_dump(metadata=metadata))
    for name, changed in (("odd-side", {"batch_rgb": ("U8", [1, 7, 8, 3], bytes(168))}),
                          ("no-pictures", {"batch_rgb": ("U8", [0, 8, 8, 3], b"")}),
                          ("box-nan", {"batch_boxes": ("F32", [1, 4], struct.pack("<4f", 0.5, math.nan, 0.4, 0.3))}),
                          ("image-beyond", {"batch_image": ("I32", [1], struct.pack("<i", 1))}),
                          ("class-negative", {"batch_class": ("I32", [1], struct.pack("<i", -1))}),
                          ("more-classes-than-boxes", {"batch_class": ("I32", [2], bytes(8))})):
        put("step_dump", f"{name}.safetensors", step_dump(**changed))


# ---- YAML ----

def yaml_files():
    head = "nc: 2\nscales:\n  n: [0.5, 0.25, 1024]\n"
    rows = "backbone:\n  - [-1, 1, Conv, [64, 3, 2]]\n  - [-1, 2, C3k2, [64, False, 0.25]]\n  - [-1, 1, Conv, [128, 3, 2]]\n"
    tail = "head:\n  - [-1, 1, nn.Upsample, [None, 2, nearest]]\n  - [[-1, 1], 1, Concat, [1]]\n  - [-1, 1, C2f, [32]]\n  - [[5, 2], 1, Detect, [nc]]\n"
    put("model_yaml", "good.yaml", head + rows + tail)
    put("model_yaml", "attention.yaml", head + "end2end: True\nreg_max: 1\n" + rows.replace("128, 3, 2", "512, 3, 2") +
        "  - [-1, 1, SPPF, [512, 5, 3, True]]\n  - [-1, 2, C2PSA, [512]]\nhead:\n  - [[2, 4], 1, Detect, [nc]]\n")
    for name, text in (
            ("empty", ""), ("no-head", head + rows), ("tab", "\tnc: 2"), ("list", "- 1\n- 2\n"),
            ("no-classes", (rows + tail)), ("negative-classes", head.replace("2", "-2", 1) + rows + tail),
            ("many-classes", head.replace("2", "2000000000", 1) + rows + tail),
            ("unknown-module", head + rows.replace("C3k2", "C9x9") + tail),
            ("forward-reference", head + rows + tail.replace("[5, 2]", "[9, 2]")),
            ("from-minus-nine", head + rows.replace("[-1, 2,", "[-9, 2,") + tail),
            ("huge-channels", head + rows.replace("[64, 3, 2]", "[2147483647, 3, 2]") + tail),
            ("zero-kernel", head + rows.replace("[64, 3, 2]", "[64, 0, 2]") + tail),
            ("zero-stride", head + rows.replace("[64, 3, 2]", "[64, 3, 0]") + tail),
            ("huge-repeats", head + rows.replace("-1, 2, C3k2", "-1, 100000000, C3k2") + tail),
            ("huge-upsample", head + rows + tail.replace("None, 2", "None, 1000000000")),
            ("nan-depth", head.replace("0.5", ".nan") + rows + tail), ("infinite-width", head.replace("0.25", ".inf") + rows + tail),
            ("anchors", "a: &a [1]\nb: *a\n"), ("nested", "[" * 3000), ("twice", "nc: 1\nnc: 2\n"),
            ("not-utf8", b"nc: \xff\xfe\n"), ("zero-byte", b"nc: 2\x00\n"), ("activation", head + "activation: nn.Sofa()\n" + rows + tail)):
        put("model_yaml", f"{name}.yaml", text)
    put("dataset_yaml", "good.yaml", "path: set\ntrain: images/train\nval: images/val\nnames:\n  0: cat\n  1: dog\n")
    put("dataset_yaml", "lists.yaml", "train: [a, b/c.txt]\nval: ./v\nnc: 2\nnames: [cat, dog]\n")
    for name, text in (
            ("empty", ""), ("no-train", "val: v\nnames: [a]\n"), ("hole-in-names", "train: a\nval: b\nnames: {0: a, 5: b}\n"),
            ("counts-differ", "train: a\nval: b\nnc: 3\nnames: [a]\n"), ("huge-count", "train: a\nval: b\nnc: 99999999999\n"),
            ("negative-key", "train: a\nval: b\nnames: {-1: a}\n"), ("map-as-path", "train: {a: b}\nval: b\nnc: 1\n"),
            ("text-as-names", "train: a\nval: b\nnames: cat\n")):
        put("dataset_yaml", f"{name}.yaml", text)


# ---- labels ----

def coco_files():
    images = [{"id": 1, "file_name": "null", "width": 64, "height": 48}, {"id": 2, "file_name": "zero"},
              {"id": 3, "file_name": "absent"}]
    boxes = [[1, 2, 30.5, 40], [-5, -5, 200, 200], [1, 2, 0, 4], [64, 2, 5, 4], [1e300, 0, 1e300, 1], [1, 1, 1e-300, 2]]
    annotations = [{"id": i + 1, "image_id": 1 + i % 2, "category_id": 18 if i % 3 else 3, "bbox": box, "area": 12.5,
                    "iscrowd": i == 1} for i, box in enumerate(boxes)]
    categories = [{"id": 18, "name": "dog", "supercategory": "animal"}, {"id": 3, "name": "car"}]
    good = {"info": {"year": 2017}, "images": images, "annotations": annotations, "categories": categories}
    put("coco", "good.json", json.dumps(good))
    put("coco", "lines.json", b"\xef\xbb\xbf" + json.dumps(good, indent=1).encode())
    put("coco", "categories-first.json", json.dumps(dict(reversed(list(good.items())))))
    for name, changes in (
            ("no-images", {"images": []}), ("no-categories", {"categories": []}), ("images-no-list", {"images": {"id": 1}}),
            ("same-image", {"images": images + images}), ("same-category", {"categories": categories * 2}),
            ("same-name", {"categories": [dict(c, name="car") for c in categories]}),
            ("negative-category", {"categories": [{"id": -1, "name": "car"}]}),
            ("negative-image", {"images": [dict(images[0], id=-1)]}),
            ("huge-ids", {"images": [dict(images[0], id=1 << 60)], "annotations": [dict(annotations[0], image_id=1 << 60)]}),
            ("texts-for-numbers", {"annotations": [dict(annotations[0], image_id="1", bbox="1 2 3 4")]}),
            ("bbox-of-five", {"annotations": [dict(annotations[0], bbox=[1, 2, 3, 4, 5])]}),
            ("unknown-name", {"categories": [{"id": 3, "name": "carr"}, {"id": 18, "name": "dog"}]}),
            ("many-bad", {"annotations": [{"id": i} for i in range(40)]}),
            ("outlines", {"annotations": [dict(annotations[0], segmentation=[[1, 2, 3, 4, 5, 6]]),
                                          dict(annotations[1], segmentation={"counts": [1, 2], "size": [3, 4]})]})):
        put("coco", f"{name}.json", json.dumps(dict(good, **changes)))
    text = json.dumps(good)
    for name, data in (("empty", ""), ("results", json.dumps(annotations)), ("truncated", text[:len(text) // 2]),
                       ("two-lists", text[:-1] + ", " + text[1:]), ("trailing", text + " x"), ("nested", "{\"a\":" + "[" * 5000),
                       ("infinite", text.replace("30.5", "1e999")), ("zero-byte", text.replace("dog", "d\0g")),
                       ("no-comma", text.replace(", ", " ")), ("not-utf8", text.encode().replace(b"dog", b"d\xffg"))):
        put("coco", f"{name}.json", data)


def label_files():
    row = "0 0.5 0.5 0.25 0.25\n"
    polygon = "1 0.1 0.1 0.9 0.1 0.9 0.9\n"
    for name, text in (
            ("good", row + "2 0.1 0.2 0.05 0.1\n"), ("polygons", polygon + "0 0 0 1 0 1 1 0 1\n"), ("mixed", row + polygon),
            ("empty", ""), ("blank-lines", "\n \n\t\n" + row), ("carriage-returns", row.replace("\n", "\r\n") + row.replace("\n", "\r")),
            ("byte-order-mark", "\ufeff" + row), ("twice", row * 3), ("no-newline", row[:-1]), ("few-columns", "0 0.5 0.5\n" + row),
            ("six-columns", "0 0.5 0.5 0.25 0.25 0.9\n"), ("odd-polygon", polygon + "1 0.1 0.1 0.9 0.1 0.9\n"),
            ("unknown-class", "3 0.5 0.5 0.25 0.25\n"), ("negative-class", "-1 0.5 0.5 0.25 0.25\n"),
            ("fraction-class", "0.5 0.5 0.5 0.25 0.25\n"), ("huge-class", "1e9 0.5 0.5 0.25 0.25\n99999999999 0 0 1 1\n"),
            ("not-a-number", "0 nan inf 0.25 x\n0 0x1p-1 0.5 0.25 0.25\n"), ("outside", "0 1.5 0.5 0.25 0.25\n0 0.5 -0.5 0.25 0.25\n"),
            ("just-outside", "0 1.005 -0.005 1.01 0\n" + polygon.replace("0.9", "1.01").replace("0.1", "-0.01")),
            ("many-bad", "x\n" * 50), ("exponents", "0e0 5e-1 +.5 2.5E-1 25e-2\n"), ("long-number", "0 0." + "3" * 400 + " 0.5 0.25 0.25\n"),
            ("long-line", "0" + " 0.5" * 5000 + "\n"), ("zero-byte", row.replace(" ", "\0", 1)), ("high-bytes", b"\xff\xfe 0 0 0 0\n")):
        put("labels", f"{name}.txt", text)


# ---- pictures ----

def png(width, height, colour, rows, depth=8, extra=b""):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + chunk(b"IDAT", b"" if rows is None else zlib.compress(rows)) + chunk(b"IEND", b"")


def image_files():
    put("image", "rgb.png", png(12, 12, 2, (b"\0" + bytes(range(36))) * 12))
    put("image", "grey.png", png(16, 16, 0, (b"\1" + bytes(16)) * 16))
    put("image", "alpha-16.png", png(12, 12, 6, (b"\2" + bytes(range(96))) * 12, depth=16))
    put("image", "short-data.png", png(12, 12, 2, (b"\0" + bytes(36)) * 5))
    put("image", "huge.png", png(1 << 30, 1 << 30, 2, b"\0" * 64))
    put("image", "zero.png", png(0, 12, 2, b""))
    put("image", "empty-idat.png", png(12, 12, 2, None))
    put("image", "palette-without.png", png(12, 12, 3, (b"\0" + bytes(12)) * 12))
    bmp = struct.pack("<2sIHHI", b"BM", 54 + 12 * 36, 0, 0, 54) + struct.pack("<IiiHHIIiiII", 40, 12, 12, 1, 24, 0, 0, 0, 0, 0, 0)
    put("image", "rgb.bmp", bmp + bytes(i % 251 for i in range(12 * 36)))
    put("image", "top-down.bmp", bmp[:22] + struct.pack("<i", -12) + bmp[26:] + bytes(12 * 36))
    put("image", "lying.bmp", bmp[:18] + struct.pack("<ii", 40000, 40000) + bmp[26:] + bytes(40))
    put("image", "empty.jpg", b"")
    put("image", "marker-only.jpg", b"\xff\xd8\xff\xd9")
    put("image", "endless-segment.jpg", b"\xff\xd8\xff\xe0\xff\xff" + bytes(100))


if __name__ == "__main__":
    pt_files()
    safetensors_files()
    onnx_files()
    step_dump_files()
    yaml_files()
    coco_files()
    label_files()
    image_files()
    print(sum(1 for p in ROOT.rglob("*") if p.is_file()), "files in", ROOT)
