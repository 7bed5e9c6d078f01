"""Tells how similar pictures are to the first one, by the angle between their feature vectors:
similar.py MODEL IMAGE...

The vectors are written into one array, which the program has made."""

import sys

import numpy as np
import orepa

if len(sys.argv) < 3:
    sys.exit(__doc__)
model = orepa.Model(sys.argv[1])
paths = sys.argv[2:]
logits = np.empty((len(paths), model.class_count), np.float32)
features = np.empty((len(paths), model.feature_count), np.float32)
try:
    model.run_into(paths, logits, features=features)
except orepa.Error as error:
    sys.exit(str(error))
vectors = features.astype(np.float64)
vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
for path, cosine in zip(paths, vectors @ vectors[0], strict=True):
    print(f"{path}: {cosine:.3f}")
