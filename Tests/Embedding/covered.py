#!/usr/bin/env python3
"""Says which names of orepa.h the wrapper leaves out: covered.py OREPA.H OREPA.HPP"""

import pathlib
import re
import sys


def without_comments(path: str) -> str:
    text = re.sub(r"/\*.*?\*/", "", pathlib.Path(path).read_text(), flags=re.DOTALL)
    return re.sub(r"//.*", "", text)


def main() -> int:
    header, wrapper = map(without_comments, sys.argv[1:])
    names = set(re.findall(r"^#define (OREPA_\w+)", header, re.MULTILINE))
    names |= set(re.findall(r"^static inline \w+ (\w+)\(", header, re.MULTILINE))
    for body in re.findall(r"typedef struct \w+ {(.*?)} \w+;", header, re.DOTALL):
        names |= set(re.findall(r"(\w+);", body))
        names |= set(re.findall(r"\(\*(\w+)\)\(", body))
    # What C++ has in another way: pictures, by the functions that make them and what those set.
    names -= {"OREPA_H", "OREPA_PICTURE", "kind", "order", "path", "data", "data_size"}
    names -= {name for name in names if name.startswith("OREPA_PICTURE_")}
    found = set(re.findall(r"\w+", wrapper))
    missing = sorted(names - found)
    if len(names) < 100 or missing:
        print(f"expected all of {len(names)} names in {sys.argv[2]}, found none of {missing}")
        return 1
    print(f"{len(names)} names of the C interface are in the C++ one")
    return 0


sys.exit(main())
