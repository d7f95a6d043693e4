# tiny_study.sh: tiny.yaml, a network that trains in no time, and the options to train it.
cat >tiny.yaml <<'YAML'
nc: 80
reg_max: 1
backbone:
  - [-1, 1, Conv, [8, 3, 4]]
  - [-1, 1, Bottleneck, [8, True]]
  - [-1, 1, Bottleneck, [8, True]]
  - [-1, 1, Conv, [16, 3, 2]]
head:
  - [[3], 1, Detect, [nc]]
YAML
tiny="--model tiny.yaml --imgsz 64 --threads 1 --epochs 2"
