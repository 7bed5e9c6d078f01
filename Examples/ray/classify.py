"""Names what the pictures in a folder show, on a Ray cluster: classify.py MODEL FOLDER OUTPUT.

The smallest thing that works; tools/ray-data/ray_classify.py can be resumed, takes more kinds of
input and keeps going when workers die.
"""

import sys
from typing import Any

import orepa
import ray


class Classifier:
    """One in each worker: the model is loaded once."""

    def __init__(self, model: str) -> None:
        self.model = orepa.Model(model, threads="caller")

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        answers = self.model.classify_batch(list(batch["bytes"]), top_k=1, errors="return")
        failed = [isinstance(answer, orepa.Error) for answer in answers]
        return {
            "path": batch["path"],
            "label": [None if bad else a[0].label for bad, a in zip(failed, answers, strict=True)],
            "error": [str(a) if bad else None for bad, a in zip(failed, answers, strict=True)],
        }


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    model, folder, output = sys.argv[1:]
    pictures = ray.data.read_binary_files(folder, include_paths=True)
    # Half a processor for each worker on paper leaves the other half to the tasks that read.
    answers = pictures.map_batches(
        Classifier, fn_constructor_args=[model], concurrency=1, num_cpus=0.5, batch_size=16
    )
    answers.write_parquet(output)
