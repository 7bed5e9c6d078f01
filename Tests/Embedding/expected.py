#!/usr/bin/env python3
"""Writes what the C and C++ tests compare with: expected.py OREPA-INFER MODEL SAMPLES OUTPUT-FOLDER

logits.txt     for each sample its path and the logits that the command line prints, to the bit
gradient.rgb   the pixels of a made-up picture, 83x61
gradient.png   the same as a file
square.rgb     the same, as large as the network's input
linear.txt     weights and biases of the linear layer
"""

import json
import pathlib
import struct
import subprocess
import sys
import zlib


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(pixels: bytes, width: int, height: int) -> bytes:
    rows = b"".join(b"\0" + pixels[y * width * 3 : (y + 1) * width * 3] for y in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def gradient(width: int, height: int) -> bytes:
    return bytes(
        value
        for y in range(height)
        for x in range(width)
        for value in (x * 3 % 256, y * 4 % 256, (x * y + 40) % 256)
    )


def main() -> None:
    program, model, samples, output = (
        sys.argv[1],
        sys.argv[2],
        sys.argv[3],
        pathlib.Path(sys.argv[4]),
    )
    answers = json.loads(
        subprocess.run(
            [
                program,
                "--model",
                model,
                samples,
                "--output-type",
                "logit",
                "--format",
                "json",
                "--top-k",
                "1000",
            ],
            check=True,
            stdout=subprocess.PIPE,
        ).stdout,
        parse_float=str,
        parse_int=str,
    )
    assert len(answers) == 10, answers
    with open(output / "logits.txt", "w") as file:
        for answer in answers:
            ordered = sorted(answer["predictions"], key=lambda prediction: int(prediction["index"]))
            logits = " ".join(prediction["logit"] for prediction in ordered)
            file.write(f"{answer['image']} {len(ordered)} {logits}\n")
    pixels = gradient(83, 61)
    (output / "gradient.rgb").write_bytes(pixels)
    (output / "gradient.png").write_bytes(png(pixels, 83, 61))
    (output / "square.rgb").write_bytes(gradient(56, 56))

    content = pathlib.Path(model).read_bytes()
    (length,) = struct.unpack_from("<Q", content)
    header = json.loads(content[8 : 8 + length])

    def tensor(name: str) -> tuple[float, ...]:
        start, end = (8 + length + offset for offset in header[name]["data_offsets"])
        return struct.unpack(f"<{(end - start) // 4}f", content[start:end])

    values = tensor("linear.weight") + tensor("linear.bias")
    (output / "linear.txt").write_text("\n".join(map(repr, values)) + "\n")


main()
