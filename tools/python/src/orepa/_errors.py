"""Statuses and the exceptions that stand for them."""

from __future__ import annotations

import enum
import errno
from typing import ClassVar


class Status(enum.IntEnum):
    """What a function of the library returns. Numbers never change their meaning."""

    OK = 0
    """All is well."""
    NOT_FOUND = 1
    """There is no file at the path."""
    NOT_READABLE = 2
    """The system does not let the file be read, or it is no regular file."""
    INVALID_MODEL = 3
    """The file is no deployed model that the library runs, or it is damaged."""
    PROBE_FAILED = 4
    """Here the network does not compute, to the bit, what it did when its file was written."""
    INVALID_IMAGE = 5
    """The bytes are no JPEG or PNG that can be decoded within the limits."""
    INVALID_ARGUMENT = 6
    """A value, a size, a shape or a name that does not fit."""
    OUT_OF_MEMORY = 7
    """The system refused memory."""
    DEADLINE_EXCEEDED = 8
    """The time that the call was given had passed before it was done."""
    CANCELLED = 9
    """The call's Cancellation was cancelled before it was done."""
    NOT_FINITE = 10
    """The network's output is NaN or infinite, so that no class can be named."""
    INVALID_ENVIRONMENT = 11
    """The environment variable OREPA_ISA has a value that means nothing."""
    UNSUPPORTED = 100
    """Something that only a newer library can do."""


class PictureWarning(UserWarning):
    """What is wrong with a picture that was answered all the same: `Model.classify` and
    `Model.classify_batch` warn with it, `Model.run` has it in `Answer.warnings`."""


class Error(RuntimeError):
    """What went wrong: `str(error)` says what was expected and what was found.

    Each status has a subclass, which is also the exception that Python itself has for it.
    """

    default_status: ClassVar[Status | None] = None

    def __init__(
        self, message: str, status: int | None = None, picture_index: int | None = None
    ) -> None:
        super().__init__(message)
        number = self.default_status if status is None else status
        if number is None:
            raise TypeError("an Error needs a status; its subclasses have one")
        self.message = message
        try:
            self.status: int = Status(number)
            """A Status, or the number itself where a newer library has one that this has not."""
        except ValueError:
            self.status = number
        self.picture_index = picture_index
        """Which picture of the call is at fault, from 0; None when it is the call as a whole."""

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.message, int(self.status), self.picture_index)


class NotFound(Error, FileNotFoundError):
    default_status = Status.NOT_FOUND

    def __init__(
        self, message: str, status: int | None = None, picture_index: int | None = None
    ) -> None:
        super().__init__(message, status, picture_index)
        self.errno = errno.ENOENT


class NotReadable(Error, OSError):
    default_status = Status.NOT_READABLE


class InvalidModel(Error, ValueError):
    default_status = Status.INVALID_MODEL


class ProbeFailed(Error):
    default_status = Status.PROBE_FAILED


class InvalidImage(Error, ValueError):
    default_status = Status.INVALID_IMAGE


class InvalidArgument(Error, ValueError):
    default_status = Status.INVALID_ARGUMENT


class OutOfMemory(Error, MemoryError):
    default_status = Status.OUT_OF_MEMORY


class DeadlineExceeded(Error, TimeoutError):
    default_status = Status.DEADLINE_EXCEEDED


class Cancelled(Error):
    default_status = Status.CANCELLED


class NotFinite(Error, ArithmeticError):
    default_status = Status.NOT_FINITE


class InvalidEnvironment(Error):
    default_status = Status.INVALID_ENVIRONMENT


class Unsupported(Error, NotImplementedError):
    default_status = Status.UNSUPPORTED


_BY_STATUS: dict[int, type[Error]] = {
    kind.default_status: kind for kind in Error.__subclasses__() if kind.default_status is not None
}


def make_error(status: int, message: str, picture_index: int | None = None) -> Error:
    """The exception that stands for a status, which is not OK."""
    return _BY_STATUS.get(status, Error)(message, status, picture_index)
