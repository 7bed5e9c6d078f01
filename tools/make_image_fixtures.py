"""Adds the small, odd images to Tests/Fixtures/images and their hashes, as Pillow decodes them, to its manifest.json.

    python3 -m pip install pillow numpy
    python3 tools/make_image_fixtures.py

Needs a C compiler and libjpeg's headers for what Pillow does not write. Entries made here have "made_by" in the
manifest; the others, with an .expected.png beside each, came with the project and are left alone.
"""

import hashlib
import io
import json
import struct
import subprocess
import tempfile
import zlib
from pathlib import Path

from required_packages import required_packages

with required_packages(__name__, "tools/requirements.txt"):
    import numpy as np
    from PIL import Image, ImageOps

FOLDER = Path(__file__).parent.parent / "Tests/Fixtures/images"

# Writes a JPEG from raw samples: WIDTH HEIGHT COMPONENTS COLOURSPACE SAMPLING ARITHMETIC SCANS, samples on stdin.
# SAMPLING is hv of each component ("221111"). SCANS: 0 one scan, 1 progressive, 2 a scan for each component.
JPEG_WRITER = r"""
#include <stdio.h>
#include <stdlib.h>
#include <jpeglib.h>
int main(int argc, char **argv) {
    int width = atoi(argv[1]), height = atoi(argv[2]), components = atoi(argv[3]);
    int space = atoi(argv[4]), arithmetic = atoi(argv[6]), scans = atoi(argv[7]);
    const char *sampling = argv[5];
    struct jpeg_compress_struct c; struct jpeg_error_mgr e;
    c.err = jpeg_std_error(&e); jpeg_create_compress(&c); jpeg_stdio_dest(&c, stdout);
    c.image_width = width; c.image_height = height; c.input_components = components;
    c.in_color_space = components == 1 ? JCS_GRAYSCALE : components == 3 ? JCS_RGB
                     : components == 4 ? JCS_CMYK : JCS_UNKNOWN;
    jpeg_set_defaults(&c);
    jpeg_set_colorspace(&c, space == 0 ? c.in_color_space : space);
    jpeg_set_quality(&c, 85, TRUE);
    for (int i = 0; i < c.num_components; i++) {
        c.comp_info[i].h_samp_factor = sampling[2 * i] - '0';
        c.comp_info[i].v_samp_factor = sampling[2 * i + 1] - '0';
    }
    c.arith_code = arithmetic;
    if (scans == 1) jpeg_simple_progression(&c);
    jpeg_scan_info infos[4];
    if (scans == 2) {
        for (int i = 0; i < c.num_components; i++)
            infos[i] = (jpeg_scan_info){1, {i}, 0, 63, 0, 0};
        c.scan_info = infos; c.num_scans = c.num_components;
    }
    jpeg_start_compress(&c, TRUE);
    unsigned char *row = malloc((size_t)width * components);
    while (c.next_scanline < c.image_height) {
        if (fread(row, components, width, stdin) != (size_t)width) return 1;
        jpeg_write_scanlines(&c, &row, 1);
    }
    jpeg_finish_compress(&c);
    return 0;
}
"""
GREY, RGB, YCC, CMYK, YCCK = 1, 2, 3, 4, 5  # J_COLOR_SPACE


def picture(width: int, height: int, channels: int = 3, depth: int = 8, seed: int = 1) -> np.ndarray:
    """Waves with an edge and a little noise, [height, width, channels], `depth` bits a sample."""
    generator = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    planes = []
    for channel in range(channels):
        wave = np.sin(x / (3.0 + channel) + channel) + np.cos(y / (4.0 + 2 * channel))
        wave += 1.5 * ((x + channel * 5) % 23 > 11) + generator.normal(0, 0.15, (height, width))
        planes.append(wave)
    stack = np.stack(planes, axis=-1)
    stack = (stack - stack.min()) / (stack.max() - stack.min())
    return np.round(stack * (2**depth - 1)).astype(np.uint16 if depth > 8 else np.uint8)


def jpeg(image: np.ndarray, **options) -> bytes:
    mode = options.pop("mode", "RGB")
    stream = io.BytesIO()
    Image.frombytes(mode, image.shape[1::-1], image.tobytes()).save(stream, "JPEG", **options)
    return stream.getvalue()


class Writer:
    def __init__(self, folder: str):
        self.path = Path(folder) / "write-jpeg"
        source = Path(folder) / "write-jpeg.c"
        source.write_text(JPEG_WRITER)
        subprocess.run(["cc", "-O1", "-o", self.path, source, "-ljpeg"], check=True)

    def __call__(self, image, sampling, space=0, arithmetic=0, scans=0) -> bytes:
        height, width, channels = image.shape
        arguments = [width, height, channels, space, sampling, arithmetic, scans]
        return subprocess.run([self.path, *map(str, arguments)], input=image.tobytes(), check=True,
                              capture_output=True).stdout


def segments(data: bytes):
    """(marker, start, end) of each segment up to the first scan; `end` of SOS is where its data begin."""
    offset = 2
    while True:
        marker = data[offset + 1]
        length = struct.unpack(">H", data[offset + 2:offset + 4])[0]
        yield marker, offset, offset + 2 + length
        if marker == 0xDA:
            return
        offset += 2 + length


def without(data: bytes, *markers: int) -> bytes:
    kept = [data[start:end] for marker, start, end in segments(data) if marker not in markers]
    tail = [end for marker, _, end in segments(data)][-1]
    return data[:2] + b"".join(kept) + data[tail:]


def with_segment(data: bytes, marker: int, body: bytes) -> bytes:
    return data[:2] + bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body + data[2:]


def with_component_ids(data: bytes, ids: bytes) -> bytes:
    result = bytearray(data)
    for marker, start, _ in segments(data):
        if marker in (0xC0, 0xC1, 0xC2):
            for i, name in enumerate(ids):
                result[start + 10 + 3 * i] = name
        if marker == 0xDA:
            for i, name in enumerate(ids):
                result[start + 5 + 2 * i] = name
    return bytes(result)


def exif(orientation: int, order: str, thumbnail: bytes = b"") -> bytes:
    def pack(layout, *values):
        return struct.pack(order + layout, *values)

    head = (b"II*\0" if order == "<" else b"MM\0*") + pack("I", 8)
    entries = pack("HHI4s", 0x0100, 4, 1, pack("I", 99)) + pack("HHI4s", 0x0112, 3, 1, pack("HH", orientation, 0))
    first = pack("H", 2) + entries
    after = 8 + len(first) + 4
    if not thumbnail:
        return head + first + pack("I", 0)
    second = pack("H", 3) + pack("HHI4s", 0x0112, 3, 1, pack("HH", 3, 0))
    second += pack("HHI4s", 0x0201, 4, 1, pack("I", after + 2 + 36 + 4))
    second += pack("HHI4s", 0x0202, 4, 1, pack("I", len(thumbnail))) + pack("I", 0)
    return head + first + pack("I", after) + second + thumbnail


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def packed_rows(image: np.ndarray, depth: int) -> bytes:
    """Rows of [height, width, channels], each with the filter byte of "none"."""
    if image.shape[0] == 0 or image.shape[1] == 0:
        return b""
    rows = image.reshape(image.shape[0], -1)
    if depth == 16:
        packed = rows.astype(">u2").view(np.uint8).reshape(len(rows), -1)
    elif depth == 8:
        packed = rows.astype(np.uint8)
    else:
        bits = ((rows[:, :, None] >> np.arange(depth - 1, -1, -1)) & 1).astype(np.uint8)
        packed = np.packbits(bits.reshape(len(rows), -1), axis=1)
    return b"".join(b"\0" + row.tobytes() for row in packed)


def png(image: np.ndarray, color: int, depth: int, *, interlaced=False, before=b"", middle=b"", after=b"",
        extra=b"", idat=None, window=15) -> bytes:
    """`before` are chunks ahead of IDAT, `middle` of them after PLTE, `after` those behind; `extra` follows the pixels
    inside the compressed stream."""
    passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    if not interlaced:
        passes = [(0, 0, 1, 1)]
    raw = b"".join(packed_rows(image[y::dy, x::dx], depth) for x, y, dx, dy in passes)
    stream = bytearray(zlib.compress(raw + extra, 9))
    if window != 15:  # declare a smaller window than the data use
        stream[0] = (window - 8) << 4 | 8
        stream[1] = 31 - stream[0] * 256 % 31
    if idat is None:
        idat = len(stream)
    chunks = [bytes(stream[i:i + idat]) for i in range(0, len(stream), idat)]
    header = struct.pack(">IIBBBBB", image.shape[1], image.shape[0], depth, color, 0, 0, int(interlaced))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + before + middle
            + b"".join(chunk(b"IDAT", c) for c in chunks) + after + chunk(b"IEND", b""))


def palette(count: int, seed: int = 5) -> bytes:
    return chunk(b"PLTE", np.random.default_rng(seed).integers(0, 256, count * 3, dtype=np.uint8).tobytes())


def jpegs(write: Writer) -> dict[str, bytes]:
    rgb, cmyk, grey = picture(61, 43), picture(45, 37, 4), picture(35, 29, 1)
    plain = jpeg(rgb, quality=85)
    thumbnail = jpeg(picture(16, 12), quality=60)
    mpo = io.BytesIO()
    Image.fromarray(rgb).save(mpo, "MPO", save_all=True, append_images=[Image.fromarray(255 - rgb)])
    return {
        "cmyk-no-adobe.jpg": without(jpeg(cmyk, mode="CMYK", quality=85), 0xEE),
        "cmyk-adobe-0.jpg": jpeg(cmyk, mode="CMYK", quality=85),
        "cmyk-progressive.jpg": jpeg(cmyk, mode="CMYK", quality=85, progressive=True),
        "ycck-subsampled.jpg": write(cmyk, "22111122", space=YCCK),
        "rgb-adobe-0.jpg": jpeg(rgb, quality=85, keep_rgb=True),
        "rgb-component-ids.jpg": with_component_ids(without(write(rgb, "111111", space=RGB), 0xEE), b"RGB"),
        "ycc-component-ids.jpg": with_component_ids(without(write(rgb, "221111", space=YCC), 0xE0), b"\0\1\2"),
        "ycc-adobe-1.jpg": with_segment(without(plain, 0xE0), 0xEE, b"Adobe\0\x64\0\0\0\0\1"),
        "ycc-adobe-unknown.jpg": with_segment(without(plain, 0xE0), 0xEE, b"Adobe\0\x64\0\0\0\0\7"),
        "arithmetic.jpg": write(rgb, "221111", arithmetic=1),
        "arithmetic-progressive.jpg": write(rgb, "221111", arithmetic=1, scans=1),
        "restart.jpg": jpeg(rgb, quality=85, restart_marker_blocks=3),
        "restart-progressive.jpg": jpeg(rgb, quality=85, progressive=True, restart_marker_rows=1),
        "subsampled-410.jpg": write(rgb, "421111"),
        "subsampled-441.jpg": write(rgb, "141111"),
        "subsampled-unequal.jpg": write(rgb, "221221"),
        "subsampled-luma.jpg": write(rgb, "112222"),
        "subsampled-441-progressive.jpg": write(rgb, "141111", scans=1),
        "scan-per-component.jpg": write(rgb, "221111", scans=2),
        "grey-progressive.jpg": write(grey, "11", scans=1),
        "grey-sampled-2x2.jpg": write(grey, "22"),
        "one-pixel.jpg": jpeg(np.array([[[200, 30, 90]]], np.uint8)),
        "narrow-2x9.jpg": jpeg(picture(2, 9), quality=90),
        "narrow-5x1.jpg": jpeg(picture(5, 1), quality=90),
        "exif-big-endian-8.jpg": with_segment(plain, 0xE1, b"Exif\0\0" + exif(8, ">")),
        "exif-thumbnail-5.jpg": with_segment(plain, 0xE1, b"Exif\0\0" + exif(5, "<", thumbnail)),
        "exif-invalid-9.jpg": with_segment(plain, 0xE1, b"Exif\0\0" + exif(9, "<")),
        "multi-picture.jpg": mpo.getvalue(),
        "trailing-bytes.jpg": plain + b"\0trailing\xff\xd8\xff",
        "stray-bytes-before-end.jpg": plain[:-2] + b"\x12\x34\x56" + plain[-2:],
        "filled-markers.jpg": plain[:2] + b"\xff\xff\xff" + plain[2:],
    }


def pngs() -> dict[str, bytes]:
    result = {}
    for depth in (1, 2, 4, 16):
        image = picture(35, 27, 1, depth)
        result[f"grey-{depth}bit-interlaced.png"] = png(image, 0, depth, interlaced=True)
    for depth in (1, 2, 4, 8):
        image = picture(35, 27, 1, depth)
        result[f"palette-{depth}bit-interlaced.png"] = png(image, 3, depth, interlaced=True, before=palette(2**depth))
    index4, index8 = picture(35, 27, 1, 4), picture(35, 27, 1, 8)
    rgb, rgb16 = picture(37, 31), picture(37, 31, 3, 16)
    frame = struct.pack(">IIIIIHHBB", 0, 37, 31, 0, 0, 1, 10, 0, 0)
    result |= {
        "palette-short-4bit.png": png(index4, 3, 4, before=palette(5)),
        "palette-short-8bit.png": png(index8, 3, 8, before=palette(100)),
        "palette-long-2bit.png": png(index4 // 4, 3, 2, before=palette(9)),
        "rgba-16bit.png": png(picture(37, 31, 4, 16), 6, 16),
        "rgba-16bit-interlaced.png": png(picture(37, 31, 4, 16), 6, 16, interlaced=True),
        "grey-alpha-16bit.png": png(picture(37, 31, 2, 16), 4, 16),
        "grey-alpha-interlaced.png": png(picture(37, 31, 2), 4, 8, interlaced=True),
        "rgb-16bit-transparent-colour.png": png(rgb16, 2, 16, before=chunk(b"tRNS", rgb16[3, 3].astype(">u2").tobytes())),
        "grey-2bit-transparent.png": png(picture(35, 27, 1, 2), 0, 2, before=chunk(b"tRNS", b"\0\1")),
        "grey-transparent.png": png(index8, 0, 8, before=chunk(b"tRNS", b"\0" + bytes([index8[5, 5, 0]]))),
        "palette-transparent-4bit.png": png(index4, 3, 4, before=palette(16), middle=chunk(b"tRNS", bytes(range(0, 160, 10)))),
        "rgb-gamma.png": png(rgb, 2, 8, before=chunk(b"gAMA", struct.pack(">I", 100000)) + chunk(b"sBIT", b"\5\6\5")
                             + chunk(b"bKGD", struct.pack(">HHH", 1, 2, 3))),
        "rgb-suggested-palette.png": png(rgb, 2, 8, before=palette(7)),
        "rgb-exif-6.png": png(rgb, 2, 8, before=chunk(b"eXIf", exif(6, ">"))),
        "rgb-exif-after-3.png": png(rgb, 2, 8, after=chunk(b"eXIf", exif(3, "<"))),
        "rgb-split-data.png": png(rgb, 2, 8, idat=7),
        "rgb-extra-data.png": png(rgb, 2, 8, extra=b"extra" * 20),
        "rgb-small-window.png": png(np.tile(rgb, (9, 1, 1)), 2, 8, window=8),
        "animated.png": png(rgb, 2, 8, before=chunk(b"acTL", struct.pack(">II", 2, 0)) + chunk(b"fcTL", frame),
                            after=chunk(b"fcTL", struct.pack(">I", 1) + frame[4:])
                            + chunk(b"fdAT", struct.pack(">I", 2) + zlib.compress(packed_rows(255 - rgb, 8)))),
        "interlaced-1x1.png": png(picture(9, 9)[:1, :1], 2, 8, interlaced=True),
        "interlaced-3x2.png": png(picture(9, 9)[:2, :3], 2, 8, interlaced=True),
        "interlaced-1x7.png": png(picture(9, 9)[:7, :1], 2, 8, interlaced=True),
        "trailing-bytes.png": png(rgb, 2, 8) + b"trailing",
    }
    return result


def rgb_of(data: bytes) -> tuple[Image.Image, Image.Image]:
    opened = Image.open(io.BytesIO(data))
    opened.load()
    if opened.mode.startswith("I"):  # the documented exception: the high byte, not clipped
        return opened, Image.fromarray((np.asarray(opened).astype(np.uint16) >> 8).astype(np.uint8)).convert("RGB")
    return opened, opened.convert("RGB")


def sha256(image: Image.Image) -> str:
    return hashlib.sha256(image.tobytes()).hexdigest()


def crop(image: Image.Image) -> Image.Image:
    shorter, longer = min(image.size), max(image.size)
    scaled = int(256 * longer / shorter)
    image = image.resize((256, scaled) if image.width <= image.height else (scaled, 256), Image.Resampling.BILINEAR)
    left, top = round((image.width - 224) / 2), round((image.height - 224) / 2)
    return image.crop((left, top, left + 224, top + 224))


def main() -> None:
    manifest_path = FOLDER / "manifest.json"
    manifest = {name: entry for name, entry in json.loads(manifest_path.read_text()).items() if "made_by" not in entry}
    with tempfile.TemporaryDirectory() as folder:
        images = jpegs(Writer(folder)) | pngs()
    for name, data in images.items():
        opened, rgb = rgb_of(data)
        orientation = opened.getexif().get(0x0112)
        (FOLDER / name).write_bytes(data)
        manifest[name] = {
            "made_by": "tools/make_image_fixtures.py",
            "pil_mode": opened.mode,
            "width": rgb.width,
            "height": rgb.height,
            "exif_orientation": orientation if orientation in range(1, 9) else None,
            "decoded_rgb_sha256": sha256(rgb),
            "transposed_rgb_sha256": sha256(ImageOps.exif_transpose(opened).convert("RGB"))
            if orientation else sha256(rgb),
            "resized_shorter_256_center_224_rgb_sha256": sha256(crop(rgb)),
        }
    manifest_path.write_text(json.dumps(manifest, indent=1) + "\n")
    print(f"{FOLDER}: {len(images)} images, {sum(map(len, images.values()))} bytes")


if __name__ == "__main__":
    main()
