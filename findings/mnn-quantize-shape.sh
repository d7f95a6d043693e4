#!/usr/bin/env bash
# MNN 3.6.1, an ONNX file with QuantizeLinear and DequantizeLinear: images and channels change places.
#
# A map of 1 x 3 x 8 x 8 is quantised and dequantised with one scale, and passed through Relu. onnx.checker's full check is
# content, and onnx's own evaluator answers with 1 x 3 x 8 x 8. mnnconvert reports success; the module answers with
# 3 x 1 x 8 x 8 and with other values. With a Conv in place of the Relu, whose weights want three channels, it answers with an
# empty list and raises nothing. What to do: convert the file in 32-bit floats and quantise it with MNN's own tool.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install MNN==3.6.1 onnx==1.23.2 numpy
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import subprocess
import sys

import MNN
import numpy as np
import onnx
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

x = np.random.default_rng(1).random((1, 3, 8, 8)).astype(np.float32)
weights = np.random.default_rng(0).standard_normal((4, 3, 3, 3)).astype(np.float32)


def answer(node, channels, name):
    """Shapes of what onnx and MNN answer; None: MNN answers with nothing."""
    nodes = [helper.make_node("QuantizeLinear", ["x", "scale", "zero"], ["q"]),
             helper.make_node("DequantizeLinear", ["q", "scale", "zero"], ["d"]), node]
    values = [numpy_helper.from_array(np.float32(1 / 255), "scale"), numpy_helper.from_array(np.uint8(0), "zero"),
              numpy_helper.from_array(weights, "w")]
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", 1, [1, 3, 8, 8])],
                              [helper.make_tensor_value_info("y", 1, [1, channels, 8, 8])], values)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=9)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, f"{name}.onnx")
    subprocess.run([sys.executable, "-c", "import sys, _tools; _tools.mnnconvert(sys.argv[1:])", "", "-f", "ONNX", "--modelFile",
                    f"{name}.onnx", "--MNNModel", f"{name}.mnn", "--bizCode", name], check=True, capture_output=True)
    expected = ReferenceEvaluator(model).run(None, {"x": x})[0]
    module = MNN.nn.load_module_from_file(f"{name}.mnn", [], [])
    outputs = module.onForward([MNN.expr.const(x, [1, 3, 8, 8], MNN.expr.data_format.NCHW)])
    return expected.shape, np.array(outputs[0].read()).shape if outputs else None


relu = answer(helper.make_node("Relu", ["d"], ["y"]), 3, "relu")
conv = answer(helper.make_node("Conv", ["d", "w"], ["y"], kernel_shape=[3, 3], pads=[1] * 4), 4, "conv")
print("Relu: onnx", relu[0], "MNN", relu[1])
print("Conv: onnx", conv[0], "MNN", conv[1])
sys.exit((relu, conv) != (((1, 3, 8, 8), (3, 1, 8, 8)), ((1, 4, 8, 8), None)))
PYTHON
