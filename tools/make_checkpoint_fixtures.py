"""Makes Tests/Fixtures/checkpoint-formats: what torch.save writes in odd cases, and what it holds.

    python tools/make_checkpoint_fixtures.py      (torch, numpy, safetensors)

expected.json says for each readable file every tensor's name, type, shape and values; published.json gives a
CRC-32 over the names and Float64 values of all tensors of each file in Tests/Fixtures/checkpoints.
"""
import argparse
import collections
import json
import pathlib
import struct
import warnings
import zipfile
import zlib

from required_packages import required_packages

with required_packages(__name__, "tools/requirements.txt"):
    import numpy
    import safetensors.torch
    import torch

warnings.filterwarnings("ignore")
fixtures = pathlib.Path(__file__).resolve().parent.parent / "Tests" / "Fixtures"
folder = fixtures / "checkpoint-formats"
folder.mkdir(exist_ok=True)
names = {
    torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16",
    torch.int64: "I64", torch.int32: "I32", torch.int16: "I16", torch.int8: "I8",
    torch.uint64: "U64", torch.uint32: "U32", torch.uint16: "U16", torch.uint8: "U8",
    torch.bool: "BOOL",
}
expected = {}


def describe(name, value):
    if isinstance(value, int):
        return {"name": name, "dtype": "I64", "shape": [], "values": [value]}
    if isinstance(value, float):
        return {"name": name, "dtype": "F64", "shape": [], "values": [value]}
    values = value.detach().contiguous()
    if values.dtype in (torch.uint16, torch.uint32, torch.uint64):
        values = values.to(torch.int64)
    return {
        "name": name, "dtype": names[value.dtype], "shape": list(value.shape),
        "values": values.double().flatten().tolist(),
    }


def expect(file, format, location, state, **more):
    strip = lambda name: name.removeprefix("module.")
    tensors = [describe(strip(name), value) for name, value in state.items()]
    expected[file] = {"format": format, "location": location, "tensors": tensors, **more}


def save(file, value, location, state=None, **options):
    torch.save(value, folder / file, **options)
    legacy = options.get("_use_new_zipfile_serialization") is False
    more = {key: value[key] for key in ("arch", "epoch") if location and key in value}
    expect(file, "torch legacy" if legacy else "torch zip", location,
           value if state is None else state, **more)


old = {"_use_new_zipfile_serialization": False}
generator = torch.Generator().manual_seed(1)
random = lambda *shape: torch.randn(*shape, generator=generator)

# One state dict in the three formats.
same = collections.OrderedDict(
    [("conv.weight", random(4, 3, 3, 3)), ("conv.bias", random(4)),
     ("bn.num_batches_tracked", torch.tensor(7)), ("empty", random(0, 3))])
save("same.pth", same, None)
save("same.legacy.pth", same, None, **old)
safetensors.torch.save_file(same, folder / "same.safetensors", metadata={"format": "pt"})
# safetensors orders by size of the elements, then by name.
order = list(safetensors.torch.load_file(folder / "same.safetensors"))
expected["same.safetensors"] = {
    "format": "safetensors", "location": None, "metadata": {"format": "pt"},
    "tensors": [describe(name, same[name]) for name in order]}

# Every element type, and every pickle protocol.
types = {str(t).split(".")[1]: torch.tensor([0, 1, 2, 3, 100]).to(t) for t in names}
types["float64"] = torch.tensor([1e-300, -2.5, 3e200], dtype=torch.float64)
types["float16"] = torch.tensor([0.5, -65504, 6e-8], dtype=torch.float16)
types["bfloat16"] = torch.tensor([0.5, -3e38, 1e-40], dtype=torch.bfloat16)
types["int64"] = torch.tensor([-(2**52), 2**52])
types["int8"] = torch.tensor([-128, 127], dtype=torch.int8)
save("types.pth", types, None)
basic = {k: v for k, v in types.items() if k not in ("uint16", "uint32", "uint64")}
save("types.legacy.pth", basic, None, **old)
small = {"w": random(2, 3), "n": torch.tensor(3), "long": torch.ones(1)}
for protocol in (1, 3, 4, 5):
    save(f"protocol-{protocol}.pth", small, None, pickle_protocol=protocol)
save("protocol-1.legacy.pth", small, None, pickle_protocol=1, **old)
save("protocol-4.legacy.pth", small, None, pickle_protocol=4, **old)

# Views: shared storage, offsets, strides, repeated elements.
base = torch.arange(24, dtype=torch.float32)
views = collections.OrderedDict(
    [("base", base), ("rows", base.reshape(4, 6)), ("transposed", base.reshape(4, 6).t()),
     ("part", base[5:11]), ("every-third", base[2::3]), ("column", base.reshape(4, 6)[:, 2:4]),
     ("expanded", base[3:5].reshape(2, 1).expand(2, 4)), ("scalar", base[23]),
     ("channels-last", random(2, 3, 2, 2).to(memory_format=torch.channels_last))])
save("views.pth", {"model": views}, "model", views)
save("views.legacy.pth", {"model_state_dict": views}, "model_state_dict", views, **old)

# Parameters, attributes, a module's own state dict, prefixes.
module = torch.nn.Sequential(torch.nn.Conv2d(3, 2, 1), torch.nn.BatchNorm2d(2))
state = module.state_dict()
assert hasattr(state, "_metadata")
save("module.pth", {"state_dict": state}, "state_dict", state)
parameters = collections.OrderedDict(
    ("module." + name, parameter) for name, parameter in module.named_parameters())
parameters["other"] = torch.nn.Parameter(random(2), requires_grad=False)
with_attribute = torch.nn.Parameter(random(3))
with_attribute.tag = "kept in the state of the parameter"
parameters["module.tagged"] = with_attribute
plain_with_attribute = random(2)
plain_with_attribute.tag = [1, 2]
parameters["module.attributed"] = plain_with_attribute
parameters["module.buffer"] = torch.nn.Buffer(random(2))
save("parameters.pth", parameters, None)
save("parameters.legacy.pth", parameters, None, **old)

# A whole training checkpoint, with all that lies beside the state dict.
optimizer = torch.optim.Adam(module.parameters())
module(random(2, 3, 4, 4)).sum().backward()
optimizer.step()
training = {
    "epoch": 119, "arch": "resnet18", "state_dict": {"module." + k: v for k, v in state.items()},
    "best_acc1": torch.tensor(71.5), "optimizer": optimizer.state_dict(),
    "scheduler": torch.optim.lr_scheduler.MultiStepLR(optimizer, [30, 60]).state_dict(),
    "cosine": torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 120).state_dict(),
    "counts": collections.defaultdict(int, a=1), "seen": {1, 2, 3}, "frozen": frozenset([4]),
    "complex": 1 + 2j, "raw": b"bytes", "array": bytearray(b"more"), "big": 2**100, "low": -(2**63),
    "device": torch.device("cuda:0"), "dtype": torch.float16, "size": torch.Size([1, 2]),
    "none": None, "nested": [[[(1,), {}]]], "negative": -5, "float": 1e-5,
    "rng": torch.get_rng_state()[:8].clone(), "layout": torch.strided,
    "sparse": torch.eye(2).to_sparse(), "spectrum": torch.ones(2, dtype=torch.complex64),
}
save("training.pth", training, "state_dict", training["state_dict"])
save("training.legacy.pth", training, "state_dict", training["state_dict"], **old)
scalars = {"bn.num_batches_tracked": 12, "scale": 0.25, "w": random(2)}
save("scalars.pth", {"state_dict": scalars}, "state_dict", scalars)

# What a big-endian machine writes: the same records with the bytes of each element reversed.
state = {"w": random(2, 3), "half": random(3).half(), "double": random(2).double(),
         "long": torch.tensor([1, -2]), "byte": torch.tensor([3], dtype=torch.uint8)}
torch.save(state, folder / "little.pth")
widths = [value.element_size() for value in state.values()]
with zipfile.ZipFile(folder / "little.pth") as source:
    with zipfile.ZipFile(folder / "big-endian.pth", "w") as target:
        for item in source.infolist():
            data = source.read(item)
            if "/data/" in item.filename:
                width = widths[int(item.filename.rsplit("/", 1)[1])]
                data = numpy.frombuffer(data, f"V{width}")
                data = b"".join(bytes(element)[::-1] for element in data)
            if item.filename.endswith("/byteorder"):
                data = b"big"
            name = zipfile.ZipInfo(item.filename.replace("little/", "big/"))
            target.writestr(name, data)
(folder / "little.pth").unlink()
expect("big-endian.pth", "torch zip", None, state)

# Refused, each for its own reason.
weight = {"w": random(2)}
torch.save({"state_dict": weight, "args": argparse.Namespace(lr=0.1)}, folder / "namespace.pth")
torch.save({"state_dict": weight, "best": numpy.float64(0.5)}, folder / "numpy-scalar.pth")
torch.save({"state_dict": weight, "args": argparse.Namespace(lr=0.1)},
           folder / "namespace.legacy.pth", **old)
torch.save({"w": torch.eye(2).to_sparse()}, folder / "sparse.pth")
torch.save({"w": torch.ones(2, dtype=torch.complex64)}, folder / "complex.pth")
torch.save({"w": torch.quantize_per_tensor(random(2), 0.1, 0, torch.quint8)},
           folder / "quantised.pth")
torch.save({"w": torch.ones(2, dtype=torch.complex64).conj().imag}, folder / "negated.pth")
torch.save({"w": torch.ones(2, dtype=torch.float8_e4m3fn)}, folder / "float8.pth")
torch.save({"w": torch.ones(2, device="meta")}, folder / "meta.pth")
torch.save(torch.nn.Linear(2, 1), folder / "whole-module.pth")
torch.jit.save(torch.jit.script(torch.nn.Linear(2, 1)), folder / "script.pt")

(folder / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")

published = {}
for path in sorted((fixtures / "checkpoints").iterdir()):
    if ".golden." in path.name:
        continue
    if path.suffix == ".safetensors":
        with safetensors.safe_open(path, "pt") as file:
            state = {name: file.get_tensor(name) for name in file.offset_keys()}
        location = None
    else:
        # The machine that trains is trusted with its own files.
        state, location = torch.load(path, weights_only=False), None
        for key in ("state_dict", "model_state_dict", "model"):
            if key in state:
                state, location = state[key], key
                break
    checksum = 0
    for name, value in state.items():
        checksum = zlib.crc32(name.removeprefix("module.").encode(), checksum)
        checksum = zlib.crc32(value.double().contiguous().numpy().tobytes(), checksum)
    published[path.name] = {"location": location, "count": len(state), "checksum": checksum}
(folder / "published.json").write_text(json.dumps(published, indent=1) + "\n")
