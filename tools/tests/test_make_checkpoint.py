"""Made checkpoints have the published form and load into the network inferred from their names."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from orepa_blocks import build_from_state_dict, find_state_dict

TOOL = Path(__file__).resolve().parents[1] / "make_checkpoint.py"


def make(output: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, TOOL, "--classes", "10", *arguments, output]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("form", ["zip", "legacy", "safetensors"])
def test_forms(tmp_path: Path, form: str) -> None:
    arguments = ["--arch", "ResNet-18", "--block", "base", "--format", form]
    if form != "safetensors":
        arguments.append("--optimizer")
    done = make(tmp_path / "a", *arguments)
    assert done.returncode == 0, done.stderr
    if form == "safetensors":
        loaded = load_file(tmp_path / "a")
    else:
        loaded = torch.load(tmp_path / "a", weights_only=True)
        assert {"epoch", "arch", "best_acc1", "scheduler"} < loaded.keys()
        assert all(name.startswith("module.") for name in loaded["state_dict"])
        assert "momentum_buffer" in loaded["optimizer"]["state"][0]
    network = build_from_state_dict(find_state_dict(loaded))
    with torch.no_grad():
        logits = network(torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(1)))
    assert 0.5 < logits.abs().max() < 30


def test_the_seed_decides(tmp_path: Path) -> None:
    contents = []
    for name, seed in (("a", "0"), ("b", "0"), ("c", "1")):
        make(tmp_path / name, "--arch", "RepVGG-A0", "--block", "RepVGG", "--seed", seed)
        state = torch.load(tmp_path / name, weights_only=True)["state_dict"]
        contents.append(state["module.stage4.0.rbr_dense.conv.weight"])
    assert torch.equal(contents[0], contents[1]) and not torch.equal(contents[0], contents[2])


def test_what_does_not_go_together_is_refused(tmp_path: Path) -> None:
    done = make(tmp_path / "a", "--arch", "ResNet-18", "--block", "OREPA_VGG")
    assert done.returncode == 2 and "RepVGG networks" in done.stderr
    assert not (tmp_path / "a").exists()
