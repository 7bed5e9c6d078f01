#!/usr/bin/env python3
"""Measure how late Ctrl-C ends calls of the Python package, and what listening for it costs.

In turn a batch of pictures, a tensor and one large picture are classified in the main thread, and
SIGINT is sent while they run: the time until KeyboardInterrupt is there. Then a call for one small
tensor is timed with and without `interruptible`. Exit status 1 when a call ends later than --limit
says.

Examples:
  tools/benchmarks/measure_interrupts.py models/fashion-mnist-repvgg/model.safetensors
  tools/benchmarks/measure_interrupts.py model.safetensors --turns 50 --threads 2
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import statistics
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))
from required_packages import required_packages

# And the wheel that tools/build-wheel makes.
with required_packages(__name__, "tools/python/test-requirements.txt"):
    import numpy as np

    import orepa


def lateness(call: Callable[[], object], turns: int) -> list[float]:
    """Milliseconds from the signal to the exception, in each turn."""
    found = []
    while len(found) < turns:
        sent = []

        def send(sent: list[float] = sent) -> None:
            sent.append(time.perf_counter())
            os.kill(os.getpid(), signal.SIGINT)

        timer = threading.Timer(random.uniform(0.01, 0.1), send)
        try:
            timer.start()
            call()
            timer.join()
        except KeyboardInterrupt:
            found.append(1e3 * (time.perf_counter() - sent[0]))
        timer.join()
    return found


def median_microseconds(model: orepa.Model, calls: int) -> float:
    tensor = np.zeros((1, *model.input_shape), np.float32)
    logits = np.empty((1, model.class_count), np.float32)
    times = []
    for _ in range(calls):
        begin = time.perf_counter()
        model.run_tensor(tensor, logits)
        times.append(1e6 * (time.perf_counter() - begin))
    return statistics.median(times)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", help="a deployed model file")
    parser.add_argument("--turns", type=int, default=20, help="signals for each kind of call (20)")
    parser.add_argument("--threads", type=int, default=1, help="of the model (1)")
    parser.add_argument("--limit", type=float, default=100, help="in milliseconds (100)")
    options = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    model = orepa.Model(options.model, threads=options.threads, input_size=448)
    pixels = np.random.default_rng(1).integers(0, 256, (600, 800, 3), dtype=np.uint8)
    large = np.zeros((12000, 12000, 3), np.uint8)
    tensor = np.zeros((30, *model.input_shape), np.float32)
    kinds: dict[str, Callable[[], object]] = {
        "a batch": lambda: model.classify_batch([pixels] * 100),
        "a tensor": lambda: model.run_tensor(tensor),
        "a picture of 12000x12000": lambda: [model.classify(large) for _ in range(5)],
    }
    worst = 0.0
    for name, call in kinds.items():
        found = lateness(call, options.turns)
        worst = max(worst, *found)
        print(f"{name}: {statistics.median(found):.1f} ms late, at most {max(found):.1f} ms")
    times = []
    for interruptible in (True, False):
        small = orepa.Model(options.model, threads="caller", interruptible=interruptible)
        times.append(min(median_microseconds(small, 200) for _ in range(5)))
    print(f"a call: {times[0]:.1f} us, not interruptible {times[1]:.1f} us")
    return int(worst > options.limit)


if __name__ == "__main__":
    sys.exit(main())
