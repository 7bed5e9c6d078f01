"""The README's example runs as it is written."""

from __future__ import annotations

import inspect
import re
import shutil
import subprocess
import sys
from pathlib import Path


def test_example(repository: Path, model_path: Path, samples: list[Path], tmp_path: Path) -> None:
    text = (repository / "tools" / "python" / "README.md").read_text()
    (example,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    shutil.copy(model_path, tmp_path / "flowers.safetensors")
    shutil.copy(samples[0], tmp_path / "rose.jpg")
    (tmp_path / "broken.jpg").write_bytes(samples[0].read_bytes()[:50])
    done = subprocess.run(
        [sys.executable, "-c", example], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("Ankle boot 0.96") and len(lines) == 5
    assert lines[3].startswith("[Prediction(index=9, label='Ankle boot'")
    assert "broken.jpg" in lines[4]


def test_every_option_is_listed(repository: Path) -> None:
    import orepa

    text = (repository / "tools" / "python" / "README.md").read_text()
    rows = re.findall(r"^\| (`.*?`) \|", text, re.MULTILINE)
    listed = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert listed == set(inspect.signature(orepa.Model).parameters) - {"model"}
