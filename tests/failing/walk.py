#!/usr/bin/env python3
"""walk.py BINARIES SOURCE FAILING.SO every|sites [-j N] [OPERATION...]

Runs each operation of the programs again and again, while its first, second, third ... allocation, or call that touches
files, fails (failing.h): once that call alone, and once that and every later one. Whatever fails, a run ends by itself with
exit code 1 and a sentence, or with exit code 0 and the results that it has without a failure (or a warning that says what
is missing); and every file that it leaves is whole: the former one or the new one.

`every` walks every number. `sites` walks the numbers at which a place in the code makes such a call for the first time,
alone or lasting in turn, and not those places again that an operation of the same program before it walked.
"""
import argparse
import concurrent.futures
import hashlib
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile

SECONDS = 60  # until a run counts as hanging
NETWORK = """nc: 2
reg_max: 1
backbone:
  - [-1, 1, Conv, [8, 3, 4]]
  - [-1, 1, Bottleneck, [8, True]]
  - [-1, 1, Conv, [16, 3, 2]]
head:
  - [[2], 1, Detect, [nc]]
"""
TRAIN = ["yolotrain", "data.yaml", "--imgsz", "32", "--threads", "1", "--workers", "1", "--seed", "1", "--batch", "2"]
RUN = ["--imgsz", "32", "--threads", "1", "--conf", "0.0001"]
OPERATIONS = {
    "export": ["yoloexport", "weights.safetensors", "-o", "out.safetensors", "--half"],
    "onnx": ["yoloexport", "weights.safetensors", "-o", "out.onnx", "--imgsz", "32", "--nms"],
    "int8": ["yoloexport", "weights.safetensors", "-o", "out.onnx", "--imgsz", "32", "--int8", "--calib", "data.yaml", "--threads", "1"],
    "ncnn": ["yoloexport", "weights.safetensors", "-f", "ncnn", "-o", "runs", "--imgsz", "32"],
    "network": ["yoloinfer", "--weights", "network.onnx", "data/images/val/f.jpg", "--json"] + RUN,
    "infer": ["yoloinfer", "--weights", "weights.safetensors", "data/images/val", "--save"] + RUN,
    "json": ["yoloinfer", "--weights", "weights.safetensors", "data/images/val/f.jpg", "--json"] + RUN,
    "val": ["yoloval", "data.yaml", "--weights", "weights.safetensors"] + RUN,
    "train": TRAIN + ["--model", "tiny.yaml", "--epochs", "1"],
    "tune": TRAIN + ["--weights", "weights.safetensors", "--epochs", "1", "--freeze", "1", "--no-val"],
    "gradients": TRAIN + ["--model", "tiny.yaml", "--epochs", "1", "--log-gradients=1", "--no-val"],
    "resume": ["yolotrain", "--resume", "runs/detect/train/weights/last.safetensors", "--epochs", "3"],
    "study": TRAIN + ["--model", "tiny.yaml", "--epochs", "1", "--no-val", "--compare", "plain,residual", "--seeds", "1"],
}


EXPORTS = ("out.safetensors", "out.onnx")  # there before every run


def environment(**more):
    # Nothing of OpenMP's, so that the programs do not start themselves over to choose how threads wait.
    return {**os.environ, "OMP_WAIT_POLICY": "passive", **more}


def prepare(folder, binaries, source):
    """A dataset of six small images, a network of a few rows, and a run of two epochs."""
    images = os.path.join(source, "tests/data/images")
    for split, files in (("train", ("baseline.jpg", "exif1.png", "bits32.bmp", "baseline.jpg")),
                         ("val", ("exif1.png", "baseline.jpg"))):
        os.makedirs(f"{folder}/data/images/{split}")
        os.makedirs(f"{folder}/data/labels/{split}")
        for letter, file in zip("abcd" if split == "train" else "ef", files):
            shutil.copy(f"{images}/{file}", f"{folder}/data/images/{split}/{letter}{os.path.splitext(file)[1]}")
            with open(f"{folder}/data/labels/{split}/{letter}.txt", "w") as label:
                label.write("0 0.5 0.5 0.4 0.6\n1 0.3 0.4 0.2 0.2\n")
    with open(f"{folder}/data.yaml", "w") as file:
        file.write("path: data\ntrain: images/train\nval: images/val\nnames: [red, blue]\n")
    with open(f"{folder}/tiny.yaml", "w") as file:
        file.write(NETWORK)
    first = TRAIN + ["--model", "tiny.yaml", "--epochs", "2"]
    subprocess.run([f"{binaries}/{first[0]}"] + first[1:], cwd=folder, env=environment(), check=True, capture_output=True)
    os.rename(f"{folder}/runs/detect/train", f"{folder}/trained")
    shutil.copy(f"{folder}/trained/weights/best.safetensors", f"{folder}/weights.safetensors")
    export = ["yoloexport", "weights.safetensors", "-o", "network.onnx", "--imgsz", "32"]
    subprocess.run([f"{binaries}/{export[0]}"] + export[1:], cwd=folder, env=environment(), check=True, capture_output=True)


def set_up(folder, operation):
    shutil.rmtree(f"{folder}/runs", ignore_errors=True)
    if operation == "resume":
        shutil.copytree(f"{folder}/trained", f"{folder}/runs/detect/train")
    for name in EXPORTS:
        with open(f"{folder}/{name}", "w") as file:
            file.write("former\n")


def files_of(folder):
    for top, _, names in os.walk(f"{folder}/runs"):
        for name in names:
            # What a process was writing, or held, when it died: the next one in the folder removes it.
            if ".tmp-" not in name and name != ".lock":
                yield os.path.join(top, name)
    for name in EXPORTS:
        yield f"{folder}/{name}"


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def results(folder, operation, out, err):
    """What must be the same whenever a run says that it succeeded: no times and no paths of temporary folders."""
    found = [os.path.relpath(path, folder) for path in files_of(folder)]
    if operation in ("infer", "export", "onnx", "int8", "ncnn"):
        found = [(path, digest(f"{folder}/{path}")) for path in found]
    texts = re.findall(r"weights hash \w+", out + err)
    if operation in ("json", "network", "val"):
        texts.append(re.sub(r"[0-9.]+ (ms|s\b|images)", "", out))
    return sorted(map(str, found)), texts


def is_protobuf(data):
    """Whether bytes are whole fields, as far as the message on the outside goes."""
    def varint(at):
        value = shift = 0
        while True:
            value |= (data[at] & 127) << shift
            shift, at = shift + 7, at + 1
            if data[at - 1] < 128:
                return value, at

    at = 0
    try:
        while at < len(data):
            key, at = varint(at)
            size, at = varint(at)
            at += size if key & 7 == 2 else 0
    except IndexError:
        return False
    return at == len(data) and at > 0


def half_written(folder):
    """Why a file that the run left is not whole; None: all are."""
    for path in files_of(folder):
        with open(path, "rb") as file:
            data = file.read()
        if path.endswith(".safetensors") and data != b"former\n":
            try:
                length = struct.unpack("<Q", data[:8])[0]
                header = json.loads(data[8:8 + length])
                end = max(value["data_offsets"][1] for key, value in header.items() if key != "__metadata__")
            except (ValueError, struct.error, KeyError) as error:
                return f"{path}: {error}"
            if len(data) != 8 + length + end:
                return f"{path}: {len(data)} bytes instead of {8 + length + end}"
        elif path.endswith(".onnx") and data != b"former\n":
            if not is_protobuf(data):
                return f"{path}: is cut off"
        elif path.endswith(".csv"):
            if data and not data.endswith(b"\n"):
                return f"{path}: ends within a row"
            if len({line.count(b",") for line in data.splitlines()}) > 1:
                return f"{path}: a row is not whole"
        elif path.endswith(".json"):
            try:
                json.loads(data)
            except ValueError as error:
                return f"{path}: {error}"
    return None


def full_disk(arguments, folder, operation):
    """What a program does that prints its results, or writes them where it is told to, on a disk that is full."""
    command = list(OPERATIONS[operation])
    if operation in ("export", "onnx", "int8"):
        command[command.index("-o") + 1] = "/dev/full"
        if operation != "export":
            command += ["-f", "onnx"]
    elif operation not in ("json", "network", "val"):
        return 0
    set_up(folder, operation)
    with open("/dev/full", "w") as full:
        done = subprocess.run([f"{arguments.binaries}/{command[0]}"] + command[1:], cwd=folder, stdin=subprocess.DEVNULL, text=True,
                              stdout=full, stderr=subprocess.PIPE, timeout=SECONDS, env=environment())
    good = done.returncode == 1 and re.search(f"^{command[0]}: .*(cannot be written|writing failed): No space", done.stderr, re.M)
    print(f"{operation:10} to /dev/full: " + ("ends with a sentence" if good else f"WRONG: {done.returncode}, {done.stderr}"))
    return 0 if good else 1


class Walk:
    def __init__(self, arguments, folder, operation, kind):
        self.arguments, self.operation, self.kind = arguments, operation, kind
        self.program = OPERATIONS[operation][0]
        self.command = [f"{arguments.binaries}/{self.program}"] + OPERATIONS[operation][1:]
        self.folder = folder
        set_up(folder, operation)
        done = self.run(folder, f"{kind}:0", YT_FAIL_TRACE=f"{folder}/trace")
        if done.returncode != 0:
            sys.exit(f"{operation} does not work: {done.stderr}")
        self.expected = results(folder, operation, done.stdout, done.stderr)
        with open(f"{folder}/trace") as file:
            self.calls = [line.split() for line in file]
        os.remove(f"{folder}/trace")

    def run(self, folder, what, **more):
        return subprocess.run(self.command, cwd=folder, capture_output=True, text=True, errors="replace", timeout=SECONDS,
                              stdin=subprocess.DEVNULL,
                              env=environment(LD_PRELOAD=self.arguments.library, YT_FAIL=what, **more))

    def numbers(self, seen):
        """(number, lasting) of the runs to make."""
        if self.arguments.which == "every":
            return [(n + 1, lasting) for lasting in (False, True) for n in range(len(self.calls))]
        first = []
        for n, (_, name, place) in enumerate(self.calls):
            if (self.program, name, place) not in seen:
                seen.add((self.program, name, place))
                first.append(n + 1)
        return [(n, i % 2 == 1) for i, n in enumerate(first)]

    def one(self, folder, n, lasting):
        """Returns (exit code, what is wrong or None)."""
        set_up(folder, self.operation)
        mark = f"{folder}/mark"
        if os.path.exists(mark):
            os.remove(mark)
        try:
            done = self.run(folder, f"{self.kind}:{n}{'+' if lasting else ''}", YT_FAIL_MARK=mark)
        except subprocess.TimeoutExpired:
            return None, "hangs"
        wrong = None
        if done.returncode not in (0, 1):
            wrong = f"exit code {done.returncode}"
        elif done.returncode == 1 and not re.search(f"^{self.program}: .", done.stderr, re.M):
            wrong = "exit code 1 without a sentence"
        elif done.returncode == 0 and "warning: " not in done.stderr and results(folder, self.operation, done.stdout, done.stderr) != self.expected:
            wrong = f"succeeds with other results: {results(folder, self.operation, done.stdout, done.stderr)}"
        wrong = wrong or half_written(folder)
        if wrong:
            failed = open(mark).read().splitlines()[0] if os.path.exists(mark) else "nothing"
            wrong += f"\n    failed: {failed}; stderr: {done.stderr[-400:]}"
        return done.returncode, wrong


def walk(arguments, folders, operation, kind, seen):
    walked = Walk(arguments, folders[0], operation, kind)
    numbers = walked.numbers(seen)
    codes, wrong = {0: 0, 1: 0}, 0

    def share(i):
        return [(n, lasting, walked.one(folders[i], n, lasting)) for n, lasting in numbers[i::len(folders)]]

    with concurrent.futures.ThreadPoolExecutor(len(folders)) as pool:
        for part in pool.map(share, range(len(folders))):
            for n, lasting, (code, why) in part:
                codes[code] = codes.get(code, 0) + 1
                if why:
                    wrong += 1
                    print(f"WRONG {operation} {kind}:{n}{'+' if lasting else ''}: {why}")
    places = len({tuple(call[1:]) for call in walked.calls})
    print(f"{operation:10} {kind:6} {len(walked.calls):6} calls from {places:4} places; {len(numbers):6} runs: {codes[1]:6} end "
          f"with a sentence, {codes[0]:5} succeed all the same, {wrong} are wrong", flush=True)
    return len(numbers), wrong


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("binaries", type=os.path.abspath)
    parser.add_argument("source", type=os.path.abspath)
    parser.add_argument("library", type=os.path.abspath)
    parser.add_argument("which", choices=["every", "sites"])
    parser.add_argument("-j", type=int, default=1)
    parser.add_argument("-k", choices=["alloc", "io"], action="append")
    parser.add_argument("operations", nargs="*", default=list(OPERATIONS))
    arguments = parser.parse_intermixed_args()
    runs = wrong = 0
    with tempfile.TemporaryDirectory() as top:
        folders = [f"{top}/{i}" for i in range(arguments.j)]
        prepare(folders[0], arguments.binaries, arguments.source)
        for other in folders[1:]:
            shutil.copytree(folders[0], other)
        seen = set()
        for operation in arguments.operations or list(OPERATIONS):
            wrong += full_disk(arguments, folders[0], operation)
            for kind in arguments.k or ["alloc", "io"]:
                more = walk(arguments, folders, operation, kind, seen)
                runs, wrong = runs + more[0], wrong + more[1]
    print(f"{runs} runs, {wrong} of them wrong")
    sys.exit(wrong > 0)


main()
