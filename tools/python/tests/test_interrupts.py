"""Ctrl-C, and signals like it, end a call or the loading of a model; the model stays usable."""

from __future__ import annotations

import _thread
import contextlib
import ctypes
import functools
import os
import select
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

import orepa
from orepa import _abi, _interrupts

# A call is to end 100 ms after the signal; on a machine that does other things, five times as much.
MOST_SECONDS = 0.5
COUNT = 60


@pytest.fixture(scope="module", params=["caller", 2])
def slow(model_path: Path, request: pytest.FixtureRequest) -> orepa.Model:
    """A model that needs more than ten milliseconds for a picture."""
    return orepa.Model(model_path, threads=request.param, input_size=448)


@pytest.fixture
def handled(request: pytest.FixtureRequest) -> Iterator[Callable[..., None]]:
    """Sets handlers for a test."""
    with contextlib.ExitStack() as stack:

        def handle(number: signal.Signals, handler: object) -> None:
            stack.callback(signal.signal, number, signal.getsignal(number))
            signal.signal(number, handler)

        yield handle


@contextlib.contextmanager
def sent(number: signal.Signals = signal.SIGINT, after: float = 0.2) -> Iterator[list[float]]:
    """Sends this process a signal in a while; when it did."""
    times: list[float] = []

    def send() -> None:
        times.append(time.monotonic())
        os.kill(os.getpid(), number)

    timer = threading.Timer(after, send)
    timer.start()
    try:
        yield times
    finally:
        timer.join()


def ends(call: Callable[[], object], error: type[BaseException], **when: object) -> None:
    with sent(**when) as times, pytest.raises(error):
        call()
    assert len(times) == 1, "the call was done before the signal"
    assert time.monotonic() - times[0] < MOST_SECONDS


def test_batches(slow: orepa.Model, samples: list[Path]) -> None:
    expected = slow.classify(samples[0])
    logits = np.empty((COUNT, slow.class_count), np.float32)
    for call in (
        lambda: slow.classify_batch(samples[:1] * COUNT),
        lambda: slow.classify_batch(samples[:1] * COUNT, timeout=60, errors="return"),
        lambda: slow.run(samples[:1] * COUNT, features=True, cancellation=orepa.Cancellation()),
        lambda: slow.run_into(samples[:1] * COUNT, logits),
    ):
        ends(call, KeyboardInterrupt)
        assert slow.classify(samples[0]) == expected


def test_tensors(slow: orepa.Model) -> None:
    tensor = np.zeros((1, *slow.input_shape), np.float32)
    expected = slow.run_tensor(tensor)
    many = np.zeros((COUNT, *slow.input_shape), np.float32)
    ends(lambda: slow.run_tensor(many), KeyboardInterrupt)
    logits = np.empty((len(many), slow.class_count), np.float32)
    ends(lambda: slow.run_into(many, logits), KeyboardInterrupt)
    assert (slow.run_tensor(tensor) == expected).all()


def test_loading(model_path: Path, samples: list[Path], model: orepa.Model) -> None:
    entered = threading.Event()

    def log(level: int, message: str) -> None:
        entered.set()
        time.sleep(3 * MOST_SECONDS)

    for source in (model_path, model_path.read_bytes()):
        entered.clear()
        # What "mapped" finds is told while the model is being made.
        load = functools.partial(orepa.Model, source, memory="mapped", log=log)
        ends(load, KeyboardInterrupt)
        assert entered.is_set()
        assert orepa.Model(source).classify(samples[0]) == model.classify(samples[0])
    with pytest.raises(orepa.NotFound, match="none: no such file"):
        orepa.Model("none")


def test_loading_is_given_up(model_path: Path) -> None:
    """What nobody waits for any more ends, too."""
    from orepa._library import Handle, api

    options = _abi.ModelOptions(threads=_abi.THREADS_CALLER)
    handle = Handle(api().model_free)
    statuses: list[int] = []

    def work() -> None:
        time.sleep(0.5)
        statuses.append(
            api().model_load(
                os.fsencode(model_path), ctypes.byref(options), ctypes.byref(handle.pointer)
            )
        )

    ends(lambda: _interrupts.load(work, options), KeyboardInterrupt)
    assert not statuses
    for thread in threading.enumerate():
        if thread.name == "orepa load":
            thread.join(20)
    assert statuses == [orepa.Status.CANCELLED] and not handle.pointer


def test_signals_that_end_programs(
    slow: orepa.Model, samples: list[Path], handled: Callable[..., None]
) -> None:
    def leave(*_: object) -> None:
        raise SystemExit(3)

    for number in (signal.SIGTERM, signal.SIGHUP):
        handled(number, leave)
        ends(lambda: slow.classify_batch(samples * 10), SystemExit, number=number)


def test_a_handler_that_raises_nothing(
    slow: orepa.Model, samples: list[Path], handled: Callable[..., None]
) -> None:
    times: list[float] = []
    handled(signal.SIGINT, lambda *_: times.append(time.monotonic()))
    expected = [slow.classify(sample) for sample in samples]
    with sent(after=0.05) as begin:
        assert slow.classify_batch(samples) == expected
    assert len(times) == 1 and times[0] - begin[0] < MOST_SECONDS
    # The time that a call has is its own, however often it is begun.
    begin = time.monotonic()
    with sent(after=0.3), pytest.raises(orepa.DeadlineExceeded):
        slow.classify_batch(samples * 100, timeout=0.6)
    assert 0.6 <= time.monotonic() - begin < 0.6 + MOST_SECONDS
    assert len(times) == 2


def test_a_handler_that_cancels(
    slow: orepa.Model, samples: list[Path], handled: Callable[..., None]
) -> None:
    cancellation = orepa.Cancellation()
    handled(signal.SIGINT, lambda *_: cancellation.cancel())
    ends(lambda: slow.classify_batch(samples * 10, cancellation=cancellation), orepa.Cancelled)
    assert slow.classify(samples[0])


def test_many_signals_change_no_answer(
    model: orepa.Model, samples: list[Path], handled: Callable[..., None]
) -> None:
    count = 0

    def handler(*_: object) -> None:
        nonlocal count
        count += 1
        # A call within a handler, within a call.
        if count % 7 == 0:
            assert model.classify(samples[1]) == other

    expected, other = model.classify(samples[0]), model.classify(samples[1])
    handled(signal.SIGINT, handler)
    done = threading.Event()

    def send() -> None:
        while not done.wait(0.005):
            os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=send)
    thread.start()
    try:
        end = time.monotonic() + 1
        while time.monotonic() < end:
            assert model.classify(samples[0]) == expected
    finally:
        done.set()
        thread.join()
    assert count > 20


def test_an_event_loop_hears_the_signals_too(
    slow: orepa.Model, samples: list[Path], handled: Callable[..., None]
) -> None:
    handled(signal.SIGINT, lambda *_: None)
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    before = signal.set_wakeup_fd(writer)
    try:
        with sent(after=0.05):
            slow.classify_batch(samples)
        assert select.select([reader], [], [], 5)[0]
        assert set(os.read(reader, 100)) == {signal.SIGINT}
    finally:
        assert signal.set_wakeup_fd(before) == writer
        os.close(reader)
        os.close(writer)


def test_not_interruptible(
    model_path: Path, samples: list[Path], handled: Callable[..., None]
) -> None:
    model = orepa.Model(model_path, input_size=448, threads="caller", interruptible=False)
    done = False
    early: list[bool] = []
    handled(signal.SIGINT, lambda *_: early.append(not done))
    with sent(after=0.05):
        answers = model.classify_batch(samples * 4)
    assert len(answers) == 40 and early == [True]
    listeners = [thread.name for thread in threading.enumerate() if "orepa" in thread.name]
    assert listeners in ([], ["orepa signals"])


def test_threads_that_are_none(
    model_path: Path, samples: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a library has put functions of its own in the place of threads, none are started."""

    def start_new_thread(*_: object) -> int:
        raise AssertionError("a greenlet would wait for a pipe, and all others for it")

    for module, prefix in ((_thread, ""), (threading, "_")):
        for name in ("start_new_thread", "start_joinable_thread"):
            if hasattr(module, prefix + name):
                monkeypatch.setattr(module, prefix + name, start_new_thread)
    monkeypatch.setattr(_interrupts, "_listener", _interrupts._Listener())
    assert len(orepa.Model(model_path, threads="caller").classify(samples[0])) == 5


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_processes_made_by_fork(model_path: Path, samples: list[Path]) -> None:
    model = orepa.Model(model_path, threads="caller", input_size=448)
    expected = model.classify(samples[0])
    child = os.fork()
    if child == 0:
        try:
            assert len(os.listdir("/proc/self/task")) == 1
            assert model.classify(samples[0]) == expected
            ends(lambda: model.classify_batch(samples * 10), KeyboardInterrupt)
            assert model.classify(samples[0]) == expected
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    # Neither process hears what is sent to the other.
    ends(lambda: model.classify_batch(samples * 10), KeyboardInterrupt)


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_another_thread_forks_during_a_call(model_path: Path, samples: list[Path]) -> None:
    model = orepa.Model(model_path, threads="caller", input_size=448)
    statuses: list[int] = []

    def fork() -> None:
        child = os.fork()
        if child == 0:
            # What wakes the parent is not written to by the child.
            os._exit(0 if signal.set_wakeup_fd(-1) == -1 else 1)
        statuses.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))

    timer = threading.Timer(0.05, fork)
    timer.start()
    ends(lambda: model.classify_batch(samples * 10), KeyboardInterrupt)
    timer.join()
    assert statuses == [0]
