#!/usr/bin/env python3
"""Measure what Ray costs: ray_classify.py against a single process on the same processors.

Three ways to classify the same pictures, in turns, each in processes of its own:

  ray       ray_classify.py, one worker with one thread for each processor
  threads   one process, one model, a Python thread for each processor that runs its own calls
  calls     one process, one model with a thread for each processor, one call after the other

The time is from the start of the first picture to the end of the last one, without starting
processes and loading models. Pictures are made if no folder is given: 500x375 JPEGs. The list is
repeated, by links, until the single process needs --duration seconds. The overhead is against the
faster single process. Processors that others use too make times worthless: see the load. The
processor time of all processes of a way within that time, and of Ray's own ones among them, is
sampled too; it tells where an overhead comes from.

Example:
  tools/ray-data/measure_ray.py --model ResNet-18.safetensors --turns 3
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))
from required_packages import required_packages

# And the wheel that tools/build-wheel makes.
with required_packages(__name__, "tools/ray-data/requirements.txt"):
    import orepa
    import ray_classify

WAYS = ("ray", "threads", "calls")
BATCH_SIZE = 16
MARKER = "OREPA_MEASURE_RAY"
"""An environment variable that all processes of a measurement inherit."""
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Figures:
    """What one way took."""

    seconds: float
    processor_seconds: dict[str, float]
    """By kind of process: worker, and others by their titles."""


class Sampler(threading.Thread):
    """Looks at the processor time of the processes that carry a marker, twice a second."""

    def __init__(self, mark: str) -> None:
        super().__init__(daemon=True)
        self.mark = f"{MARKER}={mark}".encode()
        self.samples: list[tuple[float, dict[str, tuple[str, float]]]] = []
        self.done = threading.Event()

    def run(self) -> None:
        while not self.done.wait(0.5):
            self.samples.append((time.time(), dict(self.processes())))

    def processes(self) -> Iterator[tuple[str, tuple[str, float]]]:
        for folder in Path("/proc").iterdir():
            try:
                if not folder.name.isdigit():
                    continue
                if self.mark not in (folder / "environ").read_bytes().split(b"\0"):
                    continue
                title = (folder / "cmdline").read_bytes().split(b"\0")[:3]
                fields = (folder / "stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            seconds = (int(fields[11]) + int(fields[12])) / TICKS
            yield folder.name, (kind_of(b" ".join(title).decode()), seconds)

    def between(self, begin: float, end: float) -> dict[str, float]:
        """Processor seconds by kind of process."""
        within = [sample for when, sample in self.samples if begin <= when <= end]
        total: dict[str, float] = {}
        for process, (kind, seconds) in within[-1].items():
            before = within[0].get(process, (kind, 0.0))[1]
            total[kind] = total.get(kind, 0.0) + seconds - before
        # Up to half a second at each end is between samples.
        times = [when for when, _ in self.samples if begin <= when <= end]
        scale = (end - begin) / (times[-1] - times[0])
        return {kind: seconds * scale for kind, seconds in total.items()}


def kind_of(title: str) -> str:
    if title.startswith("ray::MapWorker"):
        return "worker"
    if title.startswith("ray::"):
        return title.split(".")[0].split("(")[0]
    words = [Path(word).name for word in title.split()]
    scripts = [word for word in words if word.endswith(".py")]
    return "driver" if Path(__file__).name in scripts else (scripts or words or ["?"])[0]


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


def single_process(
    model_path: Path, folder: Path, processors: int, way: str
) -> tuple[float, float]:
    """When the pictures of a folder were begun and done."""
    batches = batches_of(folder)
    threads = processors if way == "calls" else "caller"
    callers = 1 if way == "calls" else processors
    model = orepa.Model(model_path, threads=threads)
    with ThreadPoolExecutor(callers) as executor:
        list(executor.map(model.classify_batch, batches[:callers]))
        begin = time.time()
        list(executor.map(model.classify_batch, batches))
        return begin, time.time()


def with_ray(
    model_path: Path, folder: Path, processors: int, shard_size: int
) -> tuple[float, float]:
    with tempfile.TemporaryDirectory() as output:
        words = [folder, output, "--model", model_path, "--actors", processors]
        words += ["--shard-size", shard_size, "--batch-size", BATCH_SIZE]
        summary = ray_classify.run(ray_classify.parse([*map(str, words)]))
        return summary.begin, summary.end


def measure(way: str, arguments: argparse.Namespace, folder: Path) -> Figures:
    """One way, in processes of its own."""
    command = [sys.executable, __file__, "--worker", way, "--folder", folder]
    command += ["--model", arguments.model, "--processors", arguments.processors]
    command += ["--shard-size", arguments.shard_size]
    mark = uuid.uuid4().hex
    sampler = Sampler(mark)
    sampler.start()
    done = subprocess.run(
        [*map(str, command)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env={**os.environ, MARKER: mark},
    )
    sampler.done.set()
    sampler.join()
    begin, end = map(float, done.stdout.split())
    return Figures(end - begin, sampler.between(begin, end))


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
        print(*with_ray(arguments.model, arguments.folder, processors, arguments.shard_size))
        return
    if arguments.worker:
        print(*single_process(arguments.model, arguments.folder, processors, arguments.worker))
        return
    with tempfile.TemporaryDirectory() as place:
        if arguments.folder:
            pictures = sorted(arguments.folder.glob("*.jpg"))
        else:
            made = Path(place, "made")
            made.mkdir()
            pictures = make_pictures(made, 200)
        trial = Path(place, "trial")
        link_pictures(pictures, trial, 600)
        rate = 600 / min(measure(way, arguments, trial).seconds for way in WAYS[1:])
        # Whole shards, and as many for each worker.
        step = arguments.shard_size * processors
        count = max(step, -(-int(rate * arguments.duration * 1.05) // step) * step)
        folder = Path(place, "pictures")
        link_pictures(pictures, folder, count)
        figures: dict[str, list[Figures]] = {way: [] for way in WAYS}
        loads = []
        for _ in range(arguments.turns):
            for way in WAYS:
                figures[way].append(measure(way, arguments, folder))
                loads.append(os.getloadavg()[0])
    report(figures, count, loads)
    if arguments.json:
        values = {way: [asdict(each) for each in figures[way]] for way in WAYS}
        result = {"pictures": count, "processors": processors, "loads": loads, "figures": values}
        arguments.json.write_text(json.dumps(result, indent=2) + "\n")


def report(figures: dict[str, list[Figures]], count: int, loads: list[float]) -> None:
    print(f"{count} pictures; load of the machine {min(loads):.1f} to {max(loads):.1f}")
    seconds, processor = {}, {}
    for way, turns in figures.items():
        seconds[way] = statistics.median(each.seconds for each in turns)
        processor[way] = statistics.median(sum(each.processor_seconds.values()) for each in turns)
        print(
            f"{way:8} {count / seconds[way]:7.1f} images/s {1000 * processor[way] / count:7.2f} ms "
            f"of processor time per image; seconds: {', '.join(f'{e.seconds:.1f}' for e in turns)}"
        )
    for name, values in (("time", seconds), ("processor time", processor)):
        overhead = values["ray"] / min(values[way] for way in WAYS[1:]) - 1
        print(f"overhead of Ray over the better single process, {name}: {100 * overhead:.1f} %")
    kinds = figures["ray"][-1].processor_seconds
    total = sum(kinds.values())
    for kind, value in sorted(kinds.items(), key=lambda item: -item[1]):
        if value >= 0.001 * total:
            print(f"  {kind:32} {value:7.1f} s {100 * value / total:5.1f} %")


if __name__ == "__main__":
    main()
