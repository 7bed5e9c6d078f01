"""Containers and harmless pickles become plain safetensors; hostile ones are refused by name."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections import Counter, OrderedDict
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from safetensors.torch import load_file

TOOL = Path(__file__).resolve().parents[1] / "checkpoint_to_safetensors.py"
WEIGHTS = OrderedDict(
    [("linear.weight", torch.arange(6.0).view(2, 3)), ("bn.num_batches_tracked", torch.tensor(7))]
)


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, TOOL, *map(str, arguments)], capture_output=True, text=True, check=False
    )


def check(source: Path) -> None:
    target = source.with_suffix(".safetensors")
    done = run(source, target)
    assert done.returncode == 0, done.stderr
    tensors = load_file(target)
    assert tensors.keys() == WEIGHTS.keys()
    for name, tensor in WEIGHTS.items():
        assert torch.equal(tensors[name], tensor) and tensors[name].dtype == tensor.dtype


@pytest.mark.parametrize("key", ["state_dict", "model_state_dict", "model", None])
def test_state_dict_is_found_and_stripped(tmp_path: Path, key: str | None) -> None:
    state = OrderedDict((f"module.{name}", tensor) for name, tensor in WEIGHTS.items())
    torch.save(state if key is None else {key: state, "epoch": 3}, tmp_path / "a.pth")
    check(tmp_path / "a.pth")


@pytest.mark.parametrize("zipped", [True, False])
def test_harmless_objects_are_dropped(tmp_path: Path, zipped: bool) -> None:
    contents = {
        "state_dict": WEIGHTS,
        "args": argparse.Namespace(lr=0.1, data=Path("/data")),
        "best_acc1": np.float64(71.5),
        "history": np.arange(3),
        "flag": np.bool_(True),
        "optimizer": {"state": {0: {"momentum_buffer": torch.zeros(4)}}},
    }
    torch.save(contents, tmp_path / "a.pth.tar", _use_new_zipfile_serialization=zipped)
    check(tmp_path / "a.pth.tar")


@pytest.mark.parametrize("group", ["state_dict/", ""])
def test_hdf5(tmp_path: Path, group: str) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for name, tensor in WEIGHTS.items():
            file[group + name.replace(".", "/")] = tensor.numpy()
    check(tmp_path / "a.h5")


class Hostile:
    def __reduce__(self) -> tuple:
        return os.mkdir, ("hostile",)


class Rebuilt:
    """Pickled as a call of `function` with `arguments`, and then given `state`."""

    def __init__(self, function: object, arguments: tuple, state: object = None) -> None:
        self.parts = (function, arguments, state)

    def __reduce__(self) -> tuple:
        return self.parts


# Eight bytes that numpy, asked for an array of objects, takes for the address of one.
ADDRESS = b"ABCDEFGH"
OBJECTS = np.dtype("O")
RECONSTRUCT = np._core.multiarray._reconstruct
NUMPY_ATTACKS = [
    Rebuilt(np.ndarray, ((1,), OBJECTS, ADDRESS)),
    Rebuilt(np.ndarray, ((1,), np.dtype([("a", "O")]), ADDRESS)),
    Rebuilt(np.ndarray, ((1,), Rebuilt(np.dtype, ("O", False, True)), ADDRESS)),
    Rebuilt(np._core.multiarray.scalar, (OBJECTS, ADDRESS)),
    Rebuilt(RECONSTRUCT, (np.ndarray, (0,), b"b"), (1, (1,), OBJECTS, False, [b"x"])),
    Rebuilt(RECONSTRUCT, (np.ndarray, (0,), b"b"), (1, (1,), np.dtype("f8"), False, ADDRESS)),
    # What makes of eight bytes the type of what is there already.
    Rebuilt(np.dtype, ("f8", False, True), (3, "|", None, ("a",), {"a": (OBJECTS, 0)}, 8, 8, 63)),
]


@pytest.mark.parametrize("attack", NUMPY_ATTACKS)
def test_no_pickle_says_where_an_object_is(tmp_path: Path, attack: Rebuilt) -> None:
    # A set follows the pointers of what it holds.
    contents = {"state_dict": WEIGHTS, "set": Rebuilt(set, ([attack],)), "itself": attack}
    torch.save(contents, tmp_path / "a.pth")
    check(tmp_path / "a.pth")


def test_no_pickle_makes_a_set_of_objects_at_addresses(tmp_path: Path) -> None:
    torch.save(Rebuilt(set, (NUMPY_ATTACKS[0],)), tmp_path / "a.pth")
    done = run(tmp_path / "a.pth", tmp_path / "a.safetensors")
    # An end by a signal has a negative status.
    assert done.returncode == 1 and "Traceback" not in done.stderr


def test_attributes_of_what_is_dropped_are_not_set(tmp_path: Path) -> None:
    state = ({}, {"__class__": Counter, "__setstate__": None})
    contents = {"state_dict": WEIGHTS, "args": Rebuilt(argparse.Namespace, (), state)}
    torch.save(contents, tmp_path / "a.pth")
    check(tmp_path / "a.pth")


def test_hostile_pickle_is_refused(tmp_path: Path) -> None:
    source, target = tmp_path / "a.pth", tmp_path / "a.safetensors"
    torch.save({"state_dict": WEIGHTS, "extra": Hostile()}, source)
    done = run(source, target)
    assert done.returncode == 1 and "mkdir" in done.stderr and len(done.stderr.splitlines()) == 1
    assert not target.exists()


@pytest.mark.parametrize(
    ("contents", "message"),
    [({}, "no tensors"), ({"state_dict": {"a": 1}}, "'a' is a int"), ([1], "holds a list")],
)
def test_what_is_no_state_dict_is_named(tmp_path: Path, contents: object, message: str) -> None:
    torch.save(contents, tmp_path / "a.pth")
    done = run(tmp_path / "a.pth", tmp_path / "a.safetensors")
    assert done.returncode == 1 and message in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "contents", [b"", b"hello world", b"PK\x03\x04 truncated", b"\x89HDF\r\n\x1a\n"]
)
def test_damaged_files_are_an_error(tmp_path: Path, contents: bytes) -> None:
    (tmp_path / "a.pth").write_bytes(contents)
    done = run(tmp_path / "a.pth", tmp_path / "a.safetensors")
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_an_existing_file_is_kept(tmp_path: Path) -> None:
    torch.save(WEIGHTS, tmp_path / "a.pth")
    (tmp_path / "a.safetensors").write_text("mine")
    assert "exists" in run(tmp_path / "a.pth", tmp_path / "a.safetensors").stderr
    assert (tmp_path / "a.safetensors").read_text() == "mine"
    assert run(tmp_path / "a.pth", tmp_path / "a.safetensors", "--force").returncode == 0
