"""Hostile arguments end in exceptions that say what was found; a bad picture harms no other."""

from __future__ import annotations

import pickle
import time
from pathlib import Path

import numpy as np
import pytest

import orepa

BAD_ARRAYS = {
    "float64": np.zeros((3, 56, 56)),
    "int32": np.zeros((56, 56, 3), np.int32),
    "bool": np.zeros((56, 56), bool),
    "object": np.full((4, 4), None),
    "text": np.full((4, 4), "x"),
    "big-endian": np.zeros((3, 56, 56), ">f4"),
    "no rows": np.zeros((0, 5, 3), np.uint8),
    "no columns": np.zeros((5, 0, 3), np.uint8),
    "no channels": np.zeros((5, 5, 0), np.uint8),
    "two channels": np.zeros((5, 5, 2), np.uint8),
    "one dimension": np.zeros(5, np.uint8),
    "no dimension": np.uint8(5),
    "a batch": np.zeros((2, 5, 5, 3), np.uint8),
    "wrong tensor": np.zeros((3, 55, 56), np.float32),
    "channels last": np.zeros((56, 56, 3), np.float32),
    "tensor batch": np.zeros((1, 3, 56, 56), np.float32),
    "NaN": np.full((3, 56, 56), np.nan, np.float32),
    "infinite": np.full((3, 56, 56), np.inf, np.float32),
    "one NaN": np.where(np.arange(3 * 56 * 56) == 9407, np.nan, 0)
    .astype(np.float32)
    .reshape(3, 56, 56),
    "huge": np.broadcast_to(np.zeros(1, np.uint8), (2**20, 2**20, 3)),
    "huge, no channels": np.broadcast_to(np.zeros(1, np.uint8), (2**31, 2**31)),
    "huge tensor": np.broadcast_to(np.zeros(1, np.float32), (3, 2**20, 2**20)),
}


@pytest.mark.parametrize("name", BAD_ARRAYS)
def test_arrays(model: orepa.Model, name: str) -> None:
    with pytest.raises(ValueError) as caught:
        model.classify(BAD_ARRAYS[name])
    assert isinstance(caught.value, (orepa.InvalidArgument, orepa.InvalidImage))
    assert "expected" in str(caught.value)
    assert caught.value.picture_index == 0


def test_orders(model: orepa.Model) -> None:
    rgb = np.zeros((5, 5, 3), np.uint8)
    for array, order in (
        (rgb, "rgba"),
        (rgb, "grey"),
        (rgb[..., 0], "rgb"),
        (np.zeros(model.input_shape, np.float32), "rgb"),
        (rgb, "RGB"),
    ):
        with pytest.raises(orepa.InvalidArgument):
            model.classify(array, order=order)


def test_wrong_types(model: orepa.Model, samples: list[Path]) -> None:
    for thing in (None, 3, 2.5, object(), {"a": 1}, [[1, 2]], [samples[0]], (b"a",)):
        with pytest.raises(TypeError):
            model.classify(thing)
    for batch in ("a.jpg", b"bytes", {"a.jpg"}, iter([]), np.zeros((1, 5, 5, 3), np.uint8)):
        with pytest.raises(TypeError):
            model.classify_batch(batch)
    with pytest.raises(TypeError):
        model.classify(samples[0], top_k=1.5)
    with pytest.raises(TypeError):
        model.run(samples[0], stages="stage0")
    with pytest.raises(TypeError):
        model.run(samples[0], stages=[1])
    with pytest.raises(TypeError):
        model.classify(samples[0], cancellation=True)


def test_values_out_of_range(model: orepa.Model, samples: list[Path]) -> None:
    calls = [
        lambda: model.classify(samples[0], top_k=-1),
        lambda: model.classify(samples[0], top_k=2**63),
        lambda: model.classify(samples[0], timeout=10**400),
        lambda: model.classify(samples[0], order=["rgb"]),
        lambda: model.classify(samples[0], timeout=-1),
        lambda: model.classify(samples[0], timeout=float("nan")),
        lambda: model.run(samples[0], stages=["stage9"]),
        lambda: model.run(samples[0], stages=["stage0", "stage0"]),
        lambda: model.run(samples[0], stages=["stage0"] * 1000),
        lambda: model.run(samples[0], stages=["a\0b"]),
        lambda: model.run(samples[0], errors="return"),
        lambda: model.run([samples[0]], errors="ignore"),
        lambda: model.memory_requirement(0),
        lambda: model.memory_requirement(2**64),
        lambda: model.classify("a\0b"),
        lambda: model.classify(memoryview(bytes(10))[::2]),
    ]
    for call in calls:
        with pytest.raises(orepa.InvalidArgument):
            call()
    assert len(model.classify(samples[0], timeout=float("inf"))) == 5
    assert len(model.classify(samples[0], timeout=1e300)) == 5
    # No more than a few pictures run together, whatever a call brings.
    assert model.memory_requirement(2**63 - 1).per_context < 10**9


def test_run_tensor(model: orepa.Model) -> None:
    shape = (2, *model.input_shape)
    good = np.zeros(shape, np.float32)
    classes = model.class_count
    overlapping = np.zeros(2 * 3 * 56 * 56, np.float32)
    bad: list[tuple[np.ndarray, np.ndarray | None]] = [
        (good.astype(np.float64), None),
        (good.astype(">f4"), None),
        (good[0], None),
        (good[:, :2], None),
        (np.full(shape, np.nan, np.float32), None),
        (good, np.zeros((1, classes), np.float32)),
        (good, np.zeros((2, classes))),
        (good, np.zeros((classes, 2), np.float32).T),
        (good, np.zeros((2, 2 * classes), np.float32)[:, ::2]),
        (good, np.broadcast_to(np.zeros(1, np.float32), (2, classes))),
        (overlapping.reshape(shape), overlapping[: 2 * classes].reshape(2, classes)),
    ]
    for tensor, out in bad:
        with pytest.raises(orepa.InvalidArgument):
            model.run_tensor(tensor, out)
    for thing in (None, [[1.0]], b"x"):
        with pytest.raises(TypeError):
            model.run_tensor(thing)
    with pytest.raises(TypeError):
        model.run_tensor(good, [])
    huge = np.broadcast_to(good[:1], (2**40, *model.input_shape))
    with pytest.raises(MemoryError) as caught:
        model.run_tensor(huge)
    assert isinstance(caught.value, orepa.OutOfMemory)


def test_a_bad_picture_harms_no_other(
    model: orepa.Model, samples: list[Path], tmp_path: Path
) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(samples[0].read_bytes()[:100])
    pictures = [
        samples[0],
        tmp_path / "none.jpg",
        b"",
        samples[1],
        broken,
        tmp_path,
        np.zeros((0, 0), np.uint8),
        b"no picture",
        samples[2],
    ]
    kinds = [
        None,
        orepa.NotFound,
        orepa.InvalidImage,
        None,
        orepa.InvalidImage,
        orepa.NotReadable,
        orepa.InvalidArgument,
        orepa.InvalidImage,
        None,
    ]
    results = model.classify_batch(pictures, errors="return")
    answers = model.run(pictures, errors="return")
    for index, (kind, result, answer) in enumerate(zip(kinds, results, answers, strict=True)):
        if kind is None:
            assert result == model.classify(pictures[index]) == answer.top()
        else:
            assert type(result) is type(answer) is kind
            assert result.picture_index == answer.picture_index == index
            with pytest.raises(kind):
                model.classify(pictures[index])
    for call in (model.classify_batch, model.run):
        with pytest.raises(orepa.NotFound) as caught:
            call(pictures)
        assert caught.value.picture_index == 1


def test_errors_are_pythons_own(model: orepa.Model) -> None:
    pairs = {
        orepa.NotFound: FileNotFoundError,
        orepa.NotReadable: OSError,
        orepa.InvalidModel: ValueError,
        orepa.InvalidImage: ValueError,
        orepa.InvalidArgument: ValueError,
        orepa.OutOfMemory: MemoryError,
        orepa.DeadlineExceeded: TimeoutError,
        orepa.NotFinite: ArithmeticError,
        orepa.Unsupported: NotImplementedError,
        orepa.ProbeFailed: RuntimeError,
        orepa.Cancelled: RuntimeError,
        orepa.InvalidEnvironment: RuntimeError,
    }
    assert {kind.default_status for kind in pairs} == set(orepa.Status) - {orepa.Status.OK}
    for kind, builtin in pairs.items():
        error = kind("expected this, found that", picture_index=3)
        assert isinstance(error, builtin) and isinstance(error, orepa.Error)
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is kind and str(again) == str(error) == "expected this, found that"
        assert (again.status, again.picture_index) == (kind.default_status, 3)
    assert orepa.Error("of a newer library", 12).status == 12


def test_deadline_and_cancellation(model_path: Path, samples: list[Path]) -> None:
    model = orepa.Model(model_path, threads="caller")
    with pytest.raises(TimeoutError):
        model.classify(samples[0], timeout=0)
    pictures = samples * 300
    start = time.monotonic()
    with pytest.raises(orepa.DeadlineExceeded):
        model.classify_batch(pictures, timeout=0.05)
    assert time.monotonic() - start < 1
    with pytest.raises(orepa.DeadlineExceeded):
        model.run_tensor(np.zeros((5000, *model.input_shape), np.float32), timeout=0.05)
    cancellation = orepa.Cancellation()
    assert model.classify(samples[0], cancellation=cancellation)
    assert not cancellation.cancelled
    cancellation.cancel()
    assert cancellation.cancelled
    for _ in range(2):
        with pytest.raises(orepa.Cancelled):
            model.classify(samples[0], cancellation=cancellation)
    assert model.classify(samples[0], timeout=10)
