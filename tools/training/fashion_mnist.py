"""Fashion-MNIST for the scripts beside: the files, the reference preprocessing, harder variants.

The data (60,000 + 10,000 images of 28x28, MIT licence) come with the Debian package
dataset-fashion-mnist; the four .gz files in any other folder serve as well.
"""

from __future__ import annotations

import gzip
import random
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from pillow_crop import resized_crop

DATA = Path("/usr/share/datasets/fashion-mnist")
LABELS = [
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
]
SIZE = 56
MEAN = (0.5, 0.5, 0.5)
STD = (0.5, 0.5, 0.5)
VARIANTS = (
    "plain",
    "inverted",
    "tinted",
    "padded",
    "padded-inverted",
    "padded-tinted",
    "padded-light",
)


def read_idx(path: Path) -> np.ndarray:
    """An array in the IDX format of MNIST, gzip-compressed, of unsigned bytes."""
    data = gzip.decompress(path.read_bytes())
    if len(data) < 4 or data[:3] != b"\x00\x00\x08":
        raise ValueError(f"{path}: not an IDX file of unsigned bytes")
    rank = data[3]
    shape = np.frombuffer(data, ">u4", rank, 4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * rank).reshape(shape)


def load(split: str, folder: Path = DATA) -> tuple[np.ndarray, np.ndarray]:
    """Images [n, 28, 28] and labels [n] of `train` or `t10k`, unsigned bytes."""
    paths = [folder / f"{split}-{kind}-ubyte.gz" for kind in ("images-idx3", "labels-idx1")]
    for path in paths:
        if not path.exists():
            raise SystemExit(f"{path}: not found; install dataset-fashion-mnist or give --data")
    images, labels = map(read_idx, paths)
    return images, labels


def preprocess(image: Image.Image) -> np.ndarray:
    """Shorter side to SIZE (Pillow bilinear), centre crop: [SIZE, SIZE, 3] unsigned bytes."""
    return np.asarray(resized_crop(image.convert("RGB"), SIZE, SIZE))


def normalise(pixels: np.ndarray) -> Tensor:
    """Unsigned bytes [n, h, w, 3] to the network's input [n, 3, h, w], Float32."""
    x = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255
    return (x - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]


def _colours(kind: str, source: random.Random) -> tuple[np.ndarray, np.ndarray]:
    """Background and foreground colour."""
    background, foreground = np.zeros(3), np.full(3, 255.0)
    if kind == "inverted":
        background, foreground = foreground, background
    elif kind in ("tinted", "light"):
        low = 180 if kind == "light" else 0
        while True:
            background = np.array([source.uniform(low, 255) for _ in range(3)])
            foreground = np.array([source.uniform(0, 255) for _ in range(3)])
            if abs(background.mean() - foreground.mean()) >= 80:
                break
    return background, foreground


def variant(image: np.ndarray, kind: str, source: random.Random) -> Image.Image:
    """One 28x28 image as `kind` of VARIANTS.

    inverted: white background. tinted: random colours, the mean of background and foreground at
    least 80 of 255 apart; light: the same with a bright background. padded: enlarged to a square
    of 225 to 450 pixels, at a random place in the middle 450x450 of 600x450, on the background's
    colour.
    """
    padded = kind.startswith("padded")
    background, foreground = _colours(kind.removeprefix("padded").removeprefix("-"), source)
    share = image[:, :, None] / 255.0
    coloured = background + (foreground - background) * share
    picture = Image.fromarray(np.rint(coloured).astype(np.uint8))
    if not padded:
        return picture
    side = source.randint(225, 450)
    canvas = Image.new("RGB", (600, 450), tuple(int(round(c)) for c in background))
    place = (75 + source.randint(0, 450 - side), source.randint(0, 450 - side))
    canvas.paste(picture.resize((side, side), Image.Resampling.BICUBIC), place)
    return canvas


def variants(images: np.ndarray, kind: str, seed: int = 0) -> Iterable[Image.Image]:
    source = random.Random(f"{kind} {seed}")
    return (variant(image, kind, source) for image in images)


@torch.no_grad()
def predict(network: torch.nn.Module, pixels: np.ndarray, batch: int = 250) -> Tensor:
    """Logits [n, classes] of preprocessed images [n, h, w, 3]."""
    network.eval()
    dtype = next(network.parameters()).dtype
    parts = [
        network(normalise(part).to(dtype))
        for part in np.array_split(pixels, max(1, len(pixels) // batch))
    ]
    return torch.cat(parts)
