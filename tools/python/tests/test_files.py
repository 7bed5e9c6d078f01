"""Pictures and models that are open files, bytes that others lend, or have names of any bytes."""

from __future__ import annotations

import array
import bz2
import gzip
import http.client
import io
import mmap
import os
import pickle
import tempfile
import threading
import zipfile
import zlib
from pathlib import Path

import pytest

import orepa

NAME = os.fsdecode(b"caf\xe9 \xff")
"""No UTF-8."""


@pytest.fixture(scope="module")
def expected(model: orepa.Model, samples: list[Path]) -> list[orepa.Prediction]:
    return model.classify(samples[0])


def test_open_files(
    model: orepa.Model, samples: list[Path], expected: list[orepa.Prediction], tmp_path: Path
) -> None:
    contents = samples[0].read_bytes()
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(samples[0], "boot.jpg")
    with (
        open(samples[0], "rb") as buffered,
        open(samples[0], "rb", buffering=0) as raw,
        open(samples[0], "r+b") as both,
        tempfile.SpooledTemporaryFile() as spooled,
        zipfile.ZipFile(tmp_path / "a.zip") as archive,
        archive.open("boot.jpg") as member,
    ):
        spooled.write(contents)
        written = io.BytesIO()
        written.write(contents)
        files = [io.BytesIO(contents), written, buffered, raw, both, spooled, member]
        positions = [file.tell() for file in files]
        assert positions[1] == len(contents)
        # Twice: a call leaves a file as it was.
        for _ in range(2):
            for file in files:
                assert model.classify(file) == expected
            assert model.classify_batch(files) == [expected] * len(files)
            assert [answer.top() for answer in model.run(files)] == [expected] * len(files)
            assert [file.tell() for file in files] == positions
        # From the beginning, wherever it is, as Pillow reads it.
        buffered.seek(100)
        assert model.classify(buffered) == model.run(buffered).top() == expected
        assert buffered.tell() == 100


def test_streams(model: orepa.Model, samples: list[Path], expected: list[orepa.Prediction]) -> None:
    contents = samples[0].read_bytes()

    class Stream:
        """As a server's answer is: it cannot seek, and gives a few bytes at a time."""

        def __init__(self, data: bytes) -> None:
            self.rest = data

        def read(self, size: int = -1) -> bytes:
            part, self.rest = self.rest[:100], self.rest[100:]
            return part

    assert model.classify(Stream(contents)) == expected
    # What is left of it.
    for front in (b"", b"head"):
        reader, writer = os.pipe()
        with open(reader, "rb") as source, open(writer, "wb") as sink:

            def write(data: bytes = front + contents, sink: io.BufferedWriter = sink) -> None:
                sink.write(data)
                sink.close()

            thread = threading.Thread(target=write)
            thread.start()
            assert source.read(len(front)) == front
            assert model.classify(source) == expected
            thread.join()


def test_bytes_that_others_lend(
    model: orepa.Model, model_path: Path, samples: list[Path], expected: list[orepa.Prediction]
) -> None:
    contents = samples[0].read_bytes()
    with open(samples[0], "rb") as file, open(model_path, "rb") as weights:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        pictures = [
            mapped,
            array.array("B", contents),
            memoryview(contents),
            memoryview(b"  " + contents)[2:],
            bytearray(contents),
            io.BytesIO(contents).getbuffer(),
        ]
        for picture in pictures:
            assert model.classify(picture) == model.run(picture).top() == expected
        assert model.classify_batch(pictures) == [expected] * len(pictures)
        mapped_model = mmap.mmap(weights.fileno(), 0, access=mmap.ACCESS_READ)
        for thing in (mapped_model, array.array("B", bytes(mapped_model))):
            assert orepa.Model(thing).classify(samples[0]) == expected
    for thing in (array.array("H", [1, 2]), array.array("d", [1])):
        with pytest.raises(TypeError):
            model.classify(thing)
        with pytest.raises(TypeError):
            orepa.Model(thing)


class Broken(io.RawIOBase):
    """A file whose disk fails."""

    name = "disk/photo.jpg"

    def readinto(self, buffer: object) -> int:
        raise OSError(5, "Input/output error")

    def readable(self) -> bool:
        return True


def test_files_that_are_refused(
    model: orepa.Model, samples: list[Path], expected: list[orepa.Prediction]
) -> None:
    closed = io.BytesIO(b"")
    closed.close()
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    with open(reader, "rb", buffering=0) as waiting, open(writer, "wb"):
        kinds = {
            orepa.InvalidArgument: closed,
            orepa.InvalidImage: io.BytesIO(b"no picture"),
            orepa.NotReadable: Broken(),
        }
        files = [samples[0], *kinds.values(), waiting, io.BytesIO(), samples[0]]
        results = model.classify_batch(files, errors="return")
        assert results[0] == results[-1] == expected
        found = [type(result) for result in results[1:-1]]
        assert found == [*kinds, orepa.NotReadable, orepa.InvalidImage]
        assert [result.picture_index for result in results[1:-1]] == [1, 2, 3, 4, 5]
        assert "BytesIO: I/O operation on closed file" in str(results[1])
        assert "'disk/photo.jpg': [Errno 5] Input/output error" in str(results[3])
        assert "found a stream that does not wait" in str(results[4])
    with pytest.raises(TypeError, match="open in binary mode, found one that reads str"):
        model.classify(io.StringIO("text"))
    with open(samples[0], encoding="latin-1") as text, pytest.raises(TypeError, match="binary"):
        model.classify(text)


class Raising:
    """A stream that ends in an exception."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def read(self, size: int = -1) -> bytes:
        raise self.error


def test_whatever_a_file_raises_is_its_own_error(
    model: orepa.Model, samples: list[Path], expected: list[orepa.Prediction]
) -> None:
    contents = samples[0].read_bytes()
    errors = [
        http.client.IncompleteRead(b"half", 100),
        EOFError("the end of the stream"),
        zipfile.BadZipFile("Bad CRC-32"),
        zlib.error("invalid data"),
        KeyError("photo"),
        RuntimeError(),
    ]
    files = [Raising(error) for error in errors]
    results = model.classify_batch([samples[0], *files, samples[0]], errors="return")
    assert results[0] == results[-1] == expected
    for index, (error, result) in enumerate(zip(errors, results[1:-1], strict=True), 1):
        assert isinstance(result, orepa.NotReadable), error
        assert result.__cause__ is error
        assert result.picture_index == index
        assert str(result) == f"picture: Raising: {str(error) or type(error).__name__}"
    # Files as they are: going back in what is cut or damaged raises too.
    cut = [gzip.compress(contents)[:-100], b"\x1f\x8b" + bytes(100)]
    damaged = bytearray(bz2.compress(contents))
    damaged[200] ^= 1
    opened = [gzip.GzipFile(fileobj=io.BytesIO(data)) for data in cut]
    results = model.run([*opened, bz2.BZ2File(io.BytesIO(damaged)), samples[0]], errors="return")
    assert [type(result) for result in results] == [orepa.NotReadable] * 3 + [orepa.Answer]
    for end in (KeyboardInterrupt(), SystemExit(3)):
        with pytest.raises(type(end)):
            model.classify_batch([samples[0], Raising(end)], errors="return")


def test_whatever_lends_pixels_raises_its_own_error(
    model: orepa.Model, samples: list[Path], expected: list[orepa.Prediction]
) -> None:
    class Pixels:
        def __array__(self, *arguments: object, **options: object) -> object:
            raise LookupError("the tile is gone")

    with open(samples[0], "rb") as file:
        closed = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    closed.close()
    released = memoryview(b"")
    released.release()
    results = model.classify_batch([Pixels(), closed, released, samples[0]], errors="return")
    assert results[-1] == expected
    assert isinstance(results[0], orepa.InvalidImage)
    assert str(results[0]) == "picture: Pixels: the tile is gone"
    for index, result in enumerate(results[1:-1], 1):
        assert isinstance(result, orepa.InvalidArgument)
        assert result.picture_index == index
        assert isinstance(result.__cause__, ValueError)


def test_texts_that_are_no_names(
    model: orepa.Model, samples: list[Path], expected: list[orepa.Prediction]
) -> None:
    path = "\ud800.jpg"
    results = model.classify_batch([path, Path(path), samples[0]], errors="return")
    assert results[-1] == expected
    for result in results[:2]:
        assert isinstance(result, orepa.InvalidArgument)
        assert r"found '\ud800.jpg'" in str(result)
    with pytest.raises(orepa.InvalidArgument, match="path: expected what"):
        orepa.Model("\ud800")
    with pytest.raises(orepa.InvalidArgument, match="stages: expected no surrogate"):
        model.run(samples[0], stages=["\ud800"])


def test_names_of_any_bytes(
    model: orepa.Model,
    model_path: Path,
    samples: list[Path],
    expected: list[orepa.Prediction],
    tmp_path: Path,
) -> None:
    folder = tmp_path / NAME
    folder.mkdir()
    for name, source in (("boot.jpg", samples[0]), ("model.safetensors", model_path)):
        (folder / name).write_bytes(source.read_bytes())
    entries = {os.fsdecode(entry.name): entry for entry in os.scandir(os.fsencode(folder))}
    picture, path = folder / "boot.jpg", folder / "model.safetensors"
    for each in (picture, str(picture), entries["boot.jpg"]):
        assert model.classify(each) == expected
    for each in (path, str(path), os.fsdecode(os.fsencode(path)), entries["model.safetensors"]):
        for memory in ("fast", "mapped"):
            assert orepa.Model(each, memory=memory).classify(picture) == expected
    again = pickle.loads(pickle.dumps(orepa.Model(path)))
    assert again.classify(picture) == expected
    # The message has the name, with what is no UTF-8 replaced.
    for call in (lambda: orepa.Model(folder / "none"), lambda: model.classify(folder / "none")):
        with pytest.raises(orepa.NotFound, match="caf.*none"):
            call()
    # Bytes are a file's contents, and no path, wherever they come from.
    with pytest.raises(orepa.InvalidModel):
        orepa.Model(os.fsencode(path))
