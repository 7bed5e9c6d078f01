#!/usr/bin/env python3
"""Sweep what plans take from the processor, and hold the present values against what is best here.

Sources/COrepaKernels/tuning/tuning.c has a row of values for each processor that was measured, and
a rule for the others (include/orepa_tuning.h says what each value is). None changes a bit of any
result. This times layers of the published networks (tools/kernels/tune.c) with one value changed at
a time, in turns with the present values, weights from memory and feature maps from beyond L2; then
the best values together against the present ones. A value counts as better where it is so by more
than --margin and by more than noise. Takes some minutes; any machine will do that is not busy.

Examples:
  tools/benchmarks/tune.py                              # the best row
  tools/benchmarks/tune.py --json docs/tune/zen-3.json  # and all ratios, to be committed
  tools/benchmarks/tune.py --check                      # fails when it is more than 3 % behind
"""

from __future__ import annotations

import argparse
import datetime
import json
import math
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
KERNELS = ROOT / "tools" / "kernels"
TUNE = ROOT / ".build" / "kernels" / "tune"
NAMES = (
    "stream_lines",
    "stream_into_l1",
    "paced_lines",
    "tiles_alone",
    "tiles_shared",
    "tiles_of_images",
    "fills_blocks_with_images",
    "item_cycles",
)
"""The values, in the order of orepa_tuning."""

ALONE, TOGETHER, PAIR, BATCH = (1, 1), (2, 1), (1, 2), (2, 4)
"""Threads and pictures: of calls; of a thread in a batch; of a batch that threads share."""

SWEEPS = {
    ("stream_lines", "stream_into_l1"): (
        [(lines, level) for level in (0, 1) for lines in (64, 96, 128, 160, 256)],
        (ALONE, TOGETHER),
    ),
    ("paced_lines",): ([(n,) for n in (256, 512, 768, 1024, 1536, 2048, 4096)], (ALONE, TOGETHER)),
    ("tiles_alone",): ([(n,) for n in (14, 21, 42, 63, 84, 126, 196)], (ALONE, PAIR)),
    ("tiles_shared",): ([(n,) for n in (14, 21, 28, 42, 84)], (TOGETHER,)),
    ("tiles_of_images",): ([(n,) for n in (16, 32, 64, 128)], (PAIR, BATCH)),
    ("fills_blocks_with_images",): ([(0,), (1,)], (BATCH,)),
    ("item_cycles",): ([(n,) for n in (5000, 10000, 20000, 40000, 80000)], (ALONE, TOGETHER)),
}
"""Values that are swept together, what is tried, and in which situations."""

SITUATIONS = (ALONE, TOGETHER, PAIR, BATCH)
CHECKS = 2
"""How often the present row must be over the limit to be a finding."""


def here(isa: str | None) -> tuple[dict, dict[str, int]]:
    """What the kernels know of this machine, and the values that its plans take."""
    command = [TUNE, "here", *([isa] if isa else [])]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(done.stderr.strip())
    known = dict(line.split("\t") for line in done.stdout.splitlines())
    return known, {name: int(known.pop(name)) for name in NAMES}


def parse_ratios(answer: str, count: int) -> list[dict[str, float]]:
    """For each tuning and network the time of the network's layers by that with the first tuning.

    Layers count as often as the network has them. A network none of whose layers a tuning changes
    is left out.
    """
    sums: dict[str, list[float]] = {}
    for line in answer.splitlines():
        network, _, layers, milliseconds, *ratios = line.split("\t")
        weight = int(layers) * float(milliseconds)
        times = sums.setdefault(network, [0.0] * count)
        for i in range(count):
            times[i] += weight * float(ratios[i])
    return [{network: times[i] / times[0] for network, times in sums.items()} for i in range(count)]


def mean(ratios: list[float]) -> float:
    """The geometric one; 1 of nothing."""
    return math.exp(sum(map(math.log, ratios)) / len(ratios)) if ratios else 1.0


class Stopwatch:
    """Runs the timing program."""

    def __init__(self, isa: str | None, turns: int, threads: int) -> None:
        self.isa, self.turns, self.threads = isa, turns, threads

    def ratios(
        self, tunings: list[dict[str, int]], situation: tuple[int, int]
    ) -> list[dict[str, float]]:
        threads, images = situation
        threads = min(threads, self.threads)
        command = [TUNE, threads, images, self.turns, *([self.isa] if self.isa else [])]
        lines = "".join(" ".join(str(tuning[name]) for name in NAMES) + "\n" for tuning in tunings)
        done = subprocess.run(
            [*map(str, command)], input=lines, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            sys.exit(done.stderr.strip() or f"{TUNE} ended with status {done.returncode}")
        return parse_ratios(done.stdout, len(tunings))

    def situations(self, wanted: tuple[tuple[int, int], ...]) -> list[tuple[int, int]]:
        """Those that this machine has the threads for."""
        return [each for each in wanted if each[0] <= self.threads]


def changed(tuning: dict[str, int], names: tuple[str, ...], values: tuple[int, ...]) -> dict:
    return tuning | dict(zip(names, values, strict=True))


def sweep(
    stopwatch: Stopwatch, present: dict[str, int], names: tuple[str, ...], margin: float
) -> tuple[tuple[int, ...], list[dict]]:
    """The best values of these names, the present ones unless others are better; and all ratios.

    The present ones are timed twice: what the second ratio is away from 1 is noise, and no value
    counts as better by less.
    """
    values, wanted = SWEEPS[names]
    now = tuple(present[name] for name in names)
    tried = [now, *(each for each in values if each != now), now]
    rows = [
        {"values": dict(zip(names, each, strict=True)), "ratio": 1.0, "situations": []}
        for each in tried
    ]
    for situation in stopwatch.situations(wanted):
        tunings = [changed(present, names, each) for each in tried]
        for row, networks in zip(rows, stopwatch.ratios(tunings, situation), strict=True):
            row["situations"].append(
                {
                    "threads": situation[0],
                    "pictures": situation[1],
                    "networks": {name: round(ratio, 4) for name, ratio in networks.items()},
                }
            )
    for row in rows:
        each = [ratio for one in row["situations"] for ratio in one["networks"].values()]
        row["ratio"] = round(mean(each), 4)
    noise = abs(1 - rows[-1]["ratio"])
    best = min(rows[:-1], key=lambda row: row["ratio"])
    if best["ratio"] > 1 - max(margin, noise):
        best = rows[0]
    for row in sorted(rows[:-1], key=lambda row: tuple(row["values"].values())):
        text = ", ".join(f"{name} {value}" for name, value in row["values"].items())
        again = f"  present, again {rows[-1]['ratio']:.3f}" if row is rows[0] else ""
        mark = "  best" if row is best else ""
        print(f"{text:40} {row['ratio']:.3f}{again}{mark}", flush=True)
    return tuple(best["values"].values()), rows


def behind(stopwatch: Stopwatch, present: dict[str, int], best: dict[str, int]) -> float:
    """The present values' time by the best ones', over all situations; 1 if they are the same."""
    if best == present:
        return 1.0
    ratios = []
    for situation in stopwatch.situations(SITUATIONS):
        ratios += stopwatch.ratios([best, present], situation)[1].values()
    return mean(ratios)


def processor() -> dict[str, str]:
    """As /proc/cpuinfo has it."""
    wanted = {"vendor_id": "vendor", "model name": "name", "cpu family": "family", "model": "model"}
    found: dict[str, str] = {}
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() in wanted:
            found.setdefault(wanted[key.strip()], value.strip())
    return found


def last_cache() -> str:
    """The size of the last cache that the first core sees, such as 32768K."""
    folders = sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*"))
    return (folders[-1] / "size").read_text().strip() if folders else ""


def commit() -> str:
    """The last one that changed the kernels; with a + where they were changed since."""
    folder = "Sources/COrepaKernels"
    log = ["git", "log", "-1", "--format=%H", "--", folder]
    name = subprocess.run(log, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    clean = subprocess.run(["git", "diff", "--quiet", "HEAD", "--", folder], cwd=ROOT, check=False)
    return name + ("" if clean.returncode == 0 else "+")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--isa", choices=("portable", "avx2", "avx512"), help="instruction set")
    parser.add_argument("--turns", type=int, default=15, help="of each value at each layer (15)")
    parser.add_argument(
        "--margin", type=float, default=0.01, help="that makes a value better (0.01)"
    )
    parser.add_argument("--limit", type=float, default=1.03, help="of present / best (1.03)")
    parser.add_argument("--check", action="store_true", help="fail when the limit is passed")
    parser.add_argument("--json", type=Path, help="where to write all ratios")
    options = parser.parse_args()
    if options.turns < 1 or options.limit < 1 or options.margin < 0:
        parser.error("--turns, --limit: expected 1 or more; --margin: 0 or more")
    return options


def main() -> None:
    options = parse()
    try:
        subprocess.run(["make", "-s", "-C", KERNELS, "tune"], check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"{error}")
    known, present = here(options.isa)
    print(f"row: {known['row'] or 'none, values by rule'}; {known['isa']}")
    load = [round(each, 2) for each in os.getloadavg()]
    stopwatch = Stopwatch(options.isa, options.turns, len(os.sched_getaffinity(0)))
    best, sweeps = dict(present), []
    for names in SWEEPS:
        values, rows = sweep(stopwatch, present, names, options.margin)
        best = changed(best, names, values)
        sweeps += rows
    for _ in range(CHECKS):
        ratio = behind(stopwatch, present, best)
        if ratio <= options.limit:
            break
    print("best row: " + ", ".join(f"{name} {value}" for name, value in best.items()))
    print(f"the present row takes {ratio:.3f} of its time")
    if options.json:
        report = {
            "processor": processor() | {"last_cache": last_cache()},
            "row": known["row"] or None,
            "isa": known["isa"],
            "caches_kb": {"l1_data": int(known["l1_data"]), "l2": int(known["l2"])},
            "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
            "commit": commit(),
            "command": " ".join(["tools/benchmarks/tune.py", *sys.argv[1:]]),
            "load_before": load,
            "load_after": [round(each, 2) for each in os.getloadavg()],
            "present": present,
            "best": best,
            "present_by_best": round(ratio, 4),
            "sweeps": sweeps,
        }
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(report, indent=1) + "\n")
    if options.check and ratio > options.limit:
        sys.exit(f"the present row is more than {options.limit} times behind its sweep")


if __name__ == "__main__":
    main()
