#!/usr/bin/env python3
"""Holds the sources to what CONTRIBUTING.md promises of their structure.

A module imports what Package.swift lists among its dependencies, and that stands above it there. Unsafe
Swift is in files whose name ends with `+Unsafe.swift`; the command line and tests are free.
That a file imports each module whose types it names is the compiler's to check (the features that
Package.swift sets).
"""

from __future__ import annotations

import argparse
import json
import pathlib
import re
import subprocess
import sys

IMPORT = re.compile(
    r"^\s*(?:@\w+\s+)*(?:(?:public|package|internal|private|fileprivate)\s+)?import\s+"
    r"(?:(?:struct|class|enum|protocol|typealias|func|let|var)\s+)?(\w+)"
)
UNSAFE = re.compile(
    r"\bUnsafe\w*Pointer\b|\bunsafe(?:BitCast|Downcast)\b|\bUnmanaged\b|\bwithUnsafe\w+\b|\bnonisolated\(unsafe\)"
    r"|@unchecked\b|\bunsafeUninitializedCapacity\b|\bassumingMemoryBound\b|\bbindMemory\b"
)
# The command line hands buffers of its own to the system.
FREE_OF_SUFFIX = {"orepa-infer"}


def code_of(line: str) -> str:
    """The line without its comment and texts."""
    return re.sub(r'"(?:[^"\\]|\\.)*"', '""', line).split("//")[0]


def unsafe_lines(path: pathlib.Path) -> list[tuple[int, str]]:
    """Lines of unsafe code in a file whose name does not say so."""
    if path.name.endswith("+Unsafe.swift"):
        return []
    lines = path.read_text(encoding="utf-8").splitlines()
    return [(number, line.strip()) for number, line in enumerate(lines, 1) if UNSAFE.search(code_of(line))]


def imports(path: pathlib.Path) -> list[tuple[int, str]]:
    """The modules that a file imports, with the lines."""
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        match = IMPORT.match(line)
        if match:
            found.append((number, match.group(1)))
    return found


def dependencies(target: dict) -> list[str]:
    """Names of the package's targets that a target depends on."""
    return [name for dependency in target["dependencies"] for name in [next(iter(dependency.values()))[0]]]


def order_faults(targets: list[dict]) -> list[str]:
    """Dependencies that do not stand above their target."""
    faults = []
    seen: set[str] = set()
    own = {target["name"] for target in targets}
    for target in targets:
        for name in dependencies(target):
            if name in own and name not in seen:
                faults.append(f"Package.swift: expected {name} above {target['name']}, which depends on it")
        seen.add(target["name"])
    return faults


def folder_of(root: pathlib.Path, target: dict) -> pathlib.Path:
    if target.get("path"):
        return root / target["path"]
    return root / ("Tests" if target["type"] == "test" else "Sources") / target["name"]


def import_faults(root: pathlib.Path, targets: list[dict]) -> list[str]:
    """Imports of the package's own targets that are no dependencies of the file's; those of tests are free."""
    faults = []
    modules = {target["name"].replace("-", "_") for target in targets}
    for target in targets:
        if folder_of(root, target).relative_to(root).parts[0] != "Sources":
            continue
        allowed = {name.replace("-", "_") for name in dependencies(target)}
        for path in sorted(folder_of(root, target).rglob("*.swift")):
            for number, module in imports(path):
                if module in modules and module not in allowed:
                    faults.append(
                        f"{path.relative_to(root)}:{number}: expected an import of what {target['name']} depends on "
                        f"in Package.swift, found {module}"
                    )
    return faults


def unsafe_faults(root: pathlib.Path, targets: list[dict]) -> list[str]:
    """Unsafe code where it is not expected."""
    faults = []
    for target in targets:
        folder = folder_of(root, target)
        if target["name"] in FREE_OF_SUFFIX or folder.relative_to(root).parts[0] != "Sources":
            continue
        for path in sorted(folder.rglob("*.swift")):
            for number, line in unsafe_lines(path):
                faults.append(
                    f"{path.relative_to(root)}:{number}: expected unsafe code in +Unsafe.swift files alone, "
                    f"found {line}"
                )
    return faults


def main() -> int:
    argparse.ArgumentParser(description=__doc__).parse_args()
    root = pathlib.Path(__file__).resolve().parents[2]
    dump = subprocess.run(
        ["swift", "package", "dump-package"], cwd=root, check=True, capture_output=True, text=True
    ).stdout
    targets = json.loads(dump)["targets"]
    faults = order_faults(targets) + import_faults(root, targets) + unsafe_faults(root, targets)
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
