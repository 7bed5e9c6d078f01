#!/usr/bin/env python3
"""Measure what another process that keeps one processor busy does to orepa.

Times a model on one thread and on as many as there are processors, with the machine to itself and
beside a process that spins: pinned to the last processor or free to move, in this session or in one
of its own (Linux shares processors out among sessions first). In turns, so that a drift of the
machine meets all of them. Ratios are to one thread with the machine to itself.

    tools/benchmarks/measure_busy_neighbour.py RepVGG-A0.safetensors
"""

import argparse
import json
import os
import statistics
import subprocess
import sys

SPIN = "while :; do :; done"


class Neighbour:
    """A process that spins, for as long as the context lasts."""

    def __init__(self, processor: int | None, own_session: bool):
        self.processor = processor
        self.own_session = own_session

    def __enter__(self):
        processors = os.sched_getaffinity(0) if self.processor is None else {self.processor}
        self.process = subprocess.Popen(
            ["taskset", "-c", ",".join(map(str, sorted(processors))), "sh", "-c", SPIN],
            start_new_session=self.own_session,
        )

    def __exit__(self, *exception):
        self.process.kill()
        self.process.wait()


def benchmark(program: str, model: str, threads: int, duration: float) -> dict:
    done = subprocess.run(
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
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        sys.exit(f"measure_busy_neighbour.py: {done.stderr.strip()}")
    return json.loads(done.stdout)


def print_report(model: str, runs: dict[tuple[str, int], list[dict]]) -> None:
    def middle(key: tuple[str, int], value: str) -> float:
        return statistics.median(result[value] for result in runs[key])

    turns = len(runs["none", 1])
    print(f"{model}: milliseconds, medians of {turns} turns; ratios to one thread alone")
    print(
        f"{'neighbour':20} {'threads':>7} {'median':>8} "
        f"{'mean':>8} {'ratio':>6} {'p99':>8} {'ratio':>6}"
    )
    for name, threads in runs:
        key = (name, threads)
        row = f"{name:20} {threads:7} {middle(key, 'median_ms'):8.2f}"
        for value in ("mean_ms", "p99_ms"):
            row += (
                f" {middle(key, value):8.2f} {middle(key, value) / middle(('none', 1), value):6.2f}"
            )
        print(row)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs="+", help="model files")
    parser.add_argument(
        "--program", default=".build/release/orepa-infer", help="the orepa-infer to run"
    )
    parser.add_argument("--duration", type=float, default=3, help="seconds of each measurement")
    parser.add_argument("--turns", type=int, default=3)
    options = parser.parse_args()
    processors = sorted(os.sched_getaffinity(0))
    if len(processors) < 2:
        print("expected at least 2 processors to share, found 1", file=sys.stderr)
        return 69

    neighbours = {
        "none": None,
        "pinned": Neighbour(processors[-1], own_session=False),
        "pinned, own session": Neighbour(processors[-1], own_session=True),
        "free": Neighbour(None, own_session=False),
        "free, own session": Neighbour(None, own_session=True),
    }
    for model in options.models:
        runs: dict[tuple[str, int], list[dict]] = {}
        for _ in range(options.turns):
            for name, neighbour in neighbours.items():
                for threads in (1, len(processors)):
                    if neighbour is None:
                        result = benchmark(options.program, model, threads, options.duration)
                    else:
                        with neighbour:
                            result = benchmark(options.program, model, threads, options.duration)
                    runs.setdefault((name, threads), []).append(result)

        print_report(os.path.basename(model), runs)
    return 0


if __name__ == "__main__":
    sys.exit(main())
