"""How programs use the package, for mypy --strict: types are what the documentation says."""

from __future__ import annotations

import array
import io
import mmap
from pathlib import Path
from typing import assert_type

import numpy as np
import numpy.typing as npt

import orepa

Floats = npt.NDArray[np.float32]


def use(pixels: npt.NDArray[np.uint8], tensor: Floats, paths: list[Path]) -> None:
    with orepa.Model(
        "a.safetensors",
        threads="caller",
        input_size=(224, 224),
        timeout=10,
        cancellation=orepa.Cancellation(),
    ) as model:
        predictions = model.classify(paths[0], top_k=3, timeout=0.5)
        assert_type(predictions, list[orepa.Prediction])
        assert_type(predictions[0].label, str | None)
        assert_type(model.classify(pixels, order="bgr"), list[orepa.Prediction])
        assert_type(model.classify(b"bytes"), list[orepa.Prediction])
        assert_type(model.classify(io.BytesIO(b"bytes")), list[orepa.Prediction])
        with open("d.jpg", "rb") as file:
            assert_type(model.run(file), orepa.Answer)
            assert_type(model.run(mmap.mmap(file.fileno(), 0)), orepa.Answer)
            assert_type(model.run([file, b"bytes"]), list[orepa.Answer])
        assert_type(model.classify_batch(paths), list[list[orepa.Prediction]])
        assert_type(
            model.classify_batch(paths, errors="return"),
            list[list[orepa.Prediction] | orepa.Error],
        )
        assert_type(model.run(pixels), orepa.Answer)
        assert_type(model.run(paths), list[orepa.Answer])
        assert_type(model.run(tuple(paths)), list[orepa.Answer])
        assert_type(model.run([pixels, "b.jpg"]), list[orepa.Answer])
        mixed: list[orepa.Picture] = [pixels, b"bytes", "c.jpg"]
        assert_type(model.run(mixed), list[orepa.Answer])
        assert_type(model.run([pixels], errors="return"), list[orepa.Answer | orepa.Error])
        answer = model.run(tensor, features=True, stages=[model.stages[0].name])
        assert_type(answer.logits, Floats)
        assert_type(answer.features, Floats | None)
        assert_type(answer.feature_maps["stage0"], Floats)
        assert_type(model.run_tensor(tensor), Floats)
        logits = np.empty((2, 10), np.float32)
        model.run_into(paths, logits, features=tensor, stages={"stage0": tensor}, timeout=1)
        model.run_into(tensor, array.array("f", bytes(40)))
        assert_type(
            model.run_into(paths, logits, errors="return"),
            list[orepa.Error | None],
        )
        metadata = model.metadata
        assert_type(metadata, orepa.Metadata)
        assert_type(metadata.preprocessing.mean, tuple[float, ...])
        assert_type(metadata.source, orepa.Source | None)
        if metadata.verification is not None:
            assert_type(metadata.verification.fast_logit_error, float | None)
        assert_type(model.labels, tuple[str, ...] | None)
        assert_type(model.input_shape, tuple[int, int, int])
        assert_type(model.memory_requirement(8).weights, int)
    orepa.Model(b"bytes", threads=orepa.Pool(2), numerics="strict", memory="small")
    try:
        model.classify("c.jpg", cancellation=orepa.Cancellation())
    except orepa.NotFound as error:
        assert_type(error.status, int)


def wrong(model: orepa.Model) -> None:
    model.run_into("a.jpg", [0.0])  # type: ignore[call-overload]
    model.metadata.family = "ResNet"  # type: ignore[misc]
    model.classify(3)  # type: ignore[arg-type]
    model.classify("a.jpg", order="RGB")  # type: ignore[arg-type]
    orepa.Model("a", numerics="exact")  # type: ignore[arg-type]
    model.classify(io.StringIO("text"))  # type: ignore[arg-type]
