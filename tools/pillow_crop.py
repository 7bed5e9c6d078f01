"""What torchvision's Resize and CenterCrop do to a picture, with Pillow alone.

`make_resize_hashes.py` compares it with torchvision where that is installed.
"""

from __future__ import annotations

from PIL import Image


def resized_size(width: int, height: int, shorter: int) -> tuple[int, int]:
    """Width and height when the shorter side has `shorter` pixels; the longer one is rounded down."""
    longer = int(shorter * max(width, height) / min(width, height))
    return (shorter, longer) if width <= height else (longer, shorter)


def center_crop(image: Image.Image, width: int, height: int) -> Image.Image:
    """The middle; what the picture lacks is filled with black."""
    pad_x, pad_y = max(0, width - image.width), max(0, height - image.height)
    if pad_x or pad_y:
        padded = Image.new(image.mode, (image.width + pad_x, image.height + pad_y))
        padded.paste(image, (pad_x // 2, pad_y // 2))
        image = padded
    left = round((image.width - width) / 2.0)
    top = round((image.height - height) / 2.0)
    return image.crop((left, top, left + width, top + height))


def resized_crop(image: Image.Image, resize: int, crop: int) -> Image.Image:
    """The shorter side to `resize` pixels (bilinear), then the middle `crop` x `crop`."""
    size = resized_size(image.width, image.height, resize)
    return center_crop(image.resize(size, Image.Resampling.BILINEAR), crop, crop)
