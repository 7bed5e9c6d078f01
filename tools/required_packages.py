"""A sentence in place of a traceback where a package is missing."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def required_packages(module: str, requirements: str) -> Iterator[None]:
    """Around the imports of the program `module`, which is its `__name__`, whose packages
    `requirements` lists. Without one of them the program says so, and ends; where it is imported,
    its error is the importer's."""
    try:
        yield
    except ModuleNotFoundError as error:
        if module != "__main__" or error.name is None:
            raise
        if {"-h", "--help"} & set(sys.argv[1:]):
            print((sys.modules["__main__"].__doc__ or "").strip())
        package = error.name.partition(".")[0]
        print(
            f"{Path(sys.argv[0]).name}: the package {package} is missing; "
            f"pip install -r {requirements}",
            file=sys.stderr,
        )
        sys.exit(os.EX_UNAVAILABLE)
