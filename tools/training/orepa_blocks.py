"""Training-time blocks and networks of the re-parameterization family, in PyTorch.

Blocks: ConvBN (`base`), RepVGG, OREPA_VGG, OREPA (3x3, 1x1 and large), DBB, and their folded forms.
Networks: RepVGG, ResNet (basic and bottleneck) and ResNeXt of any depth and width. Tensor names are
the published ones, so that published checkpoints load with `strict=True`.

OREPA blocks generate their kernel from the branches at every forward pass and run one convolution:
that is how the method trains, and it needs no second implementation for evaluation.

    from orepa_blocks import build, build_from_state_dict, find_state_dict
    network = build("RepVGG-A0", "OREPA_VGG", classes=1000)
    network = build_from_state_dict(find_state_dict(torch.load(path, weights_only=True)))
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

BLOCK_TYPES = ("base", "DBB", "OREPA", "RepVGG", "OREPA_VGG")
FOLDED_NAMES = ("rbr_reparam", "orepa_reparam", "or1x1_reparam", "or_large_reparam", "dbb_reparam")
DEPTHWISE_MULTIPLIER = 8


# --- blocks ---------------------------------------------------------------------------------------


def _weight(*shape: int) -> nn.Parameter:
    parameter = nn.Parameter(torch.empty(*shape))
    nn.init.kaiming_uniform_(parameter, a=1.0)
    return parameter


class ConvBN(nn.Module):
    """Convolution, then batch norm."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1):
        super().__init__()
        self.conv = nn.Conv2d(
            inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False
        )
        self.bn = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn(self.conv(x))


class FoldedConv(nn.Module):
    """An already folded block: one convolution with a bias, under its folded name."""

    def __init__(
        self, name: str, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1
    ):
        super().__init__()
        self.name = name
        conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups)
        self.add_module(name, conv)

    def forward(self, x: Tensor) -> Tensor:
        return self.get_submodule(self.name)(x)


class RepVGGBlock(nn.Module):
    """3x3 with batch norm + 1x1 with batch norm + batch norm of the identity where shapes allow."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        stride: int = 1,
        groups: int = 1,
        identity: bool | None = None,
    ):
        super().__init__()
        if identity is None:
            identity = inputs == outputs and stride == 1
        self.rbr_identity = nn.BatchNorm2d(inputs) if identity else None
        self.rbr_dense = self._dense(inputs, outputs, stride, groups, identity)
        self.rbr_1x1 = ConvBN(inputs, outputs, 1, stride, groups)

    def _dense(
        self, inputs: int, outputs: int, stride: int, groups: int, identity: bool
    ) -> nn.Module:
        return ConvBN(inputs, outputs, 3, stride, groups)

    def forward(self, x: Tensor) -> Tensor:
        y = self.rbr_dense(x) + self.rbr_1x1(x)
        return y if self.rbr_identity is None else y + self.rbr_identity(x)


class OREPAVGGBlock(RepVGGBlock):
    """RepVGG block whose 3x3 kernel is generated from OREPA branches."""

    def _dense(
        self, inputs: int, outputs: int, stride: int, groups: int, identity: bool
    ) -> nn.Module:
        if groups != 1:
            raise ValueError(f"OREPA_VGG blocks have no groups, got {groups}")
        return OREPA3x3(
            inputs,
            outputs,
            stride,
            prefix="weight_rbr_",
            pointwise=False,
            vector_rows=6 if identity else 5,
        )


def frequency_prior(outputs: int, kernel: int = 3) -> Tensor:
    """The fixed cosine filters of the prior branch, [outputs, kernel, kernel]."""
    half = outputs / 2
    channel = torch.arange(outputs, dtype=torch.float64)
    position = torch.arange(kernel, dtype=torch.float64) + 0.5
    rows = torch.cos(math.pi * position[None, :] * (channel[:, None] + 1) / 3)
    columns = torch.cos(math.pi * position[None, :] * (channel[:, None] + 1 - half) / 3)
    prior = torch.where(
        (channel < half)[:, None, None],
        rows[:, :, None].expand(-1, -1, kernel),
        columns[:, None, :].expand(-1, kernel, -1),
    )
    return prior.float().contiguous()


class OREPA3x3(nn.Module):
    """OREPA block, kernel 3, groups allowed. `bn=False` leaves the closing batch norm to the owner.

    The same class is the dense branch of OREPA_VGG, with other names (`prefix`), without the
    1x1 branch (`pointwise=False`) and with five or six rows in `vector`.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        stride: int = 1,
        groups: int = 1,
        *,
        prefix: str = "weight_orepa_",
        pointwise: bool = True,
        vector_rows: int = 6,
        inner: int | None = None,
        bn: bool = True,
    ):
        super().__init__()
        if inner is None:
            inner = inputs if groups <= 4 else 2 * inputs
        self.inputs, self.outputs, self.stride, self.groups = inputs, outputs, stride, groups
        self.prefix, self.pointwise, self.inner = prefix, pointwise, inner
        # With an inner width other than the default the 1x1 convolution has no identity added.
        self.has_identity = inner == inputs or (pointwise and inner == 2 * inputs and groups > 4)
        width = inputs // groups

        def add(name: str, *shape: int) -> None:
            self.register_parameter(prefix + name, _weight(*shape))

        add("origin", outputs, width, 3, 3)
        add("avg_conv", outputs, width, 1, 1)
        add("pfir_conv", outputs, width, 1, 1)
        if pointwise:
            add("1x1", outputs, width, 1, 1)
        if self.has_identity:
            zeros = nn.Parameter(torch.zeros(inner, width, 1, 1))
            self.register_parameter(prefix + "1x1_kxk_idconv1", zeros)
            identity = torch.zeros(inner, width, 1, 1)
            identity[torch.arange(inner), torch.arange(inner) % width] = 1
            self.register_buffer("id_tensor", identity)
        else:
            add("1x1_kxk_conv1", inner, width, 1, 1)
        add("1x1_kxk_conv2", outputs, inner // groups, 3, 3)
        add("gconv_dw", DEPTHWISE_MULTIPLIER * inputs, 1, 3, 3)
        add("gconv_pw", outputs, DEPTHWISE_MULTIPLIER * width, 1, 1)
        self.register_buffer(prefix + "avg_avg", torch.full((3, 3), 1 / 9))
        self.register_buffer(prefix + "prior", frequency_prior(outputs))

        # origin, average, prior, 1x1 then 3x3, (1x1), depthwise separable
        scales = [0.25, 0.25, 0.0, 0.5, 1.0, 0.5] if pointwise else [0.25, 0.25, 0.0, 0.5, 0.5]
        scales += [0.0] * (vector_rows - len(scales))
        self.vector = nn.Parameter(torch.tensor(scales)[:, None].repeat(1, outputs))
        self.bn = nn.BatchNorm2d(outputs) if bn else None

    def _tensor(self, name: str) -> Tensor:
        return getattr(self, self.prefix + name)

    def generate_kernel(self) -> Tensor:
        """The kernel [O, I/g, 3, 3] that all branches together are equal to."""
        g, outputs, width = self.groups, self.outputs, self.inputs // self.groups
        v = self.vector[:, :, None, None, None]

        kernel = v[0] * self._tensor("origin")
        kernel = kernel + v[1] * self._tensor("avg_conv") * self._tensor("avg_avg")
        kernel = kernel + v[2] * self._tensor("pfir_conv") * self._tensor("prior")[:, None]

        if self.has_identity:
            first = self._tensor("1x1_kxk_idconv1") + self.id_tensor
        else:
            first = self._tensor("1x1_kxk_conv1")
        first = first.view(g, self.inner // g, width)
        second = self._tensor("1x1_kxk_conv2").view(g, outputs // g, self.inner // g, 9)
        both = torch.einsum("cotk,cti->coik", second, first)
        kernel = kernel + v[3] * both.reshape(outputs, width, 3, 3)

        # Row o * g + c of the pointwise weight belongs to output o of group c (interleaved).
        pw = self._tensor("gconv_pw").view(outputs // g, g, width, DEPTHWISE_MULTIPLIER)
        dw = self._tensor("gconv_dw").view(g, width, DEPTHWISE_MULTIPLIER, 9)
        separable = torch.einsum("ocir,cirk->coik", pw, dw)
        row = 5 if self.pointwise else 4
        kernel = kernel + v[row] * separable.reshape(outputs, width, 3, 3)

        if self.pointwise:
            kernel = kernel + F.pad(v[4] * self._tensor("1x1"), (1, 1, 1, 1))
        return kernel

    def forward(self, x: Tensor) -> Tensor:
        y = F.conv2d(x, self.generate_kernel(), None, self.stride, 1, 1, self.groups)
        return y if self.bn is None else self.bn(y)


class OREPA1x1(nn.Module):
    """OREPA block, kernel 1: a 1x1 convolution beside two of them in a row."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1):
        super().__init__()
        self.stride = stride
        inner = inputs if outputs > inputs else outputs
        self.weight_or1x1_origin = _weight(outputs, inputs, 1, 1)
        self.weight_or1x1_l2i_conv1 = _weight(inner, inputs, 1, 1)
        self.weight_or1x1_l2i_conv2 = _weight(outputs, inner, 1, 1)
        self.vector = nn.Parameter(torch.tensor([[0.5], [0.5]]).repeat(1, outputs))
        self.bn = nn.BatchNorm2d(outputs)

    def generate_kernel(self) -> Tensor:
        """The kernel [O, I, 1, 1]."""
        v = self.vector[:, :, None, None, None]
        chain = self.weight_or1x1_l2i_conv2.flatten(1) @ self.weight_or1x1_l2i_conv1.flatten(1)
        return v[0] * self.weight_or1x1_origin + v[1] * chain[:, :, None, None]

    def forward(self, x: Tensor) -> Tensor:
        return self.bn(F.conv2d(x, self.generate_kernel(), None, self.stride))


class OREPALargeConv(nn.Module):
    """OREPA block for a large odd kernel (the 7x7 stem): a stack of generated 3x3 kernels.

    `plain=True` has bare 3x3 weights instead of OREPA blocks in the stack.
    """

    def __init__(
        self, inputs: int, outputs: int, kernel: int, stride: int = 1, *, plain: bool = False
    ):
        super().__init__()
        self.stride, self.padding, self.depth = stride, kernel // 2, (kernel - 1) // 2
        for index in range(self.depth):
            step_inputs = inputs if index == 0 else outputs
            if plain:
                self.register_parameter(f"weight{index}", _weight(outputs, step_inputs, 3, 3))
            else:
                self.add_module(f"weight{index}", OREPA3x3(step_inputs, outputs, bn=False))
        self.bn = nn.BatchNorm2d(outputs)

    def generate_kernel(self) -> Tensor:
        """The kernel [O, I, k, k]. Each step grows it by 2; the steps are not flipped."""
        kernel = None
        for index in range(self.depth):
            weight = getattr(self, f"weight{index}")
            step = weight.generate_kernel() if isinstance(weight, OREPA3x3) else weight
            if kernel is None:
                kernel = step
            else:
                kernel = F.conv2d(kernel.transpose(0, 1), step, padding=2).transpose(0, 1)
        return kernel

    def forward(self, x: Tensor) -> Tensor:
        return self.bn(F.conv2d(x, self.generate_kernel(), None, self.stride, self.padding))


class BatchNormAndPad(nn.Module):
    """Batch norm, then a border of the value that the batch norm gives to 0."""

    def __init__(self, channels: int, padding: int):
        super().__init__()
        self.bn = nn.BatchNorm2d(channels)
        self.padding = padding

    def forward(self, x: Tensor) -> Tensor:
        bn, p = self.bn, self.padding
        y = bn(x)
        border = bn.bias - bn.running_mean * bn.weight / torch.sqrt(bn.running_var + bn.eps)
        border = border[None, :, None, None]
        return F.pad(y - border, (p, p, p, p)) + border


class DBBPointwiseThenKxK(nn.Module):
    """DBB branch: 1x1 (plus identity), batch norm, kxk, batch norm."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, groups: int):
        super().__init__()
        self.stride, self.groups = stride, groups
        self.has_identity = groups < outputs
        inner, width = (inputs if self.has_identity else 2 * inputs), inputs // groups
        first = nn.Conv2d(inputs, inner, 1, groups=groups, bias=False)
        if self.has_identity:
            nn.init.zeros_(first.weight)
            identity = torch.zeros(inner, width, 1, 1)
            identity[torch.arange(inner), torch.arange(inner) % width] = 1
            self.register_buffer("identity", identity, persistent=False)
        self.add_module("idconv1" if self.has_identity else "conv1", first)
        self.bn1 = BatchNormAndPad(inner, kernel // 2)
        self.conv2 = nn.Conv2d(inner, outputs, kernel, stride, groups=groups, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        if self.has_identity:
            y = F.conv2d(x, self.idconv1.weight + self.identity, groups=self.groups)
        else:
            y = self.conv1(x)
        return self.bn2(self.conv2(self.bn1(y)))


class DBBAverage(nn.Module):
    """DBB branch: 1x1 with batch norm (unless depthwise), average pooling, batch norm."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, groups: int):
        super().__init__()
        self.pointwise = groups < outputs
        if self.pointwise:
            self.conv = nn.Conv2d(inputs, outputs, 1, groups=groups, bias=False)
            self.bn = BatchNormAndPad(outputs, kernel // 2)
        self.avg = nn.AvgPool2d(kernel, stride, 0 if self.pointwise else kernel // 2)
        self.avgbn = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        if self.pointwise:
            x = self.bn(self.conv(x))
        return self.avgbn(self.avg(x))


class DBB(nn.Module):
    """Diverse Branch Block: four branches with a batch norm each."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1):
        super().__init__()
        self.dbb_origin = ConvBN(inputs, outputs, kernel, stride, groups)
        self.dbb_avg = DBBAverage(inputs, outputs, kernel, stride, groups)
        self.dbb_1x1 = ConvBN(inputs, outputs, 1, stride, groups) if groups < outputs else None
        self.dbb_1x1_kxk = DBBPointwiseThenKxK(inputs, outputs, kernel, stride, groups)

    def forward(self, x: Tensor) -> Tensor:
        y = self.dbb_origin(x) + self.dbb_avg(x) + self.dbb_1x1_kxk(x)
        return y if self.dbb_1x1 is None else y + self.dbb_1x1(x)


def make_block(
    block: str, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1
) -> nn.Module:
    """The block that the published code uses for a convolution of this shape."""
    if block not in BLOCK_TYPES:
        raise ValueError(f"block type is one of {', '.join(BLOCK_TYPES)}, got {block}")
    if block == "base" or (block == "DBB" and kernel != 3):
        return ConvBN(inputs, outputs, kernel, stride, groups)
    if block == "DBB":
        return DBB(inputs, outputs, kernel, stride, groups)
    if block == "OREPA" and kernel == 1 and groups == 1:
        return OREPA1x1(inputs, outputs, stride)
    if block == "OREPA" and kernel == 3:
        return OREPA3x3(inputs, outputs, stride, groups)
    if block == "OREPA" and kernel >= 7 and groups == 1:
        return OREPALargeConv(inputs, outputs, kernel, stride)
    if block == "RepVGG" and kernel == 3:
        return RepVGGBlock(inputs, outputs, stride, groups)
    if block == "OREPA_VGG" and kernel == 3:
        return OREPAVGGBlock(inputs, outputs, stride, groups)
    raise ValueError(f"no {block} block for a {kernel}x{kernel} convolution in {groups} groups")


# --- networks -------------------------------------------------------------------------------------


class RepVGG(nn.Module):
    """A chain of blocks with ReLU in five stages, global average pooling, a linear layer."""

    def __init__(self, stage0: nn.Module, stages: list[list[nn.Module]], linear: nn.Linear):
        super().__init__()
        self.stage0 = stage0
        for index, blocks in enumerate(stages, start=1):
            self.add_module(f"stage{index}", nn.ModuleList(blocks))
        self.stages = len(stages)
        self.linear = linear

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.stage0(x))
        for index in range(1, self.stages + 1):
            for block in self.get_submodule(f"stage{index}"):
                x = F.relu(block(x))
        return self.linear(x.mean((2, 3)))


class ResidualUnit(nn.Module):
    """A basic (two convolutions) or bottleneck (three) unit of a ResNet."""

    def __init__(self, convs: list[nn.Module], shortcut: nn.Module | None):
        super().__init__()
        self.shortcut = shortcut
        for index, conv in enumerate(convs, start=1):
            self.add_module(f"conv{index}", conv)
        self.convs = len(convs)

    def forward(self, x: Tensor) -> Tensor:
        y = x
        for index in range(1, self.convs + 1):
            y = self.get_submodule(f"conv{index}")(y)
            if index < self.convs:
                y = F.relu(y)
        return F.relu(y + (x if self.shortcut is None else self.shortcut(x)))


class ResNetStem(nn.Module):
    """7x7 convolution of stride 2, ReLU, max pooling."""

    def __init__(self, conv1: nn.Module):
        super().__init__()
        self.conv1 = conv1

    def forward(self, x: Tensor) -> Tensor:
        return F.max_pool2d(F.relu(self.conv1(x)), 3, 2, 1)


class ResNet(nn.Module):
    """Stem, four stages of residual units, global average pooling, a linear layer."""

    def __init__(self, stage0: ResNetStem, stages: list[list[ResidualUnit]], linear: nn.Linear):
        super().__init__()
        self.stage0 = stage0
        for index, units in enumerate(stages, start=1):
            self.add_module(f"stage{index}", nn.Sequential(*units))
        self.stages = len(stages)
        self.linear = linear

    def forward(self, x: Tensor) -> Tensor:
        x = self.stage0(x)
        for index in range(1, self.stages + 1):
            x = self.get_submodule(f"stage{index}")(x)
        return self.linear(x.mean((2, 3)))


def make_repvgg(
    block: str,
    depths: list[int],
    widths: list[int],
    classes: int,
    grouped_layers: Mapping[int, int] | None = None,
) -> RepVGG:
    """`widths` has one entry more than `depths`: stage0 first. `grouped_layers` maps a layer to its
    number of groups, layers counted from 0 (stage0)."""
    grouped_layers = grouped_layers or {}
    stage0 = make_block(block, 3, widths[0], 3, 2)
    inputs, layer, stages = widths[0], 1, []
    for depth, width in zip(depths, widths[1:], strict=True):
        blocks = []
        for index in range(depth):
            stride, groups = (2 if index == 0 else 1), grouped_layers.get(layer, 1)
            blocks.append(make_block(block, inputs, width, 3, stride, groups))
            inputs, layer = width, layer + 1
        stages.append(blocks)
    return RepVGG(stage0, stages, nn.Linear(inputs, classes))


def make_resnet(
    block: str,
    depths: list[int],
    widths: list[int],
    classes: int,
    bottleneck: bool,
    groups: int = 1,
    stem: int | None = None,
    inner_ratio: float = 0.25,
) -> ResNet:
    """`widths` are the output widths of the stages."""
    inputs = stem = stem or (widths[0] // 4 if bottleneck else widths[0])
    stages = []
    for index, (depth, width) in enumerate(zip(depths, widths, strict=True)):
        units = []
        for unit in range(depth):
            stride = 2 if index > 0 and unit == 0 else 1
            if bottleneck:
                inner = int(width * inner_ratio)
                convs = [
                    make_block(block, inputs, inner, 1),
                    make_block(block, inner, inner, 3, stride, groups),
                    make_block(block, inner, width, 1),
                ]
            else:
                convs = [
                    make_block(block, inputs, width, 3, stride),
                    make_block(block, width, width, 3),
                ]
            shortcut = None
            if stride != 1 or inputs != width:
                # Basic networks keep a plain 1x1 shortcut whatever the block type.
                kind = block if bottleneck else "base"
                shortcut = make_block(kind, inputs, width, 1, stride)
            units.append(ResidualUnit(convs, shortcut))
            inputs = width
        stages.append(units)
    stage0 = ResNetStem(make_block(block, 3, stem, 7, 2))
    return ResNet(stage0, stages, nn.Linear(inputs, classes))


_REPVGG = {
    "RepVGG-A0": ([2, 4, 14, 1], (0.75, 0.75, 0.75, 2.5)),
    "RepVGG-A1": ([2, 4, 14, 1], (1, 1, 1, 2.5)),
    "RepVGG-A2": ([2, 4, 14, 1], (1.5, 1.5, 1.5, 2.75)),
    "RepVGG-B0": ([4, 6, 16, 1], (1, 1, 1, 2.5)),
    "RepVGG-B1": ([4, 6, 16, 1], (2, 2, 2, 4)),
    "RepVGG-B2": ([4, 6, 16, 1], (2.5, 2.5, 2.5, 5)),
}
_RESNET = {
    # depths, output widths of stage 1 to 4 begin with, bottleneck, groups, inner ratio
    "ResNet-18": ([2, 2, 2, 2], 64, False, 1, 1.0),
    "ResNet-34": ([3, 4, 6, 3], 64, False, 1, 1.0),
    "ResNet-50": ([3, 4, 6, 3], 256, True, 1, 0.25),
    "ResNet-101": ([3, 4, 23, 3], 256, True, 1, 0.25),
    "ResNet-18-1.5x": ([2, 2, 2, 2], 96, False, 1, 1.0),
    "ResNet-18-2x": ([2, 2, 2, 2], 128, False, 1, 1.0),
    "ResNeXt-50": ([3, 4, 6, 3], 256, True, 32, 0.5),
}
ARCHITECTURES = (*_RESNET, *_REPVGG)


def build(arch: str, block: str, classes: int = 1000) -> RepVGG | ResNet:
    """A published network, freshly initialised."""
    if arch in _REPVGG:
        depths, multipliers = _REPVGG[arch]
        widths = [int(base * m) for base, m in zip((64, 128, 256, 512), multipliers, strict=True)]
        return make_repvgg(block, depths, [min(64, widths[0]), *widths], classes)
    if arch in _RESNET:
        depths, first, bottleneck, groups, inner_ratio = _RESNET[arch]
        if block in ("RepVGG", "OREPA_VGG"):
            raise ValueError(f"{block} blocks belong to RepVGG networks, {arch} is none")
        widths = [first << stage for stage in range(4)]
        stem = 64 if bottleneck else None
        return make_resnet(block, depths, widths, classes, bottleneck, groups, stem, inner_ratio)
    raise ValueError(f"architecture is one of {', '.join(ARCHITECTURES)}, got {arch}")


# --- from a state dict ----------------------------------------------------------------------------


def find_state_dict(loaded: Mapping) -> dict[str, Tensor]:
    """The tensors of a loaded checkpoint: under `state_dict`, `model_state_dict`, `model` or bare,
    one leading `module.` stripped."""
    for key in ("state_dict", "model_state_dict", "model"):
        if isinstance(loaded.get(key), Mapping):
            loaded = loaded[key]
            break
    tensors = {name.removeprefix("module."): value for name, value in loaded.items()}
    if len(tensors) != len(loaded):
        raise ValueError("two tensors have the same name once the leading 'module.' is stripped")
    for name, value in tensors.items():
        if not isinstance(value, Tensor):
            raise ValueError(f"'{name}' is a {type(value).__name__}, expected a tensor")
    return tensors


class _Shapes:
    """Builds modules from the names and shapes under a prefix of a state dict."""

    def __init__(self, tensors: Mapping[str, Tensor]):
        self.tensors = tensors

    def __contains__(self, name: str) -> bool:
        return name in self.tensors

    def has(self, prefix: str) -> bool:
        return any(name.startswith(prefix) for name in self.tensors)

    def count(self, pattern: str) -> int:
        """How many of pattern(0), pattern(1), ... begin a name."""
        index = 0
        while self.has(pattern.format(index)):
            index += 1
        return index

    def shape(self, name: str) -> tuple[int, ...]:
        return tuple(self.tensors[name].shape)

    def block(self, prefix: str, inputs: int, stride: int) -> tuple[nn.Module, int]:
        """The block under `prefix` (with its final dot) and its number of outputs."""
        for name in FOLDED_NAMES + ("conv",):
            if f"{prefix}{name}.bias" in self:
                outputs, width, kernel, _ = self.shape(f"{prefix}{name}.weight")
                folded = FoldedConv(name, inputs, outputs, kernel, stride, inputs // width)
                return folded, outputs
        if f"{prefix}conv.weight" in self:
            outputs, width, kernel, _ = self.shape(f"{prefix}conv.weight")
            return ConvBN(inputs, outputs, kernel, stride, inputs // width), outputs
        if f"{prefix}rbr_dense.conv.weight" in self:
            outputs, width, _, _ = self.shape(f"{prefix}rbr_dense.conv.weight")
            identity = self.has(f"{prefix}rbr_identity.")
            return RepVGGBlock(inputs, outputs, stride, inputs // width, identity), outputs
        if f"{prefix}rbr_dense.weight_rbr_origin" in self:
            outputs = self.shape(f"{prefix}rbr_dense.weight_rbr_origin")[0]
            identity = self.has(f"{prefix}rbr_identity.")
            vgg = OREPAVGGBlock(inputs, outputs, stride, identity=identity)
            inner = self.shape(f"{prefix}rbr_dense.weight_rbr_1x1_kxk_conv2")[1]
            rows = self.shape(f"{prefix}rbr_dense.vector")[0]
            vgg.rbr_dense = OREPA3x3(
                inputs,
                outputs,
                stride,
                prefix="weight_rbr_",
                pointwise=False,
                vector_rows=rows,
                inner=inner,
            )
            return vgg, outputs
        if f"{prefix}weight_orepa_origin" in self:
            outputs, width, _, _ = self.shape(f"{prefix}weight_orepa_origin")
            return OREPA3x3(inputs, outputs, stride, inputs // width), outputs
        if f"{prefix}weight_or1x1_origin" in self:
            outputs = self.shape(f"{prefix}weight_or1x1_origin")[0]
            return OREPA1x1(inputs, outputs, stride), outputs
        if self.has(f"{prefix}weight0"):
            outputs = self.shape(f"{prefix}bn.weight")[0]
            kernel = 2 * self.count(prefix + "weight{}") + 1
            plain = f"{prefix}weight0" in self
            return OREPALargeConv(inputs, outputs, kernel, stride, plain=plain), outputs
        if f"{prefix}dbb_origin.conv.weight" in self:
            outputs, width, kernel, _ = self.shape(f"{prefix}dbb_origin.conv.weight")
            return DBB(inputs, outputs, kernel, stride, inputs // width), outputs
        raise ValueError(f"no known block under '{prefix}'")


def build_from_state_dict(tensors: Mapping[str, Tensor]) -> RepVGG | ResNet:
    """The network that these tensors (names without `module.`) belong to, loaded, in eval mode."""
    shapes = _Shapes(tensors)
    if "linear.weight" not in shapes:
        raise ValueError("no 'linear.weight': not a RepVGG, ResNet or ResNeXt checkpoint")
    residual = shapes.has("stage0.conv1.")
    stem, inputs = shapes.block("stage0.conv1." if residual else "stage0.", 3, 2)
    stages = []
    for stage in range(1, shapes.count("stage{}.")):
        blocks = []
        for index in range(shapes.count(f"stage{stage}." + "{}.")):
            prefix = f"stage{stage}.{index}."
            stride = 2 if index == 0 and (stage > 1 or not residual) else 1
            if not residual:
                block, inputs = shapes.block(prefix, inputs, stride)
                blocks.append(block)
                continue
            bottleneck = shapes.has(f"{prefix}conv3.")
            strides = (1, stride, 1) if bottleneck else (stride, 1)
            convs, width = [], inputs
            for number, conv_stride in enumerate(strides, start=1):
                conv, width = shapes.block(f"{prefix}conv{number}.", width, conv_stride)
                convs.append(conv)
            shortcut = None
            if shapes.has(f"{prefix}shortcut."):
                shortcut, _ = shapes.block(f"{prefix}shortcut.", inputs, stride)
            blocks.append(ResidualUnit(convs, shortcut))
            inputs = width
        stages.append(blocks)
    classes, features = shapes.shape("linear.weight")
    linear = nn.Linear(features, classes)
    network = ResNet(ResNetStem(stem), stages, linear) if residual else RepVGG(stem, stages, linear)
    network.to(next(t.dtype for t in tensors.values() if t.is_floating_point()))
    network.load_state_dict(tensors, strict=True)
    return network.eval()
