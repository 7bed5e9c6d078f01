"""Writes Tests/Fixtures/resize/hashes.tsv: 500 random resizes and centre crops done by Pillow.

    python3 -m pip install pillow numpy
    python3 tools/make_resize_hashes.py [OUTPUT]

With torchvision installed, its Resize and CenterCrop are compared with the formulas below on every case.

Each line: seed, width, height, kind, resize, crop, SHA-256 of the resized image, SHA-256 of its centre crop (both of
the bytes [height, width, 3]). `kind` is "shorter" (resize is the shorter side) or "exact" (resize is "WxH").

The pixels of the source come from SplitMix64, so that any language can make them. With the line's seed as the state
s, byte i of [height, width, 3] is bits 56...63 of the i-th output (i from 0):

    z = s + (i + 1) * 0x9E3779B97F4A7C15          (all modulo 2**64)
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB
    z = z ^ (z >> 31)

Every fourth seed makes only extreme samples instead, which drives sums to their ends: 255 if that byte is 128 or more,
else 0.
"""

import hashlib
import random
import sys
from pathlib import Path

from required_packages import required_packages

with required_packages(__name__, "tools/requirements.txt"):
    import numpy as np
    import PIL
    from PIL import Image

CASES = 500


def pixels(seed: int, width: int, height: int) -> np.ndarray:
    with np.errstate(over="ignore"):
        index = np.arange(1, width * height * 3 + 1, dtype=np.uint64)
        z = np.uint64(seed) + index * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    samples = (z >> np.uint64(56)).astype(np.uint8)
    if seed % 4 == 0:
        samples = np.where(samples >= 128, 255, 0).astype(np.uint8)
    return samples.reshape(height, width, 3)


def shorter_size(width: int, height: int, size: int) -> tuple[int, int]:
    longer = int(size * max(width, height) / min(width, height))
    return (size, longer) if width <= height else (longer, size)


def center_crop(image: Image.Image, width: int, height: int) -> Image.Image:
    pad_x, pad_y = max(0, width - image.width), max(0, height - image.height)
    if pad_x or pad_y:
        padded = Image.new("RGB", (image.width + pad_x, image.height + pad_y))
        padded.paste(image, (pad_x // 2, pad_y // 2))
        image = padded
    left = round((image.width - width) / 2.0)
    top = round((image.height - height) / 2.0)
    return image.crop((left, top, left + width, top + height))


def sha256(image: Image.Image) -> str:
    return hashlib.sha256(image.tobytes()).hexdigest()


def draw_case(generator: random.Random) -> tuple:
    def side() -> int:
        return generator.choice(
            [generator.randint(1, 12), generator.randint(1, 120), generator.randint(30, 400)]
        )

    width, height = side(), side()
    if generator.random() < 0.05:  # long and thin
        width, height = generator.choice([(generator.randint(1000, 5000), 1 + height % 5),
                                          (1 + width % 5, generator.randint(1000, 5000))])
    crop = (generator.randint(1, 260), generator.randint(1, 260))
    if generator.random() < 0.5:
        crop = (crop[0], crop[0])
    if generator.random() < 0.5:
        size = generator.randint(1, 300)
        resized = shorter_size(width, height, size)
        if resized[0] * resized[1] <= 250_000:
            return width, height, "shorter", size, resized, crop
    resized = (generator.randint(1, 400), generator.randint(1, 400))
    if generator.random() < 0.15:  # one pass only, or none
        resized = generator.choice([(width, resized[1]), (resized[0], height), (width, height)])
    return width, height, "exact", resized, resized, crop


def check_with_torchvision(image, kind, size, resized, crop, resized_image, cropped_image) -> None:
    from torchvision.transforms import CenterCrop, Resize

    argument = size if kind == "shorter" else (resized[1], resized[0])
    assert Resize(argument)(image).tobytes() == resized_image.tobytes()
    assert CenterCrop((crop[1], crop[0]))(resized_image).tobytes() == cropped_image.tobytes()


def main() -> None:
    default = Path(__file__).parent.parent / "Tests/Fixtures/resize/hashes.tsv"
    output = Path(sys.argv[1]) if len(sys.argv) > 1 else default
    try:
        import torchvision

        reference = f"Pillow {PIL.__version__}, torchvision {torchvision.__version__}"
    except ImportError:
        torchvision = None
        reference = f"Pillow {PIL.__version__}"
    generator = random.Random(20220408)
    lines = [f"# {reference}; made by tools/make_resize_hashes.py, which says what the columns are"]
    for seed in range(1, CASES + 1):
        width, height, kind, size, resized, crop = draw_case(generator)
        image = Image.fromarray(pixels(seed, width, height))
        resized_image = image.resize(resized, Image.Resampling.BILINEAR)
        cropped_image = center_crop(resized_image, *crop)
        if torchvision is not None:
            check_with_torchvision(image, kind, size, resized, crop, resized_image, cropped_image)
        argument = size if kind == "shorter" else f"{resized[0]}x{resized[1]}"
        fields = [seed, width, height, kind, argument, f"{crop[0]}x{crop[1]}",
                  sha256(resized_image), sha256(cropped_image)]
        lines.append("\t".join(map(str, fields)))
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text("\n".join(lines) + "\n")
    print(f"{output}: {CASES} cases, {reference}")


if __name__ == "__main__":
    main()
