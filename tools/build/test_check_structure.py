"""Unsafe code outside of its files, and imports against the order of modules, are found."""

from __future__ import annotations

import pathlib

import pytest

from check_structure import import_faults, imports, order_faults, unsafe_faults, unsafe_lines


def target(name: str, *needs: str, kind: str = "regular") -> dict:
    return {"name": name, "type": kind, "dependencies": [{"byName": [need, None]} for need in needs]}


@pytest.mark.parametrize(
    "line",
    [
        "let pointer: UnsafePointer<Float>? = nil",
        "values.withUnsafeBufferPointer { use($0) }",
        "let bits = unsafeBitCast(value, to: UInt.self)",
        "final class Pool: @unchecked Sendable {}",
        "nonisolated(unsafe) let items = items",
    ],
)
def test_unsafe_code_is_found(tmp_path: pathlib.Path, line: str) -> None:
    file = tmp_path / "A.swift"
    file.write_text(f"import Glibc\n{line}\n")
    assert unsafe_lines(file) == [(2, line)]
    file.write_text(f"// {line}\n")
    assert unsafe_lines(file) == []
    file = tmp_path / "A+Unsafe.swift"
    file.write_text(line)
    assert unsafe_lines(file) == []


def test_imports_of_every_form_are_read(tmp_path: pathlib.Path) -> None:
    file = tmp_path / "A.swift"
    file.write_text("import A\npublic import B\n@testable import C\n@_exported public import struct D.E\n// import F\n")
    assert imports(file) == [(1, "A"), (2, "B"), (3, "C"), (4, "D")]


def test_a_module_imports_its_dependencies_alone(tmp_path: pathlib.Path) -> None:
    folder = tmp_path / "Sources" / "Upper"
    folder.mkdir(parents=True)
    (folder / "A.swift").write_text("import Lower\nimport Lowest\nimport Glibc\n")
    targets = [target("Lowest"), target("Lower", "Lowest"), target("Upper", "Lower")]
    assert order_faults(targets) == []
    faults = import_faults(tmp_path, targets)
    assert len(faults) == 1 and "A.swift:2" in faults[0] and "Lowest" in faults[0]


def test_a_dependency_stands_above(tmp_path: pathlib.Path) -> None:
    faults = order_faults([target("Upper", "Lower"), target("Lower")])
    assert faults == ["Package.swift: expected Lower above Upper, which depends on it"]


def test_the_command_line_is_free(tmp_path: pathlib.Path) -> None:
    for name in ["orepa-infer", "Library"]:
        folder = tmp_path / "Sources" / name
        folder.mkdir(parents=True)
        (folder / "A.swift").write_text("values.withUnsafeBytes { write($0) }\n")
    faults = unsafe_faults(tmp_path, [target("Library"), target("orepa-infer")])
    assert len(faults) == 1 and faults[0].startswith("Sources/Library/A.swift:1")
