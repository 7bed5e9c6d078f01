#!/usr/bin/env python3
"""Makes Tests/Fixtures/assumptions: checkpoints that do not tell all about their networks, and what those compute.

    python tools/make_assumption_fixtures.py      (torch, safetensors, pillow)

Each NAME.pth goes with NAME.reference.safetensors, `input` and `logits` as PyTorch computes them; repvgg-grey also with
repvgg-grey.picture.safetensors, for what Pillow makes of a picture: `convert("L")`, 64 pixels high, 56x56 cut out.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from required_packages import required_packages

with required_packages(__name__, "tools/requirements.txt"):
    import torch
    from PIL import Image
    from safetensors.torch import save_file
    from torch import Tensor, nn

    from make_reference import write_reference

folder = Path(__file__).resolve().parent.parent / "Tests" / "Fixtures" / "assumptions"
widths = [4, 4, 6, 6, 8]


class ConvBN(nn.Sequential):
    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, eps: float):
        super().__init__()
        self.add_module(
            "conv", nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False))
        self.add_module("bn", nn.BatchNorm2d(outputs, eps=eps))


class RepVGGBlock(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int, eps: float):
        super().__init__()
        self.rbr_dense = ConvBN(inputs, outputs, 3, stride, eps)
        self.rbr_1x1 = ConvBN(inputs, outputs, 1, stride, eps)
        if inputs == outputs and stride == 1:
            self.rbr_identity = nn.BatchNorm2d(inputs, eps=eps)

    def forward(self, x: Tensor) -> Tensor:
        y = self.rbr_dense(x) + self.rbr_1x1(x)
        return torch.relu(y + self.rbr_identity(x) if hasattr(self, "rbr_identity") else y)


class Residual(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int, eps: float):
        super().__init__()
        self.conv1 = ConvBN(inputs, outputs, 3, stride, eps)
        self.conv2 = ConvBN(outputs, outputs, 3, 1, eps)
        if inputs != outputs or stride != 1:
            self.shortcut = ConvBN(inputs, outputs, 1, stride, eps)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv2(torch.relu(self.conv1(x)))
        return torch.relu(y + (self.shortcut(x) if hasattr(self, "shortcut") else x))


class Network(nn.Module):
    def __init__(
        self, block: type[nn.Module], strides: list[int], pool: bool = False, eps: float = 1e-5,
        channels: int = 3, classes: int = 5,
    ):
        super().__init__()
        if block is RepVGGBlock:
            self.stage0 = block(channels, widths[0], strides[0], eps)
        else:
            self.stage0 = nn.Sequential()
            self.stage0.add_module("conv1", ConvBN(channels, widths[0], 3, strides[0], eps))
            self.stage0.add_module("relu", nn.ReLU())
            if pool:
                self.stage0.add_module("maxpool", nn.MaxPool2d(3, 2, 1))
        for stage in range(1, 5):
            self.add_module(
                f"stage{stage}",
                nn.Sequential(
                    block(widths[stage - 1], widths[stage], strides[stage], eps),
                    block(widths[stage], widths[stage], 1, eps),
                ))
        self.linear = nn.Linear(widths[4], classes)
        with torch.no_grad():
            for module in self.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.weight.uniform_(0.5, 1.5)
                    module.bias.normal_(0, 0.2)
                    module.running_mean.normal_(0, 0.2)
                    # So small that another epsilon is another network.
                    module.running_var.uniform_(0.01, 0.03)

    def forward(self, x: Tensor) -> Tensor:
        for stage in range(5):
            x = self.get_submodule(f"stage{stage}")(x)
        return self.linear(x.mean((2, 3)))


def save(name: str, network: Network, contents: dict | None = None, channels: int = 3) -> None:
    torch.save(
        {"state_dict": network.state_dict()} if contents is None else contents,
        folder / f"{name}.pth")
    write_reference(network, folder / f"{name}.reference.safetensors", 24, channels)


def save_picture(grey: Network) -> None:
    picture = Image.open(folder.parent / "images" / "baseline-420.jpg").convert("L")
    width, height = picture.size
    scale = 64 / min(width, height)
    picture = picture.resize((int(width * scale), int(height * scale)), Image.BILINEAR)
    left, top = round((picture.width - 56) / 2), round((picture.height - 56) / 2)
    picture = picture.crop((left, top, left + 56, top + 56))
    pixels = torch.frombuffer(bytearray(picture.tobytes()), dtype=torch.uint8)
    # As torchvision's ToTensor and Normalize.
    values = (pixels.reshape(1, 1, 56, 56).float() / 255 - 0.5) / 0.5
    with torch.no_grad():
        logits = grey.eval()(values)
    save_file(
        {"input": values, "logits": logits}, folder / "repvgg-grey.picture.safetensors")


def main() -> None:
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    folder.mkdir(exist_ok=True)
    torch.manual_seed(1)
    published = [2, 2, 2, 2, 2]
    save("repvgg-strides", Network(RepVGGBlock, [1, 2, 1, 3, 1]))
    save("repvgg-epsilon", Network(RepVGGBlock, published, eps=1e-3))
    grey = Network(RepVGGBlock, published, channels=1)
    save("repvgg-grey", grey, channels=1)
    save_picture(grey)
    save("repvgg-four-channels", Network(RepVGGBlock, published, channels=4), channels=4)
    save("repvgg-one-class", Network(RepVGGBlock, published, classes=1))
    save("resnet-small", Network(Residual, [1, 1, 2, 2, 2]))
    save("resnet-imagenet", Network(Residual, [2, 1, 2, 2, 2], pool=True))
    trained, averaged = Network(RepVGGBlock, published), Network(RepVGGBlock, published)
    wrapped = {f"module.{name}": value for name, value in averaged.state_dict().items()}
    save("repvgg-averaged", averaged, {
        "epoch": 3, "state_dict": trained.state_dict(),
        "averages": {"ema.decay": {"n_averaged": torch.tensor(7), **wrapped}},
        "optimizer": {"state": {0: {"momentum_buffer": torch.zeros(3)}}},
    })


if __name__ == "__main__":
    main()
