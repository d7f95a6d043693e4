#!/usr/bin/env bash
# onnx 1.23.2: its reference evaluator cannot run DequantizeLinear of operator sets below 19.
#
# A file of operator set 17, in which QuantizeLinear and DequantizeLinear are of version 13, passes onnx.checker's full check and runs
# in every runtime; ReferenceEvaluator raises "No implementation for operator 'DequantizeLinear' domain '' and version 17, found 19,
# 21, 23, 25". The same file as operator set 19 runs. What to do: judge quantised files by a runtime, or write them in set 19 for
# the evaluator alone.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install onnx==1.23.2 numpy
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import numpy as np
import onnx
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

x = np.array([0.1, 0.5], np.float32)


def run(opset):
    nodes = [helper.make_node("QuantizeLinear", ["x", "scale", "zero"], ["q"]),
             helper.make_node("DequantizeLinear", ["q", "scale", "zero"], ["y"])]
    values = [numpy_helper.from_array(np.float32(0.25), "scale"), numpy_helper.from_array(np.uint8(0), "zero")]
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", 1, [2])], [helper.make_tensor_value_info("y", 1, [2])], values)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    try:
        return ReferenceEvaluator(model).run(None, {"x": x})[0].tolist()
    except RuntimeError as error:
        return str(error)


old, new = run(17), run(19)
print("set 17:", old)
print("set 19:", new)
sys.exit(not (isinstance(old, str) and "No implementation for operator 'DequantizeLinear'" in old and new == [0.0, 0.5]))
PYTHON
