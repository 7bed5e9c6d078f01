"""What a model finds out about pictures."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _abi
from ._controls import checked_integer
from ._library import Handle, api, check


@dataclass(frozen=True, slots=True)
class Prediction:
    """One class in the answer about a picture."""

    index: int
    """Place of the class in the logits, from 0."""
    label: str | None
    """Name of the class; None when the model has no labels."""
    probability: float
    """Softmax of the logits, 0 ... 1, rounded to Float32; of a single logit its sigmoid."""
    logit: float
    """The network's output as it is."""


class _View:
    """Float32 values of the library, for numpy, which keeps this object and so their owner."""

    def __init__(self, values: _abi.Values, shape: tuple[int, ...], owner: Handle) -> None:
        self._owner = owner
        self.__array_interface__: dict[str, Any] = {
            "version": 3,
            "typestr": "<f4",
            "shape": shape,
            "data": (values.values, True),
        }


def _array(values: _abi.Values, shape: tuple[int, ...], owner: Handle) -> npt.NDArray[np.float32]:
    if values.count == 0:
        return np.zeros(shape, np.float32)
    return np.asarray(_View(values, shape, owner))


class Answer:
    """What a model finds out about one picture.

    Arrays are read-only views of memory that all answers of a call share, and that is freed with
    the last of them; `.copy()` gives an array of its own. To send an answer to another process,
    send its arrays or predictions.
    """

    def __init__(
        self,
        handle: Handle,
        index: int,
        class_count: int,
        features: bool,
        stages: tuple[str, ...],
        warnings: tuple[str, ...] = (),
    ) -> None:
        self._handle = handle
        self._index = index
        self._class_count = class_count
        self._has_features = features
        self._stages = stages
        self._warnings = warnings

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is odd about the picture, a sentence each: that its file is damaged, or that its
        pixels are not those that Pillow would give. Empty for most."""
        found: list[str] = []
        while warning := api().answers_warning(self._handle.pointer, self._index, len(found)):
            found.append(warning.decode())
        return (*self._warnings, *found)

    @property
    def logits(self) -> npt.NDArray[np.float32]:
        """The network's output as it is, float32 [classes]."""
        values = _abi.Values()
        check(api().answers_logits(self._handle.pointer, self._index, ctypes.byref(values)))
        return _array(values, (values.count,), self._handle)

    @property
    def probabilities(self) -> npt.NDArray[np.float32]:
        """Softmax of the logits, float32 [classes], computed in double precision and rounded once:
        the same bits everywhere. Of a single logit its sigmoid. All are NaN when a logit is NaN or
        infinite."""
        result = np.empty(self._class_count, np.float32)
        check(
            api().answers_probabilities(
                self._handle.pointer, self._index, result.ctypes.data, result.size
            )
        )
        return result

    def top(self, count: int = 5) -> list[Prediction]:
        """The `count` largest logits, largest first, of equal ones the lower index first; no more
        than there are classes. Raises NotFinite when a logit is NaN or infinite."""
        room = min(checked_integer(count, "count", 0, 2**63 - 1), self._class_count)
        predictions = (_abi.Prediction * room)()
        for prediction in predictions:
            prediction.size = ctypes.sizeof(_abi.Prediction)
        found = ctypes.c_size_t(room)
        check(
            api().answers_top(self._handle.pointer, self._index, predictions, ctypes.byref(found))
        )
        return [
            Prediction(
                prediction.index,
                None if prediction.label is None else prediction.label.decode(),
                prediction.probability,
                prediction.logit,
            )
            for prediction in predictions[: found.value]
        ]

    @property
    def features(self) -> npt.NDArray[np.float32] | None:
        """The values before the linear layer, float32 [features]; None unless the call asked for
        them."""
        if not self._has_features:
            return None
        values = _abi.Values()
        check(api().answers_features(self._handle.pointer, self._index, ctypes.byref(values)))
        return _array(values, (values.count,), self._handle)

    @property
    def feature_maps(self) -> Mapping[str, npt.NDArray[np.float32]]:
        """The feature map of each stage that the call asked for, float32
        [channels, height, width]."""
        maps = {}
        for stage in self._stages:
            values = _abi.Values()
            check(
                api().answers_stage(
                    self._handle.pointer, self._index, stage.encode(), ctypes.byref(values)
                )
            )
            shape = (values.channels, values.height, values.width)
            maps[stage] = _array(values, shape, self._handle)
        return MappingProxyType(maps)

    def __repr__(self) -> str:
        return f"<orepa.Answer of picture {self._index}, {self._class_count} logits>"
