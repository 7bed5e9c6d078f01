"""Exported networks compute what the model file says; files that cannot be exported are refused."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from export_onnx import benchmark_input, evaluate, read_model

TOOL = Path(__file__).with_name("export_onnx.py")


def convolution(name: str, source: str, inputs: int, outputs: int, **more: object) -> dict:
    return {
        "name": name, "operation": "convolution", "inputs": [source], "parameters": name,
        "input_channels": inputs, "output_channels": outputs, "kernel": 3, "stride": 1,
        "padding": 1, "groups": 1, "relu": True,
    } | more  # fmt: skip


def write_model(path: Path, **changes: object) -> None:
    """A network with every operation, both ReLU settings, groups and strides."""
    pool = {"name": "pool", "operation": "max_pool", "inputs": ["stem"]}
    graph = [
        convolution("stem", "input", 3, 8, kernel=7, stride=2, padding=3),
        pool | {"kernel": 3, "stride": 2, "padding": 1},
        convolution("a", "pool", 8, 8, groups=4),
        convolution("b", "a", 8, 8, kernel=1, padding=0, relu=False),
        {"name": "sum", "operation": "add_relu", "inputs": ["b", "pool"]},
        {"name": "mean", "operation": "global_average_pool", "inputs": ["sum"]},
        {"name": "linear", "operation": "linear", "inputs": ["mean"], "parameters": "linear",
         "input_channels": 8, "output_channels": 5},
    ]  # fmt: skip
    generator = np.random.default_rng(1)
    shapes = {"stem": (8, 3, 7, 7), "a": (8, 2, 3, 3), "b": (8, 8, 1, 1), "linear": (5, 8)}
    tensors = {}
    for name, shape in shapes.items():
        tensors[f"{name}.weight"] = generator.standard_normal(shape).astype(np.float32) / 4
        tensors[f"{name}.bias"] = generator.standard_normal(shape[0]).astype(np.float32)
    document = {
        "version": 1,
        "graph": graph,
        "input": {"channels": 3, "height": 30, "width": 26},
    } | changes
    save_file(tensors, path, {"orepa.model": json.dumps(document)})


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, TOOL, *map(str, arguments)], capture_output=True, text=True, check=False
    )


def test_benchmark_input_is_the_generator_step_by_step() -> None:
    state, expected = 1, []
    for _ in range(1000):
        state = (state * 1_664_525 + 1_013_904_223) % 2**32
        expected.append((state >> 8) / 2**22 - 2)
    assert benchmark_input(1000).tolist() == expected
    assert benchmark_input(1000).dtype == np.float32


def test_evaluation_is_that_of_pytorch(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    path = tmp_path / "model.safetensors"
    write_model(path)
    pictures = np.random.default_rng(2).standard_normal((2, 3, 30, 26)).astype(np.float32)
    weights = {name: torch.tensor(w, dtype=torch.float64) for name, w in load_file(path).items()}

    def convolve(x: torch.Tensor, name: str, **settings: int) -> torch.Tensor:
        return functional.conv2d(x, weights[name + ".weight"], weights[name + ".bias"], **settings)

    x = convolve(torch.tensor(pictures, dtype=torch.float64), "stem", stride=2, padding=3).relu()
    x = functional.max_pool2d(x, 3, 2, 1)
    x = (convolve(convolve(x, "a", padding=1, groups=4).relu(), "b") + x).relu()
    x = functional.linear(x.mean((2, 3)), weights["linear.weight"], weights["linear.bias"])
    np.testing.assert_allclose(evaluate(read_model(path), pictures), x.numpy(), rtol=1e-12)


def test_exported_network_is_checked_and_takes_any_batch(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    source, target = tmp_path / "model.safetensors", tmp_path / "model.onnx"
    write_model(source)
    done = run(source, target)
    assert done.returncode == 0, done.stderr
    pictures = np.random.default_rng(3).standard_normal((3, 3, 30, 26)).astype(np.float32)
    session = onnxruntime.InferenceSession(target)
    logits = session.run(["logits"], {"input": pictures})[0]
    np.testing.assert_allclose(logits, evaluate(read_model(source), pictures), atol=1e-5)
    assert run(source, target).stderr.endswith("exists; --force replaces it\n")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"version": 2}, "the model has version 2, this script reads up to version 1"),
        (
            {"graph": [convolution("stem", "input", 3, 9, kernel=7)]},
            "expected float32 [9, 3, 7, 7]",
        ),
        ({"graph": [convolution("none", "input", 3, 9)]}, "none.weight"),
        ({"input": {"channels": 3}}, "lacks `height`"),
    ],
)
def test_what_cannot_be_exported_is_refused(tmp_path: Path, changes: dict, message: str) -> None:
    pytest.importorskip("onnxruntime")
    source, target = tmp_path / "model.safetensors", tmp_path / "model.onnx"
    write_model(source, **changes)
    done = run(source, target)
    assert done.returncode == 1 and message in done.stderr
    assert "Traceback" not in done.stderr and not target.exists()


def test_plain_safetensors_file_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    save_file({"a": np.zeros(1, np.float32)}, tmp_path / "a.safetensors")
    done = run(tmp_path / "a.safetensors", tmp_path / "a.onnx")
    assert done.returncode == 1 and "expected a deployed model" in done.stderr
