#!/usr/bin/env python3
"""Accuracy of the demo model: the runtime on the deployed file against PyTorch on the checkpoint.

Writes the test images as PNG files into a temporary folder, classifies them with `orepa-infer`, with
fast and with strict numerics, and runs the unfused training-time network in PyTorch on the same files
with Pillow's preprocessing. Exit status 1 when the most probable class of any image differs.

Examples:
  tools/training/evaluate_fashion_mnist.py --orepa-infer .build/release/orepa-infer
  tools/training/evaluate_fashion_mnist.py --orepa-infer .build/release/orepa-infer --variants
  tools/training/evaluate_fashion_mnist.py --variants          # PyTorch alone
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))
from required_packages import required_packages

with required_packages(__name__, "tools/requirements.txt"):
    import numpy as np
    import torch

    import fashion_mnist
    from orepa_blocks import build_from_state_dict, find_state_dict

MODEL = Path(__file__).resolve().parents[2] / "models" / "fashion-mnist-repvgg"


def runtime_top1(program: Path, model: Path, folder: Path, extra: list[str]) -> list[int]:
    """The most probable class of every image in the folder, in the order of their names."""
    command = [program, "classify", folder, "--model", model, "--format", "jsonl", "--top-k", "1"]
    done = subprocess.run([*map(str, command), *extra], stdout=subprocess.PIPE, check=False)
    if done.returncode != 0:
        sys.exit(f"{program}: exit status {done.returncode}")
    answers = {}
    for line in done.stdout.splitlines():
        answer = json.loads(line)
        answers[Path(answer["image"]).name] = answer["predictions"][0]["index"]
    return [answers[name] for name in sorted(answers)]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--orepa-infer", type=Path, help="the program; without it only PyTorch runs"
    )
    parser.add_argument("--checkpoint", type=Path, default=MODEL / "checkpoint.pth.tar")
    parser.add_argument("--model", type=Path, default=MODEL / "model.safetensors")
    parser.add_argument("--data", type=Path, default=fashion_mnist.DATA, help="folder of the data")
    parser.add_argument("--images", type=int, default=10000, help="use only the first so many")
    parser.add_argument(
        "--variants",
        action="store_true",
        help="also inverted, tinted, and enlarged to 600x450 with padding",
    )
    parser.add_argument(
        "--runtime-options",
        default="",
        metavar="OPTIONS",
        help="more options for orepa-infer classify, such as '--threads 1'",
    )
    options = parser.parse_args()

    images, labels = (a[: options.images] for a in fashion_mnist.load("t10k", options.data))
    checkpoint = torch.load(options.checkpoint, map_location="cpu", weights_only=True)
    network = build_from_state_dict(find_state_dict(checkpoint))
    differences = 0
    numerics = ("fast", "strict") if options.orepa_infer else ()
    print(
        f"{'top-1 in % of ' + str(len(images)):24}  PyTorch"
        + "".join(f"  {kind:>6}  different images" for kind in numerics)
    )
    for kind in fashion_mnist.VARIANTS if options.variants else ("plain",):
        with tempfile.TemporaryDirectory(prefix="fashion-mnist-") as name:
            folder, crops = Path(name), []
            for index, picture in enumerate(fashion_mnist.variants(images, kind)):
                if options.orepa_infer:
                    picture.save(folder / f"{index:05}.png", compress_level=1)
                crops.append(fashion_mnist.preprocess(picture))
            expected = fashion_mnist.predict(network, np.stack(crops)).argmax(1).numpy()
            line = f"{kind:24}  {100 * (expected == labels).mean():7.2f}"
            for way in numerics:
                extra = ["--numerics", way, *options.runtime_options.split()]
                found = runtime_top1(options.orepa_infer, options.model, folder, extra)
                if len(found) != len(images):
                    sys.exit(f"{len(found)} answers for {len(images)} images")
                different = int((np.array(found) != expected).sum())
                differences += different
                line += f"  {100 * (np.array(found) == labels).mean():6.2f}  {different:16}"
            print(line, flush=True)
    sys.exit(1 if differences else 0)


if __name__ == "__main__":
    main()
