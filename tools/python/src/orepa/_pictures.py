"""Pictures of all kinds, as the library takes them: borrowed where its interface allows it."""

from __future__ import annotations

import ctypes
import io
import os
import select
import stat
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from . import _abi
from ._errors import (
    Cancelled,
    DeadlineExceeded,
    Error,
    InvalidArgument,
    InvalidImage,
    NotReadable,
    OutOfMemory,
)
from ._limits import NO_LIMITS, Limits

Order = Literal["rgb", "bgr", "rgba", "bgra", "grey"]

Png16 = Literal["high", "pillow"]

_HIGH_BYTES_ARE_USED = "16-bit grey samples: their high bytes are used, where Pillow clips at 255"

_ORDERS: dict[str, tuple[int, int]] = {
    "rgb": (_abi.ORDER_RGB, 3),
    "bgr": (_abi.ORDER_BGR, 3),
    "rgba": (_abi.ORDER_RGBA, 4),
    "bgra": (_abi.ORDER_BGRA, 4),
    "grey": (_abi.ORDER_GREY, 1),
}
"""The library's number of an order, and how many bytes a pixel has."""

_DEFAULT_ORDERS = {1: "grey", 3: "rgb", 4: "rgba"}

MOST_BYTES_COPIED = 2**30
"""Pixels that cannot be borrowed are copied up to here: as many bytes as the library itself takes
for a picture that it decodes."""


_LARGEST_FILE = 2**30
"""Larger files are no pictures that the library would decode."""

_BYTES_AT_A_TIME = 2**22
"""What is read of an open file, or copied or converted of an array, before a call's limits are
looked at and signals are heard again: some milliseconds."""

_SECONDS_OF_WAITING = 0.02
"""How long a pipe is waited for before a call's limits are looked at again."""


class SupportsArray(Protocol):
    """Anything that numpy makes an array of without a copy, such as Pillow's images."""

    @property
    def __array_interface__(self) -> dict[str, Any]: ...


class SupportsBuffer(Protocol):
    """Anything that lends its bytes: bytes, bytearray, memoryview, mmap, array.array("B")."""

    def __buffer__(self, flags: int, /) -> memoryview: ...


class SupportsRead(Protocol):
    """A file that is open for reading in binary mode, or anything that reads as one does: BytesIO,
    an uploaded file, the answer of a server."""

    def read(self, size: int, /) -> bytes: ...


Picture: TypeAlias = (
    str
    | os.PathLike[str]
    | os.PathLike[bytes]
    | SupportsBuffer
    | SupportsRead
    | npt.NDArray[Any]
    | SupportsArray
)
"""A picture: the path of a JPEG or PNG file; its bytes; an open binary file, which is read from its
beginning and left at the position where it was, as far as it can seek, and else from where it is to
its end; 8-bit pixels as a numpy array uint8 [height, width, 3], [height, width, 4] or
[height, width]; an image of Pillow; or the network's own normalised input as a numpy array float32
[channels, height, width]. A network of one channel is given the grey of colours, as Pillow's
`convert("L")` makes it; one of other channels than 1 or 3 takes its input only."""


class PictureList:
    """The library's array of pictures, and what has to live as long as it."""

    def __init__(
        self,
        pictures: Sequence[Picture],
        order: Order | None,
        input_shape: tuple[int, int, int],
        png16: Png16 = "high",
        limits: Limits = NO_LIMITS,
    ) -> None:
        self._limits = limits
        self.array = (_abi.Picture * len(pictures))()
        self.errors: dict[int, Error] = {}
        """What is wrong with pictures that the library cannot be given."""
        self.warnings: dict[int, tuple[str, ...]] = {}
        """What is odd about pictures that the library cannot know."""
        self._keep: list[object] = []
        self._png16 = png16
        if order is not None and (not isinstance(order, str) or order not in _ORDERS):
            names = ", ".join(_ORDERS)
            raise InvalidArgument(f"order: expected one of {names}, found {order!r}")
        for index, picture in enumerate(pictures):
            # A picture without a kind is answered with an error, so that the others keep places.
            entry = self.array[index]
            entry.size = ctypes.sizeof(_abi.Picture)
            try:
                limits.check()
                self.warnings[index] = self._set(entry, picture, order, input_shape)
            except (Cancelled, DeadlineExceeded):
                # These end the call as a whole.
                raise
            except Error as error:
                error.picture_index = index
                self.errors[index] = error
            except MemoryError as error:
                self.errors[index] = OutOfMemory(
                    f"expected memory for a contiguous copy, found none: {error}", None, index
                )
            except ValueError as error:
                # Of what lends its bytes or pixels, such as an mmap that was closed.
                self.errors[index] = InvalidArgument(f"picture: {error}", None, index)
                self.errors[index].__cause__ = error

    def _set(
        self,
        entry: _abi.Picture,
        picture: Picture,
        order: Order | None,
        input_shape: tuple[int, int, int],
    ) -> tuple[str, ...]:
        """Sets the library's entry, and gives what is odd about the picture."""
        if isinstance(picture, (str, os.PathLike)):
            self._set_path(entry, encoded_path(picture))
        elif (view := byte_view(picture)) is not None:
            self._set_encoded(entry, view)
        elif (read := getattr(picture, "read", None)) is not None and callable(read):
            self._set_encoded(entry, _read_all(picture, self._limits))
        else:
            deep = _deep_samples(picture, self._limits) if self._png16 == "high" else None
            array: npt.NDArray[Any] = _as_array(picture, self._limits) if deep is None else deep
            if array.dtype == np.uint8:
                self._set_pixels(entry, array, order)
            elif array.dtype == np.float32:
                self._set_tensor(entry, array, order, input_shape)
            else:
                raise InvalidArgument(
                    "picture: expected an array of uint8 (pixels) or float32 (normalised input), "
                    f"found {array.dtype}"
                )
            return () if deep is None else (_HIGH_BYTES_ARE_USED,)
        return ()

    def _set_path(self, entry: _abi.Picture, path: bytes) -> None:
        entry.kind = _abi.PICTURE_FILE
        entry.path = path
        self._keep.append(path)

    def _set_encoded(self, entry: _abi.Picture, data: bytearray | memoryview) -> None:
        entry.kind = _abi.PICTURE_ENCODED
        contents = bytes_of(memoryview(data), "picture")
        if contents.size > 0:
            self._borrow(entry, contents)

    def _borrow(self, entry: _abi.Picture, array: npt.NDArray[Any]) -> None:
        entry.data = array.ctypes.data
        entry.data_size = array.nbytes
        self._keep.append(array)

    def _set_pixels(
        self, entry: _abi.Picture, array: npt.NDArray[np.uint8], order: Order | None
    ) -> None:
        if array.ndim not in (2, 3):
            raise InvalidArgument(
                "picture: expected pixels [height, width, channels] or [height, width], "
                f"found shape {array.shape}"
            )
        channels = array.shape[2] if array.ndim == 3 else 1
        name = _DEFAULT_ORDERS.get(channels) if order is None else order
        if name is None:
            raise InvalidArgument(
                f"picture: expected 1, 3 or 4 channels, found shape {array.shape}"
            )
        number, expected = _ORDERS[name]
        if channels != expected:
            raise InvalidArgument(
                f"picture: expected {expected} channels, order {name}, found shape {array.shape}"
            )
        height, width = array.shape[:2]
        row = width * channels
        if not _rows_can_be_borrowed(array, row, channels):
            if array.nbytes > MOST_BYTES_COPIED:
                raise InvalidImage(
                    f"picture: expected at most {MOST_BYTES_COPIED} bytes of pixels that are not "
                    f"contiguous, found {array.nbytes}"
                )
            array = _copy(array, self._limits)
        self._borrow(entry, array)
        entry.kind = _abi.PICTURE_PIXELS
        entry.order = number
        entry.width = width
        entry.height = height
        entry.bytes_per_row = array.strides[0] if height > 1 else row
        if height > 0:
            entry.data_size = (height - 1) * entry.bytes_per_row + row

    def _set_tensor(
        self,
        entry: _abi.Picture,
        array: npt.NDArray[np.float32],
        order: Order | None,
        input_shape: tuple[int, int, int],
    ) -> None:
        if order is not None:
            raise InvalidArgument(f"order: expected none for a float32 array, found {order!r}")
        if array.shape != input_shape:
            raise InvalidArgument(
                f"picture: expected a normalised input of shape {input_shape}, found {array.shape}"
            )
        entry.kind = _abi.PICTURE_TENSOR
        self._borrow(entry, contiguous(array, self._limits))


def encoded_path(path: str | os.PathLike[str] | os.PathLike[bytes]) -> bytes:
    """A path as the system has it."""
    try:
        encoded = os.fsencode(path)
    except UnicodeEncodeError as error:
        raise InvalidArgument(
            f"path: expected what os.fsencode() encodes, found {os.fspath(path)!r}"
        ) from error
    if b"\0" in encoded:
        raise InvalidArgument(f"path: expected no zero byte, found {encoded!r}")
    return encoded


def byte_view(thing: object) -> memoryview | None:
    """The bytes that something lends, if it is bytes-like: arrays of numbers of several bytes are
    not, unless they come as a memoryview; nor are numpy's."""
    if isinstance(thing, (bytes, bytearray, memoryview)):
        return memoryview(thing)
    # Asked of the type: of an image of Pillow the attribute is made by decoding it.
    if hasattr(type(thing), "__array_interface__") or hasattr(type(thing), "__array__"):
        return None
    try:
        view = memoryview(thing)  # type: ignore[arg-type]
    except TypeError:
        return None
    return view if view.format in ("B", "b", "c") else None


def bytes_of(view: memoryview, name: str) -> npt.NDArray[np.uint8]:
    """The bytes of a memoryview, borrowed."""
    if not view.c_contiguous:
        raise InvalidArgument(f"{name}: expected contiguous bytes, found strided ones")
    if view.nbytes == 0:
        return np.zeros(0, np.uint8)
    return np.frombuffer(view.cast("B"), dtype=np.uint8)


def contiguous(array: npt.NDArray[np.float32], limits: Limits) -> npt.NDArray[np.float32]:
    """The array, or a copy if its values are not one after the other at aligned addresses."""
    flags = array.flags
    return array if flags.c_contiguous and flags.aligned else _copy(array, limits)


def _copy(array: npt.NDArray[Any], limits: Limits) -> npt.NDArray[Any]:
    """A contiguous copy, made in parts, between which limits are looked at and Ctrl-C is heard."""
    result = np.empty(array.shape, array.dtype)
    _copy_into(result, array, limits)
    return result


def _copy_into(result: npt.NDArray[Any], array: npt.NDArray[Any], limits: Limits) -> None:
    limits.check()
    if array.nbytes <= _BYTES_AT_A_TIME or array.ndim == 0:
        result[...] = array
    elif array.nbytes // len(array) > _BYTES_AT_A_TIME:
        for index in range(len(array)):
            _copy_into(result[index], array[index], limits)
    else:
        for rows in _slices(len(array), array.nbytes // len(array)):
            limits.check()
            result[rows] = array[rows]


def _slices(count: int, size: int) -> Iterator[slice]:
    """`count` rows of `size` bytes, in parts."""
    step = max(1, _BYTES_AT_A_TIME // max(1, size))
    for start in range(0, count, step):
        yield slice(start, min(start + step, count))


def _rows_can_be_borrowed(array: npt.NDArray[np.uint8], row: int, channels: int) -> bool:
    """Whether bytes within rows follow each other, and rows come one after the other with any
    distance. numpy may give any stride to a dimension that has one element."""
    height, width = array.shape[:2]
    if array.ndim == 3 and channels > 1 and array.strides[2] != 1:
        return False
    if width > 1 and array.strides[1] != channels:
        return False
    return height <= 1 or array.strides[0] >= row > 0


def _read_all(file: Any, limits: Limits) -> bytearray:
    """What an open file holds: all of it if it can seek, as Pillow reads it, and else what is left.
    A file that can seek is then where it was."""
    try:
        position = file.tell() if _can_seek(file) else None
        if position is None:
            return _read_rest(file, limits)
        file.seek(0)
        try:
            return _read_rest(file, limits)
        finally:
            file.seek(position)
    except (Error, MemoryError, _NoBinaryFile):
        raise
    except ValueError as error:
        # A file that was closed.
        raise InvalidArgument(f"picture: {_name_of(file)}: {error}") from error
    except Exception as error:
        # The system's, or whatever a decompressor, an archive or a connection raises.
        reason = str(error) or type(error).__name__
        raise NotReadable(f"picture: {_name_of(file)}: {reason}") from error


class _NoBinaryFile(TypeError):
    """A file that reads something else than bytes."""


def _can_seek(file: Any) -> bool:
    seekable = getattr(file, "seekable", None)
    if seekable is not None:
        return bool(seekable())
    return hasattr(file, "seek") and hasattr(file, "tell")


def _read_rest(file: Any, limits: Limits) -> bytearray:
    contents = bytearray()
    pipe = None if limits.are_none else _pipe_of(file)
    read = file.read
    if pipe is not None:
        # What is there, rather than as much as is asked for.
        read = getattr(file, "read1", read)
    while True:
        limits.check()
        if pipe is not None:
            _wait_for(pipe, limits)
        part = read(_BYTES_AT_A_TIME)
        if part is None:
            raise NotReadable(
                f"picture: {_name_of(file)}: expected bytes, found a stream that does not wait"
            )
        if not isinstance(part, (bytes, bytearray, memoryview)):
            raise _NoBinaryFile(
                f"picture: expected a file that is open in binary mode, found one that reads "
                f"{type(part).__name__}"
            )
        if len(part) == 0:
            return contents
        contents += part
        if len(contents) > _LARGEST_FILE:
            raise NotReadable(
                f"picture: {_name_of(file)}: expected at most {_LARGEST_FILE} bytes, found more"
            )


def _pipe_of(file: Any) -> int | None:
    """The descriptor of a pipe or a terminal that Python itself reads: its end, for which reading
    has to wait in any case, is something to wait for in the system, whatever was read ahead."""
    raw = file.raw if isinstance(file, io.BufferedReader) else file
    if not isinstance(raw, io.FileIO):
        return None
    descriptor = raw.fileno()
    mode = os.fstat(descriptor).st_mode
    return descriptor if stat.S_ISFIFO(mode) or stat.S_ISCHR(mode) else None


def _wait_for(descriptor: int, limits: Limits) -> None:
    """Waits until there is something to read, or nothing will come any more."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    while not poll.poll(_SECONDS_OF_WAITING * 1000):
        limits.check()


def _name_of(file: Any) -> str:
    name = getattr(file, "name", None)
    return repr(name) if isinstance(name, (str, bytes)) else type(file).__name__


def _deep_samples(picture: Any, limits: Limits) -> npt.NDArray[np.uint8] | None:
    """The high bytes of an image of Pillow that has 16-bit grey samples, as the library takes them
    from a file; None for all else. Pillow's mode "I" has 32 bits, of which older versions use 16
    for such a file."""
    mode = getattr(picture, "mode", None)
    if not isinstance(mode, str) or not hasattr(picture, "convert"):
        return None
    if mode != "I" and not mode.startswith("I;16"):
        return None
    largest = 0

    def high_bytes(part: Any) -> npt.NDArray[np.uint8]:
        nonlocal largest
        samples = np.asarray(part)
        largest = max(largest, int(samples.max(initial=0)))
        high: npt.NDArray[np.uint8] = (np.clip(samples, 0, 65535) >> 8).astype(np.uint8)
        return high

    high = _strips(picture, high_bytes, limits)
    if mode == "I" and getattr(picture, "format", None) != "PNG" and largest <= 255:
        return None
    return high


def _as_array(picture: Any, limits: Limits) -> npt.NDArray[Any]:
    if isinstance(picture, np.ndarray):
        return np.asarray(picture)
    mode = getattr(picture, "mode", None)
    if isinstance(mode, str) and hasattr(picture, "convert"):
        # An image of Pillow. Arrays of other modes are no colours: palettes, ink, 16 bits.
        if mode in ("RGB", "RGBA", "L"):
            return _strips(picture, np.asarray, limits)
        return _strips(picture, lambda part: np.asarray(part.convert("RGB")), limits)
    if hasattr(picture, "__array_interface__") or hasattr(picture, "__array__"):
        try:
            return np.asarray(picture)
        except MemoryError:
            raise
        except Exception as error:
            raise InvalidImage(f"picture: {type(picture).__name__}: {error}") from error
    raise TypeError(
        "picture: expected a path, bytes, an open file, an image of Pillow or a numpy array, "
        f"found {type(picture).__name__}"
    )


def _strips(
    picture: Any, convert: Callable[[Any], npt.NDArray[Any]], limits: Limits
) -> npt.NDArray[Any]:
    """What `convert` makes of an image of Pillow, in strips of some rows, between which limits are
    looked at and Ctrl-C is heard. Pillow reads the image's file only now, which takes its time
    whatever the limits, and raises all kinds of errors for one that is damaged."""
    result: npt.NDArray[Any] | None = None
    try:
        if not hasattr(picture, "crop"):
            return convert(picture)
        width, height = picture.size
        # Four bytes for a pixel, as Pillow has them.
        for rows in _slices(height, 4 * width):
            limits.check()
            if rows == slice(0, height):
                return convert(picture)
            part = convert(picture.crop((0, rows.start, width, rows.stop)))
            if result is None:
                result = np.empty((height, *part.shape[1:]), part.dtype)
            result[rows] = part
        return convert(picture) if result is None else result
    except (Error, MemoryError):
        raise
    except Exception as error:
        raise InvalidImage(f"picture: Pillow: {error}") from error
