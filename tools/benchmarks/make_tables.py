#!/usr/bin/env python3
"""Write the tables of README.md and docs/benchmarks.md from docs/peers*.json.

A table stands between the lines `<!-- table: NAME -->` and `<!-- end of the table -->`, and nothing
else in the documents is touched. Below it stands when it was measured, with which commit, and
whether the kernels have changed since, as git tells. With --check nothing is written: exit status 1
when a document has other tables than the JSON files give.

Who measures anew puts bench_peers.py's JSON in the place of the old one, which says its commit.
README.md has the newest of the tables of single pictures.

Examples:
  tools/benchmarks/make_tables.py
  tools/benchmarks/make_tables.py --check
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
KERNELS = "Sources/COrepaKernels"
END = "<!-- end of the table -->"
CHANGED = "; the kernels have changed since"
LARGEST_ERROR = 1e-4
"""Of logits, relative to the largest one. Who is further away has no part in the last column."""
TITLES = {"torch": "PyTorch", "torch-compile": "torch.compile"}
"""Shorter ones than in the JSON files."""


@dataclass(frozen=True)
class Measurement:
    file: str
    processor: str
    commit: str
    """What was measured, where the file does not say."""
    batches: bool = False
    """Pictures per second for some sizes of a batch, rather than milliseconds for one."""


MEASUREMENTS = {
    "zen5": Measurement("docs/peers.json", "AMD EPYC (Zen 5, AVX-512)", "235c370"),
    "zen3": Measurement("docs/peers-avx2.json", "AMD EPYC (Zen 3, AVX2)", "d813174"),
    "zen3-batches": Measurement(
        "docs/peers-batches.json", "AMD EPYC (Zen 3, AVX2)", "6505709", batches=True
    ),
}


def changed_since(commit: str) -> bool | None:
    """Whether the kernels are others than those of the commit; None where git does not know."""
    command = ["git", "diff", "--quiet", commit, "HEAD", "--", KERNELS]
    try:
        status = subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode
    except OSError:
        return None
    return {0: False, 1: True}.get(status)


def fastest(rows: list[dict], largest_error: float) -> float:
    """The fastest Float32 peer's time, of those whose logits are near enough."""
    return min(
        row["median_ms"]
        for row in rows
        if row["peer"] != "orepa"
        and not row["reduced_precision"]
        and row["logit_error"] <= largest_error
    )


def make_table(figures: dict, batches: bool) -> str:
    """One row for a network, or a network and a batch; each cell has one figure for each number of
    threads. Peers are ordered by their times on one thread, added up over all networks."""
    groups: dict[tuple[str, int], list[dict]] = {}
    for entry in figures["results"]:
        groups.setdefault((entry["network"], entry["batch"]), []).append(entry)
    totals: dict[str, float] = {}
    titles: dict[str, str] = {}
    for entry in figures["results"]:
        for row in entry["rows"]:
            titles[row["peer"]] = TITLES.get(row["peer"], row["title"])
            if entry["threads"] == 1:
                total = totals.get(row["peer"], 0)
                totals[row["peer"]] = total + row["median_ms"] / entry["rows"][0]["median_ms"]
    peers = sorted((peer for peer in titles if peer != "orepa"), key=totals.__getitem__)
    errors = [row["logit_error"] for e in figures["results"] for row in e["rows"][1:]]
    strays = max(errors) > LARGEST_ERROR
    head = ["network", *["batch"] * batches, "orepa", *(titles[peer] for peer in peers)]
    head += ["**ratio to the fastest**", *["within 1e-4"] * strays]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for (network, batch), entries in groups.items():
        entries.sort(key=lambda entry: entry["threads"])
        times = [{row["peer"]: row["median_ms"] for row in entry["rows"]} for entry in entries]
        cells = [network, *[str(batch)] * batches]
        for peer in ["orepa", *peers]:
            shown = [batch * 1e3 / time[peer] if batches else time[peer] for time in times]
            cells.append(" / ".join(f"{value:.1f}" for value in shown))
        for limit in (float("inf"), *[LARGEST_ERROR] * strays):
            ratios = [
                fastest(entry["rows"], limit) / time["orepa"]
                for entry, time in zip(entries, times, strict=True)
            ]
            text = " / ".join(f"{ratio:.2f}" for ratio in ratios)
            cells.append(text if limit == LARGEST_ERROR else f"**{text}**")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def make_section(measurement: Measurement) -> str:
    """The table, and what it is of."""
    figures = json.loads((ROOT / measurement.file).read_text())
    commit = figures["machine"].get("commit", measurement.commit)
    since = CHANGED if changed_since(commit) else ""
    unit = "Pictures per second" if measurement.batches else "Milliseconds for a picture"
    return (
        f"{make_table(figures, measurement.batches)}\n\n"
        f"{unit} with 1 / 2 threads, on {figures['machine']['cores']} cores of an "
        f"{measurement.processor}, measured on {figures['machine']['date'][:10]} with commit "
        f"{commit}{since}.\n"
    )


def newest() -> str:
    """The name of the newest measurement of single pictures."""
    single = [name for name, measurement in MEASUREMENTS.items() if not measurement.batches]
    dates = {
        name: json.loads((ROOT / MEASUREMENTS[name].file).read_text())["machine"]["date"]
        for name in single
    }
    return max(single, key=dates.__getitem__)


def filled(text: str) -> str:
    """The document with its tables made anew."""

    def section(match: re.Match[str]) -> str:
        name = newest() if match[1] == "newest" else match[1]
        return f"<!-- table: {match[1]} -->\n{make_section(MEASUREMENTS[name])}{END}"

    pattern = rf"<!-- table: (\S+) -->\n.*?{re.escape(END)}"
    return re.sub(pattern, section, text, flags=re.DOTALL)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="write nothing, compare")
    options = parser.parse_args()
    different = []
    for name in ("README.md", "docs/benchmarks.md"):
        text = (ROOT / name).read_text()
        made = filled(text)
        if made == text:
            continue
        if options.check and made == text.replace(CHANGED, ""):
            continue  # git does not know the commits, as in a shallow clone
        if options.check:
            different.append(name)
        else:
            (ROOT / name).write_text(made)
            print(f"{name}: written")
    if different:
        sys.exit(
            f"{', '.join(different)}: expected the tables that docs/peers*.json give, "
            "found others; tools/benchmarks/make_tables.py writes them"
        )


if __name__ == "__main__":
    main()
