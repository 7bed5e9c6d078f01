#!/usr/bin/env python3
"""Writes the files of Seeds that follow from Tests/Fixtures or from a few lines here: python3 Tests/Fuzz/make_seeds.py

What else lies in Seeds stays. Needs nothing but Python."""

import json
import random
import struct
import zipfile
from pathlib import Path

HERE = Path(__file__).parent
FIXTURES = HERE.parent / "Fixtures"
LARGEST = 6000


def write(target, name, data):
    folder = HERE / "Seeds" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def safetensors(tensors, metadata=None):
    """tensors: (name, type, shape, bytes) each."""
    head = {"__metadata__": metadata} if metadata else {}
    offset = 0
    for name, kind, shape, data in tensors:
        head[name] = {"dtype": kind, "shape": shape, "data_offsets": [offset, offset + len(data)]}
        offset += len(data)
    header = json.dumps(head, separators=(",", ":"), ensure_ascii=False).encode()
    header += b" " * (-(8 + len(header)) % 64)
    return struct.pack("<Q", len(header)) + header + b"".join(data for *_, data in tensors)


def floats(count):
    return struct.pack("<f", 0.25) * count


def convolution(name, inputs, channels, outputs, kernel=1, stride=1, padding=0, groups=1, relu=False):
    return {
        "name": name, "operation": "convolution", "inputs": [inputs], "parameters": name,
        "input_channels": channels, "output_channels": outputs, "kernel": kernel, "stride": stride,
        "padding": padding, "groups": groups, "relu": relu,
    }  # fmt: skip


def document(nodes, last, channels, classes=2, crop=8, **more):
    nodes = nodes + [
        {"name": "mean", "operation": "global_average_pool", "inputs": [last]},
        {"name": "linear", "operation": "linear", "inputs": ["mean"], "parameters": "linear",
         "input_channels": channels, "output_channels": classes},
    ]  # fmt: skip
    return {
        "version": 1, "tool": "orepa", "family": "RepVGG", "blocks": {"OREPA 3x3": 1},
        "input": {"channels": 3, "height": crop, "width": crop},
        "preprocessing": {"resize": crop + 1, "crop": crop, "mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25],
                          "interpolation": "bilinear"},
        **more, "graph": nodes,
    }  # fmt: skip


def model_documents():
    pool = {"name": "pool", "operation": "max_pool", "inputs": ["a"], "kernel": 3, "stride": 2, "padding": 1}
    yield "one-layer", document([convolution("a", "input", 3, 4, 3, 2, 1, relu=True)], "a", 4)
    yield "residual", document(
        [
            convolution("a", "input", 3, 16, 7, 2, 3, relu=True),
            pool,
            convolution("b", "pool", 16, 16, 3, 1, 1),
            {"name": "sum", "operation": "add_relu", "inputs": ["b", "pool"]},
            convolution("c", "sum", 16, 32, 3, 2, 1, 4, True),
        ],
        "c", 32, crop=16, labels=["Ankle boot", "Båg"],
    )  # fmt: skip
    yield "verified", document(
        [convolution("a", "input", 3, 16, 3, 1, 1), convolution("b", "a", 16, 16, 3, 1, 1)], "b", 16,
        source={"name": "a.pth", "sha256": "0" * 64},
        verification={"seed": "1", "input_size": 8, "block_error": 1e-7, "worst_block": "a", "block_tolerance": 1e-5,
                      "logit_error": 1e-7, "logit_tolerance": 1e-4, "fast_logit_error": 1e-6},
        algorithms={
            "fast": {"a": {"name": "direct"}, "b": {"name": "winograd", "rows": [0, 0, 0, 2], "columns": [1, 2, 1, 0]},
                     "linear": {"name": "direct"}},
            "strict": {name: {"name": "direct"} for name in ("a", "b", "linear")},
        },
        probe={"seed": 1, "logits": {"fast": [0.5, 0.25], "strict": [0.5, 0.25]}},
    )  # fmt: skip
    yield "assumed", document(
        [convolution("a", "input", 3, 4, 3)], "a", 4,
        assumptions={"strides": [2, 2, 2, 2, 2], "stem": "small", "stem_pool": False, "bn_epsilon": 1e-5,
                     "state_dict": "state_dict", "input_size": 8},
    )  # fmt: skip
    yield "groups-of-one-channel", document(
        [convolution("a", "input", 3, 2), convolution("b", "a", 2, 2, 9, 1, 4, 2)], "b", 2, crop=1
    )
    yield "pool-as-large-as-the-map", document([{**pool, "inputs": ["input"], "kernel": 15, "padding": 7, "stride": 1}],
                                               "pool", 3)  # fmt: skip
    yield "combining-marks", document([convolution("a" + "\u0345\u0316" * 500, "input", 3, 4)],
                                      "a" + "\u0345\u0316" * 500, 4)  # fmt: skip


def checkpoint_blocks():
    """A RepVGG network of one layer a stage: what recognition needs to get to its end."""
    tensors = []
    channels = 3
    for prefix in ("stage0", "stage1.0", "stage2.0", "stage3.0", "stage4.0"):
        tensors.append((f"{prefix}.rbr_dense.conv.weight", [2, channels, 3, 3]))
        tensors.append((f"{prefix}.rbr_1x1.conv.weight", [2, channels, 1, 1]))
        for branch in ("rbr_dense", "rbr_1x1"):
            tensors += [(f"{prefix}.{branch}.bn.{name}", [2]) for name in
                        ("weight", "bias", "running_mean", "running_var")]  # fmt: skip
        channels = 2
    tensors += [("linear.weight", [2, 2]), ("linear.bias", [2])]
    for name, shape in tensors:
        count = 1
        for size in shape:
            count *= size
        yield name, "F32", shape, floats(count)


def damaged(data, seed):
    """The same with a byte changed, with a part lost, and cut."""
    generator = random.Random(seed)
    changed = bytearray(data)
    changed[generator.randrange(len(data))] ^= 1 << generator.randrange(8)
    start = generator.randrange(len(data))
    yield "changed", bytes(changed)
    yield "lost", data[:start] + data[start + generator.randrange(1, 16) :]
    yield "cut", data[: generator.randrange(1, len(data))]


def main():
    small = [path for path in sorted((FIXTURES / "checkpoint-formats").iterdir()) if path.stat().st_size <= LARGEST]
    for path in small:
        data = path.read_bytes()
        if data[:4] == b"PK\3\4":
            target = "zip"
            with zipfile.ZipFile(path) as archive:
                for name in archive.namelist():
                    if name.endswith("/data.pkl"):
                        write("pickle", path.stem, archive.read(name) + b"\x80\x02].")
        elif path.suffix == ".safetensors":
            target = "safetensors"
        elif path.suffix == ".pth":
            target = "legacy"
        else:
            continue
        write(target, path.name, data)
        for how, variant in damaged(data, path.name):
            write(target, f"{path.name}-{how}", variant)

    write("safetensors", "repvgg", safetensors(list(checkpoint_blocks())))
    write("safetensors", "types", safetensors([(kind, kind, [0, 3], b"") for kind in
                                               ("F64", "F32", "F16", "BF16", "I64", "U8", "BOOL")]))  # fmt: skip
    write("safetensors", "combining-marks", safetensors([("a" + "\u0345\u0316" * 1000, "F32", [0], b"")]))
    write("safetensors", "huge-shape", safetensors([("stage0.weight0", "U8", [1 << 62, 0], b""),
                                                    ("stage0.weight1.x", "U8", [1], b"\0")]))  # fmt: skip
    write("safetensors", "dots", safetensors([("module." * 200 + "weight", "F32", [0], b"")]))
    for name, model in model_documents():
        text = json.dumps(model, ensure_ascii=False, separators=(",", ":"))
        write("model", name, text.encode())
        if name == "one-layer":
            tensors = [("a.weight", [4, 3, 3, 3], 108), ("a.bias", [4], 4), ("linear.weight", [2, 4], 8),
                       ("linear.bias", [2], 2)]  # fmt: skip
            write("safetensors", "model", safetensors(
                [(name, "F32", shape, floats(count)) for name, shape, count in tensors], {"orepa.model": text}))  # fmt: skip

    for path in sorted((FIXTURES / "images").iterdir()):
        if path.suffix in (".jpg", ".png") and ".expected" not in path.name and path.stat().st_size <= 2300:
            write("jpeg" if path.suffix == ".jpg" else "png", path.name, path.read_bytes())
            if path.stat().st_size <= 1000:
                for how, variant in damaged(path.read_bytes(), path.name):
                    write("jpeg" if path.suffix == ".jpg" else "png", f"{path.name}-{how}", variant)

    write("list", "lines", b"a.jpg\nb.png\r\n\n-\nfolder/\n")
    write("list", "nul", b"a.jpg\0b\xff.png\0")
    write("list", "byte-order-mark", b"\xef\xbb\xbfa.jpg\n")
    write("list", "utf-16", "a.jpg\nb.jpg\n".encode("utf-16"))
    write("list", "csv", b'image,label\n"a,1.jpg",3\nb.jpg,4\n')
    write("list", "long", b"/" * 5000 + b"\n" + b"x" * 5000)
    write("labels", "lines", b"T-shirt\nTrouser\nAnkle boot\n")
    write("labels", "crlf", b"\xef\xbb\xbfT-shirt\r\nTrouser\r\nAnkle boot\r\n\r\n")
    write("labels", "list.json", b'["a", "b\\u00e9", "c"]')
    write("labels", "dict.json", b'{"0": "a", "1": "b", "2": "c"}')
    write("labels", "id2label.json", b'{"id2label": {"0": ["n01", "a"], "1": ["n02", "b"], "2": ["n03", "c"]}}')
    write("labels", "not-utf-8", b"a\xff\nb\nc\n")

    generator = random.Random(1)
    for index in range(40):
        write("graph", f"{index:02}", generator.randbytes(64))


main()
