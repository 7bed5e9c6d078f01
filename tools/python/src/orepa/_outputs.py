"""Memory of the caller's that a call writes to."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from . import _abi
from ._errors import InvalidArgument
from ._pictures import SupportsBuffer

FloatBuffer: TypeAlias = npt.NDArray[np.float32] | SupportsBuffer
"""Memory for float32 values, writable and contiguous: a numpy array, or whatever else lends its
memory, such as array.array("f"), a memoryview or an array of ctypes."""


class OutputList:
    """The library's outputs, and what has to live as long as they."""

    def __init__(self, rows: tuple[int, ...], class_count: int) -> None:
        """`rows`: the first dimension of all shapes, or none."""
        self._rows = rows
        self._class_count = class_count
        self.struct = _abi.Outputs()
        self._keep: list[object] = []

    def set_logits(self, buffer: FloatBuffer) -> None:
        values = self._values(buffer, "logits", (self._class_count,))
        self.struct.logits, self.struct.logit_count = values.ctypes.data, values.size

    def set_features(self, buffer: FloatBuffer, feature_count: int) -> None:
        values = self._values(buffer, "features", (feature_count,))
        self.struct.features, self.struct.feature_value_count = values.ctypes.data, values.size

    def set_stages(
        self,
        buffers: Mapping[str, FloatBuffer],
        stages: Sequence[tuple[str, tuple[int, int, int]]],
    ) -> None:
        if not isinstance(buffers, Mapping):
            raise TypeError(
                f"stages: expected a mapping of names to buffers, found {type(buffers).__name__}"
            )
        shapes = dict(stages)
        outputs = (_abi.StageOutput * len(buffers))()
        for output, (name, buffer) in zip(outputs, buffers.items(), strict=True):
            if name not in shapes:
                raise InvalidArgument(
                    f"stages: expected one of {', '.join(shapes)}, found {name!r}"
                )
            values = self._values(buffer, name, shapes[name])
            output.size = ctypes.sizeof(_abi.StageOutput)
            output.name = name.encode()
            output.values, output.count = values.ctypes.data, values.size
        self.struct.stages, self.struct.stage_count = outputs, len(outputs)

    def _values(
        self, buffer: FloatBuffer, name: str, shape: tuple[int, ...]
    ) -> npt.NDArray[np.float32]:
        """The memory of `buffer`, which has room for `shape` of each picture."""
        values = _array(buffer, name)
        expected = (*self._rows, *shape)
        count = int(np.prod(expected))
        if values.dtype != np.float32 or values.shape not in (expected, (count,)):
            raise InvalidArgument(
                f"{name}: expected float32 {expected}, found {values.dtype} {values.shape}"
            )
        if not values.flags.writeable:
            raise InvalidArgument(f"{name}: expected a writable buffer, found a read-only one")
        if not (values.flags.c_contiguous and values.flags.aligned):
            raise InvalidArgument(
                f"{name}: expected values one after the other, aligned, found other ones"
            )
        self._keep.append(values)
        return values


def _array(buffer: object, name: str) -> npt.NDArray[np.float32]:
    if isinstance(buffer, np.ndarray):
        return buffer
    try:
        view = memoryview(buffer)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(
            f"{name}: expected a numpy array or another buffer of float32, found "
            f"{type(buffer).__name__}"
        ) from None
    try:
        return np.asarray(view)
    except (ValueError, TypeError) as error:
        raise InvalidArgument(f"{name}: expected float32, found {view.format!r}: {error}") from None
