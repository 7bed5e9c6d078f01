"""Threads, closing while another thread runs, processes made by fork, nothing leaked."""

from __future__ import annotations

import gc
import multiprocessing
import os
import resource
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import orepa


@pytest.fixture(scope="module")
def tensor(model: orepa.Model) -> np.ndarray:
    values = np.random.default_rng(4).normal(size=(1000, *model.input_shape))
    return values.astype(np.float32)


def test_other_threads_go_on_during_a_call(model: orepa.Model, tensor: np.ndarray) -> None:
    """Counts what this thread does while another one is within a single call."""
    done = threading.Event()

    def call() -> None:
        model.run_tensor(tensor)
        done.set()

    thread = threading.Thread(target=call)
    turns = 0
    thread.start()
    while not done.is_set():
        turns += 1
        time.sleep(0.001)
    thread.join()
    # A call that kept the interpreter's lock would allow one or two turns.
    assert turns > 20


def test_calls_overlap(model: orepa.Model, tensor: np.ndarray) -> None:
    """A call that another thread cancels ends early: both are in the library at a time."""
    cancellation = orepa.Cancellation()
    threading.Timer(0.02, cancellation.cancel).start()
    with pytest.raises(orepa.Cancelled):
        while True:
            model.run_tensor(tensor, cancellation=cancellation)


def test_many_threads_share_a_model(model_path: Path, samples: list[Path]) -> None:
    for threads in ("caller", 2, orepa.Pool(2)):
        model = orepa.Model(model_path, threads=threads)
        expected = [model.classify(sample) for sample in samples]
        with ThreadPoolExecutor(16) as executor:
            results = list(executor.map(model.classify, samples * 20))
        assert results == expected * 20


def test_messages_belong_to_their_threads(model: orepa.Model, tmp_path: Path) -> None:
    def message(index: int) -> bool:
        with pytest.raises(orepa.NotFound) as caught:
            orepa.Model(tmp_path / f"none-{index}")
        return f"none-{index}:" in str(caught.value)

    with ThreadPoolExecutor(8) as executor:
        assert all(executor.map(message, range(500)))


def test_closing_while_other_threads_run(
    model: orepa.Model, model_path: Path, samples: list[Path]
) -> None:
    expected = model.classify(samples[0])

    def work(model: orepa.Model, started: threading.Barrier) -> str:
        started.wait()
        try:
            while model.classify(samples[0]) == expected:
                pass
            return "another answer"
        except orepa.InvalidArgument as error:
            return str(error)

    with ThreadPoolExecutor(4) as executor:
        for _ in range(20):
            closing = orepa.Model(model_path, threads=2, check_probe=False)
            started = threading.Barrier(5)
            results = [executor.submit(work, closing, started) for _ in range(4)]
            started.wait()
            time.sleep(0.005)
            closing.close()
            for result in results:
                assert "closed" in result.result(10)


def _in_child(model: orepa.Model, picture: Path, queue: multiprocessing.Queue) -> None:
    again = orepa.Model(model._path, threads=2)
    queue.put((model.classify(picture), again.classify(picture)))


@pytest.mark.parametrize("threads", ["caller", 2])
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_fork(model_path: Path, samples: list[Path], threads: object) -> None:
    model = orepa.Model(model_path, threads=threads)
    expected = model.classify(samples[0])
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    # Others are in the library while the process forks.
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            model.classify(samples[0])

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    try:
        children = [
            context.Process(target=_in_child, args=(model, samples[0], queue)) for _ in range(4)
        ]
        for child in children:
            child.start()
        for _ in children:
            assert queue.get(timeout=60) == (expected, expected)
        for child in children:
            child.join(60)
            assert child.exitcode == 0
    finally:
        stop.set()
        for worker in workers:
            worker.join()
    assert model.classify(samples[0]) == expected


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_a_model_goes_to_other_processes(
    model_path: Path, samples: list[Path], method: str
) -> None:
    model = orepa.Model(model_path, threads=1)
    with multiprocessing.get_context(method).Pool(2) as pool:
        results = pool.map(model.classify, samples)
    assert results == [model.classify(sample) for sample in samples]


def test_threads_with_little_stack(model: orepa.Model, samples: list[Path]) -> None:
    expected = model.classify(samples[0])
    found: list[object] = []
    before = threading.stack_size(128 * 1024)
    try:
        thread = threading.Thread(target=lambda: found.append(model.classify(samples[0])))
        thread.start()
    finally:
        threading.stack_size(before)
    thread.join()
    assert found == [expected]


def test_memory_is_given_back(model_path: Path, samples: list[Path]) -> None:
    def work(count: int) -> None:
        for _ in range(count):
            with orepa.Model(model_path, threads=2, check_probe=False) as model:
                answers = model.run([samples[0], b"bad"], features=True, errors="return")
                assert len(answers[0].top()) == 5
                orepa.Cancellation().cancel()
        gc.collect()

    def resident() -> int:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * resource.getpagesize()

    work(50)
    before = resident()
    work(200)
    # A model takes more than 5 MB: one in ten that were not freed would be 100 MB.
    assert resident() - before < 50e6
    assert len(os.listdir("/proc/self/task")) < 60
