"""Lets a signal, such as that of Ctrl-C, end a call that takes long.

Python runs the handler of a signal in the main thread, between two of its instructions, so not
while that thread is in the library. Meanwhile a thread of this module reads the signals that come
(signal.set_wakeup_fd) and cancels the call. The main thread comes back and runs the handler, which
as a rule raises an exception: KeyboardInterrupt. If it raises none, the call is made again.
"""

from __future__ import annotations

import _thread
import contextlib
import ctypes
import functools
import os
import signal
import threading
import time
import types
from collections.abc import Callable

from . import _abi
from ._controls import Cancellation
from ._errors import Status
from ._library import Handle, api, check

ENDING_SIGNALS = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
"""Those that ask a program to end. Others may come again and again, such as a timer's: a call that
each of them cancelled would never be done."""

_STOP = 0
"""No signal has this number."""


_set_wakeup_descriptor = functools.partial(signal.set_wakeup_fd, warn_on_full_buffer=False)


def _restore_wakeup_descriptor(descriptor: int) -> None:
    try:
        signal.set_wakeup_fd(descriptor)
    except (OSError, ValueError):
        # A handler has closed it.
        signal.set_wakeup_fd(-1)


def _is_main_thread() -> bool:
    return threading.get_ident() == threading.main_thread().ident


def _has_handlers() -> bool:
    """Whether there is a handler of Python's to run."""
    return any(callable(signal.getsignal(number)) for number in ENDING_SIGNALS)


def _threads_are_real() -> bool:
    """Whether threads are the system's: gevent and eventlet have others in their place, and one of
    them that waits for a pipe stops all."""
    return isinstance(_thread.start_new_thread, types.BuiltinFunctionType)


class _Listener:
    """The thread that reads the signals, and what it is to cancel."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._reader = self._writer = -1
        self._forward = -1
        """Where signals went before, and still go: an event loop's."""
        self._handle: Handle | None = None
        """The cancellation of calls in the main thread; None once it may have been cancelled."""
        self._current: Handle | None = None
        """That of the call that is running."""

    def run(
        self,
        call: Callable[[], int],
        options: _abi.RunOptions,
        cancellation: Cancellation | None,
    ) -> int:
        """The status that `call` returns, which reads its limits in `options`."""
        own = options.cancellation
        if not _is_main_thread() or not self._is_ready():
            return call()
        begin = time.monotonic_ns()
        timeout = options.timeout_nanoseconds
        while cancellation is None or not cancellation.cancelled:
            handle = self._fresh_handle()
            options.cancellation = handle.pointer
            status = self._call(call, handle, cancellation)
            if status != Status.CANCELLED:
                return status
            # No handler has raised anything: the call is made again, unless it was cancelled
            # for good.
            self._handle = None
            if timeout:
                options.timeout_nanoseconds = max(1, begin + timeout - time.monotonic_ns())
        options.cancellation = own
        return call()

    def _call(
        self, call: Callable[[], int], handle: Handle, cancellation: Cancellation | None
    ) -> int:
        outer = self._current
        previous: list[int] = []
        try:
            self._current = handle
            # Within one instruction, so that no exception of a handler loses what was set before.
            previous.extend(map(_set_wakeup_descriptor, (self._writer,)))
            if previous[0] != self._writer:
                self._forward = previous[0]
            if cancellation is not None:
                cancellation._join(handle)
            return call()
        finally:
            if outer is None and previous:
                _restore_wakeup_descriptor(self._forward)
            self._current = outer
            if cancellation is not None:
                cancellation._leave(handle)

    def _fresh_handle(self) -> Handle:
        handle = self._handle
        # A call within a handler, or in a log callback, has a cancellation of its own.
        if handle is None or self._current is not None:
            handle = Handle(api().cancellation_free)
            check(api().cancellation_new(ctypes.byref(handle.pointer)))
            if self._current is None:
                self._handle = handle
        return handle

    def _is_ready(self) -> bool:
        if self._thread is not None and self._thread.is_alive():
            return True
        if not _has_handlers() or not _threads_are_real():
            return False
        try:
            if self._reader < 0:
                self._reader, self._writer = os.pipe2(os.O_CLOEXEC)
                os.set_blocking(self._writer, False)
            self._start()
        except (OSError, RuntimeError):
            # The system refuses descriptors or threads: the call is made as if it were short.
            return False
        return True

    def _start(self) -> None:
        thread = threading.Thread(target=self._read, name="orepa signals", daemon=True)
        thread.start()
        self._thread = thread

    def _read(self) -> None:
        while True:
            numbers = os.read(self._reader, 256)
            if not numbers or _STOP in numbers:
                return
            if self._forward >= 0:
                # Who closed it, or has enough to read, misses nothing.
                with contextlib.suppress(OSError):
                    os.write(self._forward, numbers)
            handle = self._current
            if handle is not None and not ENDING_SIGNALS.isdisjoint(numbers):
                self._handle = None
                api().cancellation_cancel(handle.pointer)

    def before_fork(self) -> None:
        """Ends the thread: a child would not have it."""
        thread = self._thread
        if thread is None or thread is threading.current_thread():
            return
        try:
            os.write(self._writer, bytes([_STOP]))
        except OSError:
            return
        thread.join()
        self._thread = None

    def after_fork_in_parent(self) -> None:
        if self._current is not None and self._thread is None:
            with contextlib.suppress(RuntimeError):
                self._start()

    def after_fork_in_child(self) -> None:
        """Leaves the pipe to the parent."""
        if self._current is not None:
            # Another thread than the main one called fork, and is the child's only one.
            with contextlib.suppress(ValueError):
                signal.set_wakeup_fd(-1)
        if self._reader >= 0:
            os.close(self._reader)
            os.close(self._writer)
            self._reader = self._writer = -1


_listener = _Listener()


def _renew_listener() -> None:
    global _listener
    _listener.after_fork_in_child()
    _listener = _Listener()


os.register_at_fork(
    before=lambda: _listener.before_fork(),
    after_in_parent=lambda: _listener.after_fork_in_parent(),
    after_in_child=_renew_listener,
)


def run(
    call: Callable[[], int], options: _abi.RunOptions, cancellation: Cancellation | None
) -> int:
    """The status that `call` returns, which runs with `options`. A signal's handler that raises an
    exception ends it."""
    return _listener.run(call, options, cancellation)


def load(
    work: Callable[[], None],
    options: _abi.ModelOptions,
    given: Cancellation | None = None,
) -> None:
    """Makes a model, with `options`, whose cancellation is that of `given`. A signal's handler that
    raises an exception ends the waiting for it: it is made in a thread of its own, which is told to
    give up."""
    if not (_is_main_thread() and _has_handlers() and _threads_are_real()):
        return work()
    cancellation = Handle(api().cancellation_free)
    check(api().cancellation_new(ctypes.byref(cancellation.pointer)))
    own = options.load_cancellation
    options.load_cancellation = cancellation.pointer
    if given is not None:
        given._join(cancellation)
    kept = [cancellation]
    errors: list[BaseException] = []
    done = threading.Lock()
    done.acquire()

    def body() -> None:
        try:
            work()
        except BaseException as error:
            errors.append(error)
        finally:
            # Whoever waited may be gone: the cancellation stays until here.
            options.load_cancellation = None
            if given is not None:
                given._leave(cancellation)
            kept.clear()
            done.release()

    try:
        threading.Thread(target=body, name="orepa load", daemon=True).start()
    except RuntimeError:
        # The system refuses threads.
        options.load_cancellation = own
        if given is not None:
            given._leave(cancellation)
        return work()
    try:
        # Handlers run while this waits.
        done.acquire()
    except BaseException:
        api().cancellation_cancel(cancellation.pointer)
        raise
    if errors:
        raise errors.pop()
