#!/usr/bin/env python3
"""Export a deployed model file to ONNX.

The ONNX network has one input `input` [N, 3, H, W], Float32, normalised as the model file says, and
one output `logits` [N, classes]; N is free, H and W are the model file's. Before it is written,
onnxruntime runs it on two fixed random pictures. Its logits may differ by at most 1e-5 of the
largest one from `orepa-infer run --numerics strict` (with --orepa-infer), or else from a plain
NumPy evaluation of the model file in Float64. Nothing is written when they differ by more.

Examples:
  tools/benchmarks/export_onnx.py resnet.safetensors resnet.onnx
  tools/benchmarks/export_onnx.py resnet.safetensors resnet.onnx --orepa-infer orepa-infer
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))
from required_packages import required_packages

with required_packages(__name__, "tools/benchmarks/requirements.txt"):
    import numpy as np
    from safetensors import SafetensorError, safe_open
    from safetensors.numpy import load_file, save_file

KNOWN_VERSION = 1
TOLERANCE = 1e-5
"""Largest difference of two logits, divided by the largest logit."""

# Everything used here exists since opset 13, which all of bench_peers.py's peers read.
OPSET = 13
IR_VERSION = 8


class ModelError(Exception):
    """A model file that cannot be exported; the sentence says what is wrong with it."""


@dataclass
class Model:
    """A deployed network: its graph's nodes as in the file, and their weights by name."""

    graph: list[dict]
    weights: dict[str, np.ndarray]
    input_shape: tuple[int, int, int]
    """Channels, height, width."""


def read_model(path: Path) -> Model:
    """Reads a deployed model file and checks that each operation has what it needs.

    Raises ModelError, and OSError when the file cannot be opened.
    """
    with path.open("rb"):  # safe_open's error names no reason
        pass
    try:
        with safe_open(path, framework="numpy") as file:
            text = (file.metadata() or {}).get("orepa.model")
            if text is None:
                raise ModelError(
                    "expected a deployed model, found a safetensors file without `orepa.model` in "
                    "its metadata; `orepa-infer convert` makes one from a training checkpoint"
                )
            document = json.loads(text)
            version = document["version"]
            if version > KNOWN_VERSION:
                raise ModelError(
                    f"the model has version {version}, this script reads up to version "
                    f"{KNOWN_VERSION}; use a newer orepa"
                )
            graph = document["graph"]
            shape = tuple(document["input"][key] for key in ("channels", "height", "width"))
            weights = {}
            for node in graph:
                if "parameters" not in node:
                    continue
                for part in ("weight", "bias"):
                    name = f"{node['parameters']}.{part}"
                    tensor = file.get_tensor(name)
                    expected = parameter_shape(node, part)
                    if tensor.dtype != np.float32 or tensor.shape != expected:
                        raise ModelError(
                            f"`{name}`: expected float32 {list(expected)}, "
                            f"found {tensor.dtype} {list(tensor.shape)}"
                        )
                    weights[name] = tensor
    except SafetensorError as error:
        raise ModelError(str(error)) from None
    except json.JSONDecodeError as error:
        raise ModelError(f"`orepa.model` in the metadata is no JSON: {error}") from None
    except KeyError as error:
        raise ModelError(f"the model's description lacks `{error.args[0]}`") from None
    except TypeError:
        raise ModelError("the model's description does not have the form of version 1") from None
    return Model(graph, weights, shape)


def parameter_shape(node: dict, part: str) -> tuple[int, ...]:
    outputs, inputs = node["output_channels"], node["input_channels"]
    if part == "bias":
        return (outputs,)
    if node["operation"] == "linear":
        return (outputs, inputs)
    return (outputs, inputs // node["groups"], node["kernel"], node["kernel"])


def to_onnx(model: Model):
    """The network as an `onnx.ModelProto`, checked by `onnx.checker`."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    nodes = []

    def add(operation: str, inputs: list[str], output: str, **attributes: object) -> None:
        nodes.append(helper.make_node(operation, inputs, [output], name=output, **attributes))

    last = model.graph[-1]["name"]
    for node in model.graph:
        name, inputs = node["name"], node["inputs"]
        output = "logits" if name == last else name
        if node["operation"] in ("convolution", "max_pool"):
            window = {
                "kernel_shape": [node["kernel"]] * 2,
                "strides": [node["stride"]] * 2,
                "pads": [node["padding"]] * 4,
            }
        if "parameters" in node:
            parameters = [f"{node['parameters']}.{part}" for part in ("weight", "bias")]
        match node["operation"]:
            case "convolution":
                sums = f"{name}.sums" if node["relu"] else output
                add("Conv", [*inputs, *parameters], sums, group=node["groups"], **window)
                if node["relu"]:
                    add("Relu", [sums], output)
            case "max_pool":
                add("MaxPool", inputs, output, **window)
            case "add_relu":
                add("Add", inputs, f"{name}.sums")
                add("Relu", [f"{name}.sums"], output)
            case "global_average_pool":
                add("GlobalAveragePool", inputs, output)
            case "linear":
                add("Flatten", inputs, f"{name}.features", axis=1)
                add("Gemm", [f"{name}.features", *parameters], output, transB=1)
            case operation:
                raise ModelError(
                    f"`graph.{name}.operation`: expected convolution, max_pool, add_relu, "
                    f"global_average_pool or linear, found {operation}"
                )
    classes = model.graph[-1]["output_channels"]
    proto = helper.make_model(
        helper.make_graph(
            nodes,
            "orepa",
            [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["N", *model.input_shape])],
            [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", classes])],
            [numpy_helper.from_array(tensor, name) for name, tensor in model.weights.items()],
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="orepa",
    )
    onnx.checker.check_model(proto)
    return proto


def windows(values: np.ndarray, node: dict, border: float) -> np.ndarray:
    """The view [N, C, H', W', kernel, kernel] of a padded [N, C, H, W]."""
    padding, stride = node["padding"], node["stride"]
    sides = ((0, 0), (0, 0), (padding, padding), (padding, padding))
    padded = np.pad(values, sides, constant_values=border)
    view = np.lib.stride_tricks.sliding_window_view(padded, (node["kernel"],) * 2, axis=(2, 3))
    return view[:, :, ::stride, ::stride]


def evaluate(model: Model, pictures: np.ndarray) -> np.ndarray:
    """The logits [N, classes] in Float64, each operation written as its definition."""
    values = {"input": pictures.astype(np.float64)}
    remaining = [name for node in model.graph for name in node["inputs"]]
    for node in model.graph:
        inputs = [values[name] for name in node["inputs"]]
        if "parameters" in node:
            weight, bias = (
                model.weights[f"{node['parameters']}.{part}"].astype(np.float64)
                for part in ("weight", "bias")
            )
        match node["operation"]:
            case "convolution":
                view = windows(inputs[0], node, 0)
                groups = zip(
                    np.split(view, node["groups"], axis=1),
                    np.split(weight, node["groups"]),
                    strict=True,
                )
                sums = [np.tensordot(w, v, ((1, 2, 3), (1, 4, 5))) for v, w in groups]
                result = np.concatenate(sums).swapaxes(0, 1) + bias[:, None, None]
                if node["relu"]:
                    result = np.maximum(result, 0)
            case "max_pool":
                result = windows(inputs[0], node, -np.inf).max(axis=(4, 5))
            case "add_relu":
                result = np.maximum(inputs[0] + inputs[1], 0)
            case "global_average_pool":
                result = inputs[0].mean(axis=(2, 3))
            case "linear":
                result = inputs[0] @ weight.T + bias
        values[node["name"]] = result
        for name in node["inputs"]:
            remaining.remove(name)
            if name not in remaining:
                del values[name]
    return values[model.graph[-1]["name"]]


def orepa_logits(
    program: Path, model: Path, pictures: np.ndarray, numerics: str = "strict"
) -> np.ndarray:
    """The logits [N, classes] that `orepa-infer run` gives for [N, 3, H, W]."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "input.safetensors"), Path(folder, "logits.safetensors")
        save_file({"input": np.ascontiguousarray(pictures, np.float32)}, source)
        command = [program, "run", model, "--input", source, "--output", target]
        command += ["--numerics", numerics]
        done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise ModelError(
                f"{program}: exit status {done.returncode}: {done.stderr.strip() or 'no message'}"
            )
        return load_file(target)["logits"]


def benchmark_input(count: int) -> np.ndarray:
    """The first values of the fixed input of `orepa-infer benchmark`, evenly over -2 to 2."""
    # state[n] = a * state[n - 1] + c, from state[0] = 1, all modulo 2^32.
    powers = np.cumprod(np.full(count, 1_664_525, np.uint32), dtype=np.uint32)
    sums = np.cumsum(np.concatenate(([np.uint32(1)], powers[:-1])), dtype=np.uint32)
    state = powers + np.uint32(1_013_904_223) * sums
    return (state >> np.uint32(8)).astype(np.float32) / np.float32(1 << 22) - np.float32(2)


def largest_difference(logits: np.ndarray, reference: np.ndarray) -> float:
    """The largest difference, divided by the largest logit."""
    difference = np.abs(logits.astype(np.float64) - reference).max()
    return float(difference / np.abs(reference).max())


def export(source: Path, target: Path, program: Path | None) -> float:
    """Writes the ONNX file; returns the difference found."""
    import onnxruntime

    model = read_model(source)
    contents = to_onnx(model).SerializeToString()
    pictures = benchmark_input(2 * int(np.prod(model.input_shape))).reshape(2, *model.input_shape)
    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = 3
    session = onnxruntime.InferenceSession(contents, settings, ["CPUExecutionProvider"])
    logits = session.run(["logits"], {"input": pictures})[0]
    if program is None:
        reference = evaluate(model, pictures)
    else:
        reference = orepa_logits(program, source, pictures)
    difference = largest_difference(logits, reference)
    if not difference <= TOLERANCE:  # also when it is no number
        raise ModelError(
            f"onnxruntime's logits differ by {difference:.1e} of the largest, expected at most "
            f"{TOLERANCE:.0e}; nothing is written"
        )
    partial = target.with_name(target.name + ".partial")
    try:
        partial.write_bytes(contents)
        os.replace(partial, target)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise ModelError(f"cannot write {target}: {error.strerror}") from None
    return difference


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path, help="a deployed model file (.safetensors)")
    parser.add_argument("output", type=Path, help="the .onnx file to write")
    parser.add_argument("--orepa-infer", type=Path, help="the program to check against")
    parser.add_argument("--force", action="store_true", help="replace the output if it exists")
    options = parser.parse_args()
    if options.output.exists() and not options.force:
        sys.exit(f"{options.output}: exists; --force replaces it")
    try:
        difference = export(options.model, options.output, options.orepa_infer)
    except ModuleNotFoundError as error:
        sys.exit(
            f"the package {error.name} is missing; pip install -r tools/benchmarks/requirements.txt"
        )
    except OSError as error:
        sys.exit(f"{error.filename or options.model}: {error.strerror or error}")
    except ModelError as error:
        sys.exit(f"{options.model}: {error}")
    against = "NumPy in Float64" if options.orepa_infer is None else str(options.orepa_infer)
    print(f"{options.output}: within {difference:.1e} of {against} (of the largest logit)")


if __name__ == "__main__":
    main()
