#!/usr/bin/env python3
"""Finds memory that run-time modules take in a way that cannot fail.

What a file, a picture or a caller decides the size of comes from OrepaSystem (SystemMemory,
SystemBuffer, Array(systemCount:)), where the system may refuse it, or is preceded by a check there.
Other allocations that could be large carry a comment on their line or right above, `Memory: small`
or `Memory: checked`, that says why they are not or where.
"""

import argparse
import pathlib
import re
import sys

MODULES = [
    "OrepaThreads", "OrepaFiles", "OrepaJSON", "OrepaSafetensors", "OrepaNetwork", "OrepaPlan", "OrepaImage", "Orepa",
    "OrepaC",
]
ALLOCATION = re.compile(
    r"\.allocate\(|\bmmap\(|\b(?:m|c|re)alloc\(|\bposix_memalign\(|unsafeUninitializedCapacity"
    r"|[\])]\(repeating:|\breserveCapacity\(|\bwithUnsafeTemporaryAllocation\("
    r"|\bArray\(Unsafe|\bstrdup\("
)
REASON = re.compile(r"// Memory: (small|checked)\b")
LINES_ABOVE = 2


def findings(path: pathlib.Path) -> list[tuple[int, str]]:
    lines = path.read_text(encoding="utf-8").splitlines()
    found = []
    for number, line in enumerate(lines):
        code = line.split("//")[0]
        if not ALLOCATION.search(code) or re.search(r"\b(SystemMemory|CacheLines)\.", code):
            continue
        near = lines[max(0, number - LINES_ABOVE) : number + 1]
        if not any(REASON.search(line) for line in near):
            found.append((number + 1, line.strip()))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "files", nargs="*", type=pathlib.Path, help="instead of the run-time modules' sources"
    )
    arguments = parser.parse_args()
    root = pathlib.Path(__file__).resolve().parents[2]
    files = arguments.files or sorted(
        file for module in MODULES for file in (root / "Sources" / module).rglob("*.swift")
    )
    failed = False
    for file in files:
        for number, line in findings(file):
            failed = True
            print(
                f"{file}:{number}: expected memory of OrepaSystem, or `// Memory: small` or "
                f"`checked`, found: {line}"
            )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
