"""References hold what the network computes in evaluation mode, and leave the network as it was."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn

from make_reference import write_reference

TOOL = Path(__file__).resolve().parents[1] / "make_reference.py"


def network(channels: int = 3) -> nn.Module:
    torch.manual_seed(2)
    return nn.Sequential(
        nn.Conv2d(channels, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5), nn.AdaptiveAvgPool2d(1),
        nn.Flatten(), nn.Linear(4, 5),
    )


def test_logits_are_those_of_evaluation(tmp_path: Path) -> None:
    trained = network(channels=1).double().train()
    write_reference(trained, tmp_path / "r", size=8, channels=1, count=3)
    assert trained.training and next(trained.parameters()).dtype == torch.float64
    found = load_file(tmp_path / "r")
    assert found["input"].shape == (3, 1, 8, 8) and found["input"].dtype == torch.float32
    assert found["logits"].shape == (3, 5) and found["logits"].dtype == torch.float32
    with torch.no_grad():
        expected = trained.eval()(found["input"].double())
    assert (found["logits"] - expected).abs().max() < 1e-6


def test_program(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from torch import nn\n"
        "def load():\n"
        "    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 2))\n"
    )
    command = [sys.executable, TOOL, "mine:load", "r.safetensors", "--size", "16"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert load_file(tmp_path / "r.safetensors")["logits"].shape == (2, 2)
    wrong = subprocess.run([sys.executable, TOOL, "mine", "r"], capture_output=True, check=False)
    assert wrong.returncode == 2
    for network, sentence in [
        ("nothing:load", "expected the module nothing"),
        ("mine:other", "expected a function other in mine"),
    ]:
        command[2] = network
        wrong = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert wrong.returncode == 2
        assert sentence in wrong.stderr and "Traceback" not in wrong.stderr
