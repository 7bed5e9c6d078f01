"""What orepa.h declares, for ctypes.

Structs, constants and the table of functions have the names and the order of the header; a test
compiles the header and compares all of them.
"""

from __future__ import annotations

import ctypes
from ctypes import (
    POINTER,
    c_bool,
    c_char_p,
    c_double,
    c_float,
    c_int32,
    c_int64,
    c_size_t,
    c_uint64,
    c_void_p,
)
from typing import TYPE_CHECKING, Any

API_VERSION = 1

NUMERICS_FAST = 0
NUMERICS_STRICT = 1

MEMORY_FAST = 0
MEMORY_SMALL = 1
MEMORY_MAPPED = 2

THREADS_OWN = 0
THREADS_SHARED = 1
THREADS_CALLER = 2
THREADS_PARALLEL_FOR = 3

LOG_INFO = 0
LOG_WARNING = 1

PICTURE_FILE = 1
PICTURE_ENCODED = 2
PICTURE_PIXELS = 3
PICTURE_TENSOR = 4

ORDER_RGB = 0
ORDER_BGR = 1
ORDER_RGBA = 2
ORDER_BGRA = 3
ORDER_GREY = 4

PNG16_HIGH = 0
PNG16_PILLOW = 1

LogFunction = ctypes.CFUNCTYPE(None, c_void_p, c_int32, c_char_p)


class Sized(ctypes.Structure):
    """A struct of the header: it begins with its own size, all else is zero."""

    size: int

    def __init__(self, **fields: Any) -> None:
        super().__init__(size=ctypes.sizeof(type(self)), **fields)


class ModelOptions(Sized):
    """orepa_model_options"""

    _fields_ = [
        ("size", c_size_t),
        ("numerics", c_int32),
        ("memory", c_int32),
        ("threads", c_int32),
        ("thread_count", c_int32),
        ("pool", c_void_p),
        ("parallel_for", c_void_p),
        ("parallel_for_context", c_void_p),
        ("input_height", c_int32),
        ("input_width", c_int32),
        ("skip_probe", c_bool),
        ("exif_orientation", c_bool),
        ("maximum_pixels", c_size_t),
        ("maximum_image_memory", c_size_t),
        ("maximum_jpeg_scans", c_size_t),
        ("log", LogFunction),
        ("log_context", c_void_p),
        ("trust_packed_weights", c_bool),
        ("maximum_multiply_adds", c_uint64),
        ("maximum_model_memory", c_size_t),
        ("load_timeout_nanoseconds", c_int64),
        ("load_cancellation", c_void_p),
        ("maximum_jpeg_scanned_samples", c_size_t),
        ("png16", c_int32),
        ("strict_pictures", c_bool),
    ]


class ModelInfo(Sized):
    """orepa_model_info"""

    _fields_ = [
        ("size", c_size_t),
        ("class_count", c_size_t),
        ("input_channels", c_size_t),
        ("input_height", c_size_t),
        ("input_width", c_size_t),
        ("feature_count", c_size_t),
        ("stage_count", c_size_t),
        ("thread_count", c_size_t),
        ("numerics", c_int32),
        ("memory", c_int32),
        ("instruction_set", c_char_p),
        ("has_labels", c_bool),
    ]


class Stage(Sized):
    """orepa_stage"""

    _fields_ = [
        ("size", c_size_t),
        ("name", c_char_p),
        ("channels", c_size_t),
        ("height", c_size_t),
        ("width", c_size_t),
    ]


class MemoryRequirement(Sized):
    """orepa_memory_requirement"""

    _fields_ = [("size", c_size_t), ("weights", c_size_t), ("per_context", c_size_t)]


class Picture(Sized):
    """orepa_picture"""

    _fields_ = [
        ("size", c_size_t),
        ("kind", c_int32),
        ("order", c_int32),
        ("path", c_char_p),
        ("data", c_void_p),
        ("data_size", c_size_t),
        ("width", c_size_t),
        ("height", c_size_t),
        ("bytes_per_row", c_size_t),
    ]


class RunOptions(Sized):
    """orepa_run_options"""

    _fields_ = [
        ("size", c_size_t),
        ("features", c_bool),
        ("stages", POINTER(c_char_p)),
        ("stage_count", c_size_t),
        ("timeout_nanoseconds", c_int64),
        ("cancellation", c_void_p),
    ]


class Prediction(Sized):
    """orepa_prediction"""

    _fields_ = [
        ("size", c_size_t),
        ("index", c_size_t),
        ("label", c_char_p),
        ("probability", c_float),
        ("logit", c_float),
    ]


class Values(Sized):
    """orepa_values"""

    _fields_ = [
        ("size", c_size_t),
        ("values", c_void_p),
        ("count", c_size_t),
        ("channels", c_size_t),
        ("height", c_size_t),
        ("width", c_size_t),
    ]


class StageOutput(Sized):
    """orepa_stage_output"""

    _fields_ = [
        ("size", c_size_t),
        ("name", c_char_p),
        ("values", c_void_p),
        ("count", c_size_t),
    ]


class Outputs(Sized):
    """orepa_outputs"""

    _fields_ = [
        ("size", c_size_t),
        ("logits", c_void_p),
        ("logit_count", c_size_t),
        ("features", c_void_p),
        ("feature_value_count", c_size_t),
        ("stages", POINTER(StageOutput)),
        ("stage_count", c_size_t),
    ]


class Metadata(Sized):
    """orepa_metadata"""

    _fields_ = [
        ("size", c_size_t),
        ("json", c_char_p),
        ("family", c_char_p),
        ("tool", c_char_p),
        ("source_name", c_char_p),
        ("source_sha256", c_char_p),
        ("resize", c_size_t),
        ("crop", c_size_t),
        ("channel_count", c_size_t),
        ("mean", c_void_p),
        ("std", c_void_p),
        ("interpolation", c_char_p),
        ("block_error", c_double),
        ("logit_error", c_double),
        ("fast_logit_error", c_double),
    ]


STRUCTS: dict[str, type[Sized]] = {
    "orepa_model_options": ModelOptions,
    "orepa_model_info": ModelInfo,
    "orepa_stage": Stage,
    "orepa_memory_requirement": MemoryRequirement,
    "orepa_picture": Picture,
    "orepa_run_options": RunOptions,
    "orepa_prediction": Prediction,
    "orepa_values": Values,
    "orepa_stage_output": StageOutput,
    "orepa_outputs": Outputs,
    "orepa_metadata": Metadata,
}
"""The header's names of the structs."""

# Functions that may take long, or wait for threads that may call back, release the interpreter's
# lock. All others return at once and keep it: to get it back from a busy thread takes milliseconds.
_Releasing = ctypes.CFUNCTYPE
_Keeping = ctypes.PYFUNCTYPE
_status = c_int32
_handle = c_void_p
_new_handle = POINTER(c_void_p)

_FUNCTIONS: list[tuple[str, Any]] = [
    ("last_error", _Keeping(c_char_p)),
    ("status_name", _Keeping(c_char_p, _status)),
    ("model_load", _Releasing(_status, c_char_p, POINTER(ModelOptions), _new_handle)),
    (
        "model_load_bytes",
        _Releasing(_status, c_void_p, c_size_t, c_char_p, POINTER(ModelOptions), _new_handle),
    ),
    ("model_free", _Releasing(None, _handle)),
    ("model_describe", _Keeping(_status, _handle, POINTER(ModelInfo))),
    ("model_label", _Keeping(_status, _handle, c_size_t, POINTER(c_char_p))),
    ("model_stage", _Keeping(_status, _handle, c_size_t, POINTER(Stage))),
    ("model_memory", _Releasing(_status, _handle, c_size_t, POINTER(MemoryRequirement))),
    ("model_trim", _Releasing(_status, _handle)),
    (
        "run",
        _Releasing(_status, _handle, POINTER(Picture), c_size_t, POINTER(RunOptions), _new_handle),
    ),
    (
        "run_tensor",
        _Releasing(
            _status,
            _handle,
            c_void_p,
            c_size_t,
            c_size_t,
            c_void_p,
            c_size_t,
            POINTER(RunOptions),
        ),
    ),
    ("answers_count", _Keeping(c_size_t, _handle)),
    ("answers_status", _Keeping(_status, _handle, c_size_t)),
    ("answers_message", _Keeping(c_char_p, _handle, c_size_t)),
    (
        "answers_top",
        _Keeping(_status, _handle, c_size_t, POINTER(Prediction), POINTER(c_size_t)),
    ),
    ("answers_logits", _Keeping(_status, _handle, c_size_t, POINTER(Values))),
    ("answers_probabilities", _Keeping(_status, _handle, c_size_t, c_void_p, c_size_t)),
    ("answers_features", _Keeping(_status, _handle, c_size_t, POINTER(Values))),
    ("answers_stage", _Keeping(_status, _handle, c_size_t, c_char_p, POINTER(Values))),
    ("answers_free", _Releasing(None, _handle)),
    ("pool_new", _Releasing(_status, c_int32, _new_handle)),
    ("pool_thread_count", _Keeping(c_size_t, _handle)),
    ("pool_free", _Releasing(None, _handle)),
    ("cancellation_new", _Keeping(_status, _new_handle)),
    ("cancellation_cancel", _Keeping(None, _handle)),
    ("cancellation_free", _Keeping(None, _handle)),
    ("answers_warning", _Keeping(c_char_p, _handle, c_size_t, c_size_t)),
    (
        "run_into",
        _Releasing(
            _status,
            _handle,
            POINTER(Picture),
            c_size_t,
            POINTER(Outputs),
            POINTER(RunOptions),
            _new_handle,
        ),
    ),
    (
        "run_tensor_into",
        _Releasing(
            _status,
            _handle,
            c_void_p,
            c_size_t,
            c_size_t,
            POINTER(Outputs),
            POINTER(RunOptions),
        ),
    ),
    ("model_metadata", _Keeping(_status, _handle, POINTER(Metadata))),
]


class Api(ctypes.Structure):
    """orepa_api, the table of functions."""

    _fields_ = [("size", c_size_t), ("library_version", c_char_p), *_FUNCTIONS]

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...
