"""The published networks as deployed files, made where they are missing.

The weights are random (see make_checkpoint.py): speed does not depend on them.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

BLOCKS = {
    "RepVGG-A0": "OREPA_VGG",
    "RepVGG-A1": "OREPA_VGG",
    "RepVGG-A2": "OREPA_VGG",
    "RepVGG-B1": "OREPA_VGG",
    "ResNet-18": "OREPA",
    "ResNet-18-2x": "OREPA",
    "ResNet-34": "OREPA",
    "ResNet-50": "OREPA",
    "ResNet-101": "OREPA",
    "ResNeXt-50": "OREPA",
}
"""Each network, and a training block that it was published with."""

TOOLS = Path(__file__).resolve().parents[1]
PROGRAM = TOOLS.parent / ".build" / "release" / "orepa-infer"
"""Where `swift build -c release` puts orepa-infer."""


def deployed_models(folder: Path, program: Path, names: list[str] | None = None) -> list[Path]:
    """`FOLDER/NAME.safetensors` of each network; makes and converts a checkpoint where it is missing.

    Raises subprocess.CalledProcessError when a step fails; its message is then on standard error.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name in names or BLOCKS:
        path = folder / f"{name}.safetensors"
        paths.append(path)
        if path.exists():
            continue
        print(f"{path} is made", file=sys.stderr, flush=True)
        checkpoint = folder / f"{name}.pth.tar"
        had = checkpoint.exists()
        try:
            if not had:
                maker = [sys.executable, TOOLS / "make_checkpoint.py", "--arch", name]
                maker += ["--block", BLOCKS[name], checkpoint]
                subprocess.run(maker, check=True, stdout=subprocess.DEVNULL)
            command = [program, "convert", checkpoint, path]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        finally:
            if not had and checkpoint.exists():
                os.remove(checkpoint)
    return paths
