"""What a model's file records, as the command line tells it."""

from __future__ import annotations

import dataclasses
import json
import pickle
import subprocess
from pathlib import Path

import pytest

import orepa


def without(model_path: Path, *keys: str) -> bytes:
    """The model's file with keys of its description that no reader knows."""
    contents = model_path.read_bytes()
    for key in keys:
        # The description is a string in the file's header: its quotation marks are escaped.
        found, changed = f'\\"{key}\\":'.encode(), f'\\"X{key[1:]}\\":'.encode()
        assert contents.count(found) == 1
        contents = contents.replace(found, changed)
    return contents


def test_recorded(program: Path, model: orepa.Model, model_path: Path) -> None:
    command = [program, "inspect", model_path, "--format", "json"]
    done = subprocess.run([*map(str, command)], check=True, capture_output=True, text=True)
    expected = json.loads(done.stdout)
    metadata = model.metadata
    assert metadata.family == expected["family"] == "RepVGG"
    assert metadata.tool == expected["tool"]
    assert metadata.blocks == expected["blocks"]
    assert metadata.labels == model.labels == tuple(expected["labels"])
    found = json.loads(json.dumps(dataclasses.asdict(metadata)))
    for key in ("preprocessing", "source", "assumptions"):
        assert found[key] == expected[key], key
    expected["verification"]["seed"] = int(expected["verification"]["seed"])
    assert found["verification"] == expected["verification"]
    assert metadata.verification is not None and metadata.verification.worst_block


def test_not_recorded(model_path: Path) -> None:
    bare = orepa.Model(without(model_path, "labels", "source", "verification", "assumptions"))
    metadata = bare.metadata
    assert metadata.labels is metadata.source is metadata.verification is None
    assert metadata.assumptions is None
    assert metadata.preprocessing.mean == (0.5, 0.5, 0.5)
    older = orepa.Model(without(model_path, "fast_logit_error")).metadata
    assert older.verification is not None
    assert older.verification.fast_logit_error is None
    assert older.verification.logit_error > 0


def test_it_is_frozen(model: orepa.Model, model_path: Path) -> None:
    metadata = model.metadata
    with pytest.raises(dataclasses.FrozenInstanceError):
        metadata.family = "ResNet"  # type: ignore[misc]
    other = orepa.Model(model_path, input_size=64)
    assert other.metadata == metadata and hash(other.metadata) == hash(metadata)
    assert pickle.loads(pickle.dumps(metadata)) == metadata
    other.close()
    assert other.metadata == metadata
