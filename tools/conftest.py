"""Where the tests find what they import and is not beside them."""

import sys
from pathlib import Path

FOLDERS = ("benchmarks", "fixtures", "training")
sys.path.extend(str(Path(__file__).with_name(name)) for name in FOLDERS)
