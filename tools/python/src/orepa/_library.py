"""Finds liborepa.so, and the handles that it gives."""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import _abi
from ._errors import Error, make_error

FILE_NAME = "liborepa.so.0"

_lock = threading.Lock()
_api: _abi.Api | None = None


def _renew_lock() -> None:
    """A thread that no longer exists after fork may have held the lock."""
    global _lock
    _lock = threading.Lock()


os.register_at_fork(after_in_child=_renew_lock)


def library_candidates() -> list[str]:
    """Where the library may be, in the order of the search: what the environment variable
    OREPA_LIBRARY names, alone; else the library in the package, else the system's."""
    if named := os.environ.get("OREPA_LIBRARY"):
        return [named]
    packaged = Path(__file__).with_name(FILE_NAME)
    return [str(packaged)] if packaged.exists() else [FILE_NAME]


def _open() -> _abi.Api:
    for name in library_candidates():
        try:
            library = ctypes.CDLL(name)
            get_api = library.orepa_get_api
        except (OSError, AttributeError) as error:
            raise ImportError(
                f"{name}: expected the library of orepa, found: {error}; the environment variable "
                "OREPA_LIBRARY names another file"
            ) from None
        get_api.argtypes = [ctypes.c_uint32]
        get_api.restype = ctypes.POINTER(_abi.Api)
        table = get_api(_abi.API_VERSION)
        if not table:
            raise ImportError(f"{name}: expected version {_abi.API_VERSION} of orepa's interface")
        found: _abi.Api = table.contents
        if found.size < ctypes.sizeof(_abi.Api):
            raise ImportError(
                f"{name}: expected a table of at least {ctypes.sizeof(_abi.Api)} bytes, "
                f"found {found.size}"
            )
        return found
    raise AssertionError("there is always a candidate")


def api() -> _abi.Api:
    """The table of functions. The library is loaded when it is first asked for."""
    global _api
    if _api is None:
        with _lock:
            if _api is None:
                _api = _open()
    return _api


def library_version() -> str:
    """Of the library in use, such as "0.1.0"."""
    version: bytes = api().library_version
    return version.decode()


def last_error(status: int) -> Error:
    """The exception for the status that the last call on this thread returned."""
    return make_error(status, api().last_error().decode(errors="replace"))


def check(status: int) -> None:
    if status:
        raise last_error(status)


class Handle:
    """Owns a pointer that the library gave, and frees it with the last reference to itself.

    Whoever calls the library with the pointer holds a reference meanwhile: nothing is freed that
    another thread uses. The pointer is written in place, so that not even an interrupt between the
    call and the next statement loses it.
    """

    def __init__(self, free: Callable[[ctypes.c_void_p], None], keep: Any = None) -> None:
        self.pointer = ctypes.c_void_p()
        self._free = free
        self._keep = keep
        """What has to live as long as the pointer."""

    def __del__(self) -> None:
        if self.pointer:
            self._free(self.pointer)

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a handle of the library cannot be pickled")
