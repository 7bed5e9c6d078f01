"""The mirror of orepa.h is orepa.h: sizes, offsets, constants, and the table of functions."""

from __future__ import annotations

import ctypes
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from orepa import _abi
from orepa._errors import Status

C_TYPES = {
    "size_t": ctypes.c_size_t,
    "size_t *": ctypes.POINTER(ctypes.c_size_t),
    "int32_t": ctypes.c_int32,
    "orepa_status": ctypes.c_int32,
    "const char *": ctypes.c_char_p,
    "const char **": ctypes.POINTER(ctypes.c_char_p),
    "const void *": ctypes.c_void_p,
    "float *": ctypes.c_void_p,
    "const float *": ctypes.c_void_p,
    "void": None,
}
for handle in ("model", "answers", "pool", "cancellation"):
    C_TYPES[f"orepa_{handle} *"] = C_TYPES[f"const orepa_{handle} *"] = ctypes.c_void_p
    C_TYPES[f"orepa_{handle} **"] = ctypes.POINTER(ctypes.c_void_p)
for name, struct in _abi.STRUCTS.items():
    C_TYPES[f"{name} *"] = C_TYPES[f"const {name} *"] = ctypes.POINTER(struct)


@pytest.fixture(scope="module")
def header(repository: Path) -> Path:
    return repository / "Sources" / "COrepa" / "include" / "orepa.h"


@pytest.fixture(scope="module")
def text(header: Path) -> str:
    """The header without its comments."""
    return re.sub(r"/\*.*?\*/", "", header.read_text(), flags=re.DOTALL)


def compiled(header: Path, folder: Path, expressions: list[str]) -> list[int]:
    """What the system's C compiler makes of the expressions."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("needs a C compiler, cc")
    lines = "".join(f'printf("%lld\\n", (long long)({each}));\n' for each in expressions)
    source = folder / "layout.c"
    source.write_text(
        f'#include <stddef.h>\n#include <stdio.h>\n#include "{header}"\n'
        f"int main(void)\n{{\n{lines}return 0;\n}}\n"
    )
    program = folder / "layout"
    subprocess.run([compiler, "-std=c11", "-o", program, source], check=True)
    done = subprocess.run([program], check=True, capture_output=True, text=True)
    return [int(line) for line in done.stdout.split()]


def test_structs(header: Path, tmp_path: Path) -> None:
    expressions: list[str] = []
    found: list[int] = []
    for name, struct in {**_abi.STRUCTS, "orepa_api": _abi.Api}.items():
        expressions.append(f"sizeof({name})")
        found.append(ctypes.sizeof(struct))
        for field, *_ in struct._fields_:
            expressions += [f"offsetof({name}, {field})", f"sizeof((({name} *)0)->{field})"]
            found += [getattr(struct, field).offset, getattr(struct, field).size]
    expected = compiled(header, tmp_path, expressions)
    assert dict(zip(expressions, found, strict=True)) == dict(
        zip(expressions, expected, strict=True)
    )


def test_fields_are_the_headers(text: str) -> None:
    # Padding could hide a field at a struct's end from the comparison of sizes.
    for name, struct in _abi.STRUCTS.items():
        (body,) = re.findall(rf"typedef struct {name} {{(.*?)}} {name};", text, re.DOTALL)
        fields = re.findall(r"(\w+);", body)
        assert [field for field, *_ in struct._fields_] == fields, name
    structs = set(re.findall(r"typedef struct (\w+) {", text))
    assert structs == {*_abi.STRUCTS, "orepa_api"}


def test_constants(header: Path, text: str, tmp_path: Path) -> None:
    names = re.findall(r"^#define OREPA_(\w+) \d+$", text, re.MULTILINE)
    assert len(names) > 30
    statuses = names[names.index("OK") : names.index("UNSUPPORTED") + 1]
    found = {name: int(Status[name]) if name in statuses else getattr(_abi, name) for name in names}
    values = compiled(header, tmp_path, [f"OREPA_{name}" for name in names])
    assert found == dict(zip(names, values, strict=True))
    assert [status.name for status in Status] == statuses


def test_functions(text: str) -> None:
    (body,) = re.findall(r"typedef struct orepa_api {(.*?)} orepa_api;", text, re.DOTALL)
    functions = re.findall(r"([\w ]+?[ *]+)\(\*(\w+)\)\((.*?)\);", body, re.DOTALL)
    mirrored = _abi.Api._fields_[2:]
    assert [name for _, name, _ in functions] == [name for name, _ in mirrored]
    for (result, name, parameters), (_, prototype) in zip(functions, mirrored, strict=True):
        assert prototype._restype_ is C_TYPES[result.strip()], name
        kinds = []
        for parameter in parameters.split(","):
            declaration = " ".join(parameter.split())
            if declaration != "void":
                kind, stars = re.fullmatch(r"([\w ]+?) ?(\**)\w+", declaration).groups()
                kinds.append(C_TYPES[f"{kind.strip()} {stars}" if stars else kind.strip()])
        assert list(prototype._argtypes_) == kinds, name


def test_the_loaded_table_has_every_function() -> None:
    from orepa._library import api

    table = api()
    assert table.size >= ctypes.sizeof(_abi.Api)
    for name, _ in _abi.Api._fields_[2:]:
        assert getattr(table, name), name
