"""The one crop of the tools gives what the committed fixtures have, which torchvision gave too."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import cold_start
import fashion_mnist
import make_image_fixtures
import make_resize_hashes
from pillow_crop import center_crop, resized_crop, resized_size

FIXTURES = Path(__file__).resolve().parents[2] / "Tests" / "Fixtures"


def test_hashes_of_resizes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["make_resize_hashes.py", str(tmp_path)])
    make_resize_hashes.main()
    for name in ["hashes.tsv", "filters.tsv"]:
        found = (tmp_path / name).read_text().splitlines()[1:]
        assert found == (FIXTURES / "resize" / name).read_text().splitlines()[1:], name


def test_hashes_of_pictures() -> None:
    manifest = json.loads((FIXTURES / "images" / "manifest.json").read_text())
    assert len(manifest) > 60
    for name, entry in manifest.items():
        _, rgb = make_image_fixtures.rgb_of((FIXTURES / "images" / name).read_bytes())
        found = hashlib.sha256(resized_crop(rgb, 256, 224).tobytes()).hexdigest()
        assert found == entry["resized_shorter_256_center_224_rgb_sha256"], name


def test_sizes_are_rounded_down_and_small_pictures_padded() -> None:
    assert resized_size(3, 4, 256) == (256, 341) and resized_size(4, 3, 256) == (341, 256)
    middle = center_crop(Image.new("L", (2, 4), 255), 4, 2)
    assert np.asarray(middle).tolist() == [[0, 255, 255, 0]] * 2


def test_scripts_use_it() -> None:
    path = FIXTURES / "images" / "baseline-420.jpg"
    with Image.open(path) as image:
        picture = image.convert("RGB")
    size = fashion_mnist.SIZE
    expected = np.asarray(resized_crop(picture, size, size))
    assert np.array_equal(fashion_mnist.preprocess(picture), expected)
    pixels = cold_start.picture(str(path))[0].transpose(1, 2, 0)
    pixels = np.rint((pixels * cold_start.DEVIATION + cold_start.MEAN) * 255)
    assert np.array_equal(pixels, np.asarray(resized_crop(picture, 256, 224)))
