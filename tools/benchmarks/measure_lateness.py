#!/usr/bin/env python3
"""Measures how late an async host's own tasks wake, and how late its calls with limits end.

Four times as many batches are in flight as there are processors. Tests hold the same figures to
five times the limit, since they share the machine. Needs
`swift build -c release --product EmbeddingProbe`.
"""

import argparse
import pathlib
import subprocess
import sys

LIMIT = 50.0
ROOT = pathlib.Path(__file__).resolve().parents[2]
NAMES = {
    "sleep_late_p50": "a task that sleeps 5 ms, median",
    "sleep_late_p99": "a task that sleeps 5 ms, 99th percentile",
    "deadline_late": "a call with a deadline in 50 ms",
    "task_late": "a call whose task is cancelled",
    "cancellation_late": "a call whose Cancellation is set",
}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--model", default=str(ROOT / "models/fashion-mnist-repvgg/model.safetensors")
    )
    arguments = parser.parse_args()
    probe = ROOT / ".build/release/EmbeddingProbe"
    if not probe.exists():
        print(f"{probe}: expected the built program, found none", file=sys.stderr)
        return 66
    output = subprocess.run(
        [probe, arguments.model, "async"], check=True, capture_output=True, text=True
    ).stdout
    values = dict(line.split(" ") for line in output.splitlines())
    failed = False
    for name, meaning in NAMES.items():
        late = float(values[name])
        failed |= late >= LIMIT
        print(f"{late:8.2f} ms late: {meaning}{'' if late < LIMIT else f' (limit {LIMIT:.0f} ms)'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
