"""check_events.py: do TensorBoard's own readers see in the event file of a run what gradients.csv says?

    pip install tensorboard; python check_events.py runs/detect/train

Checksums are verified by its reader of records; then every curve is compared with the table, and every histogram with
gradients.jsonl.
"""
import csv
import json
import sys
from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

CURVES = ("rms", "ratio", "spread", "saturated")
EVERYTHING = {"scalars": 0, "histograms": 0, "tensors": 0}  # 0: keep all


def close(a, b):
    return abs(a - b) <= 1e-5 * abs(b)


def check_curves(events, folder):
    tags, compared = set(events.Tags()["scalars"]), 0
    curves = {tag: {e.step: e.value for e in events.Scalars(tag)} for tag in tags}
    with open(folder / "gradients.csv") as file:
        for row in csv.DictReader(file):
            if row["stat"] not in CURVES:
                continue
            tag = f"{row['kind']}/{row['stat']}/{int(row['layer']):02d} {row['name']}"
            found = curves[tag].pop(int(row["step"]))
            assert close(found, float(row["value"])), (tag, row, found)
            compared += 1
    assert not any(curves.values()), "points that the table does not have"
    return compared


def check_histograms(events, folder):
    compared = 0
    histograms = {tag: {e.step: e.histogram_value for e in events.Histograms(tag)}
                  for tag in events.Tags()["histograms"]}
    for line in open(folder / "gradients.jsonl"):
        step = json.loads(line)
        for record in step["records"]:
            tag = f"{record['kind']}/log2/{record['layer']:02d} {record['name']}"
            if tag not in histograms or "log2_histogram" not in record:
                continue
            found, expected = histograms[tag][step["step"]], record["log2_histogram"]
            edges = [expected["from"] + i for i in range(len(expected["counts"]) + 1)]
            assert list(found.bucket_limit) == edges, (tag, found, edges)
            assert list(found.bucket) == [0] + expected["counts"], (tag, found)
            assert found.num == sum(expected["counts"])
            compared += 1
    return compared


def main():
    folder = Path(sys.argv[1])
    events = EventAccumulator(str(folder / "events.out.tfevents.gradients"), size_guidance=EVERYTHING)
    events.Reload()
    print(f"file version {events.file_version}")
    curves, histograms = check_curves(events, folder), check_histograms(events, folder)
    assert curves > 0 and histograms > 0
    print(f"ok: {curves} points of curves and {histograms} histograms are those of the files")


if __name__ == "__main__":
    main()
