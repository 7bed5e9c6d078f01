"""Answers have the bits of the command line's, for any kind of picture and any way to ask."""

from __future__ import annotations

import io
import json
import subprocess
from collections import deque
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file, save_file

import orepa


def bits(values: object) -> list[int]:
    return np.asarray(values, np.float32).view(np.uint32).ravel().tolist()


@pytest.fixture(scope="module")
def expected(program: Path, model_path: Path, samples: list[Path]) -> dict[str, dict]:
    """The command line's predictions, all classes, by the sample's name."""
    results: dict[str, dict] = {}
    for kind in ("logit", "prob"):
        command = [program, "--model", model_path, "--output-type", kind, "--top-k", "10"]
        command += ["--format", "json", *samples]
        done = subprocess.run([*map(str, command)], check=True, capture_output=True, text=True)
        for entry in json.loads(done.stdout):
            key = {"logit": "logit", "prob": "probability"}[kind]
            results.setdefault(Path(entry["image"]).name, {})[key] = [
                (each["index"], each["label"], bits(each[key])[0]) for each in entry["predictions"]
            ]
    assert len(results) == 10
    return results


@pytest.mark.parametrize("memory", ["fast", "small", "mapped"])
def test_samples(
    expected: dict[str, dict], model_path: Path, samples: list[Path], memory: str
) -> None:
    with orepa.Model(model_path, memory=memory) as model:
        for sample in samples:
            found = model.classify(sample, top_k=10)
            for key in ("logit", "probability"):
                assert [
                    (each.index, each.label, bits(getattr(each, key))[0]) for each in found
                ] == expected[sample.name][key]


def test_batch(expected: dict[str, dict], model: orepa.Model, samples: list[Path]) -> None:
    # More than the pictures that run together, in an order of its own.
    pictures = [samples[index * 7 % 10] for index in range(23)]
    for picture, found in zip(pictures, model.classify_batch(pictures, 10), strict=True):
        assert [(each.index, each.label, bits(each.logit)[0]) for each in found] == expected[
            picture.name
        ]["logit"]
    assert [answer.top(10) for answer in model.run(deque(pictures))] == model.classify_batch(
        tuple(pictures), 10
    )
    assert model.classify_batch([]) == []
    assert model.run([]) == []


def test_tensors(program: Path, model: orepa.Model, model_path: Path, tmp_path: Path) -> None:
    channels, height, width = model.input_shape
    values = np.random.default_rng(1).normal(size=(5, channels, height, width))
    tensor = values.astype(np.float32)
    save_file({"input": tensor}, tmp_path / "input.safetensors")
    command = [program, "run", model_path, "--input", tmp_path / "input.safetensors"]
    command += ["--output", tmp_path / "output.safetensors"]
    subprocess.run([*map(str, command)], check=True, capture_output=True)
    expected = bits(load_file(tmp_path / "output.safetensors")["logits"])

    logits = model.run_tensor(tensor)
    assert logits.shape == (5, model.class_count) and logits.dtype == np.float32
    assert bits(logits) == expected
    out = np.full((5, model.class_count), np.nan, np.float32)
    assert model.run_tensor(tensor, out) is out
    assert bits(out) == expected
    # Not contiguous, backwards, and in pictures of one's own.
    assert bits(model.run_tensor(np.asfortranarray(tensor))) == expected
    assert bits(model.run_tensor(tensor[::-1])[::-1]) == expected
    assert bits([answer.logits for answer in model.run(list(tensor))]) == expected
    assert model.run_tensor(tensor[:0]).shape == (0, model.class_count)


def test_kinds_of_pictures(model: orepa.Model, samples: list[Path]) -> None:
    for sample in samples:
        expected = bits(model.run(sample).logits)
        contents = sample.read_bytes()
        image = Image.open(sample)
        grey = np.asarray(image.convert("L"))
        rgb = np.asarray(image.convert("RGB"))
        assert (rgb == grey[..., None]).all()
        height, width = grey.shape
        # RGB in the middle of a larger picture: rows with a distance, pixels without.
        large = np.zeros((height + 3, width + 5, 3), np.uint8)
        large[1 : height + 1, 2 : width + 2] = rgb
        part = large[1 : height + 1, 2 : width + 2]
        assert not part.flags.c_contiguous
        rgba = np.dstack([rgb, np.full_like(grey, 7)])
        pictures: list[tuple[object, str | None]] = [
            (str(sample), None),
            (contents, None),
            (bytearray(contents), None),
            (memoryview(contents), None),
            (rgb, None),
            (rgb, "rgb"),
            (rgb[..., ::-1], "bgr"),
            (np.ascontiguousarray(rgb[..., ::-1]), "bgr"),
            (part, None),
            (rgba, None),
            (np.ascontiguousarray(rgba[..., [2, 1, 0, 3]]), "bgra"),
            (grey, None),
            (grey[..., None], "grey"),
            (np.asfortranarray(rgb), None),
            (rgb[::-1][::-1], None),
            (np.ascontiguousarray(rgb[:, ::-1])[:, ::-1], None),
            (image, None),
            (image.convert("RGB"), None),
            (image.convert("RGBA"), None),
            (image.convert("P"), None),
        ]
        for picture, order in pictures:
            assert bits(model.run(picture, order=order).logits) == expected


def test_colours_are_told_apart(model: orepa.Model) -> None:
    rgb = np.random.default_rng(2).integers(0, 256, (60, 70, 3), dtype=np.uint8)
    expected = bits(model.run(rgb).logits)
    assert bits(model.run(np.ascontiguousarray(rgb[..., ::-1]), order="bgr").logits) == expected
    assert bits(model.run(rgb, order="bgr").logits) != expected
    cmyk = Image.fromarray(rgb).convert("CMYK")
    assert bits(model.run(cmyk).logits) == bits(model.run(cmyk.convert("RGB")).logits)


def test_rows_are_borrowed_where_they_can_be(model: orepa.Model) -> None:
    from orepa._pictures import PictureList

    large = np.zeros((50, 60, 3), np.uint8)

    def borrowed(picture: np.ndarray) -> bool:
        entry = PictureList([picture], None, model.input_shape).array[0]
        return entry.data == picture.ctypes.data

    assert borrowed(large) and borrowed(large[2:9, 3:8]) and borrowed(large[::2])
    assert borrowed(large[..., 0:1][:1, :1])
    assert not borrowed(large[:, ::2]) and not borrowed(large[..., ::-1])
    assert not borrowed(large[::-1]) and not borrowed(large[..., 0])
    assert not borrowed(np.broadcast_to(large[0], large.shape))


def test_features_and_stages(model: orepa.Model, samples: list[Path]) -> None:
    names = [stage.name for stage in model.stages]
    assert names
    plain = model.run(samples[0])
    assert plain.features is None and not plain.feature_maps
    answer = model.run(samples[0], features=True, stages=names)
    assert bits(answer.logits) == bits(plain.logits)
    assert answer.features is not None and answer.features.shape == (model.feature_count,)
    assert list(answer.feature_maps) == names
    for stage in model.stages:
        assert answer.feature_maps[stage.name].shape == stage.shape
        assert answer.feature_maps[stage.name].dtype == np.float32
    # The features are the last map's means.
    last = answer.feature_maps[names[-1]].astype(np.float64).mean(axis=(1, 2))
    np.testing.assert_allclose(answer.features, last, rtol=1e-5, atol=1e-6)
    several = model.run(samples[:6], features=True, stages=names[:1])
    assert bits(several[0].features) == bits(answer.features)
    assert bits(several[0].feature_maps[names[0]]) == bits(answer.feature_maps[names[0]])


def test_probabilities_and_top(model: orepa.Model, samples: list[Path]) -> None:
    answer = model.run(samples[3])
    logits = answer.logits.astype(np.float64)
    softmax = np.exp(logits - logits.max())
    softmax /= softmax.sum()
    np.testing.assert_allclose(answer.probabilities, softmax, rtol=1e-6)
    assert [each.index for each in answer.top(10)] == np.argsort(-logits, kind="stable").tolist()
    assert len(answer.top(3)) == 3 and len(answer.top(10**12)) == 10 and answer.top(0) == []
    assert answer.top(10) == model.classify(samples[3], 100)
    for each in answer.top(10):
        assert each.label == model.labels[each.index]
        assert bits(each.logit) == bits(answer.logits[each.index])
        assert bits(each.probability) == bits(answer.probabilities[each.index])


def test_arrays_outlive_their_answers(model_path: Path, samples: list[Path]) -> None:
    model = orepa.Model(model_path)
    expected = model.run(samples[0]).logits.copy()
    arrays = [model.run(samples[0]).logits for _ in range(200)]
    model.close()
    del model
    for array in arrays:
        assert bits(array) == bits(expected)
        with pytest.raises(ValueError):
            array[0] = 1


def test_exif_orientation(model_path: Path, tmp_path: Path) -> None:
    pixels = np.random.default_rng(3).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(pixels).save(tmp_path / "turned.png", exif=exif)
    turned = bits(orepa.Model(model_path).run(np.ascontiguousarray(np.rot90(pixels, -1))).logits)
    straight = bits(orepa.Model(model_path).run(pixels).logits)
    for flag, expected in ((True, turned), (False, straight)):
        model = orepa.Model(model_path, exif_orientation=flag)
        assert bits(model.run(tmp_path / "turned.png").logits) == expected


def test_damaged_pictures(model_path: Path, samples: list[Path]) -> None:
    whole = samples[0].read_bytes()
    model = orepa.Model(model_path)
    # As Pillow has it: bytes that are no marker in the last one's place are read, an end is not.
    damaged = whole[:-2] + bytes(60)
    answer = model.run(damaged)
    assert bits(answer.logits) == bits(model.run(whole).logits)
    assert answer.warnings == (
        "damaged JPEG image: no end-of-image marker; read as Pillow reads it",
    )
    assert model.run(whole).warnings == ()
    with pytest.warns(orepa.PictureWarning, match="^damaged JPEG") as one:
        assert model.classify(damaged) == answer.top(5)
    with pytest.warns(orepa.PictureWarning, match=r"^pictures\[1\]: damaged JPEG") as several:
        model.classify_batch([whole, damaged])
    assert len(one) == len(several) == 1 and one[0].filename == several[0].filename == __file__
    with pytest.raises(orepa.InvalidImage, match="no end-of-image marker"):
        orepa.Model(model_path, strict_pictures=True).run(damaged)
    with pytest.raises(orepa.InvalidImage, match="truncated JPEG image"):
        model.run(whole[:-2])


def test_16_bit_grey(model_path: Path, tmp_path: Path) -> None:
    samples = np.random.default_rng(4).integers(0, 65536, (60, 50), dtype=np.uint16)
    path = tmp_path / "deep.png"
    Image.fromarray(samples).save(path)
    for png16, warns in (("high", True), ("pillow", False)):
        model = orepa.Model(model_path, png16=png16)  # type: ignore[arg-type]
        from_file = model.run(path)
        assert len(from_file.warnings) == warns
        with Image.open(path) as image:
            for same in (image, Image.fromarray(samples), image.convert("I")):
                answer = model.run(same)
                assert bits(answer.logits) == bits(from_file.logits)
                assert answer.warnings == from_file.warnings
    # Few bits in many: no 16-bit samples.
    dark = Image.fromarray((samples >> 8).astype(np.int32))
    assert dark.mode == "I"
    model = orepa.Model(model_path)
    assert bits(model.run(dark).logits) == bits(model.run((samples >> 8).astype(np.uint8)).logits)
    assert model.run(dark).warnings == ()


def test_a_name_that_is_no_utf_8(model: orepa.Model, samples: list[Path], tmp_path: Path) -> None:
    path = bytes(tmp_path) + b"/caf\xe9.jpg"
    with pytest.raises(orepa.NotFound):
        model.classify(Path(path.decode(errors="surrogateescape")))
    with open(path, "wb") as file:
        file.write(samples[0].read_bytes())
    name = path.decode(errors="surrogateescape")
    assert model.classify(name) == model.classify(samples[0])


def test_a_damaged_image_of_pillow_fails_alone(model: orepa.Model, samples: list[Path]) -> None:
    damaged = Image.open(io.BytesIO(samples[0].read_bytes()[:-400]))
    good = Image.open(samples[0])
    bad, answer = model.classify_batch([damaged, good], errors="return")
    assert isinstance(bad, orepa.InvalidImage)
    assert bad.picture_index == 0
    assert answer == model.classify(samples[0])
