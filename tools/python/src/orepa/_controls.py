"""What calls may share: threads, and a way to stop them."""

from __future__ import annotations

import ctypes

from ._errors import InvalidArgument
from ._library import Handle, api, check

MOST_THREADS = 4096


def checked_integer(value: object, name: str, least: int, most: int) -> int:
    """An integer within limits; numpy's are integers too, booleans are not."""
    index = getattr(value, "__index__", None)
    if index is None or isinstance(value, bool):
        raise TypeError(f"{name}: expected an integer, found {type(value).__name__}")
    number: int = index()
    if not least <= number <= most:
        raise InvalidArgument(f"{name}: expected {least} to {most}, found {number}")
    return number


class Pool:
    """Threads that several models share.

    `threads` is how many run a call at most, the calling one included; None: one for each
    available processor. They end when the pool and its models are gone.
    """

    def __init__(self, threads: int | None = None) -> None:
        count = 0 if threads is None else checked_integer(threads, "threads", 1, MOST_THREADS)
        self._handle = Handle(api().pool_free)
        check(api().pool_new(count, ctypes.byref(self._handle.pointer)))

    @property
    def thread_count(self) -> int:
        """How many threads run a call: fewer than asked for if the system refused some."""
        return int(api().pool_thread_count(self._handle.pointer))

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a Pool cannot be pickled: its threads belong to this process")


class Cancellation:
    """Stops calls from another thread. Any number of calls may share one."""

    def __init__(self) -> None:
        self._cancelled = False
        self._joined: list[Handle] = []
        self._handle = Handle(api().cancellation_free)
        check(api().cancellation_new(ctypes.byref(self._handle.pointer)))

    def cancel(self) -> None:
        """Makes calls that run or start with this raise Cancelled, once and for all."""
        self._cancelled = True
        api().cancellation_cancel(self._handle.pointer)
        for handle in list(self._joined):
            api().cancellation_cancel(handle.pointer)

    def _join(self, handle: Handle) -> None:
        """Lets `handle`, of one call, be cancelled with this."""
        self._joined.append(handle)
        if self._cancelled:
            api().cancellation_cancel(handle.pointer)

    def _leave(self, handle: Handle) -> None:
        if handle in self._joined:
            self._joined.remove(handle)

    @property
    def cancelled(self) -> bool:
        """Whether `cancel` was called."""
        return self._cancelled

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a Cancellation cannot be pickled: it belongs to this process")
