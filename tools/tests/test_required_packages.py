"""Without the packages that a tool needs it says which, and explains itself; no traceback."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parents[1]
PROGRAMS = sorted(
    str(path.relative_to(TOOLS))
    for path in TOOLS.rglob("*.py")
    if not path.name.startswith("test_")
    and path.relative_to(TOOLS).parts[0] != "python"
    and re.search(r"^with required_packages|^#!", path.read_text(), re.MULTILINE)
)


def run_bare(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs a tool without any installed package."""
    command = [sys.executable, "-E", "-s", "-S", str(TOOLS / name), *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=TOOLS.parent)


@pytest.mark.parametrize("name", PROGRAMS)
def test_help(name: str) -> None:
    program = Path(name).name
    done = run_bare(name, "--help")
    if done.returncode == 0:
        assert done.stderr == "" and done.stdout
        return
    assert "Traceback" not in done.stderr and done.stderr.count("\n") == 1, done.stderr
    found = re.search(rf"^{program}: .*package (\w+).* pip install -r (\S+\.txt)", done.stderr)
    assert found, done.stderr
    package = {"PIL": "pillow"}.get(found[1], found[1])
    assert package in (TOOLS.parent / found[2]).read_text(), done.stderr
    # What it is for, it says all the same.
    assert done.stdout.strip()


def test_programs_are_found() -> None:
    wanted = {"make_checkpoint.py", "training/train_fashion_mnist.py", "ray-data/ray_classify.py"}
    assert wanted < set(PROGRAMS)
    assert "the package numpy is missing" in run_bare("training/train_fashion_mnist.py", "x").stderr
