"""What a model's file records about it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """How a picture becomes the network's input. Values are by channel: red, green, blue; grey; or
    what the network takes."""

    resize: int
    """Pixels of the shorter side after resizing."""
    crop: int
    """Height and width of what is cut from the middle, which is the network's input."""
    mean: tuple[float, ...]
    """Subtracted from the values in 0 ... 1."""
    std: tuple[float, ...]
    """Divides what is left."""
    interpolation: str
    """"bilinear": Pillow's, antialiased, on 8-bit pixels."""


@dataclass(frozen=True, slots=True)
class Source:
    """The checkpoint that a model was made from."""

    name: str
    """Its file's name, without the folder."""
    sha256: str
    """Of the whole file, 64 hexadecimal digits."""


@dataclass(frozen=True, slots=True)
class Verification:
    """What was found when the folded network was held against the unfused one. Errors are the
    largest absolute difference divided by the largest absolute value of the unfused output."""

    seed: int
    """Of the random input."""
    input_size: int
    """Height and width of the random input, in pixels."""
    block_error: float
    """The largest error of any block, given the same feature map."""
    worst_block: str
    """The block that had it."""
    block_tolerance: float
    logit_error: float
    """Of the logits, end to end, with strict numerics."""
    logit_tolerance: float
    fast_logit_error: float | None
    """Of the logits with fast numerics; None in files of before it was recorded."""


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What decides a network's answers and is in no checkpoint: assumed, or said by whoever
    converted it."""

    strides: tuple[int, ...]
    """Of the first convolution, then of the first block of each stage."""
    stem: str | None
    """How a ResNet begins, "imagenet" or "small"; None for a RepVGG."""
    stem_pool: bool
    """Whether a 3x3 max pool of stride 2 follows the first convolution."""
    bn_epsilon: float | None
    """What every batch norm adds to its variance; None where the checkpoint was folded already."""
    state_dict: str | None
    """Dotted path of the state dict in the checkpoint; None where it was the file itself."""
    input_size: int | None
    """Height and width that the network is used with, in pixels."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a model's file records about it, beside the network itself; None where it records
    nothing. It holds for the file, whatever the model's `input_size` and other options."""

    tool: str
    """Name and version of the program that wrote the file."""
    family: str
    """"RepVGG", "ResNet" or "ResNeXt"."""
    blocks: Mapping[str, int] = field(hash=False)
    """How many training blocks of each kind the network was folded from."""
    preprocessing: Preprocessing
    labels: tuple[str, ...] | None
    """Names of the classes."""
    source: Source | None
    verification: Verification | None
    """None where there was nothing to verify, since the checkpoint was folded already."""
    assumptions: Assumptions | None


def parsed_metadata(text: bytes) -> Metadata:
    """What the library writes as JSON."""
    found: dict[str, Any] = json.loads(text)
    preprocessing, source = found["preprocessing"], found["source"]
    verification, assumptions = found["verification"], found["assumptions"]
    labels = found["labels"]
    return Metadata(
        tool=found["tool"],
        family=found["family"],
        blocks=found["blocks"],
        preprocessing=Preprocessing(
            resize=preprocessing["resize"],
            crop=preprocessing["crop"],
            mean=_floats(preprocessing["mean"]),
            std=_floats(preprocessing["std"]),
            interpolation=preprocessing["interpolation"],
        ),
        labels=None if labels is None else tuple(labels),
        source=None if source is None else Source(source["name"], source["sha256"]),
        verification=None if verification is None else _verification(verification),
        assumptions=None if assumptions is None else _assumptions(assumptions),
    )


def _verification(record: dict[str, Any]) -> Verification:
    fast = record["fast_logit_error"]
    return Verification(
        seed=record["seed"],
        input_size=record["input_size"],
        block_error=float(record["block_error"]),
        worst_block=record["worst_block"],
        block_tolerance=float(record["block_tolerance"]),
        logit_error=float(record["logit_error"]),
        logit_tolerance=float(record["logit_tolerance"]),
        fast_logit_error=None if fast is None else float(fast),
    )


def _assumptions(record: dict[str, Any]) -> Assumptions:
    epsilon = record["bn_epsilon"]
    return Assumptions(
        strides=tuple(record["strides"]),
        stem=record["stem"],
        stem_pool=record["stem_pool"],
        bn_epsilon=None if epsilon is None else float(epsilon),
        state_dict=record["state_dict"],
        input_size=record["input_size"],
    )


def _floats(numbers: list[float]) -> tuple[float, ...]:
    return tuple(map(float, numbers))
