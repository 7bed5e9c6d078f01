"""What the tests share. They run against the installed package, never against the sources here."""

from __future__ import annotations

import importlib.util
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import orepa

# What a script starts in the background ignores Ctrl-C, of which many tests are.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Without the package there is nothing to test: tools/test-embedding-python installs it.
collect_ignore_glob = [] if importlib.util.find_spec("orepa") else ["test_*.py"]

REPOSITORY = Path(__file__).resolve().parents[3]
DEFAULT_MODEL = REPOSITORY / "models" / "fashion-mnist-repvgg"
SAMPLES = sorted((DEFAULT_MODEL / "samples").glob("*.jpg"))


@pytest.fixture(scope="session")
def repository() -> Path:
    return REPOSITORY


@pytest.fixture(scope="session")
def model_path() -> Path:
    return DEFAULT_MODEL / "model.safetensors"


@pytest.fixture(scope="session")
def model(model_path: Path) -> orepa.Model:
    import orepa

    return orepa.Model(model_path, threads="caller")


@pytest.fixture(scope="session")
def samples() -> list[Path]:
    assert len(SAMPLES) == 10
    return SAMPLES


@pytest.fixture(scope="session")
def program() -> Path:
    """The command line, whose answers the package's are held against."""
    path = Path(os.environ.get("OREPA_INFER", REPOSITORY / ".build" / "release" / "orepa-infer"))
    if not path.exists():
        pytest.skip(f"{path}: needs orepa-infer; swift build -c release, or set OREPA_INFER")
    return path
