"""The wheel carries all that it needs, and says what it needs of the system."""

from __future__ import annotations

import re
import subprocess
from importlib import metadata
from pathlib import Path

import orepa
from orepa._library import library_candidates


def needs(file: Path) -> str:
    command = ["readelf", "--dynamic", "--version-info", "--wide", file]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_the_package_is_the_installed_one() -> None:
    package = Path(orepa.__file__).parent
    assert package.parent.name == "site-packages"
    assert (package / "py.typed").exists()


def test_its_platform_is_the_one_that_the_libraries_need() -> None:
    if library_candidates() != [str(Path(orepa.__file__).with_name("liborepa.so.0"))]:
        # OREPA_LIBRARY names another one.
        return
    package = Path(orepa.__file__).parent
    libraries = [package / "liborepa.so.0", *package.with_name("orepa.libs").iterdir()]
    assert len(libraries) >= 3
    versions = set()
    for library in libraries:
        for found in re.findall(r"Name: GLIBC_([\d.]+)", needs(library)):
            versions.add(tuple(map(int, found.split("."))))
    text = metadata.distribution("orepa").read_text("WHEEL")
    tag = re.search(r"Tag: py3-none-manylinux_(\d+)_(\d+)_\w+$", text or "", re.MULTILINE)
    assert tag, text
    platform = (int(tag[1]), int(tag[2]))
    # Below each other there may be platforms of the same symbols, never one that lacks some.
    assert max(versions) <= platform
    assert platform[1] - max(versions)[1] <= 2


def test_no_image_library_of_the_system_is_needed() -> None:
    with open("/proc/self/maps") as maps:
        orepa.library_version()
        loaded = {line.split(maxsplit=5)[5].strip() for line in maps if "orepa" in line}
    names = [Path(path).name for path in loaded]
    assert any(name.startswith("libjpeg-") for name in names), names
    assert any(name.startswith("libpng16-") for name in names), names


def test_licences_of_what_it_carries() -> None:
    files = {file.name for file in metadata.files("orepa") or []}
    assert {"LICENSE", "LICENSE.libjpeg", "LICENSE.libpng"} <= files
