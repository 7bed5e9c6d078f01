#!/usr/bin/env python3
"""Rewrite a checkpoint as a plain safetensors file of its state dict.

For files that `orepa-infer convert` refuses: HDF5 (.h5, .hdf5), and pickles that mention harmless
Python objects beside the tensors (argparse.Namespace, numpy scalars and arrays, paths, counters).
Pickles are loaded with `weights_only=True` and a fixed list of allowed globals, so a hostile file
cannot run code; anything else in it is refused by name.

The tensors are those under `state_dict`, `model_state_dict`, `model`, or the whole file, in this
order; one leading `module.` is stripped. Everything else, the optimizer too, is dropped.
In an HDF5 file groups are parts of a name: dataset `stage0/bn/weight` is tensor `stage0.bn.weight`.

Examples:
  tools/checkpoint_to_safetensors.py model_best.pth.tar model_best.safetensors
  tools/checkpoint_to_safetensors.py weights.h5 weights.safetensors
"""

from __future__ import annotations

import argparse
import collections
import os
import pickle
import sys
from pathlib import Path

from required_packages import required_packages

sys.path.append(str(Path(__file__).resolve().parent / "training"))

with required_packages(__name__, "tools/requirements.txt"):
    import h5py
    import numpy as np
    import torch
    from safetensors.torch import load_file, save_file
    from torch import Tensor

    from orepa_blocks import find_state_dict



class Dropped:
    """What stands for an object that is dropped anyway. It takes whatever a pickle gives to the object's own class,
    and keeps and does nothing with it: numpy's classes would let a pickle say where in memory an object is."""

    def __new__(cls, *arguments: object, **keywords: object) -> Dropped:
        return super().__new__(cls)

    def __init__(self, *arguments: object, **keywords: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        pass


def stand_in(name: str) -> tuple[type, str]:
    return type(name.rpartition(".")[2], (Dropped,), {}), name


# Nothing here opens, imports, runs or builds anything but containers of Python.
SAFE_GLOBALS = [
    collections.Counter,
    collections.defaultdict,
    set,
    *map(
        stand_in,
        [
            "argparse.Namespace",
            "types.SimpleNamespace",
            "pathlib.PosixPath",
            "pathlib.PurePosixPath",
            "pathlib._local.PosixPath",
            "pathlib._local.PurePosixPath",
            "numpy.ndarray",
            "numpy.dtype",
            *(f"numpy.dtypes.{type(np.dtype(code)).__name__}" for code in "?bBhHiIlLqQefdFDSU"),
            *(
                f"{module}.multiarray.{name}"
                for module in ["numpy.core", "numpy._core"]
                for name in ["scalar", "_reconstruct"]
            ),
        ],
    ),
]


def read_hdf5(path: Path) -> dict[str, object]:
    """The datasets by dotted name, of one of the usual groups if the file has one."""

    def tensors(group: h5py.Group) -> dict[str, Tensor]:
        found = {}

        def visit(name: str, item: object) -> None:
            if isinstance(item, h5py.Dataset):
                try:
                    found[name.replace("/", ".")] = torch.from_numpy(np.asarray(item[()]))
                except TypeError:
                    raise ValueError(f"'{name}' holds {item.dtype}, expected numbers") from None

        group.visititems(visit)
        return found

    with h5py.File(path) as file:
        for key in ("state_dict", "model_state_dict", "model"):
            if isinstance(file.get(key), h5py.Group):
                return tensors(file[key])
        return tensors(file)


def read(path: Path) -> dict[str, object]:
    with path.open("rb") as file:
        start = file.read(8)
    if start == b"\x89HDF\r\n\x1a\n":
        return read_hdf5(path)
    if path.suffix == ".safetensors":
        return load_file(path)
    with torch.serialization.safe_globals(SAFE_GLOBALS):
        return torch.load(path, map_location="cpu", weights_only=True)


def convert(source: Path, target: Path) -> int:
    """Write the file; returns the number of tensors."""
    loaded = read(source)
    if not isinstance(loaded, collections.abc.Mapping):
        raise ValueError(f"holds a {type(loaded).__name__}, expected a dictionary of tensors")
    tensors = {}
    for name, tensor in find_state_dict(loaded).items():
        # safetensors wants every tensor to own its bytes; names may share them in a pickle.
        tensors[name] = tensor.detach().clone(memory_format=torch.contiguous_format)
    if not tensors:
        raise ValueError("holds no tensors")
    partial = target.with_name(target.name + ".partial")
    save_file(tensors, partial, {"format": "pt"})
    os.replace(partial, target)
    return len(tensors)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("output", type=Path, help="the .safetensors file to write")
    parser.add_argument("--force", action="store_true", help="replace the output if it exists")
    options = parser.parse_args()
    if options.output.exists() and not options.force:
        sys.exit(f"{options.output}: exists; --force replaces it")
    try:
        count = convert(options.checkpoint, options.output)
    except pickle.UnpicklingError as error:
        # The first sentence names the refused global; the rest is advice on how to trust it.
        lines = [line.strip() for line in str(error).splitlines()]
        reason = next((line for line in lines if "GLOBAL" in line or "global" in line), lines[0])
        sys.exit(f"{options.checkpoint}: refused: {reason.split(' was not')[0]}")
    except OSError as error:
        sys.exit(f"{options.checkpoint}: {error.strerror or error}")
    except ValueError as error:
        sys.exit(f"{options.checkpoint}: {error}")
    except Exception as error:  # noqa: BLE001  A damaged pickle raises whatever it runs into.
        reason = str(error).splitlines()[0].split(". ")[0] if str(error) else "ends too early"
        sys.exit(f"{options.checkpoint}: cannot be read: {type(error).__name__}: {reason}")
    print(f"{options.output}: {count} tensors")


if __name__ == "__main__":
    main()
