"""Outputs in memory of the caller's: the bits of `run`, and what is refused."""

from __future__ import annotations

import array
import ctypes
import mmap
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from test_answers import bits

import orepa

Room = tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]


def room(model: orepa.Model, *rows: int) -> Room:
    """Logits, features, and stages in another order than the network's."""

    def empty(*shape: int) -> np.ndarray:
        return np.full((*rows, *shape), 7, np.float32)

    stages = {stage.name: empty(*stage.shape) for stage in model.stages[::-2]}
    return empty(model.class_count), empty(model.feature_count), stages


def check(found: Room, place: int | None, answer: orepa.Answer) -> None:
    logits, features, stages = found
    index = () if place is None else place
    assert bits(logits[index]) == bits(answer.logits)
    assert bits(features[index]) == bits(answer.features)
    for name, values in stages.items():
        assert bits(values[index]) == bits(answer.feature_maps[name])


def test_pictures(model: orepa.Model, samples: list[Path]) -> None:
    # All kinds, more than run together, one of them at fault.
    pixels = np.random.default_rng(5).integers(0, 256, (70, 60, 3), dtype=np.uint8)
    tensor = np.random.default_rng(6).normal(size=model.input_shape).astype(np.float32)
    pictures: list[orepa.Picture] = [*samples, pixels, b"GIF89a", pixels[::-1], tensor]
    found = room(model, len(pictures))
    logits, features, stages = found
    answers = model.run(pictures, features=True, stages=list(stages), errors="return")
    errors = model.run_into(pictures, logits, features=features, stages=stages, errors="return")
    for index, (answer, error) in enumerate(zip(answers, errors, strict=True)):
        if isinstance(answer, orepa.Error):
            assert index == 11
            assert type(error) is type(answer) and str(error) == str(answer)
            assert error is not None and error.picture_index == 11
            assert np.isnan(logits[index]).all() and np.isnan(features[index]).all()
            assert all(np.isnan(values[index]).all() for values in stages.values())
        else:
            assert error is None
            check(found, index, answer)
    with pytest.raises(orepa.InvalidImage, match="picture 11") as caught:
        model.run_into(pictures, logits)
    assert caught.value.picture_index == 11


def test_one_picture(model: orepa.Model, samples: list[Path]) -> None:
    found = room(model)
    logits, features, stages = found
    for picture in (samples[3], str(samples[3]), samples[3].read_bytes()):
        logits[...] = 0
        assert model.run_into(picture, logits, features=features, stages=stages) is None
        check(found, None, model.run(samples[3], features=True, stages=list(stages)))
    # As a list of one it has rows.
    many = np.empty((1, model.class_count), np.float32)
    model.run_into([samples[3]], many)
    assert bits(many) == bits(logits)


def test_tensors(model: orepa.Model) -> None:
    values = np.random.default_rng(7).normal(size=(5, *model.input_shape))
    tensor = values.astype(np.float32)
    found = room(model, 5)
    logits, features, stages = found
    answers = model.run(list(tensor), features=True, stages=list(stages))
    model.run_into(tensor, logits, features=features, stages=stages, timeout=60)
    for index, answer in enumerate(answers):
        check(found, index, answer)
    model.run_into(tensor[::-1], logits)
    assert bits(logits[::-1]) == bits(model.run_tensor(tensor))
    model.run_into(tensor[:0], logits[:0])
    model.run_into([], logits[:0])


def test_buffers_of_other_kinds(model: orepa.Model, samples: list[Path]) -> None:
    expected = bits(model.run(samples[0]).logits)
    count = model.class_count
    numbers = array.array("f", bytes(4 * count))
    model.run_into(samples[0], numbers)
    assert bits(numbers) == expected
    of_ctypes = (ctypes.c_float * count)()
    model.run_into(samples[0], of_ctypes)
    assert bits(of_ctypes) == expected
    block = bytearray(4 * count)
    model.run_into([samples[0]], memoryview(block).cast("f"))
    assert bits(np.frombuffer(block, np.float32)) == expected
    with mmap.mmap(-1, 4096) as page:
        view = memoryview(page)[: 4 * count].cast("f")
        model.run_into([samples[0]], view)
        assert bits(np.array(view)) == expected
        view.release()
    # Rows of a larger array, and one of more dimensions by its values.
    table = np.zeros((3, count), np.float32)
    model.run_into(samples[0], table[1])
    assert bits(table[1]) == expected and not table[[0, 2]].any()
    flat = np.zeros(2 * count, np.float32)
    model.run_into([samples[0]] * 2, flat)
    assert bits(flat) == expected * 2


def read_only(shape: tuple[int, ...]) -> np.ndarray:
    values = np.zeros(shape, np.float32)
    values.flags.writeable = False
    return values


def unaligned(count: int) -> np.ndarray:
    return np.frombuffer(bytearray(4 * count + 2), np.uint8)[2:].view(np.float32)


SHAPE = r"expected float32 \(2, 10\), found "
REFUSED: list[tuple[str, Callable[[], object], str]] = [
    ("one row", lambda: np.zeros((1, 10), np.float32), SHAPE + r"float32 \(1, 10\)"),
    ("turned", lambda: np.zeros((10, 2), np.float32), SHAPE + r"float32 \(10, 2\)"),
    ("short", lambda: np.zeros(19, np.float32), SHAPE + r"float32 \(19,\)"),
    ("double", lambda: np.zeros((2, 10)), SHAPE + r"float64 \(2, 10\)"),
    ("other end", lambda: np.zeros((2, 10), ">f4"), SHAPE + r">f4 \(2, 10\)"),
    ("bytes", lambda: bytearray(80), SHAPE + r"uint8 \(80,\)"),
    ("read-only", lambda: read_only((2, 10)), "expected a writable buffer, found a read-only one"),
    ("frozen", lambda: memoryview(bytes(80)).cast("f"), "expected a writable buffer"),
    ("columns", lambda: np.zeros((10, 2), np.float32).T, "expected values one after the other"),
    ("gaps", lambda: np.zeros((2, 20), np.float32)[:, ::2], "expected values one after the other"),
    ("unaligned", lambda: unaligned(20).reshape(2, 10), "expected values one after the other"),
]


@pytest.mark.parametrize(
    ("buffer", "words"), [case[1:] for case in REFUSED], ids=[c[0] for c in REFUSED]
)
def test_buffers_that_are_refused(
    model: orepa.Model, samples: list[Path], buffer: Callable[[], object], words: str
) -> None:
    tensor = np.zeros((2, *model.input_shape), np.float32)
    for pictures in (samples[:2], tensor):
        with pytest.raises(orepa.InvalidArgument, match=f"^logits: {words}"):
            model.run_into(pictures, buffer())


def test_what_else_is_refused(model: orepa.Model, samples: list[Path]) -> None:
    logits, features, stages = room(model, 1)
    tensor = np.zeros((1, *model.input_shape), np.float32)
    for thing in (None, 3, [0.0] * 10, "x"):
        with pytest.raises(TypeError, match="^logits: expected a numpy array or another buffer"):
            model.run_into(samples[:1], thing)
    with pytest.raises(orepa.InvalidArgument, match=r"^features: expected float32 \(1, 128\)"):
        model.run_into(samples[:1], logits, features=logits)
    with pytest.raises(orepa.InvalidArgument, match="^stage4: expected float32"):
        model.run_into(samples[:1], logits, stages={"stage4": logits})
    with pytest.raises(orepa.InvalidArgument, match="stage4, found 'stage9'"):
        model.run_into(samples[:1], logits, stages={"stage9": logits})
    with pytest.raises(TypeError, match="^stages: expected a mapping of names to buffers"):
        model.run_into(samples[:1], logits, stages=["stage4"])
    with pytest.raises(orepa.InvalidArgument, match="^order: expected none"):
        model.run_into(tensor, logits, order="rgb")
    with pytest.raises(orepa.InvalidArgument, match="^pictures: expected float32"):
        model.run_into(tensor[..., 1:], logits)
    with pytest.raises(orepa.InvalidArgument, match="errors: expected"):
        model.run_into(tensor, logits, errors="return")
    tensor[0, 0, 0, 5] = np.inf
    with pytest.raises(orepa.InvalidArgument, match="input value 5: expected a finite number"):
        model.run_into(tensor, logits)
    cancellation = orepa.Cancellation()
    cancellation.cancel()
    with pytest.raises(orepa.Cancelled):
        model.run_into(samples[:1], logits, cancellation=cancellation)


def test_memory_of_others_is_refused(model: orepa.Model) -> None:
    tensor = np.zeros((2, *model.input_shape), np.float32)
    inside = tensor.reshape(-1)[50:70].reshape(2, 10)
    pixels = np.zeros((64, 64, 3), np.uint8)
    shared = pixels.reshape(-1)[:40].view(np.float32)
    both = np.zeros((2, 128), np.float32)
    overlap = "expected memory of its own, found that of logits too"
    cases = (
        (lambda: model.run_into(tensor, inside), "tensor"),
        (lambda: model.run_into(list(tensor), inside), "picture 0"),
        (lambda: model.run_into(pixels, shared), "picture 0"),
        (lambda: model.run_into(tensor, both.reshape(-1)[:20], features=both), "features"),
    )
    for call, name in cases:
        with pytest.raises(orepa.InvalidArgument, match=f"^{name}: {overlap}"):
            call()
    # A copy is no memory of theirs: pixels that cannot be borrowed.
    model.run_into(pixels[:, ::-1], shared)


def test_damaged_pictures(model: orepa.Model, samples: list[Path]) -> None:
    damaged = samples[0].read_bytes()[:-2] + bytes(60)
    logits = np.empty((2, model.class_count), np.float32)
    with pytest.warns(orepa.PictureWarning, match=r"^pictures\[1\]: damaged JPEG") as found:
        model.run_into([samples[0], damaged], logits)
    assert len(found) == 1 and found[0].filename == __file__
    assert bits(logits[0]) == bits(logits[1])
    with pytest.warns(orepa.PictureWarning, match="^damaged JPEG"):
        model.run_into(damaged, logits[0])
