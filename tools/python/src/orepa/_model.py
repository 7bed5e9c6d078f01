"""A deployed model, ready to run."""

from __future__ import annotations

import array
import ctypes
import logging
import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, Self, TypeAlias, overload

import numpy as np
import numpy.typing as npt

from . import _abi, _interrupts
from ._answers import Answer, Prediction
from ._controls import MOST_THREADS, Cancellation, Pool, checked_integer
from ._errors import Error, InvalidArgument, OutOfMemory, PictureWarning, make_error
from ._library import Handle, api, check
from ._limits import Limits
from ._metadata import Metadata, parsed_metadata
from ._outputs import FloatBuffer, OutputList
from ._pictures import (
    Order,
    Picture,
    PictureList,
    Png16,
    SupportsBuffer,
    byte_view,
    bytes_of,
    contiguous,
    encoded_path,
)

Numerics = Literal["fast", "strict"]
Memory = Literal["fast", "small", "mapped"]
Log: TypeAlias = Callable[[int, str], None]
"""Takes a message and how much it matters: logging.INFO or logging.WARNING."""

_NUMERICS: dict[str, int] = {"fast": _abi.NUMERICS_FAST, "strict": _abi.NUMERICS_STRICT}
_PNG16: dict[str, int] = {"high": _abi.PNG16_HIGH, "pillow": _abi.PNG16_PILLOW}
_MEMORY: dict[str, int] = {
    "fast": _abi.MEMORY_FAST,
    "small": _abi.MEMORY_SMALL,
    "mapped": _abi.MEMORY_MAPPED,
}


_SINGLE_SEQUENCES = (str, bytes, bytearray, memoryview, array.array)
"""Types of pictures that are sequences."""


class Stage(NamedTuple):
    """A stage of a network: a run of blocks of one resolution."""

    name: str
    shape: tuple[int, int, int]
    """Its feature map of one picture, float32 [channels, height, width]."""


class MemoryRequirement(NamedTuple):
    """Bytes of memory that a model takes, beside what decoding a picture does for a while."""

    weights: int
    """Weights in the form that the kernels read, once for all calls; 0 where they are used in the
    file or made for each call."""
    per_context: int
    """For each call that overlaps with others. Kept for later calls until `Model.trim`."""


class Model:
    """A deployed model, ready to run. Immutable; any number of threads may use it together, and
    the interpreter's lock is released while it runs.

    `model` is the path of a model file, or its bytes, which are copied: also those that another
    object lends, such as mmap. A path that is bytes becomes one by os.fsdecode(path).

    `numerics`: "fast", or "strict", direct sums only, closer to Float64 and slower.
    `memory`: "fast" keeps weights packed as the kernels read them; "small" packs them anew for each
    call; "mapped" uses them in the file, shared by all processes (see orepa.h for its risk). All
    give the same bits.
    `threads`: None, a pool of the model's own with a thread for each available processor; a number,
    such a pool with so many threads, the calling one included; 0 or "caller", the calling thread
    only; a Pool, shared with other models. The bits do not depend on it.
    `input_size`: height and width of the network's input in pixels, or one number for both; None:
    what the model was made for.
    `check_probe`: runs the picture that the file keeps with its logits, and raises ProbeFailed
    unless they come out to the bit.
    `exif_orientation`: turns pictures the way their EXIF orientation asks for.
    `png16`: what becomes of 16-bit grey samples, in a PNG file or an image of Pillow: "high", their
    high byte, with a warning in the answer; "pillow", what Pillow's convert("RGB") makes of them.
    `strict_pictures`: makes an error of damaged files that Pillow reads, rather than an answer with
    `Answer.warnings`.
    `log`: called with a level of `logging` and a message, on any thread.
    `interruptible`: whether Ctrl-C ends calls, and the loading of the model, when they are made in
    the main thread: within 100 ms KeyboardInterrupt is raised. So do SIGTERM and SIGHUP whose
    handlers raise an exception. A thread of the package listens for them meanwhile; without it, as
    for other signals, handlers run when the call is done.
    `trust_packed_weights`: uses packed weights that the file holds. Nothing compares them with the
    plain ones: for files of one's own, or that `orepa-infer verify` has passed.
    `maximum_multiply_adds`, `maximum_model_memory`: what the model may cost a picture, in
    multiply-adds and in bytes of weights, feature maps and answers; None: 10^12 and 2^33. A model
    that costs more raises InvalidModel.
    `maximum_pixels`, `maximum_image_memory`, `maximum_jpeg_scans`, `maximum_jpeg_scanned_samples`:
    what a picture may cost, in pixels, bytes, scans, and samples in all scans together; None:
    178,956,970, 2^30, 100 and 2,000,000,000. The bytes are also what all calls of the process may
    decode in at a time, where who needs more waits; beside that each file's contents and each copy
    of an array of pixels may take as much (docs/hosts.md tells of how many at a time).

    `timeout`: seconds, after which loading raises DeadlineExceeded; it is looked at while the file
    is read, weights are packed and the probe is run. `cancellation`: ends the loading from another
    thread, with Cancelled. Calls have limits of their own.

    Pickled by path, so that it is loaded again where it is unpickled. Forked processes may go on
    using it. `close`, or a `with` statement, frees it once the calls that run are done.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | os.PathLike[bytes] | SupportsBuffer,
        *,
        numerics: Numerics = "fast",
        memory: Memory = "fast",
        threads: int | Literal["caller"] | Pool | None = None,
        input_size: int | tuple[int, int] | None = None,
        check_probe: bool = True,
        exif_orientation: bool = False,
        log: Log | None = None,
        interruptible: bool = True,
        maximum_pixels: int | None = None,
        maximum_image_memory: int | None = None,
        maximum_jpeg_scans: int | None = None,
        trust_packed_weights: bool = False,
        maximum_multiply_adds: int | None = None,
        maximum_model_memory: int | None = None,
        maximum_jpeg_scanned_samples: int | None = None,
        png16: Png16 = "high",
        strict_pictures: bool = False,
        timeout: float | None = None,
        cancellation: Cancellation | None = None,
    ) -> None:
        load_limits = Limits(timeout, cancellation)
        self._handle: Handle | None = None
        options = _abi.ModelOptions()
        options.numerics = _choice(numerics, "numerics", _NUMERICS)
        options.memory = _choice(memory, "memory", _MEMORY)
        _set_threads(options, threads)
        if input_size is not None:
            height, width = _size(input_size)
            options.input_height, options.input_width = height, width
        options.skip_probe = not check_probe
        options.exif_orientation = bool(exif_orientation)
        options.trust_packed_weights = bool(trust_packed_weights)
        options.png16 = _choice(png16, "png16", _PNG16)
        options.strict_pictures = bool(strict_pictures)
        self._png16 = png16
        limits = {
            "maximum_pixels": maximum_pixels,
            "maximum_image_memory": maximum_image_memory,
            "maximum_jpeg_scans": maximum_jpeg_scans,
            "maximum_multiply_adds": maximum_multiply_adds,
            "maximum_model_memory": maximum_model_memory,
            "maximum_jpeg_scanned_samples": maximum_jpeg_scanned_samples,
        }
        for name, limit in limits.items():
            if limit is not None:
                setattr(options, name, checked_integer(limit, name, 1, 2**63 - 1))
        callback = None if log is None else _log_function(log)
        if callback is not None:
            options.log = callback
        self._interruptible = bool(interruptible)
        handle = Handle(api().model_free, keep=callback)
        place = ctypes.byref(handle.pointer)
        self._path: str | None = None
        if isinstance(model, (str, os.PathLike)):
            path = encoded_path(model)
            self._load(
                lambda: check(api().model_load(path, ctypes.byref(options), place)),
                options,
                load_limits,
            )
            self._path = os.path.abspath(os.fsdecode(model))
        else:
            contents = _contents(model)
            self._load(
                lambda: check(
                    api().model_load_bytes(
                        contents.ctypes.data, contents.size, None, ctypes.byref(options), place
                    )
                ),
                options,
                load_limits,
            )
        self._options: dict[str, Any] = {
            "numerics": numerics,
            "memory": memory,
            "threads": threads,
            "input_size": input_size,
            "check_probe": check_probe,
            "exif_orientation": exif_orientation,
            "png16": png16,
            "strict_pictures": strict_pictures,
            "log": log,
            "interruptible": interruptible,
            "trust_packed_weights": trust_packed_weights,
            **limits,
        }
        self._describe(handle)
        self._handle = handle

    def _load(self, work: Callable[[], None], options: _abi.ModelOptions, limits: Limits) -> None:
        options.load_timeout_nanoseconds = limits.nanoseconds
        if limits.cancellation is not None:
            options.load_cancellation = limits.cancellation._handle.pointer
        if self._interruptible:
            _interrupts.load(work, options, limits.cancellation)
        else:
            work()

    def _describe(self, handle: Handle) -> None:
        info = _abi.ModelInfo()
        check(api().model_describe(handle.pointer, ctypes.byref(info)))
        self._info = info
        self._input_shape = (info.input_channels, info.input_height, info.input_width)
        self._labels: tuple[str, ...] | None = None
        if info.has_labels:
            label = ctypes.c_char_p()
            labels = []
            for index in range(info.class_count):
                check(api().model_label(handle.pointer, index, ctypes.byref(label)))
                labels.append((label.value or b"").decode())
            self._labels = tuple(labels)
        stages = []
        for index in range(info.stage_count):
            stage = _abi.Stage()
            check(api().model_stage(handle.pointer, index, ctypes.byref(stage)))
            shape = (stage.channels, stage.height, stage.width)
            stages.append(Stage(stage.name.decode(), shape))
        self._stages = tuple(stages)
        metadata = _abi.Metadata()
        check(api().model_metadata(handle.pointer, ctypes.byref(metadata)))
        self._metadata = parsed_metadata(metadata.json)

    # What it is

    @property
    def metadata(self) -> Metadata:
        """What the model's file records about it: where it comes from, how pictures are prepared,
        what was assumed and verified."""
        return self._metadata

    @property
    def class_count(self) -> int:
        """Number of classes, which is the number of logits of a picture."""
        return int(self._info.class_count)

    @property
    def labels(self) -> tuple[str, ...] | None:
        """Names of the classes; None when the model has none."""
        return self._labels

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """The network's input for one picture, [channels, height, width]."""
        return self._input_shape

    @property
    def feature_count(self) -> int:
        """Number of values before the linear layer."""
        return int(self._info.feature_count)

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The stages whose feature maps can be asked for, in the order of the network."""
        return self._stages

    @property
    def thread_count(self) -> int:
        """How many threads run a call at most, the calling one included."""
        return int(self._info.thread_count)

    @property
    def instruction_set(self) -> str:
        """ "avx512", "avx2", "neon" or "portable"."""
        return str(self._info.instruction_set.decode())

    @property
    def numerics(self) -> Numerics:
        return "strict" if self._info.numerics == _abi.NUMERICS_STRICT else "fast"

    @property
    def memory(self) -> Memory:
        """How weights are kept: "mapped" only if the file lets them be."""
        names: dict[int, Memory] = {
            _abi.MEMORY_SMALL: "small",
            _abi.MEMORY_MAPPED: "mapped",
        }
        return names.get(self._info.memory, "fast")

    def memory_requirement(self, batch: int = 1) -> MemoryRequirement:
        """What memory the model takes if a call brings `batch` pictures. Does not run anything."""
        handle = self._open_handle()
        result = _abi.MemoryRequirement()
        count = checked_integer(batch, "batch", 1, 2**63 - 1)
        check(api().model_memory(handle.pointer, count, ctypes.byref(result)))
        return MemoryRequirement(result.weights, result.per_context)

    def trim(self) -> None:
        """Gives back the memory that calls have left for later ones. Running ones keep theirs."""
        handle = self._open_handle()
        check(api().model_trim(handle.pointer))

    # Calls

    def classify(
        self,
        picture: Picture,
        top_k: int = 5,
        *,
        order: Order | None = None,
        timeout: float | None = None,
        cancellation: Cancellation | None = None,
    ) -> list[Prediction]:
        """Names what a picture shows: the `top_k` most probable classes, the most probable first.

        `order`: what the channels of an array of pixels are; None: grey, RGB or RGBA, by their
        number. `timeout`: seconds, after which DeadlineExceeded is raised; what Pillow does for
        an image of its own, such as reading its file, ends before that is found.

        Of a picture that is damaged and answered all the same a PictureWarning tells.
        """
        count = checked_integer(top_k, "top_k", 0, 2**63 - 1)
        (answer,) = self._run([picture], False, (), order, timeout, cancellation)
        answer = _raised(answer)
        for sentence in answer.warnings:
            warnings.warn(sentence, PictureWarning, stacklevel=2)
        return answer.top(count)

    @overload
    def classify_batch(
        self,
        pictures: Sequence[Picture],
        top_k: int = 5,
        *,
        order: Order | None = None,
        timeout: float | None = None,
        cancellation: Cancellation | None = None,
        errors: Literal["raise"] = "raise",
    ) -> list[list[Prediction]]: ...

    @overload
    def classify_batch(
        self,
        pictures: Sequence[Picture],
        top_k: int = 5,
        *,
        order: Order | None = None,
        timeout: float | None = None,
        cancellation: Cancellation | None = None,
        errors: Literal["return"],
    ) -> list[list[Prediction] | Error]: ...

    def classify_batch(
        self,
        pictures: Sequence[Picture],
        top_k: int = 5,
        *,
        order: Order | None = None,
        timeout: float | None = None,
        cancellation: Cancellation | None = None,
        errors: Literal["raise", "return"] = "raise",
    ) -> list[list[Prediction]] | list[list[Prediction] | Error]:
        """`classify` for any number of pictures, of any kinds, in one call.

        `errors`: "raise" raises the error of the first picture that is at fault, "return" returns
        errors in their pictures' places.
        """
        count = checked_integer(top_k, "top_k", 0, 2**63 - 1)
        _check_errors(errors)
        answers = self._run(pictures, False, (), order, timeout, cancellation)
        results: list[list[Prediction] | Error] = []
        for index, answer in enumerate(answers):
            if isinstance(answer, Answer):
                for sentence in answer.warnings:
                    warnings.warn(f"pictures[{index}]: {sentence}", PictureWarning, stacklevel=2)
                try:
                    results.append(answer.top(count))
                    continue
                except Error as error:
                    error.picture_index = index
                    answer = error
            if errors == "raise":
                raise answer
            results.append(answer)
        return results

    # A path and bytes are sequences too, and pictures first of all.
    @overload
    def run(  # type: ignore[overload-overlap]
        self,
        pictures: Picture,
        *,
        features: bool = False,
        stages: Sequence[str] = (),
        order: Order | None = None,
        timeout: float | None = None,
        cancellation: Cancellation | None = None,
        errors: Literal["raise"] = "raise",
    ) -> Answer: ...

    @overload
    def run(
        self,
        pictures: Sequence[Picture],
        *,
        features: bool = False,
        stages: Sequence[str] = (),
        order: Order | None = None,
        timeout: float | None = None,
        cancellation: Cancellation | None = None,
        errors: Literal["raise"] = "raise",
    ) -> list[Answer]: ...

    @overload
    def run(
        self,
        pictures: Sequence[Picture],
        *,
        features: bool = False,
        stages: Sequence[str] = (),
        order: Order | None = None,
        timeout: float | None = None,
        cancellation: Cancellation | None = None,
        errors: Literal["return"],
    ) -> list[Answer | Error]: ...

    def run(
        self,
        pictures: Picture | Sequence[Picture],
        *,
        features: bool = False,
        stages: Sequence[str] = (),
        order: Order | None = None,
        timeout: float | None = None,
        cancellation: Cancellation | None = None,
        errors: Literal["raise", "return"] = "raise",
    ) -> Answer | list[Answer] | list[Answer | Error]:
        """Runs the network on a picture, or on a list, or another sequence, of pictures.

        `features`: whether to keep the values before the linear layer. `stages`: names of the
        stages whose feature maps to keep. `order`, `timeout`, `cancellation` and `errors` are those
        of `classify` and `classify_batch`.
        """
        _check_errors(errors)
        if isinstance(pictures, Sequence) and not isinstance(pictures, _SINGLE_SEQUENCES):
            answers = self._run(pictures, features, stages, order, timeout, cancellation)
            if errors == "return":
                return answers
            return [_raised(answer) for answer in answers]
        if errors != "raise":
            raise InvalidArgument('errors: expected "raise" for a picture that is no list')
        (answer,) = self._run([pictures], features, stages, order, timeout, cancellation)
        return _raised(answer)

    def _run(
        self,
        pictures: Sequence[Picture],
        features: bool,
        stages: Sequence[str],
        order: Order | None,
        timeout: float | None,
        cancellation: Cancellation | None,
    ) -> list[Answer | Error]:
        if isinstance(pictures, _SINGLE_SEQUENCES) or not isinstance(pictures, Sequence):
            raise TypeError(
                f"pictures: expected a list of pictures, found {type(pictures).__name__}"
            )
        handle = self._open_handle()
        # A copy: another thread may change the list.
        pictures = list(pictures)
        names = _stage_names(stages)
        limits = Limits(timeout, cancellation)
        options = _abi.RunOptions()
        options.features = bool(features)
        if names:
            options.stages = (ctypes.c_char_p * len(names))(*[name.encode() for name in names])
            options.stage_count = len(names)
        prepared = PictureList(pictures, order, self._input_shape, self._png16, limits)
        answers = Handle(api().answers_free)
        run = api().run
        arguments = (
            handle.pointer,
            prepared.array,
            len(pictures),
            ctypes.byref(options),
            ctypes.byref(answers.pointer),
        )
        check(self._status(lambda: run(*arguments), options, limits))
        results: list[Answer | Error] = []
        for index in range(len(pictures)):
            fault = _error_of(answers, index, prepared)
            if fault is not None:
                results.append(fault)
            else:
                results.append(
                    Answer(
                        answers,
                        index,
                        self.class_count,
                        bool(features),
                        names,
                        prepared.warnings.get(index, ()),
                    )
                )
        return results

    @overload
    def run_into(
        self,
        pictures: Picture | Sequence[Picture],
        logits: FloatBuffer,
        *,
        features: FloatBuffer | None = None,
        stages: Mapping[str, FloatBuffer] | None = None,
        order: Order | None = None,
        timeout: float | None = None,
        cancellation: Cancellation | None = None,
        errors: Literal["raise"] = "raise",
    ) -> None: ...

    @overload
    def run_into(
        self,
        pictures: Sequence[Picture],
        logits: FloatBuffer,
        *,
        features: FloatBuffer | None = None,
        stages: Mapping[str, FloatBuffer] | None = None,
        order: Order | None = None,
        timeout: float | None = None,
        cancellation: Cancellation | None = None,
        errors: Literal["return"],
    ) -> list[Error | None]: ...

    def run_into(
        self,
        pictures: Picture | Sequence[Picture],
        logits: FloatBuffer,
        *,
        features: FloatBuffer | None = None,
        stages: Mapping[str, FloatBuffer] | None = None,
        order: Order | None = None,
        timeout: float | None = None,
        cancellation: Cancellation | None = None,
        errors: Literal["raise", "return"] = "raise",
    ) -> None | list[Error | None]:
        """Runs the network and writes what it finds out into buffers of the caller's: float32,
        writable, contiguous, none in the memory of another or of a picture.

        `pictures`: a list of pictures, or normalised inputs, float32 [N, channels, height, width],
        all finite, for which the library allocates nothing once calls have been made. `logits`: for
        float32 [N, classes]. `features`: for the values before the linear layer, float32
        [N, features]. `stages`: buffers by the names of stages, for float32
        [N, channels, height, width] of each. A buffer may also have one dimension, with as many
        values. For a single picture there is no N.

        `order`, `timeout` and `cancellation` are those of `classify`. `errors`: "raise" raises the
        error of the first picture that is at fault; "return" returns for each picture its error or
        None. The values of a picture that is at fault are NaN. Of one that is damaged and answered
        all the same a PictureWarning tells. When the call raises anything else, the buffers are
        undefined.
        """
        _check_errors(errors)
        is_list = isinstance(pictures, Sequence) and not isinstance(pictures, _SINGLE_SEQUENCES)
        if errors != "raise" and not is_list:
            raise InvalidArgument('errors: expected "raise" for what is no list of pictures')
        handle = self._open_handle()
        limits = Limits(timeout, cancellation)
        tensor = pictures if isinstance(pictures, np.ndarray) and pictures.ndim == 4 else None
        # A copy: another thread may change the list.
        listed: list[Any] = list(pictures) if is_list else [pictures]  # type: ignore[arg-type]
        rows: tuple[int, ...] = (len(listed),) if is_list else ()
        if tensor is not None:
            if order is not None:
                raise InvalidArgument(f"order: expected none for a float32 array, found {order!r}")
            _check_tensor(tensor, "pictures", self._input_shape)
            rows = (len(tensor),)
        outputs = OutputList(rows, self.class_count)
        outputs.set_logits(logits)
        if features is not None:
            outputs.set_features(features, self.feature_count)
        if stages is not None:
            outputs.set_stages(stages, self._stages)
        places = ctypes.byref(outputs.struct)
        options = _abi.RunOptions()
        if tensor is not None:
            try:
                values = contiguous(tensor, limits)
            except MemoryError as error:
                raise OutOfMemory(f"pictures: {error}") from None
            run_tensor = api().run_tensor_into
            inputs = (handle.pointer, values.ctypes.data, values.size, len(values), places)
            check(self._status(lambda: run_tensor(*inputs, ctypes.byref(options)), options, limits))
            return None
        prepared = PictureList(listed, order, self._input_shape, self._png16, limits)
        answers = Handle(api().answers_free)
        run = api().run_into
        arguments = (
            handle.pointer,
            prepared.array,
            len(listed),
            places,
            ctypes.byref(options),
            ctypes.byref(answers.pointer),
        )
        check(self._status(lambda: run(*arguments), options, limits))
        results: list[Error | None] = []
        for index in range(len(listed)):
            fault = _error_of(answers, index, prepared)
            if fault is not None and errors == "raise":
                raise fault
            results.append(fault)
            answer = Answer(answers, index, 0, False, (), prepared.warnings.get(index, ()))
            for sentence in answer.warnings:
                where = f"pictures[{index}]: " if is_list else ""
                warnings.warn(f"{where}{sentence}", PictureWarning, stacklevel=2)
        return results if errors == "return" else None

    def run_tensor(
        self,
        tensor: npt.NDArray[np.float32],
        out: npt.NDArray[np.float32] | None = None,
        *,
        timeout: float | None = None,
        cancellation: Cancellation | None = None,
    ) -> npt.NDArray[np.float32]:
        """Runs the network on normalised inputs, float32 [N, channels, height, width], all finite,
        and returns the logits, float32 [N, classes]: in `out` if that is given, which has to be
        contiguous. When it raises, `out` is undefined."""
        handle = self._open_handle()
        if not isinstance(tensor, np.ndarray):
            raise TypeError(f"tensor: expected a numpy array, found {type(tensor).__name__}")
        _check_tensor(tensor, "tensor", self._input_shape)
        limits = Limits(timeout, cancellation)
        count = tensor.shape[0]
        expected = (count, self.class_count)
        try:
            values = contiguous(tensor, limits)
            logits = np.empty(expected, np.float32) if out is None else out
        except MemoryError as error:
            raise OutOfMemory(f"tensor: {error}") from None
        if not isinstance(logits, np.ndarray):
            raise TypeError(f"out: expected a numpy array, found {type(logits).__name__}")
        if logits.dtype != np.float32 or logits.shape != expected:
            raise InvalidArgument(
                f"out: expected float32 {expected}, found {logits.dtype} {logits.shape}"
            )
        if not (logits.flags.carray and logits.flags.writeable):
            raise InvalidArgument("out: expected a contiguous writable array, found another")
        if np.may_share_memory(values, logits):
            raise InvalidArgument("out: expected memory of its own, found that of the tensor")
        options = _abi.RunOptions()
        run = api().run_tensor
        arguments = (
            handle.pointer,
            values.ctypes.data,
            values.size,
            count,
            logits.ctypes.data,
            logits.size,
            ctypes.byref(options),
        )
        check(self._status(lambda: run(*arguments), options, limits))
        return logits

    def _status(
        self,
        call: Callable[[], int],
        options: _abi.RunOptions,
        limits: Limits,
    ) -> int:
        """What `call` returns, which ends at its limits."""
        options.timeout_nanoseconds = limits.nanoseconds
        if limits.cancellation is not None:
            options.cancellation = limits.cancellation._handle.pointer
        if not self._interruptible:
            return call()
        return _interrupts.run(call, options, limits.cancellation)

    # Its life

    def close(self) -> None:
        """Frees the model once the calls that run are done. Later ones raise InvalidArgument."""
        self._handle = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _open_handle(self) -> Handle:
        # The caller's reference keeps the model until it is done, also if it is closed meanwhile.
        handle = self._handle
        if handle is None:
            raise InvalidArgument("model: expected an open one, found one that was closed")
        return handle

    def __reduce__(self) -> tuple[object, ...]:
        if self._path is None:
            raise TypeError("cannot pickle a Model made from bytes: a pickle keeps its path")
        if isinstance(self._options["threads"], Pool):
            raise TypeError("cannot pickle a Model with a shared Pool: it belongs to this process")
        if self._options["log"] is not None:
            raise TypeError("cannot pickle a Model with a log callback")
        return _unpickle, (self._path, self._options)

    def __repr__(self) -> str:
        shape = "x".join(map(str, self._input_shape))
        closed = ", closed" if self._handle is None else ""
        name = self._path or "from bytes"
        return f"<orepa.Model {name}: {shape}, {self.class_count} classes{closed}>"


def _unpickle(path: str, options: dict[str, Any]) -> Model:
    return Model(path, **options)


def _raised(answer: Answer | Error) -> Answer:
    if isinstance(answer, Error):
        raise answer
    return answer


def _error_of(answers: Handle, index: int, prepared: PictureList) -> Error | None:
    """What is wrong with a picture of a call."""
    if index in prepared.errors:
        return prepared.errors[index]
    status = api().answers_status(answers.pointer, index)
    if not status:
        return None
    message = api().answers_message(answers.pointer, index).decode(errors="replace")
    return make_error(status, message, index)


def _check_tensor(tensor: npt.NDArray[Any], name: str, input_shape: tuple[int, int, int]) -> None:
    if tensor.dtype != np.float32 or tensor.ndim != 4 or tensor.shape[1:] != input_shape:
        shape = ", ".join(map(str, input_shape))
        raise InvalidArgument(
            f"{name}: expected float32 [N, {shape}], found {tensor.dtype} {tensor.shape}"
        )


def _choice(value: object, name: str, choices: dict[str, int]) -> int:
    if not isinstance(value, str) or value not in choices:
        raise InvalidArgument(f"{name}: expected one of {', '.join(choices)}, found {value!r}")
    return choices[value]


def _check_errors(errors: str) -> None:
    if errors not in ("raise", "return"):
        raise InvalidArgument(f'errors: expected "raise" or "return", found {errors!r}')


def _set_threads(options: _abi.ModelOptions, threads: object) -> None:
    if threads is None:
        return
    if isinstance(threads, Pool):
        options.threads = _abi.THREADS_SHARED
        options.pool = threads._handle.pointer
        return
    if isinstance(threads, str):
        if threads != "caller":
            raise InvalidArgument(f'threads: expected "caller" or a number, found {threads!r}')
        options.threads = _abi.THREADS_CALLER
        return
    count = checked_integer(threads, "threads", 0, MOST_THREADS)
    options.threads = _abi.THREADS_OWN if count else _abi.THREADS_CALLER
    options.thread_count = count


def _size(size: int | tuple[int, int]) -> tuple[int, int]:
    sides = tuple(size) if isinstance(size, (tuple, list)) else (size, size)
    if len(sides) != 2:
        raise InvalidArgument(f"input_size: expected height and width, found {size!r}")
    height, width = (checked_integer(side, "input_size", 1, 2**31 - 1) for side in sides)
    return height, width


def _log_function(log: Log) -> Any:
    levels = {_abi.LOG_INFO: logging.INFO}

    def call(context: object, level: int, message: bytes) -> None:
        log(levels.get(level, logging.WARNING), message.decode(errors="replace"))

    return _abi.LogFunction(call)


def _contents(model: object) -> npt.NDArray[np.uint8]:
    """The bytes of a model's file, borrowed."""
    view = byte_view(model)
    if view is None:
        raise TypeError(f"model: expected a path or bytes, found {type(model).__name__}")
    return bytes_of(view, "model")


def _stage_names(stages: Sequence[str]) -> tuple[str, ...]:
    if isinstance(stages, str):
        raise TypeError("stages: expected a list of names, found one")
    names = tuple(stages)
    for name in names:
        if not isinstance(name, str):
            raise TypeError(f"stages: expected names, found {type(name).__name__}")
        if "\0" in name:
            raise InvalidArgument(f"stages: expected no zero byte, found {name!r}")
        try:
            name.encode()
        except UnicodeEncodeError as error:
            raise InvalidArgument(f"stages: expected no surrogate, found {name!r}") from error
    return names
