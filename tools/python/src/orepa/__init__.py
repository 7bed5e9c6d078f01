"""Image classifiers with folded training blocks, on CPUs.

import orepa

model = orepa.Model("flowers.safetensors")
for prediction in model.classify("rose.jpg", top_k=3):
    print(prediction.label, prediction.probability)
"""

from ._answers import Answer, Prediction
from ._controls import Cancellation, Pool
from ._errors import (
    Cancelled,
    DeadlineExceeded,
    Error,
    InvalidArgument,
    InvalidEnvironment,
    InvalidImage,
    InvalidModel,
    NotFinite,
    NotFound,
    NotReadable,
    OutOfMemory,
    PictureWarning,
    ProbeFailed,
    Status,
    Unsupported,
)
from ._library import library_version
from ._metadata import Assumptions, Metadata, Preprocessing, Source, Verification
from ._model import Log, Memory, MemoryRequirement, Model, Numerics, Stage
from ._outputs import FloatBuffer
from ._pictures import Order, Picture

__version__ = "0.1.0"

__all__ = [
    "Answer",
    "Assumptions",
    "Cancellation",
    "Cancelled",
    "DeadlineExceeded",
    "Error",
    "FloatBuffer",
    "InvalidArgument",
    "InvalidEnvironment",
    "InvalidImage",
    "InvalidModel",
    "Log",
    "Memory",
    "MemoryRequirement",
    "Metadata",
    "Model",
    "NotFinite",
    "NotFound",
    "NotReadable",
    "Numerics",
    "Order",
    "OutOfMemory",
    "Picture",
    "PictureWarning",
    "Pool",
    "Prediction",
    "Preprocessing",
    "ProbeFailed",
    "Source",
    "Stage",
    "Status",
    "Unsupported",
    "Verification",
    "library_version",
]
