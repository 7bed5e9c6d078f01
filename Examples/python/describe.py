"""Prints what a model's file records about it: describe.py MODEL"""

import sys

import orepa

if len(sys.argv) != 2:
    sys.exit(__doc__)
metadata = orepa.Model(sys.argv[1]).metadata
preprocessing, source = metadata.preprocessing, metadata.source
print(f"family: {metadata.family}")
print(f"tool: {metadata.tool}")
print(f"source: {source.name if source else 'not recorded'}")
print(f"sha256: {source.sha256 if source else 'not recorded'}")
print(f"resize: {preprocessing.resize}")
print(f"crop: {preprocessing.crop}")
print("mean:", *(f"{number:g}" for number in preprocessing.mean))
print("std:", *(f"{number:g}" for number in preprocessing.std))
print(f"interpolation: {preprocessing.interpolation}")
verification = metadata.verification
print(f"logit error: {f'{verification.logit_error:.1e}' if verification else 'not recorded'}")
