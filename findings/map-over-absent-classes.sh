#!/usr/bin/env bash
# mean_average_precision 2024.1.5.0: classes that do not occur count as 0 in the mean.
#
# A perfect detector of two classes, measured with num_classes=4 as a data set of four names has it, gets mAP 0.5; COCO's
# evaluation leaves classes without ground truth out of the mean: 1.0. So the number of a validation split depends on how
# many names its data set lists, and cannot be compared with anybody else's mAP.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install mean_average_precision==2024.1.5.0 numpy==2.4.6 pandas==3.1.1

"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
from mean_average_precision import MetricBuilder

# x1 y1 x2 y2 class difficult crowd, and x1 y1 x2 y2 class confidence
truth = np.array([[10, 10, 60, 60, 0, 0, 0], [100, 100, 180, 180, 1, 0, 0]], dtype=float)
found = np.array([[10, 10, 60, 60, 0, 0.9], [100, 100, 180, 180, 1, 0.8]], dtype=float)
seen = {}
for classes in (2, 4):
    metric = MetricBuilder.build_evaluation_metric("map_2d", async_mode=False, num_classes=classes)
    metric.add(found, truth)
    seen[classes] = metric.value(iou_thresholds=0.5)["mAP"]
    print(f"num_classes={classes}: mAP of a perfect detector {seen[classes]}")
assert seen == {2: 1.0, 4: 0.5}, "mean_average_precision has changed"
PYTHON
