#!/usr/bin/env python3
"""Writes logits that your own code computes, for `orepa-infer convert --reference` to hold the model against.

    tools/make_reference.py mynetwork:load reference.safetensors --size 32

imports `mynetwork` from the current folder and calls its `load()`, which gives the network with its trained weights.
From code of your own: `write_reference(network, "reference.safetensors", size=32)`.
"""

from __future__ import annotations

import argparse
import copy
import importlib
import sys
from pathlib import Path

from required_packages import required_packages

with required_packages(__name__, "tools/requirements.txt"):
    import torch
    from safetensors.torch import save_file


def write_reference(
    network: torch.nn.Module, path: str | Path, size: int = 224, channels: int = 3, count: int = 2
) -> None:
    """Runs `network` on random pictures [count, channels, size, size], in Float32 on the processor."""
    network = copy.deepcopy(network).cpu().float().eval()
    pictures = torch.randn(
        count, channels, size, size, generator=torch.Generator().manual_seed(1)
    )
    with torch.no_grad():
        logits = network(pictures)
    save_file({"input": pictures, "logits": logits.contiguous()}, path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("network", metavar="MODULE:FUNCTION", help="what gives the trained network")
    parser.add_argument("output", type=Path, help="where to write the tensors (.safetensors)")
    parser.add_argument("--size", type=int, default=224, help="height and width of the pictures")
    parser.add_argument("--channels", type=int, default=3, help="channels of the pictures")
    parser.add_argument("--count", type=int, default=2, help="number of pictures")
    arguments = parser.parse_args()
    module, colon, function = arguments.network.partition(":")
    if not (module and colon and function):
        parser.error(f"expected MODULE:FUNCTION, found {arguments.network}")
    sys.path.insert(0, "")
    try:
        load = getattr(importlib.import_module(module), function)
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
        parser.error(f"expected the module {module} in {Path.cwd()} or installed, found none")
    except AttributeError:
        parser.error(f"expected a function {function} in {module}, found none")
    network = load()
    if not isinstance(network, torch.nn.Module):
        parser.error(f"expected a torch.nn.Module from {arguments.network}, found {type(network)}")
    write_reference(
        network, arguments.output, arguments.size, arguments.channels, arguments.count
    )


if __name__ == "__main__":
    main()
