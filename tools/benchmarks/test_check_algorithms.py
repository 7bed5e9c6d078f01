"""Layers are handed over as planned, and a pick is held against the fastest candidate."""

from __future__ import annotations

import pytest

from check_algorithms import describe, finding, layer_line

LAYER = {
    "input": {"channels": 64, "height": 56, "width": 55, "block": 16, "border": 1},
    "output": {"channels": 128, "height": 28, "width": 27, "block": 16, "border": 0},
    "summand": {"channels": 128, "height": 28, "width": 27, "block": 16, "border": 2},
    "kernel": 3,
    "stride": 2,
    "padding": 1,
    "groups": 4,
    "relu": True,
}


def test_a_layer_is_one_line() -> None:
    assert layer_line(LAYER) == "64 56 55 16 1 128 28 27 0 3 2 1 4 1 2"
    assert layer_line(LAYER | {"summand": None}).endswith(" 1 -1")
    assert describe(LAYER) == "64 to 128, 3x3/2, 4 groups, at 28x27"


def test_the_pick_is_held_against_the_fastest() -> None:
    times = {("direct", "9x3"): 2.0, ("winograd", "4 x 4, 9x3"): 1.0}
    assert finding(times, ("direct", "9x3")) == (2.0, ("winograd", "4 x 4, 9x3"))
    assert finding(times, ("winograd", "4 x 4, 9x3"))[0] == 1
    with pytest.raises(SystemExit, match="is no candidate: stem 6x4"):
        finding(times, ("stem", "6x4"))
