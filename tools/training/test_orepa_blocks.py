"""The blocks against the golden checkpoints: `pytest tools`.

The folder is Tests/Fixtures/checkpoints, or what OREPA_CHECKPOINT_FIXTURES says.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from orepa_blocks import ARCHITECTURES, build, build_from_state_dict, find_state_dict

DEFAULT = Path(__file__).resolve().parents[2] / "Tests" / "Fixtures" / "checkpoints"
FIXTURES = Path(os.environ.get("OREPA_CHECKPOINT_FIXTURES", DEFAULT))
GOLDEN = sorted(FIXTURES.glob("*.golden.safetensors"))


def load_checkpoint(golden: Path) -> dict[str, torch.Tensor]:
    name = golden.name.removesuffix(".golden.safetensors")
    (path,) = [p for p in FIXTURES.glob(f"{name}.*") if p != golden]
    if path.suffix == ".safetensors":
        return find_state_dict(load_file(path))
    return find_state_dict(torch.load(path, map_location="cpu", weights_only=True))


def test_there_are_golden_files() -> None:
    assert GOLDEN, f"no *.golden.safetensors in {FIXTURES}"


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda path: path.name.split(".")[0])
def test_golden_logits(golden: Path) -> None:
    expected = load_file(golden)
    tensors = {
        name: value.double() if value.is_floating_point() else value
        for name, value in load_checkpoint(golden).items()
    }
    network = build_from_state_dict(tensors)
    with torch.no_grad():
        logits = network(expected["input"].double())
    error = (logits - expected["logits"]).abs().max() / expected["logits"].abs().max()
    # A deployed file holds kernels rounded to Float32, its golden logits are those before rounding.
    assert error < (1e-6 if "-deployed" in golden.name else 1e-9)


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_a_built_network_is_inferred_from_its_names(arch: str) -> None:
    block = "OREPA_VGG" if arch.startswith("RepVGG") else "OREPA"
    with torch.device("meta"):
        tensors = build(arch, block, classes=7).state_dict()
    names = {name: value.shape for name, value in tensors.items()}
    if arch in ("RepVGG-A0", "ResNet-18", "ResNeXt-50"):  # the small ones, with real tensors
        tensors = {n: torch.zeros(s, dtype=tensors[n].dtype) for n, s in names.items()}
        inferred = build_from_state_dict(tensors).state_dict()
        assert {name: value.shape for name, value in inferred.items()} == names
