#!/usr/bin/env python3
"""Write the fixture that the Swift tests compare with: 500 test images and PyTorch's answers.

One safetensors file: `images` U8 [500, 28, 28]; `labels` I64 [500]; `reference_logits` F64
[500, 10] and `reference_top1` I64 [500], both of the unfused checkpoint in Float64 after Pillow's
preprocessing.

Example:
  tools/make_fashion_fixture.py Tests/Fixtures/fashion-mnist/images.safetensors
"""

from __future__ import annotations

import argparse
from pathlib import Path

from required_packages import required_packages

with required_packages(__name__, "tools/requirements.txt"):
    import numpy as np
    import torch
    from safetensors.torch import save_file

    import fashion_mnist
    from evaluate_fashion_mnist import MODEL
    from orepa_blocks import build_from_state_dict, find_state_dict


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("output", type=Path)
    parser.add_argument("--checkpoint", type=Path, default=MODEL / "checkpoint.pth.tar")
    parser.add_argument("--data", type=Path, default=fashion_mnist.DATA, help="folder of the data")
    parser.add_argument("--images", type=int, default=500, help="the first so many test images")
    options = parser.parse_args()

    images, labels = (a[: options.images] for a in fashion_mnist.load("t10k", options.data))
    checkpoint = torch.load(options.checkpoint, map_location="cpu", weights_only=True)
    network = build_from_state_dict(find_state_dict(checkpoint)).double()
    pictures = fashion_mnist.variants(images, "plain")
    crops = np.stack([fashion_mnist.preprocess(picture) for picture in pictures])
    logits = fashion_mnist.predict(network, crops)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    tensors = {
        "images": torch.tensor(images),
        "labels": torch.tensor(labels).long(),
        "reference_logits": logits,
        "reference_top1": logits.argmax(1),
    }
    save_file(tensors, options.output)
    agreed = (tensors["labels"] == tensors["reference_top1"]).double().mean()
    print(f"{options.output}: {len(images)} images, top-1 {100 * agreed:.1f} %")


if __name__ == "__main__":
    main()
