"""When a call is to end before it is done: for what Python does for it before the library does the
rest."""

from __future__ import annotations

import math
import time

from ._controls import Cancellation
from ._errors import Cancelled, DeadlineExceeded, InvalidArgument

_LONGEST = 2**63 / 1e9
"""Seconds that do not fit into nanoseconds: more than a lifetime."""


class Limits:
    """The timeout and the cancellation of a call that begins now."""

    def __init__(
        self, timeout: float | None = None, cancellation: Cancellation | None = None
    ) -> None:
        self._end: int | None = None
        if timeout is not None:
            try:
                seconds = float(timeout)
            except OverflowError as error:
                raise InvalidArgument(f"timeout: {error}") from error
            if math.isnan(seconds) or seconds < 0:
                raise InvalidArgument(f"timeout: expected seconds, at least 0, found {timeout}")
            if seconds < _LONGEST:
                self._end = time.monotonic_ns() + int(seconds * 1e9)
        if cancellation is not None and not isinstance(cancellation, Cancellation):
            raise TypeError(
                f"cancellation: expected a Cancellation, found {type(cancellation).__name__}"
            )
        self.cancellation = cancellation

    @property
    def are_none(self) -> bool:
        return self._end is None and self.cancellation is None

    @property
    def nanoseconds(self) -> int:
        """What is left, at least 1; 0 where there is no limit: as the library takes it."""
        if self._end is None:
            return 0
        return min(max(1, self._end - time.monotonic_ns()), 2**63 - 1)

    def check(self) -> None:
        """Ends the call where a limit is reached."""
        if self.cancellation is not None and self.cancellation.cancelled:
            raise Cancelled("expected a call that runs to its end, it was cancelled")
        if self._end is not None and time.monotonic_ns() >= self._end:
            raise DeadlineExceeded(
                "expected a call that ends before its deadline, the deadline passed"
            )


NO_LIMITS = Limits()
