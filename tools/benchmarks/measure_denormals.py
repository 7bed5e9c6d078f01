#!/usr/bin/env python3
"""Measure what denormal numbers cost: a network with ordinary and with denormal feature maps.

Makes two models, both without biases. In one the first convolution's weights are scaled down so far
that everything from there to the logits is denormal, which checks itself: the largest logit must be
denormal and not 0. Times both in turns and prints the ratio of the medians.

    tools/benchmarks/measure_denormals.py RepVGG-A0.safetensors
"""

import argparse
import json
import statistics
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))
from required_packages import required_packages

with required_packages(__name__, "tools/requirements.txt"):
    import numpy as np

SMALLEST_NORMAL = 2.0**-126


def read(path: Path) -> tuple[dict, bytearray]:
    contents = path.read_bytes()
    (size,) = struct.unpack_from("<Q", contents)
    return json.loads(contents[8 : 8 + size]), bytearray(contents[8 + size :])


def write(path: Path, header: dict, data: bytes) -> None:
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def tensor(header: dict, data: bytearray, name: str) -> np.ndarray:
    begin, end = header[name]["data_offsets"]
    return np.frombuffer(memoryview(data)[begin:end], dtype="<f4")


def clear_biases(header: dict, data: bytearray) -> None:
    for name in header:
        if name.endswith(".bias"):
            tensor(header, data, name)[:] = 0


def scale_first_layer(header: dict, data: bytearray, scale: float) -> None:
    names = [name for name in header if name != "__metadata__" and len(header[name]["shape"]) == 4]
    first = next(name for name in names if header[name]["shape"][1] == 3)
    values = tensor(header, data, first)
    values[:] = (values.astype(np.float64) * scale).astype(np.float32)


def largest_logit(program: str, model: Path, crop: int, folder: Path) -> float:
    values = np.random.default_rng(1).uniform(-2, 2, 3 * crop * crop).astype("<f4").tobytes()
    header = {
        "input": {"dtype": "F32", "shape": [1, 3, crop, crop], "data_offsets": [0, len(values)]}
    }
    write(folder / "input.safetensors", header, values)
    subprocess.run(
        [
            program,
            "run",
            model,
            "--input",
            folder / "input.safetensors",
            "--output",
            folder / "logits.safetensors",
        ],
        check=True,
    )
    header, data = read(folder / "logits.safetensors")
    return float(np.abs(tensor(header, data, "logits")).max())


def median(program: str, model: Path, threads: int, duration: float) -> float:
    output = subprocess.run(
        [
            program,
            "benchmark",
            model,
            "--threads",
            str(threads),
            "--duration",
            str(duration),
            "--format",
            "json",
        ],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return json.loads(output)["median_ms"]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs="+", type=Path, help="model files")
    parser.add_argument(
        "--program", default=".build/release/orepa-infer", help="the orepa-infer to run"
    )
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--duration", type=float, default=2, help="seconds of each measurement")
    parser.add_argument("--turns", type=int, default=3)
    options = parser.parse_args()
    for path in options.models:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            header, data = read(path)
            crop = json.loads(header["__metadata__"]["orepa.model"])["preprocessing"]["crop"]
            clear_biases(header, data)
            ordinary, denormal = folder / "ordinary.safetensors", folder / "denormal.safetensors"
            write(ordinary, header, data)
            logit = largest_logit(options.program, ordinary, crop, folder)
            scale_first_layer(header, data, SMALLEST_NORMAL / 1024 / max(logit, 1))
            write(denormal, header, data)
            small = largest_logit(options.program, denormal, crop, folder)
            if not 0 < small < SMALLEST_NORMAL:
                print(f"{path}: expected a denormal largest logit, found {small}", file=sys.stderr)
                return 65
            times: dict[Path, list[float]] = {ordinary: [], denormal: []}
            for _ in range(options.turns):
                for model, found in times.items():
                    found.append(median(options.program, model, options.threads, options.duration))
            usual, slow = (statistics.median(found) for found in times.values())
            print(
                f"{path.name}: ordinary {usual:.2f} ms, denormal {slow:.2f} ms, "
                f"ratio {slow / usual:.2f} (largest logit {small:.1e})"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
