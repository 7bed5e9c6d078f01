#!/usr/bin/env python3
"""Measure what Ray costs: ray_classify.py against a single process on the same processors.

Three ways to classify the same pictures, in turns, each in processes of its own:

  ray       ray_classify.py, one worker with one thread for each processor
  threads   one process, one model, a Python thread for each processor that runs its own calls
  calls     one process, one model with a thread for each processor, one call after the other

The time is from the start of the first picture to the end of the last one, without starting
processes and loading models. Pictures are made if no folder is given: 500x375 JPEGs. The list is
repeated, by links, until the single process needs --duration seconds. The overhead is against the
faster single process. Processors that others use too make the figures worthless: see the load.

Example:
  tools/measure_ray.py --model ResNet-18.safetensors --turns 3
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import orepa
import ray_classify

WAYS = ("ray", "threads", "calls")
BATCH_SIZE = 16


def make_pictures(folder: Path, count: int) -> list[Path]:
    """JPEGs of the size of ImageNet's, smooth with some noise, so that decoding costs about what it
    does for photographs."""
    import numpy as np
    from PIL import Image

    generator = np.random.default_rng(1)
    paths = []
    for index in range(count):
        coarse = generator.integers(0, 256, (12, 16, 3), dtype=np.uint8)
        smooth = Image.fromarray(coarse).resize((500, 375), Image.Resampling.BICUBIC)
        noise = generator.integers(-12, 13, (375, 500, 3))
        pixels = np.clip(np.asarray(smooth).astype(np.int16) + noise, 0, 255).astype(np.uint8)
        path = folder / f"{index:05d}.jpg"
        Image.fromarray(pixels).save(path, quality=85)
        paths.append(path)
    return paths


def link_pictures(pictures: list[Path], folder: Path, count: int) -> None:
    folder.mkdir()
    for index in range(count):
        (folder / f"{index:06d}.jpg").symlink_to(pictures[index % len(pictures)].resolve())


def batches_of(folder: Path) -> list[list[Path]]:
    paths = sorted(folder.iterdir())
    return [paths[start : start + BATCH_SIZE] for start in range(0, len(paths), BATCH_SIZE)]


def single_process(model_path: Path, folder: Path, processors: int, way: str) -> float:
    """Seconds for the pictures of a folder."""
    batches = batches_of(folder)
    if way == "calls":
        model = orepa.Model(model_path, threads=processors)
        model.classify_batch(batches[0])
        begin = time.perf_counter()
        for batch in batches:
            model.classify_batch(batch)
        return time.perf_counter() - begin
    model = orepa.Model(model_path, threads="caller")
    with ThreadPoolExecutor(processors) as executor:
        list(executor.map(model.classify_batch, batches[:processors]))
        begin = time.perf_counter()
        list(executor.map(model.classify_batch, batches))
        return time.perf_counter() - begin


def with_ray(model_path: Path, folder: Path, processors: int, shard_size: int) -> float:
    with tempfile.TemporaryDirectory() as output:
        words = [folder, output, "--model", model_path, "--actors", processors]
        words += ["--shard-size", shard_size, "--batch-size", BATCH_SIZE]
        arguments = ray_classify.parse([*map(str, words)])
        return ray_classify.run(arguments).seconds


def measure(way: str, arguments: argparse.Namespace, folder: Path) -> float:
    """Seconds of one way, in a process of its own."""
    command = [sys.executable, __file__, "--worker", way, "--folder", folder]
    command += ["--model", arguments.model, "--processors", arguments.processors]
    command += ["--shard-size", arguments.shard_size]
    done = subprocess.run([*map(str, command)], stdout=subprocess.PIPE, text=True, check=True)
    return float(done.stdout)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", required=True, type=Path)
    parser.add_argument("--folder", type=Path, help="of pictures; default: 200 made ones")
    parser.add_argument("--duration", type=float, default=60, help="seconds; default: 60")
    parser.add_argument("--turns", type=int, default=1)
    parser.add_argument("--shard-size", type=int, default=250, help="pictures; default: 250")
    parser.add_argument(
        "--processors", type=int, default=len(os.sched_getaffinity(0)), help="default: all"
    )
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--worker", choices=WAYS, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    arguments = parse()
    processors = arguments.processors
    if arguments.worker == "ray":
        print(with_ray(arguments.model, arguments.folder, processors, arguments.shard_size))
        return
    if arguments.worker:
        print(single_process(arguments.model, arguments.folder, processors, arguments.worker))
        return
    with tempfile.TemporaryDirectory() as place:
        if arguments.folder:
            pictures = sorted(arguments.folder.glob("*.jpg"))
        else:
            made = Path(place, "made")
            made.mkdir()
            pictures = make_pictures(made, 200)
        trial = Path(place, "trial")
        link_pictures(pictures, trial, 400)
        rate = 400 / min(measure(way, arguments, trial) for way in WAYS[1:])
        # Whole shards, and as many for each worker.
        step = arguments.shard_size * processors
        count = max(step, -(-int(rate * arguments.duration * 1.05) // step) * step)
        folder = Path(place, "pictures")
        link_pictures(pictures, folder, count)
        seconds: dict[str, list[float]] = {way: [] for way in WAYS}
        loads = []
        for _ in range(arguments.turns):
            for way in WAYS:
                seconds[way].append(measure(way, arguments, folder))
                loads.append(os.getloadavg()[0])
    print(f"{count} pictures, {processors} processors, load {min(loads):.1f} to {max(loads):.1f}")
    medians = {way: statistics.median(values) for way, values in seconds.items()}
    for way in WAYS:
        times = ", ".join(f"{value:.1f}" for value in seconds[way])
        print(f"{way:8} {count / medians[way]:7.1f} images/s   seconds: {times}")
    overhead = medians["ray"] / min(medians[way] for way in WAYS[1:]) - 1
    print(f"overhead of Ray over the faster single process: {100 * overhead:.1f} %")
    if arguments.json:
        figures = {"pictures": count, "processors": processors, "seconds": seconds}
        figures |= {"overhead": overhead, "loads": loads}
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
