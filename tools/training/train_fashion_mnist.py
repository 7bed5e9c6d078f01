#!/usr/bin/env python3
"""Train the demo model: a small RepVGG with OREPA_VGG blocks on Fashion-MNIST.

The checkpoint has the published form (a dictionary with `epoch`, `arch`, `state_dict` with
`module.` names and `best_acc1`, weights only) and is written after every fourth epoch, batch norm
statistics recalibrated. The last epoch is what ships: the test images choose nothing.

Examples:
  tools/training/train_fashion_mnist.py models/fashion-mnist-repvgg/checkpoint.pth.tar
  tools/training/train_fashion_mnist.py --epochs 2 --images 6000 /tmp/checkpoint.pth.tar   # a look
"""

from __future__ import annotations

import argparse
import copy
import math
import os
import sys
import time
from collections import OrderedDict
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))
from required_packages import required_packages

with required_packages(__name__, "tools/requirements.txt"):
    import numpy as np
    import torch
    import torch.nn.functional as F
    from PIL import Image
    from torch import Tensor, nn

    import fashion_mnist
    from orepa_blocks import find_state_dict, make_repvgg

DEPTHS = [2, 4, 2, 1]
WIDTHS = [32, 64, 96, 112, 128]
PLAIN_SHARE = 0.45
SAVE_EVERY = 4


def uniform(n: int, low: float, high: float, *shape: int) -> Tensor:
    return low + (high - low) * torch.rand(n, *shape)


def chance(n: int, p: float) -> Tensor:
    return torch.rand(n) < p


def sampling_grid(n: int, plain: Tensor) -> Tensor:
    """Where each output pixel reads in the image, [n, SIZE, SIZE, 2] in -1..1.

    Plain images: a mirror image for half of them, a shift of up to 2 of 28 pixels for half of them.
    Others: also scaled to 0.42..1.1 of the side, stretched, turned by up to 10 degrees and placed
    anywhere.
    """
    scale = torch.where(plain, torch.ones(n), uniform(n, 0.42, 1.1))
    stretch = torch.where(plain, torch.ones(n), uniform(n, -0.08, 0.08).exp())
    angle = torch.where(plain, torch.zeros(n), uniform(n, -1, 1) * math.radians(10))
    room = torch.where(plain, 4 / 28 * chance(n, 0.5).float(), (1 - scale).clamp_min(0) + 0.06)
    shift = uniform(n, -1, 1, 2) * room[:, None]
    flip = torch.where(chance(n, 0.5), -1.0, 1.0)
    # Output = scale * turn(image) + shift; the grid is the inverse of that.
    cos, sin = angle.cos(), angle.sin()
    a = torch.stack([cos / stretch, sin / stretch], 1) / scale[:, None] * flip[:, None]
    b = torch.stack([-sin * stretch, cos * stretch], 1) / scale[:, None]
    linear = torch.stack([a, b], 1)
    offset = -(linear @ shift[:, :, None])
    size = fashion_mnist.SIZE
    return F.affine_grid(torch.cat([linear, offset], 2), [n, 1, size, size], align_corners=False)


def colours(n: int, plain: Tensor) -> tuple[Tensor, Tensor]:
    """Background and foreground colour, each [n, 3]. Of the images that are not plain a quarter
    stay white on black, a quarter become black on white, half of them get random colours."""
    background, foreground = torch.rand(n, 3), torch.rand(n, 3)
    kind = torch.rand(n)[:, None]
    background = torch.where(kind < 0.33, torch.zeros(()), background)
    background = torch.where(kind > 0.67, 1 - 0.3 * background, background)
    # Too similar: pull the foreground away.
    difference = (foreground.mean(1) - background.mean(1)).abs()
    away = (background.mean(1) < 0.5).float()[:, None]
    close = ((difference < 0.25) | chance(n, 0.2))[:, None]
    pull = uniform(n, 0.3, 1)[:, None]
    foreground = torch.where(close, foreground * (1 - pull) + away * pull, foreground)

    kind = torch.rand(n)[:, None]
    black = plain[:, None] | (kind < 0.25)
    white = ~black & (kind < 0.5)
    background = background.masked_fill(black, 0).masked_fill(white, 1)
    foreground = foreground.masked_fill(black, 1).masked_fill(white, 0)
    return background, foreground


def augment(images: Tensor) -> Tensor:
    """Images [n, 28, 28], unsigned bytes, to network inputs [n, 3, SIZE, SIZE]."""
    n = len(images)
    plain = chance(n, PLAIN_SHARE)
    grid = sampling_grid(n, plain)
    value = images[:, None].float() / 255
    value = F.grid_sample(value, grid, padding_mode="border", align_corners=False)[:, 0]
    gamma = torch.where(plain, torch.ones(n), uniform(n, -0.35, 0.35).exp())
    value = value.clamp(0, 1) ** gamma[:, None, None]

    background, foreground = colours(n, plain)
    pixels = torch.lerp(background[:, :, None, None], foreground[:, :, None, None], value[:, None])
    # Outside the image: the background, sometimes another colour. A plain image moves over black.
    other = torch.where(chance(n, 0.5)[:, None], torch.rand(n, 3), chance(n, 0.5)[:, None].float())
    framed = (~plain & chance(n, 0.12))[:, None]
    canvas = torch.where(framed, other, background)[:, :, None, None]
    inside = (grid.abs() <= 1).all(3)[:, None]
    pixels = torch.where(inside, pixels, canvas)

    blurred = (~plain & chance(n, 0.2)).nonzero()[:, 0]
    sharp = F.pad(pixels[blurred], (1, 1, 1, 1), mode="replicate")
    pixels[blurred] = F.avg_pool2d(sharp, 3, 1)
    noisy = (~plain & chance(n, 0.3)).nonzero()[:, 0]
    noise = torch.randn_like(pixels[noisy]) * uniform(len(noisy), 0, 0.06, 1, 1, 1)
    pixels[noisy] = (pixels[noisy] + noise).clamp(0, 1)
    mean, std = torch.tensor(fashion_mnist.MEAN), torch.tensor(fashion_mnist.STD)
    pixels = (pixels - mean[:, None, None]) / std[:, None, None]
    return pixels.contiguous(memory_format=torch.channels_last)


@torch.no_grad()
def recalibrated(network: nn.Module, images: Tensor, batches: int = 20) -> nn.Module:
    """A copy whose batch norm statistics are the plain mean over Float32 batches."""
    network = copy.deepcopy(network).train()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()
            module.momentum = None
    for chosen in torch.randint(len(images), (batches, 256)):
        network(augment(images[chosen]))
    return network.eval()


def save(network: nn.Module, path: Path, epoch: int, accuracy: float) -> None:
    state = OrderedDict(
        (f"module.{name}", value.detach().clone(memory_format=torch.contiguous_format))
        for name, value in network.state_dict().items()
    )
    partial = path.with_name(path.name + ".partial")
    torch.save(
        {"epoch": epoch, "arch": "RepVGG", "state_dict": state, "best_acc1": accuracy}, partial
    )
    os.replace(partial, path)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("output", type=Path, help="the checkpoint to write")
    parser.add_argument("--data", type=Path, default=fashion_mnist.DATA, help="folder of the data")
    parser.add_argument("--epochs", type=int, default=32)
    parser.add_argument("--stop-after", type=int, metavar="EPOCH", help="end the schedule early")
    parser.add_argument(
        "--start-from", type=Path, metavar="CHECKPOINT", help="weights to go on from"
    )
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--lr", type=float, default=0.1, help="highest learning rate")
    parser.add_argument("--warm-up", type=float, default=0.1, help="share of the schedule")
    parser.add_argument("--weight-decay", type=float, default=5e-4)
    parser.add_argument("--label-smoothing", type=float, default=0.05)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--images", type=int, default=60000, help="use only the first so many")
    options = parser.parse_args()

    torch.manual_seed(options.seed)
    images, labels = (
        torch.tensor(a)[: options.images] for a in fashion_mnist.load("train", options.data)
    )
    labels = labels.long()
    test_images, test_labels = fashion_mnist.load("t10k", options.data)
    test = {"plain": np.stack([fashion_mnist.preprocess(Image.fromarray(i)) for i in test_images])}
    for kind in fashion_mnist.VARIANTS[1:]:
        some = fashion_mnist.variants(test_images[:1000], kind)
        test[kind] = np.stack([fashion_mnist.preprocess(picture) for picture in some])

    network = make_repvgg("OREPA_VGG", DEPTHS, WIDTHS, classes=10)
    if options.start_from:
        checkpoint = torch.load(options.start_from, weights_only=True)
        network.load_state_dict(find_state_dict(checkpoint))
    network.to(memory_format=torch.channels_last)
    decayed = [p for n, p in network.named_parameters() if p.dim() > 1 and "vector" not in n]
    rest = [p for n, p in network.named_parameters() if p.dim() <= 1 or "vector" in n]
    optimizer = torch.optim.SGD(
        [{"params": decayed, "weight_decay": options.weight_decay}, {"params": rest}],
        lr=options.lr,
        momentum=0.9,
        nesterov=True,
    )
    steps = len(images) // options.batch
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        options.lr,
        options.epochs * steps,
        pct_start=options.warm_up,
        cycle_momentum=False,
        final_div_factor=1e4,
    )
    start = time.monotonic()
    last = options.stop_after or options.epochs
    for epoch in range(1, last + 1):
        network.train()
        total, correct = 0.0, 0
        for chosen in torch.randperm(len(images))[: steps * options.batch].view(steps, -1):
            x, y = augment(images[chosen]), labels[chosen]
            with torch.autocast("cpu", torch.bfloat16):
                logits = network(x).float()
            loss = F.cross_entropy(logits, y, label_smoothing=options.label_smoothing)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
            correct += (logits.argmax(1) == y).sum().item()
        accuracy = {}
        if epoch % SAVE_EVERY == 0 or epoch == last:
            random_state = torch.get_rng_state()
            shipped = recalibrated(network, images)
            torch.set_rng_state(random_state)
            for kind, pixels in test.items():
                hits = fashion_mnist.predict(shipped, pixels).argmax(1).numpy()
                accuracy[kind] = 100 * (hits == test_labels[: len(hits)]).mean().item()
            save(shipped, options.output, epoch, accuracy["plain"])
        print(
            f"epoch {epoch}/{options.epochs}  {time.monotonic() - start:.0f} s"
            f"  loss {total / steps:.4f}  train {100 * correct / (steps * options.batch):.2f}  "
            + "  ".join(f"{kind} {value:.2f}" for kind, value in accuracy.items()),
            flush=True,
        )


if __name__ == "__main__":
    main()
