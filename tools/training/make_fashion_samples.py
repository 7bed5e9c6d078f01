#!/usr/bin/env python3
"""Write the sample images of the demo model: for each class the first test image that is answered
rightly with a probability of at least 90 %, enlarged to 280x280, as JPEG named after the class.

Example:
  tools/training/make_fashion_samples.py models/fashion-mnist-repvgg/samples
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))
from required_packages import required_packages

with required_packages(__name__, "tools/requirements.txt"):
    import numpy as np
    import torch
    from PIL import Image

    import fashion_mnist
    from evaluate_fashion_mnist import MODEL
    from orepa_blocks import build_from_state_dict, find_state_dict


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("output", type=Path, help="the folder to write to")
    parser.add_argument("--checkpoint", type=Path, default=MODEL / "checkpoint.pth.tar")
    parser.add_argument("--data", type=Path, default=fashion_mnist.DATA, help="folder of the data")
    options = parser.parse_args()

    images, labels = fashion_mnist.load("t10k", options.data)
    checkpoint = torch.load(options.checkpoint, map_location="cpu", weights_only=True)
    network = build_from_state_dict(find_state_dict(checkpoint))
    options.output.mkdir(parents=True, exist_ok=True)
    for index, label in enumerate(fashion_mnist.LABELS):
        path = options.output / f"{label.lower().replace('/', '-').replace(' ', '-')}.jpg"
        for image in images[labels == index]:
            picture = Image.fromarray(image).resize((280, 280), Image.Resampling.BICUBIC)
            picture.save(path, quality=95)
            with Image.open(path) as saved:
                crop = fashion_mnist.preprocess(saved)
            scores = fashion_mnist.predict(network, np.stack([crop])).softmax(1)[0]
            if scores[index] >= 0.9:
                break
        print(f"{path}: {label} {100 * scores[index]:.1f} %")


if __name__ == "__main__":
    main()
