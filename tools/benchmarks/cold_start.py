#!/usr/bin/env python3
"""Classify one picture in a fresh process, as `bench_peers.py --cold-start` times it.

`cold_start.py PEER FOLDER THREADS IMAGE`: FOLDER holds the model as bench_peers.py has prepared it.
Imports only what the runtime and the picture need. Preprocessing is the published one: the shorter
side to 256 pixels, the middle 224x224, ImageNet's mean and deviation. Prints the best class.
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))
from required_packages import required_packages

with required_packages(__name__, "tools/benchmarks/requirements.txt"):
    import numpy as np
    from PIL import Image

    from pillow_crop import resized_crop

MEAN = np.array([0.485, 0.456, 0.406], np.float32)
DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)


def picture(path: str) -> np.ndarray:
    """`[1, 3, 224, 224]`, normalised."""
    image = resized_crop(Image.open(path).convert("RGB"), 256, 224)
    pixels = np.asarray(image, np.float32) / 255
    return np.ascontiguousarray(((pixels - MEAN) / DEVIATION).transpose(2, 0, 1)[None])


def run_ncnn(folder: Path, threads: int, image: str) -> np.ndarray:
    import ncnn

    net = ncnn.Net()
    net.opt.num_threads = threads
    for part in ("fp16_storage", "fp16_arithmetic", "fp16_packed", "bf16_storage"):
        setattr(net.opt, f"use_{part}", False)
    net.load_param(str(folder / "model.ncnn.param"))
    net.load_model(str(folder / "model.ncnn.bin"))
    extractor = net.create_extractor()
    pixels = picture(image)[0]  # the matrix uses this memory and does not keep it
    extractor.input("in0", ncnn.Mat(pixels))
    return np.array(extractor.extract("out0")[1])


def run_onnxruntime(folder: Path, threads: int, image: str) -> np.ndarray:
    import onnxruntime

    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = threads
    settings.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        folder / "model.onnx", settings, providers=["CPUExecutionProvider"]
    )
    return session.run(["logits"], {"input": picture(image)})[0]


def run_openvino(folder: Path, threads: int, image: str) -> np.ndarray:
    sys.modules["openvino_telemetry"] = None
    import openvino

    options = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
    options["INFERENCE_NUM_THREADS"] = str(threads)
    core = openvino.Core()
    model = core.read_model(folder / "model.onnx")
    model.reshape([1, 3, 224, 224])
    return core.compile_model(model, "CPU", options)([picture(image)])[0]


def run_mnn(folder: Path, threads: int, image: str) -> np.ndarray:
    import MNN

    interpreter = MNN.Interpreter(str(folder / "model.mnn"))
    session = interpreter.createSession(
        {"backend": "CPU", "numThread": threads, "precision": "high"}
    )
    entry = interpreter.getSessionInput(session)
    pixels, layout = picture(image), MNN.Tensor_DimensionType_Caffe
    interpreter.resizeTensor(entry, pixels.shape)
    interpreter.resizeSession(session)
    entry.copyFrom(MNN.Tensor(pixels.shape, MNN.Halide_Type_Float, pixels, layout))
    interpreter.runSession(session)
    output = interpreter.getSessionOutput(session)
    zeros = np.zeros(output.getShape(), np.float32)
    target = MNN.Tensor(output.getShape(), MNN.Halide_Type_Float, zeros, layout)
    output.copyToHostTensor(target)
    return np.array(target.getData(), np.float32)


def run_torch(folder: Path, threads: int, image: str) -> np.ndarray:
    import torch

    torch.set_num_threads(threads)
    network = torch.jit.load(folder / "model.torchscript")
    with torch.inference_mode():
        return network(torch.from_numpy(picture(image))).numpy()


RUNNERS = {
    "ncnn": run_ncnn,
    "onnxruntime": run_onnxruntime,
    "openvino": run_openvino,
    "mnn": run_mnn,
    "torch": run_torch,
}


if __name__ == "__main__":
    if {"-h", "--help"} & set(sys.argv[1:]):
        sys.exit(print(__doc__))
    if len(sys.argv) != 5 or sys.argv[1] not in RUNNERS:
        sys.exit(f"expected PEER FOLDER THREADS IMAGE; a peer is one of {', '.join(RUNNERS)}")
    peer, folder, threads, image = sys.argv[1:]
    print(int(RUNNERS[peer](Path(folder), int(threads), image).argmax()))
