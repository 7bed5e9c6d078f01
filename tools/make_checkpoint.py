#!/usr/bin/env python3
"""Make a full-size random training checkpoint of a published network.

The published checkpoints cannot be had everywhere; these have their names, shapes and form, and are
well-conditioned: every branch contributes, batch norm weights and biases are random, the statistics
are measured on random images, and activations and logits have the size that trained ones have.

Examples:
  tools/make_checkpoint.py --arch RepVGG-A0 --block OREPA_VGG repvgg-a0.pth.tar
  tools/make_checkpoint.py --arch ResNet-101 --block OREPA --optimizer resnet-101.pth.tar
  tools/make_checkpoint.py --arch ResNeXt-50 --block DBB --format safetensors resnext.safetensors
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import OrderedDict
from pathlib import Path

from required_packages import required_packages

sys.path.append(str(Path(__file__).resolve().parent / "training"))

with required_packages(__name__, "tools/requirements.txt"):
    import torch
    import torch.nn.functional as F
    from safetensors.torch import save_file
    from torch import Tensor, nn

    from orepa_blocks import ARCHITECTURES, BLOCK_TYPES, build


def random_images(generator: torch.Generator, count: int = 6, size: int = 224) -> Tensor:
    """White and smooth noise in equal parts, mean 0 and variance 1, like normalised images."""
    noise = torch.randn(count // 2, 3, size, size, generator=generator)
    coarse = torch.randn(count - count // 2, 3, size // 8, size // 8, generator=generator)
    smooth = F.interpolate(coarse, size=(size, size), mode="bicubic")
    return torch.cat([noise, smooth / smooth.std()])


@torch.no_grad()
def randomise(network: nn.Module, generator: torch.Generator) -> None:
    """Give every parameter that starts at a constant a random value around it."""

    def fill(tensor: Tensor, low: float, high: float) -> None:
        tensor.copy_(torch.rand(tensor.shape, generator=generator) * (high - low) + low)

    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            fill(module.weight, 0.5, 1.5)
            fill(module.bias, -0.3, 0.3)
    for name, parameter in network.named_parameters():
        if name.endswith("vector"):
            fill(parameter, 0.2, 1.0)
        elif "idconv1" in name:
            bound = 0.5 / parameter.shape[1] ** 0.5
            fill(parameter, -bound, bound)


@torch.no_grad()
def calibrate(network: nn.Module, images: Tensor) -> None:
    """Measure the batch norm statistics on these images; scale the logits to a deviation of 3."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None  # the plain mean over all batches, here one
    logits = network.train()(images)
    scale = 3 / logits.std()
    network.linear.weight.mul_(scale)
    network.linear.bias.mul_(scale)
    network.eval()


def optimizer_state(network: nn.Module, generator: torch.Generator) -> tuple[dict, dict]:
    """What SGD with momentum and a cosine schedule save, with momentum buffers of random values."""
    optimizer = torch.optim.SGD(network.parameters(), 0.1, momentum=0.9, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 120)
    for parameter in network.parameters():
        buffer = torch.randn(parameter.shape, generator=generator) * 1e-3
        optimizer.state[parameter]["momentum_buffer"] = buffer
    return optimizer.state_dict(), schedule.state_dict()


def save(contents: dict, path: Path, form: str) -> None:
    partial = path.with_name(path.name + ".partial")
    if form == "safetensors":
        save_file(contents["state_dict"], partial, {"format": "pt"})
    else:
        state = contents["state_dict"]
        contents["state_dict"] = OrderedDict((f"module.{n}", t) for n, t in state.items())
        torch.save(contents, partial, _use_new_zipfile_serialization=form == "zip")
    os.replace(partial, path)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("output", type=Path)
    parser.add_argument("--arch", required=True, choices=ARCHITECTURES)
    parser.add_argument("--block", required=True, choices=BLOCK_TYPES)
    parser.add_argument("--classes", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--optimizer", action="store_true", help="add the optimizer's state, as training files have"
    )
    parser.add_argument("--format", choices=("zip", "legacy", "safetensors"), default="zip")
    options = parser.parse_args()
    if options.optimizer and options.format == "safetensors":
        parser.error("a safetensors file has no place for an optimizer's state")

    generator = torch.Generator().manual_seed(options.seed)
    torch.manual_seed(options.seed)
    try:
        network = build(options.arch, options.block, options.classes)
    except ValueError as error:
        parser.error(str(error))
    randomise(network, generator)
    calibrate(network, random_images(generator))

    contents = {
        "epoch": 120,
        "arch": options.arch.split("-")[0],
        "state_dict": network.state_dict(),
        "best_acc1": torch.tensor(0.0),
    }
    if options.optimizer:
        contents["optimizer"], contents["scheduler"] = optimizer_state(network, generator)
    try:
        save(contents, options.output, options.format)
    except OSError as error:
        sys.exit(f"{options.output}: cannot write: {error.strerror or error}")
    count = sum(parameter.numel() for parameter in network.parameters())
    size = options.output.stat().st_size
    print(f"{options.output}: {count / 1e6:.1f} M parameters, {size / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
