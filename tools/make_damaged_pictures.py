"""Makes Tests/Fixtures/damaged/pillow-13.0.0.tsv: damaged files, and what Pillow makes of each.

    python3 -m pip install pillow==13.0.0 numpy
    python3 tools/make_damaged_pictures.py

A damaged file is a small picture of Tests/Fixtures/images with one place replaced. A line says which picture, where, how
many bytes go, which come (hexadecimal), what Pillow with its defaults gives (WIDTHxHEIGHT:SHA-256 of convert("RGB"), or
"error"), and what was done. Left out is where the pixels depend on libjpeg's version, which are progressive JPEGs whose
scans are not all there, and 16-bit grey, of which Pillow's pixels are not the default.
"""

import hashlib
import io
import random
import struct
import warnings
import zlib
from pathlib import Path

import PIL
from PIL import Image

TESTS = Path(__file__).parent.parent / "Tests/Fixtures"
VERSION = "13.0.0"
LARGEST_PICTURE = 3000
LARGEST_INSERTION = 120
COUNT = 900


class Damage:
    """Random damage, one kind a method."""

    def __init__(self, seed: int):
        self.random = random.Random(seed)

    def bytes(self, count: int) -> bytes:
        return bytes(self.random.randrange(256) for _ in range(count))

    # ---- any file ----

    def truncated(self, data: bytes) -> bytes:
        return data[: self.random.randrange(9, len(data))]

    def shortened(self, data: bytes) -> bytes:
        return data[: len(data) - self.random.randrange(1, 20)]

    def flipped(self, data: bytes) -> bytes:
        at = self.random.randrange(3, len(data))
        return data[:at] + bytes([data[at] ^ 1 << self.random.randrange(8)]) + data[at + 1 :]

    def lost(self, data: bytes) -> bytes:
        at = self.random.randrange(3, len(data))
        return data[:at] + data[at + self.random.randrange(1, 40) :]

    def inserted(self, data: bytes) -> bytes:
        at = self.random.randrange(3, len(data))
        return data[:at] + self.bytes(self.random.randrange(1, 20)) + data[at:]

    def trailing(self, data: bytes) -> bytes:
        return data + self.bytes(self.random.randrange(1, 40))

    # ---- JPEG ----

    def without_end(self, data: bytes) -> bytes:
        return data[:-2] + self.random.choice([b"", b"\0\0", bytes(60), b"\xff", b"\x12\x34\xff\xd9"])

    def early_end(self, data: bytes) -> bytes:
        at = self.random.randrange(min(self.scan(data), len(data) - 3), len(data) - 2)
        return data[:at] + b"\xff\xd9" + (data[at:] if self.random.random() < 0.5 else b"")

    def scan(self, data: bytes) -> int:
        return data.index(b"\xff\xda")

    def segment(self, data: bytes) -> bytes:
        marker = self.random.choice([0xE0, 0xE1, 0xE2, 0xED, 0xEE, 0xFE, 0xDB, 0xC4, 0xDD, 0xC0, 0xC8, 0xDC, 0xF0])
        body = self.random.choice([
            b"JFIF\0", b"Exif\0\0", b"ICC_PROFILE\0", b"ICC_PROFILE\0\1\1ab", b"Photoshop 3.0\0008BIM\3\xed",
            b"Photoshop 3.0\0008BIM\3\xed\0\0\0\0\0\x10" + bytes(16), b"Adobe\0", b"Adobe\0\x64\0\0\0\0\2", b"",
            self.bytes(self.random.randrange(60)), bytes(65),
        ])  # fmt: skip
        length = len(body) + 2 if self.random.random() < 0.85 else self.random.choice([0, 1, 2, len(body) + 5])
        at = self.random.choice([2, self.scan(data)])
        return data[:at] + struct.pack(">BBH", 0xFF, marker, length) + body + data[at:]

    def marker(self, data: bytes) -> bytes:
        code = self.random.choice([0x01, 0x02, 0xBF, 0xD0, 0xD8, 0xD9, 0xFF, 0x00, 0xF3])
        at = self.random.choice([2, self.scan(data), len(data) - 2])
        return data[:at] + bytes([0xFF, code]) + data[at:]

    def scan_bytes(self, data: bytes) -> bytes:
        at = self.random.randrange(self.scan(data) + 12, len(data) - 2)
        return data[:at] + self.bytes(2) + data[at + 2 :]

    # ---- PNG ----

    def wrong_checksum(self, data: bytes) -> bytes:
        chunks = split(data)
        chunks[self.random.randrange(len(chunks))][2] = self.bytes(4)
        return join(chunks)

    def chunk_deleted(self, data: bytes) -> bytes:
        chunks = split(data)
        del chunks[self.random.randrange(len(chunks))]
        return join(chunks)

    def chunk_doubled(self, data: bytes) -> bytes:
        chunks = split(data)
        chunks.insert(self.random.randrange(len(chunks) + 1), self.random.choice(chunks))
        return join(chunks)

    def chunk_shortened(self, data: bytes) -> bytes:
        chunks = split(data)
        chunk = self.random.choice(chunks)
        chunk[1] = chunk[1][: self.random.randrange(len(chunk[1]) + 1)]
        return join(chunks, fixing=chunk)

    def chunk_added(self, data: bytes) -> bytes:
        chunks = split(data)
        width, height = struct.unpack(">II", chunks[0][1][:8])
        frame = struct.pack(">IIIIIHHBB", self.random.choice([0, 0, 1]), width, height, 0, 0, 1, 10, 0, 0)
        inner = struct.pack(">IIIIIHHBB", 0, max(width - 1, 0), height, 1, 0, 1, 10, 0, 0)
        name, body = self.random.choice([
            (b"tEXt", b"key\0value"), (b"zTXt", b"key\0\0" + zlib.compress(b"text")), (b"zTXt", b"key\0\1text"),
            (b"zTXt", b"key\0\0" + zlib.compress(bytes((1 << 20) + 1), 9)[:100]), (b"iTXt", b"key\0\1\0\0\0abc"),
            (b"iCCP", b"name\0\0" + zlib.compress(b"profile")), (b"iCCP", b"name"), (b"iCCP", b""), (b"gAMA", b"\0\0"),
            (b"cHRM", bytes(31)), (b"sRGB", b""), (b"pHYs", bytes(8)), (b"tRNS", b""), (b"tRNS", b"\xff\0"),
            (b"tRNS", b"\0\0"), (b"PLTE", b""), (b"PLTE", bytes(range(7))), (b"acTL", bytes(7)),
            (b"acTL", struct.pack(">II", 2, 0)), (b"fcTL", frame), (b"fcTL", inner), (b"fdAT", b"\0\0"),
            (b"fdAT", struct.pack(">I", 1)), (b"IDAT", b""), (b"IEND", b""), (b"ABCD", b"new"), (b"a\xffcd", b"no name"),
        ])  # fmt: skip
        chunk = [name, body, b""]
        chunks.insert(self.random.choice([1, len(chunks) - 1, len(chunks), self.random.randrange(len(chunks))]), chunk)
        result = join(chunks, fixing=chunk)
        return result if self.random.random() < 0.8 else result.replace(body + checksum(chunk), body + b"ABCD")

    def length_changed(self, data: bytes) -> bytes:
        chunks = split(data)
        index = self.random.randrange(len(chunks))
        at = 8 + sum(12 + len(body) for _, body, _ in chunks[:index])
        length = len(chunks[index][1]) + self.random.choice([-1, 1, 4, 12, 100_000, 2**31])
        return data[:at] + struct.pack(">I", max(length, 0)) + data[at + 4 :]

    def stream_changed(self, data: bytes) -> bytes:
        chunks = split(data)
        places = [index for index, chunk in enumerate(chunks) if chunk[0] == b"IDAT"]
        stream = b"".join(chunks[index][1] for index in places)
        raw = zlib.decompress(stream)
        stream = self.random.choice([
            stream[:-4] + self.bytes(4), stream[: -self.random.randrange(1, 6)], stream + self.bytes(9),
            zlib.compress(raw[: self.random.randrange(len(raw))], 9), zlib.compress(raw + self.bytes(30), 9),
            zlib.compress(b"\7" + raw[1:], 9), stream + stream[:50],
        ])  # fmt: skip
        cut = self.random.choice([len(stream), max(len(stream) - 4, 0), self.random.randrange(len(stream) + 1)])
        parts = [[b"IDAT", stream[:cut], b""], [b"IDAT", stream[cut:], b""]][: 1 + (cut < len(stream))]
        for part in parts:
            part[2] = checksum(part)
        return join(chunks[: places[0]] + parts + chunks[places[-1] + 1 :])


def checksum(chunk: list[bytes]) -> bytes:
    return struct.pack(">I", zlib.crc32(chunk[0] + chunk[1]))


def split(data: bytes) -> list[list[bytes]]:
    chunks, at = [], 8
    while at + 12 <= len(data):
        length = struct.unpack(">I", data[at : at + 4])[0]
        chunks.append([data[at + 4 : at + 8], data[at + 8 : at + 8 + length], data[at + 8 + length : at + 12 + length]])
        at += 12 + length
    return chunks


def join(chunks: list[list[bytes]], fixing: list[bytes] | None = None) -> bytes:
    if fixing is not None:
        fixing[2] = checksum(fixing)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + check for name, body, check in chunks
    )


ANY = ["truncated", "shortened", "flipped", "lost", "inserted", "trailing"]
JPEG = [*ANY, "without_end", "without_end", "early_end", "segment", "segment", "marker", "scan_bytes"]
PNG = ["truncated", "shortened", "trailing", "lost", "wrong_checksum", "chunk_deleted", "chunk_doubled",
       "chunk_shortened", "chunk_added", "chunk_added", "chunk_added", "chunk_added", "length_changed",
       "stream_changed", "stream_changed"]  # fmt: skip


def edit(original: bytes, damaged: bytes) -> tuple[int, int, bytes]:
    """The one replacement that makes the one of the other: where, how many bytes go, which come."""
    least = min(len(original), len(damaged))
    before = next((i for i in range(least) if original[i] != damaged[i]), least)
    after = next((i for i in range(least - before) if original[-1 - i] != damaged[-1 - i]), least - before)
    return before, len(original) - before - after, damaged[before : len(damaged) - after]


def answer(data: bytes) -> str | None:
    """What Pillow gives; None for what is left out."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            if image.mode == "I;16" or image.format not in ("JPEG", "MPO", "PNG"):
                return None
            rgb = image.convert("RGB")
    except Exception:
        return "error"
    return f"{rgb.width}x{rgb.height}:{hashlib.sha256(rgb.tobytes()).hexdigest()}"


def main() -> None:
    if PIL.__version__ != VERSION:
        raise SystemExit(f"expected Pillow {VERSION}, found {PIL.__version__}")
    warnings.simplefilter("ignore")
    damage = Damage(seed=1)
    pictures = {
        path.name: path.read_bytes()
        for path in sorted((TESTS / "images").iterdir())
        if path.suffix in (".jpg", ".png") and path.stat().st_size <= LARGEST_PICTURE
        and "expected" not in path.name and "progressive" not in path.name and "16bit" not in path.name
        and not path.name.startswith("scan-per-component")
    }  # fmt: skip
    lines: dict[tuple, str] = {}
    while len(lines) < COUNT:
        name = damage.random.choice(list(pictures))
        original = pictures[name]
        kind = damage.random.choice(JPEG if name.endswith("jpg") else PNG)
        try:
            damaged = getattr(damage, kind)(original)
        except (ValueError, IndexError, struct.error, zlib.error):
            continue
        at, removed, inserted = edit(original, damaged)
        if at < 3 or len(inserted) > LARGEST_INSERTION or b"\xff\xc2" in damaged:
            continue
        result = answer(damaged)
        if result is not None:
            lines[name, at, removed, inserted] = f"{name}\t{at}\t{removed}\t{inserted.hex()}\t{result}\t{kind}"
    output = TESTS / f"damaged/pillow-{VERSION}.tsv"
    output.parent.mkdir(exist_ok=True)
    output.write_text("picture\tat\tremoved\tinserted\tresult\tkind\n" + "\n".join(lines.values()) + "\n")
    print(f"{output}: {len(lines)} damaged pictures, {sum(line.count(':') for line in lines.values())} of them answered")


if __name__ == "__main__":
    main()
