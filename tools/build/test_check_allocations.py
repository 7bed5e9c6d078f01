"""Memory that cannot be refused is found, unless a comment says why it may be."""

from __future__ import annotations

import pathlib

import pytest

from check_allocations import findings


@pytest.mark.parametrize(
    "line",
    [
        "let pixels = [UInt8](repeating: 0, count: width * height)",
        "let pixels = [UInt8](unsafeUninitializedCapacity: count) { _, _ in }",
        "buffer = .allocate(capacity: count)",
        "values.reserveCapacity(count)",
        "let pointer = malloc(count)",
        "let address = mmap(nil, size, PROT_READ, MAP_PRIVATE, -1, 0)",
        "withUnsafeTemporaryAllocation(of: UInt8.self, capacity: width) { row in }",
        "return Array(UnsafeBufferPointer(start: start, count: count))",
    ],
)
def test_memory_is_found(tmp_path: pathlib.Path, line: str) -> None:
    file = tmp_path / "A.swift"
    file.write_text(f"import Glibc\n\n\n{line}\n")
    assert findings(file) == [(4, line)]
    file.write_text(f"// Memory: small, a row.\n{line}\n")
    assert findings(file) == []
    file.write_text(f"// Memory: large\n{line}\n")
    assert findings(file) == [(2, line)]
    file.write_text(f"// {line}\n")
    assert findings(file) == []


def test_memory_that_may_be_refused_is_not(tmp_path: pathlib.Path) -> None:
    file = tmp_path / "A.swift"
    file.write_text(
        "let memory = try SystemMemory.allocate(byteCount: count)\n"
        "let values = try [Float](systemCount: 3) { _ in }\n"
    )
    assert findings(file) == []
