"""Names what pictures show: classify.py MODEL IMAGE..."""

import sys

import orepa

if len(sys.argv) < 3:
    sys.exit(__doc__)
model = orepa.Model(sys.argv[1])
paths = sys.argv[2:]
for path, answer in zip(paths, model.classify_batch(paths, top_k=1, errors="return"), strict=True):
    if isinstance(answer, orepa.Error):
        print(answer, file=sys.stderr)
    else:
        print(f"{path}: {answer[0].label} {answer[0].probability:.2%}")
