"""Sweeps are summed up as networks spend their time; committed rows are what their sweeps found."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import tune

ROOT = Path(__file__).resolve().parents[2]
TABLE = (ROOT / "Sources" / "COrepaKernels" / "tuning" / "tuning.c").read_text()
REPORTS = sorted((ROOT / "docs" / "tune").glob("*.json"))
LIMIT = 1.03


def rows() -> dict[tuple[str, str], dict]:
    """The table of tuning.c: caches and values by name and instruction set."""
    found = {}
    pattern = r'\{"([^"]+)", orepa_isa_(\w+), \{(\d+), (\d+)\},\s*\{([^}]*)\}\}'
    for name, isa, l1_data, l2, text in re.findall(pattern, TABLE):
        words = dict(re.findall(r"\.(\w+) = (\w+)", text))
        truth = {"true": 1, "false": 0}
        values = {key: truth[word] if word in truth else int(word) for key, word in words.items()}
        found[name, isa] = {"caches": {"l1_data": int(l1_data), "l2": int(l2)}, "values": values}
    return found


def test_layers_count_as_often_as_the_network_has_them() -> None:
    answer = "A\tA 1\t1\t2.0\t1.0\t0.5\nA\tA 2\t3\t2.0\t1.0\t1.5\nB\tB 1\t1\t9.0\t1.0\t2.0\n"
    first, second = tune.parse_ratios(answer, 2)
    assert first == {"A": 1, "B": 1}
    assert second == {"A": pytest.approx((0.5 + 3 * 1.5) / 4), "B": 2}
    assert tune.parse_ratios("", 2) == [{}, {}]
    assert tune.mean([0.5, 2]) == pytest.approx(1)
    assert tune.mean([]) == 1


class Fixed:
    """Gives each tuning the ratio that a function says."""

    threads = 2

    def __init__(self, ratio) -> None:
        self.ratio = ratio

    def ratios(self, tunings, situation):
        return [{"A": self.ratio(tuning) / self.ratio(tunings[0])} for tuning in tunings]

    situations = tune.Stopwatch.situations


PRESENT = dict.fromkeys(tune.NAMES, 1) | {"tiles_shared": 21, "paced_lines": 1024}


def test_a_value_is_better_by_more_than_the_margin() -> None:
    clear = Fixed(lambda tuning: 0.5 if tuning["tiles_shared"] == 42 else 1)
    assert tune.sweep(clear, PRESENT, ("tiles_shared",), 0.01)[0] == (42,)
    close = Fixed(lambda tuning: 0.995 if tuning["tiles_shared"] == 42 else 1)
    best, tried = tune.sweep(close, PRESENT, ("tiles_shared",), 0.01)
    assert best == (21,)
    assert {row["values"]["tiles_shared"]: row["ratio"] for row in tried}[42] == 0.995
    assert tried[0]["values"] == tried[-1]["values"] == {"tiles_shared": 21}


def test_noise_makes_no_value_better() -> None:
    class Noisy(Fixed):
        def ratios(self, tunings, situation):
            each = super().ratios(tunings, situation)
            return [*each[:-1], {"A": 1.1}]

    watch = Noisy(lambda tuning: 0.92 if tuning["tiles_shared"] == 42 else 1)
    assert tune.sweep(watch, PRESENT, ("tiles_shared",), 0.01)[0] == (21,)


def test_the_present_row_is_held_against_the_best() -> None:
    watch = Fixed(lambda tuning: 1.1 if tuning["tiles_shared"] == 21 else 1)
    assert tune.behind(watch, PRESENT, PRESENT) == 1
    assert tune.behind(watch, PRESENT, PRESENT | {"tiles_shared": 42}) == pytest.approx(1.1)


def test_situations_need_as_many_threads_as_there_are() -> None:
    watch = tune.Stopwatch(None, 1, 1)
    assert watch.situations(tune.SITUATIONS) == [tune.ALONE, tune.PAIR]


def test_the_table_is_read_and_every_value_is_swept() -> None:
    table = rows()
    assert len(table) == TABLE.count("orepa_isa_avx") >= 3
    for row in table.values():
        assert list(row["values"]) == list(tune.NAMES)
    assert sorted(name for names in tune.SWEEPS for name in names) == sorted(tune.NAMES)


@pytest.mark.parametrize("path", REPORTS, ids=[path.stem for path in REPORTS])
def test_a_row_is_as_good_as_its_sweep(path: Path) -> None:
    report = json.loads(path.read_text())
    assert report["present_by_best"] <= LIMIT
    if report["row"] is None:
        return
    row = rows()[report["row"], report["isa"]]
    assert report["caches_kb"] == row["caches"]
    assert report["present"] == row["values"], "measure anew: tools/benchmarks/tune.py --json"
