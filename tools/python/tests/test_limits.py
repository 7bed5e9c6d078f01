"""Timeouts and cancellations reach what Python does for a call, too, and the loading of a model."""

from __future__ import annotations

import contextlib
import io
import os
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from test_interrupts import ends

import orepa

# A call is to end 20 ms after its deadline; on a machine that does other things, five times as
# much.
MOST_SECONDS = 0.1
TIMEOUTS = (0.001, 0.05)
SIDE = 13_000


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    return np.full((SIDE, SIDE, 3), 7, np.uint8)


class Endless(io.RawIOBase):
    """A stream that has more and more, as fast as it is read."""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        time.sleep(0.002)
        return b"\x89PNG" * 250

    def seekable(self) -> bool:
        return False


def late(call: Callable[[float], object], timeout: float) -> None:
    begin = time.monotonic()
    with pytest.raises(orepa.DeadlineExceeded):
        call(timeout)
    assert timeout <= time.monotonic() - begin < timeout + MOST_SECONDS


PICTURES: list[tuple[str, Callable[[np.ndarray], object]]] = [
    ("rgb", lambda rgb: rgb),
    ("bgr", lambda rgb: rgb[..., ::-1]),
    ("turned", lambda rgb: rgb.transpose(1, 0, 2)[:, ::-1]),
    ("grey", lambda rgb: rgb[..., 0]),
    ("one row", lambda rgb: rgb.reshape(1, -1, 3)[:, ::-1]),
    ("Pillow", Image.fromarray),
    ("Pillow, grey", lambda rgb: Image.new("L", (SIDE, SIDE), 7)),
    ("Pillow, ink", lambda rgb: Image.new("CMYK", (SIDE, SIDE))),
    ("Pillow, 16 bits", lambda rgb: Image.new("I;16", (SIDE, SIDE), 700)),
]


@pytest.mark.parametrize(("name", "make"), PICTURES, ids=[name for name, _ in PICTURES])
def test_pixels(
    model: orepa.Model, pixels: np.ndarray, name: str, make: Callable[[np.ndarray], object]
) -> None:
    picture = make(pixels)
    for timeout in TIMEOUTS:
        late(lambda seconds: model.classify(picture, timeout=seconds), timeout)
    cancelled = orepa.Cancellation()
    cancelled.cancel()
    with pytest.raises(orepa.Cancelled):
        model.classify(picture, cancellation=cancelled)


def test_ctrl_c_in_pixels(model: orepa.Model, pixels: np.ndarray) -> None:
    for picture in (pixels, pixels[..., ::-1]):
        ends(partial(model.classify_batch, [picture] * 20), KeyboardInterrupt)


def test_strips_are_the_whole() -> None:
    """Images of Pillow of all modes are the same in strips as in one piece."""
    from orepa import _pictures
    from orepa._limits import NO_LIMITS

    random = np.random.default_rng(1)
    rgb = Image.fromarray(random.integers(0, 256, (700, 2100, 3), np.uint8))
    for mode in ("RGB", "RGBA", "L", "P", "CMYK", "YCbCr", "1", "LA", "HSV"):
        image = rgb.convert(mode)
        whole = image if mode in ("RGB", "RGBA", "L") else image.convert("RGB")
        assert (_pictures._as_array(image, NO_LIMITS) == np.asarray(whole)).all(), mode
    deep = Image.fromarray(random.integers(0, 65536, (700, 2100), np.uint16))
    high = _pictures._deep_samples(deep, NO_LIMITS)
    assert high is not None and (high == np.asarray(deep) >> 8).all()


def test_a_whole_that_is_copied_in_parts() -> None:
    from orepa._limits import NO_LIMITS
    from orepa._pictures import _copy

    values = np.arange(3 * 1500 * 1100, dtype=np.float32).reshape(1, 3, 1500, 1100)
    for array in (values, values[..., ::-1], values.transpose(3, 2, 1, 0), values[:, :, :0]):
        copy = _copy(array, NO_LIMITS)
        assert copy.flags.c_contiguous and (copy == array).all()


def test_tensors(model_path: Path) -> None:
    model = orepa.Model(model_path, threads="caller")
    tensor = np.zeros((40_000, 1, *model.input_shape[1:]), np.float32)
    # Nothing but a stride of zero makes three channels of it.
    many = np.broadcast_to(tensor, (40_000, *model.input_shape))
    for timeout in TIMEOUTS:
        late(lambda seconds: model.run_tensor(many, timeout=seconds), timeout)


@contextlib.contextmanager
def pipe() -> Iterator[tuple[io.BufferedReader, int]]:
    reader, writer = os.pipe()
    with open(reader, "rb") as source:
        try:
            yield source, writer
        finally:
            with contextlib.suppress(OSError):
                os.close(writer)


def test_streams(model: orepa.Model, samples: list[Path], tmp_path: Path) -> None:
    contents = samples[0].read_bytes()
    for timeout in TIMEOUTS:
        late(lambda seconds: model.classify(Endless(), timeout=seconds), timeout)
        # A pipe in which nothing comes any more.
        with pipe() as (source, writer):
            os.write(writer, contents[:100])
            late(lambda seconds, file=source: model.classify(file, timeout=seconds), timeout)
    with pipe() as (source, writer):
        cancellation = orepa.Cancellation()
        threading.Timer(0.1, cancellation.cancel).start()
        begin = time.monotonic()
        with pytest.raises(orepa.Cancelled):
            model.classify(source, cancellation=cancellation)
        assert time.monotonic() - begin < 0.1 + MOST_SECONDS
    # One that comes in time, some of which was read ahead.
    with pipe() as (source, writer):
        os.write(writer, b"head" + contents)
        assert source.read(4) == b"head"
        os.close(writer)
        assert model.classify(source, timeout=60) == model.classify(samples[0])
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with open(os.open(path, os.O_RDWR), "r+b", buffering=0) as both:
        late(lambda seconds: model.classify(both, timeout=seconds), 0.05)


def test_files(model: orepa.Model, samples: list[Path], tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        file.truncate(2**30 - 1)
    for timeout in TIMEOUTS:
        late(lambda seconds: model.classify(path, timeout=seconds), timeout)
        with open(path, "rb") as file:
            late(lambda seconds, file=file: model.classify(file, timeout=seconds), timeout)
            assert file.tell() == 0


@pytest.mark.parametrize("interruptible", [True, False])
def test_loading(
    model_path: Path, samples: list[Path], tmp_path: Path, interruptible: bool
) -> None:
    path = tmp_path / "large.safetensors"
    with open(path, "wb") as file:
        file.truncate(3 * 2**29)

    def load(seconds: float) -> orepa.Model:
        return orepa.Model(path, timeout=seconds, interruptible=interruptible)

    for timeout in TIMEOUTS:
        late(load, timeout)
    cancellation = orepa.Cancellation()
    threading.Timer(0.05, cancellation.cancel).start()
    begin = time.monotonic()
    with pytest.raises(orepa.Cancelled):
        orepa.Model(path, cancellation=cancellation, interruptible=interruptible)
    assert time.monotonic() - begin < 0.05 + MOST_SECONDS
    # Once and for all.
    with pytest.raises(orepa.Cancelled):
        orepa.Model(model_path, cancellation=cancellation, interruptible=interruptible)
    model = orepa.Model(
        model_path,
        timeout=600,
        cancellation=orepa.Cancellation(),
        interruptible=interruptible,
    )
    assert len(model.classify(samples[0])) == 5


def test_ctrl_c_while_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "large.safetensors"
    with open(path, "wb") as file:
        file.truncate(2**33)
    ends(lambda: orepa.Model(path), KeyboardInterrupt, after=0.1)


@pytest.mark.parametrize("timeout", [-1, float("nan")])
def test_timeouts_that_are_refused(model_path: Path, timeout: float) -> None:
    with pytest.raises(orepa.InvalidArgument, match="timeout: expected seconds, at least 0"):
        orepa.Model(model_path, timeout=timeout)
    with pytest.raises(TypeError, match="cancellation: expected a Cancellation, found (float|int)"):
        orepa.Model(model_path, cancellation=timeout)  # type: ignore[arg-type]
