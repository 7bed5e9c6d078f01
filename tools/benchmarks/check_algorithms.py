#!/usr/bin/env python3
"""Check that each layer of each published network runs with the fastest algorithm there is.

Asks orepa-infer which algorithm, tile split and register tile it plans for every layer, times every
candidate for layers of these shapes (tools/kernels/candidates.c: direct, stem, grouped, Winograd
with every split that is worth a thought, in turns, weights from memory) and fails when a plan's
pick takes more than --limit times the fastest one's time. Layers of one shape are timed once; those
over the limit are timed again, so that a moment's noise is no finding. Takes some minutes, on a
quiet machine.

Examples:
  tools/benchmarks/check_algorithms.py --folder ~/models    # makes the models that are missing
  tools/benchmarks/check_algorithms.py --models resnet.safetensors --threads 2
  tools/benchmarks/check_algorithms.py --folder ~/models --isa avx2 --json picks.json
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

from published_models import PROGRAM, TOOLS, deployed_models

KERNELS = TOOLS / "kernels"
CANDIDATES = TOOLS.parent / ".build" / "kernels" / "candidates"
CHECKS = 2
"""How often a layer must be over the limit to be a finding."""


def layer_line(layer: dict) -> str:
    """What the timing program reads of a layer: maps, window, summand's border."""
    into, out, summand = layer["input"], layer["output"], layer["summand"]
    numbers = [into[key] for key in ("channels", "height", "width", "block", "border")]
    numbers += [out[key] for key in ("channels", "height", "width", "border")]
    numbers += [layer[key] for key in ("kernel", "stride", "padding", "groups")]
    numbers += [int(layer["relu"]), summand["border"] if summand else -1]
    return " ".join(map(str, numbers))


def describe(layer: dict) -> str:
    into, out = layer["input"], layer["output"]
    groups = f", {layer['groups']} groups" if layer["groups"] > 1 else ""
    return (
        f"{into['channels']} to {out['channels']}, {layer['kernel']}x{layer['kernel']}"
        f"/{layer['stride']}{groups}, at {out['height']}x{out['width']}"
    )


def planned_layers(program: Path, model: Path, threads: int, isa: str | None) -> list[dict]:
    """The convolutions of a model as orepa-infer plans them."""
    command = [program, "benchmark", model, "--profile", "--format", "json", "--warmup", "0"]
    command += ["--threads", threads, "--duration", "0.001"]
    environment = os.environ | ({"OREPA_ISA": isa} if isa else {})
    done = subprocess.run(
        [*map(str, command)], capture_output=True, text=True, check=False, env=environment
    )
    if done.returncode != 0:
        sys.exit(f"{model}: {done.stderr.strip() or f'exit status {done.returncode}'}")
    layers = json.loads(done.stdout)["layers"]
    return [layer for layer in layers if layer["executed_multiply_accumulates"] > 0]


class Timer:
    """The timing program, given one layer after the other."""

    def __init__(self, threads: int, isa: str | None) -> None:
        command = [CANDIDATES, str(threads)] + ([isa] if isa else [])
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def times(self, line: str) -> dict[tuple[str, str], float]:
        """Milliseconds of each algorithm and its tiles."""
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        found = {}
        for answer in self.process.stdout:
            if answer == "\n":
                return found
            algorithm, tiles, milliseconds = answer.rstrip("\n").split("\t")
            found[algorithm, tiles] = float(milliseconds)
        sys.exit(f"{CANDIDATES} ended with status {self.process.wait()} at layer {line}")

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()


def finding(times: dict[tuple[str, str], float], pick: tuple[str, str]) -> tuple[float, tuple]:
    """How many times the fastest candidate's time the pick takes, and which that is."""
    if pick not in times:
        sys.exit(f"the planned algorithm is no candidate: {' '.join(pick)}; found {list(times)}")
    fastest = min(times, key=times.get)
    return times[pick] / times[fastest], fastest


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, help="of the published networks' models")
    parser.add_argument("--models", type=Path, nargs="+", default=[], help="deployed model files")
    parser.add_argument("--orepa-infer", type=Path, default=PROGRAM, help="the program")
    parser.add_argument("--threads", type=int, default=1, help="threads that share a layer (1)")
    parser.add_argument("--isa", choices=("portable", "avx2", "avx512"), help="instruction set")
    parser.add_argument("--limit", type=float, default=1.1, help="of pick / fastest (1.1)")
    parser.add_argument("--json", type=Path, help="where to write all times")
    options = parser.parse_args()
    if not options.folder and not options.models:
        parser.error("expected --folder or --models")
    if options.threads < 1 or options.limit < 1:
        parser.error("--threads and --limit: expected 1 or more")
    return options


def main() -> None:
    options = parse()
    try:
        subprocess.run(["make", "-s", "-C", KERNELS, "candidates"], check=True)
        models = list(options.models)
        if options.folder:
            models += deployed_models(options.folder, options.orepa_infer)
    except (OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"{error}")

    shapes: dict[tuple, dict] = {}
    for model in models:
        for layer in planned_layers(options.orepa_infer, model, options.threads, options.isa):
            key = (layer_line(layer), layer["algorithm"], layer["tiles"])
            shape = shapes.setdefault(key, {"layer": layer, "places": []})
            shape["places"].append(f"{model.stem} {layer['name']}")

    timer = Timer(options.threads, options.isa)
    findings = []
    for (line, *pick), shape in shapes.items():
        pick = tuple(pick)
        for _ in range(CHECKS):
            times = timer.times(line)
            ratio, fastest = finding(times, pick)
            if ratio <= options.limit:
                break
        shape |= {"ratio": ratio, "times_ms": {" ".join(key): times[key] for key in times}}
        places = shape["places"]
        more = f" and {len(places) - 1} more" if len(places) > 1 else ""
        text = f"{places[0]}{more}: {describe(shape['layer'])}: "
        text += f"{' '.join(pick)} {times[pick]:.3f} ms"
        if ratio > 1:
            text += f", {ratio:.2f} x {' '.join(fastest)} {times[fastest]:.3f} ms"
        print(("SLOW  " if ratio > options.limit else "ok    ") + text, flush=True)
        if ratio > options.limit:
            findings.append(text)
    timer.close()
    if options.json:
        options.json.write_text(json.dumps(list(shapes.values()), indent=1) + "\n")
    print(f"{len(shapes)} shapes of {len(models)} networks, {len(findings)} over {options.limit}")
    if findings:
        sys.exit(1)


if __name__ == "__main__":
    main()
