"""Models: what they are, options, pickles, what is refused."""

from __future__ import annotations

import copy
import logging
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import orepa


def test_properties(model: orepa.Model, repository: Path) -> None:
    assert model.class_count == 10
    labels = (repository / "models/fashion-mnist-repvgg/labels.txt").read_text().splitlines()
    assert model.labels == tuple(labels)
    assert model.input_shape == (3, 56, 56)
    assert model.feature_count == model.stages[-1].shape[0] == 128
    assert [stage.name for stage in model.stages] == [f"stage{index}" for index in range(5)]
    assert model.thread_count == 1
    assert model.instruction_set in ("avx512", "avx2", "neon", "portable")
    assert (model.numerics, model.memory) == ("fast", "fast")
    assert "fashion-mnist" in repr(model)
    assert orepa.library_version() == orepa.__version__


def test_options(model_path: Path, samples: list[Path]) -> None:
    assert orepa.Model(model_path, threads=3).thread_count == 3
    assert orepa.Model(model_path, threads=np.int64(2)).thread_count == 2
    assert orepa.Model(model_path, threads=0).thread_count == 1
    assert orepa.Model(model_path).thread_count == len(os.sched_getaffinity(0))
    assert orepa.Model(model_path, numerics="strict").numerics == "strict"
    assert orepa.Model(model_path, memory="small").memory == "small"
    # The default model's file holds no packed weights.
    assert orepa.Model(model_path, memory="mapped").memory in ("fast", "mapped")
    large = orepa.Model(model_path, input_size=(96, 128))
    assert large.input_shape == (3, 96, 128)
    assert large.stages[0].shape == (32, 48, 64)
    assert len(large.classify(samples[0])) == 5
    assert orepa.Model(model_path, input_size=64).input_shape == (3, 64, 64)
    with pytest.raises(orepa.InvalidImage):
        orepa.Model(model_path, maximum_pixels=10).classify(samples[0])


def test_memory(model_path: Path, samples: list[Path]) -> None:
    model = orepa.Model(model_path)
    one, many = model.memory_requirement(), model.memory_requirement(batch=8)
    assert one.weights == many.weights > 100_000
    assert 0 < one.per_context < many.per_context
    assert orepa.Model(model_path, memory="small").memory_requirement().weights == 0
    expected = model.classify(samples[0])
    model.trim()
    assert model.classify(samples[0]) == expected


def test_bytes(model_path: Path, samples: list[Path], model: orepa.Model) -> None:
    contents = model_path.read_bytes()
    changed = bytearray(contents)
    for kind in (contents, changed, memoryview(contents)):
        assert orepa.Model(kind).classify(samples[0]) == model.classify(samples[0])
    copied = orepa.Model(changed)
    changed[:] = bytes(len(changed))
    assert copied.classify(samples[0]) == model.classify(samples[0])


def test_pool(model_path: Path, samples: list[Path]) -> None:
    pool = orepa.Pool(2)
    assert pool.thread_count == 2
    first, second = (orepa.Model(model_path, threads=pool) for _ in range(2))
    assert first.thread_count == 2
    del pool
    assert first.classify(samples[0]) == second.classify(samples[0])


def test_log(model_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    messages: list[tuple[int, str]] = []
    model = orepa.Model(model_path, log=lambda *message: messages.append(message))
    model.classify(np.zeros((5, 5), np.uint8))
    # "mapped" needs packed weights, which this file has not: the library says so.
    orepa.Model(model_path, memory="mapped", log=lambda *message: messages.append(message))
    assert messages
    for level, message in messages:
        assert level in (logging.INFO, logging.WARNING) and isinstance(message, str)
    out, err = capfd.readouterr()
    assert out == "" and err == ""


def test_closed(model_path: Path, samples: list[Path]) -> None:
    with orepa.Model(model_path) as model:
        answer = model.run(samples[0])
    model.close()
    assert "closed" in repr(model)
    calls = [
        lambda: model.classify(samples[0]),
        lambda: model.classify_batch([]),
        lambda: model.run_tensor(np.zeros((1, *model.input_shape), np.float32)),
        lambda: model.run_into([], np.zeros((0, 10), np.float32)),
        lambda: model.memory_requirement(),
        lambda: model.trim(),
    ]
    for call in calls:
        with pytest.raises(orepa.InvalidArgument, match="closed"):
            call()
    assert model.class_count == 10 and len(answer.top()) == 5


def test_pickle(
    model_path: Path, samples: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(model_path.parent)
    model = orepa.Model(model_path.name, threads=1, numerics="strict", input_size=(64, 60))
    pickled = pickle.dumps(model)
    assert len(pickled) < 1000
    monkeypatch.chdir(tmp_path)
    again = pickle.loads(pickled)
    assert (again.thread_count, again.numerics, again.input_shape) == (1, "strict", (3, 64, 60))
    assert again.classify(samples[0]) == model.classify(samples[0])
    assert copy.deepcopy(model).classify(samples[0]) == model.classify(samples[0])
    with pytest.raises(TypeError, match="bytes"):
        pickle.dumps(orepa.Model(model_path.read_bytes()))
    with pytest.raises(TypeError, match="Pool"):
        pickle.dumps(orepa.Model(model_path, threads=orepa.Pool(1)))
    with pytest.raises(TypeError, match="log"):
        pickle.dumps(orepa.Model(model_path, log=print))
    for thing in (orepa.Pool(1), orepa.Cancellation(), model.run(samples[0])):
        with pytest.raises(TypeError):
            pickle.dumps(thing)
    predictions = model.classify(samples[0])
    assert pickle.loads(pickle.dumps(predictions)) == predictions


def test_models_that_are_refused(model_path: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no such file") as caught:
        orepa.Model(tmp_path / "none.safetensors")
    assert caught.value.status is orepa.Status.NOT_FOUND
    with pytest.raises(orepa.NotReadable):
        orepa.Model(tmp_path)
    contents = model_path.read_bytes()
    for broken in (b"", b"x", contents[:1000], contents[:-1], b"\xff" * 100):
        with pytest.raises(orepa.InvalidModel):
            orepa.Model(broken)
    damaged = bytearray(contents)
    damaged[-1000:] = os.urandom(1000)
    with pytest.raises((orepa.ProbeFailed, orepa.InvalidModel)):
        orepa.Model(damaged)


@pytest.mark.parametrize(
    "options",
    [
        {"numerics": "exact"},
        {"numerics": None},
        {"memory": "large"},
        {"threads": -1},
        {"threads": 4097},
        {"threads": 2**40},
        {"threads": "all"},
        {"input_size": 0},
        {"input_size": (224, -1)},
        {"input_size": (1, 2, 3)},
        {"input_size": 2**31},
        {"maximum_pixels": 0},
        {"maximum_image_memory": 2**64},
        {"maximum_jpeg_scans": -1},
    ],
)
def test_options_that_are_refused(model_path: Path, options: dict) -> None:
    with pytest.raises(ValueError) as caught:
        orepa.Model(model_path, **options)
    assert isinstance(caught.value, orepa.InvalidArgument)
    assert "expected" in str(caught.value) and "found" in str(caught.value)


@pytest.mark.parametrize("threads", [1.0, True, [], b"caller"])
def test_threads_of_a_wrong_type(model_path: Path, threads: object) -> None:
    with pytest.raises(TypeError):
        orepa.Model(model_path, threads=threads)


def test_a_model_of_a_wrong_type() -> None:
    for thing in (None, 3, np.zeros(3), ["a"]):
        with pytest.raises(TypeError):
            orepa.Model(thing)
    with pytest.raises(orepa.InvalidArgument, match="zero byte"):
        orepa.Model("a\0b")


def test_the_library_that_is_named(tmp_path: Path) -> None:
    for name, contents in (("none.so", None), ("text.so", b"text")):
        path = tmp_path / name
        if contents is not None:
            path.write_bytes(contents)
        done = subprocess.run(
            [sys.executable, "-c", "import orepa; orepa.library_version()"],
            env={**os.environ, "OREPA_LIBRARY": str(path)},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 1
        assert f"ImportError: {path}: expected the library of orepa" in done.stderr


def test_a_wrong_instruction_set(model_path: Path) -> None:
    code = """
import orepa, sys
try:
    orepa.Model(sys.argv[1])
except orepa.InvalidEnvironment as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, model_path],
        env={**os.environ, "OREPA_ISA": "mmx"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "mmx" in done.stdout


def test_a_model_has_a_budget(model_path: Path) -> None:
    with pytest.raises(orepa.InvalidModel, match="expected at most 1000 multiply-adds"):
        orepa.Model(model_path, maximum_multiply_adds=1000)
    with pytest.raises(orepa.InvalidModel, match="expected at most 100000 bytes"):
        orepa.Model(model_path.read_bytes(), maximum_model_memory=100_000)
    # Of a file that is read its bytes count, too.
    with pytest.raises(orepa.NotReadable, match="expected at most 1000 bytes"):
        orepa.Model(model_path, maximum_model_memory=1000)
    with pytest.raises(orepa.InvalidArgument, match="maximum_multiply_adds"):
        orepa.Model(model_path, maximum_multiply_adds=0)
    roomy = orepa.Model(
        model_path,
        trust_packed_weights=True,
        maximum_multiply_adds=2**40,
        maximum_model_memory=2**30,
    )
    assert roomy.memory == "fast"
