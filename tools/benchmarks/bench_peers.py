#!/usr/bin/env python3
"""Time orepa and other CPU runtimes in turns, on the same networks and the same input.

Runs onnxruntime, OpenVINO, ncnn, MNN, PyTorch (frozen, and compiled when there is a C++ compiler)
and orepa. Nothing is installed or downloaded: what is missing is named and left out
(`pip install -r tools/benchmarks/requirements.txt` brings all), and no runtime's telemetry runs.

Each runtime lives in a process of its own, loaded once for a network and a number of threads. They
take turns (A B C ... A B C ...), so that a drift of the machine meets all of them; whoever is not
at its turn is stopped with SIGSTOP and cannot spin. Where a runtime has several settings for
Float32, each is tried when it is loaded and the fastest stays; the settings are printed. A turn
starts with calls that do not count, 5 or 1 of a large batch, and gives one median; a row shows the
median of the turns' medians.

The logits of every Float32 runtime are held against `orepa-infer run --numerics strict` (or a
plain NumPy evaluation in Float64, without orepa-infer); exit status 1 when a most probable class
differs. Rows named "reduced precision" are for orientation only and never count as the fastest.

With --batch above 1 each peer is tried in the ways that it can share a batch among threads, all
threads at one picture or a thread for each; the fastest counts. With --cold-start IMAGE the time
and memory of one whole process, from start to answer, are measured as well, for the peers with
Python's own start and the import of nothing but what they need.

Measure on a quiet machine; only ratios from one run mean something. The table of all published
networks takes about 20 minutes with the figures of the first example.

Examples:
  tools/benchmarks/bench_peers.py --all ~/models --json peers.json --svg peers.svg
      (makes the models that are missing)
  tools/benchmarks/bench_peers.py --models repvgg.safetensors --duration 2 --turns 7
  tools/benchmarks/bench_peers.py --models resnet.safetensors --peers ncnn,orepa --batch 1,8,32
  tools/benchmarks/bench_peers.py --models resnet.safetensors --isa avx2   # lowers orepa alone
  tools/benchmarks/bench_peers.py --models resnet.safetensors --cold-start boot.jpg
"""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import importlib.util
import json
import math
import os
import platform
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from xml.sax.saxutils import escape

sys.path.append(str(Path(__file__).resolve().parents[1]))
from required_packages import required_packages

with required_packages(__name__, "tools/benchmarks/requirements.txt"):
    import numpy as np

    import export_onnx
    from export_onnx import benchmark_input, largest_difference
    from published_models import PROGRAM, deployed_models

WARMUP_CALLS = 5
LOAD_TIMEOUT = 600.0
"""Seconds for loading, trying settings, and compiling."""

# What this kind of machine can reach, in ms with 1 and 2 threads: a model, not a measurement. Per
# layer the best of direct, mixed-tile Winograd and polyphase convolution at 97 % of the peak, with
# transforms and memory bandwidth as measured, and 0.3 to 0.5 ms for the rest. For 2 cores of an AMD
# EPYC (Zen 4, AVX-512), batch 1, 224x224; on any other machine the figures mean nothing.
REACHABLE = {
    "RepVGG-A0": (9.6, 5.1),
    "RepVGG-A1": (15.4, 7.9),
    "RepVGG-A2": (30.7, 15.5),
    "ResNet-18": (13.1, 6.8),
    "ResNet-18-2x": (45.6, 23.4),
    "ResNet-34": (23.3, 12.0),
    "ResNet-50": (52.0, 26.3),
    "ResNet-101": (93.0, 46.8),
    "ResNeXt-50": (74.3, 37.3),
}


@dataclass
class Peer:
    name: str
    title: str
    packages: tuple[str, ...]
    """Modules that it needs; the first one's version is shown."""
    reduced: bool = False
    """Computes with less than Float32."""


PEERS = [
    Peer("orepa", "orepa", ()),
    Peer("ncnn", "ncnn", ("ncnn", "pnnx", "onnx")),
    Peer("openvino", "OpenVINO", ("openvino", "onnx")),
    Peer("onnxruntime", "onnxruntime", ("onnxruntime", "onnx")),
    Peer("mnn", "MNN", ("MNN", "onnx")),
    Peer("torch", "PyTorch, frozen", ("torch",)),
    Peer("torch-compile", "PyTorch, compiled", ("torch",)),
    Peer("openvino-default", "OpenVINO without options", ("openvino", "onnx"), reduced=True),
    Peer("onnxruntime-int8", "onnxruntime int8", ("onnxruntime", "onnx"), reduced=True),
]


COLD_START = Path(__file__).with_name("cold_start.py")
COLD_PEERS = ("ncnn", "onnxruntime", "openvino", "mnn", "torch")
"""Peers that it can run."""

# In the worker's process: one generator for each peer, which gives (settings, call) for every
# setting worth a try. A call takes nothing and returns the logits [batch, classes].

Candidates = Iterator[tuple[str, Callable[[], np.ndarray]]]


@dataclass
class Job:
    """What a worker is to run."""

    folder: Path
    """Holds model.onnx and what `prepare` made of it."""
    model: Path
    threads: int
    pictures: np.ndarray


def one_each(job: Job, one: Callable[[np.ndarray], np.ndarray]) -> Callable[[], np.ndarray]:
    """A call that gives each thread a picture `[1, C, H, W]` at a time.

    Worth a try only where `one` releases Python's lock.
    """
    pool = ThreadPoolExecutor(job.threads)
    pictures = [np.ascontiguousarray(picture[None]) for picture in job.pictures]
    return lambda: np.stack([logits.reshape(-1) for logits in pool.map(one, pictures)])


def shares_batches(job: Job) -> bool:
    """Whether there are pictures and threads enough to give each thread its own."""
    return len(job.pictures) > 1 and job.threads > 1


def run_onnxruntime(job: Job, file: str = "model.onnx") -> Candidates:
    import onnxruntime

    def load(threads: int):
        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = threads
        settings.inter_op_num_threads = 1
        settings.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        settings.log_severity_level = 3
        return onnxruntime.InferenceSession(
            job.folder / file, settings, providers=["CPUExecutionProvider"]
        )

    session = load(job.threads)
    feed = {"input": job.pictures}
    yield (
        f"intra_op_num_threads={job.threads}, ORT_ENABLE_ALL",
        lambda: session.run(["logits"], feed)[0],
    )
    if shares_batches(job):
        single = load(1)
        yield (
            "intra_op_num_threads=1, ORT_ENABLE_ALL, a picture for each thread",
            one_each(job, lambda picture: single.run(["logits"], {"input": picture})[0]),
        )


def run_onnxruntime_int8(job: Job) -> Candidates:
    from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static

    class Reader(CalibrationDataReader):
        rest = [{"input": job.pictures}]

        def get_next(self) -> dict | None:
            return self.rest.pop() if self.rest else None

    quantize_static(
        job.folder / "model.onnx",
        job.folder / "int8.onnx",
        Reader(),
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
    )
    for settings, call in run_onnxruntime(job, "int8.onnx"):
        yield settings + ", static, per channel, QDQ", call


def run_openvino(job: Job, options: dict | None = None) -> Candidates:
    # Without this, importing OpenVINO also imports its telemetry where that is installed.
    sys.modules["openvino_telemetry"] = None
    import openvino

    core = openvino.Core()
    model = core.read_model(job.folder / "model.onnx")
    model.reshape(list(job.pictures.shape))
    if options is None:
        options = {
            "INFERENCE_PRECISION_HINT": "f32",
            "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": "1",
        }
    options = options | {"INFERENCE_NUM_THREADS": str(job.threads)}
    request = core.compile_model(model, "CPU", options).create_infer_request()
    tensor = openvino.Tensor(job.pictures, shared_memory=True)

    def call() -> np.ndarray:
        request.infer([tensor], share_inputs=True)
        return request.get_output_tensor(0).data

    yield ", ".join(f"{key}={value}" for key, value in options.items()), call
    if len(job.pictures) > 1:
        model.reshape([1, *job.pictures.shape[1:]])
        options = options | {"PERFORMANCE_HINT": "THROUGHPUT", "NUM_STREAMS": str(job.threads)}
        queue = openvino.AsyncInferQueue(core.compile_model(model, "CPU", options))
        pictures = [np.ascontiguousarray(picture[None]) for picture in job.pictures]
        logits: list = [None] * len(pictures)

        def ended(request, index: int) -> None:
            logits[index] = request.get_output_tensor(0).data[0].copy()

        queue.set_callback(ended)

        def stream() -> np.ndarray:
            for index, picture in enumerate(pictures):
                queue.start_async([picture], userdata=index)
            queue.wait_all()
            return np.stack(logits)

        settings = ", ".join(f"{key}={value}" for key, value in options.items())
        yield f"{settings}, AsyncInferQueue of single pictures", stream


def run_ncnn(job: Job) -> Candidates:
    import ncnn

    def load(threads: int, changes: dict[str, bool]) -> Callable[[np.ndarray], np.ndarray]:
        net = ncnn.Net()
        net.opt.num_threads = threads
        for part in ("fp16_storage", "fp16_arithmetic", "fp16_packed", "bf16_storage"):
            setattr(net.opt, f"use_{part}", False)
        for option, value in changes.items():
            setattr(net.opt, option, value)
        net.load_param(str(job.folder / "model.ncnn.param"))
        net.load_model(str(job.folder / "model.ncnn.bin"))

        def one(picture: np.ndarray) -> np.ndarray:
            extractor = net.create_extractor()
            extractor.input("in0", ncnn.Mat(picture.reshape(picture.shape[-3:])))
            return np.array(extractor.extract("out0")[1])

        return one

    pictures = [np.ascontiguousarray(picture) for picture in job.pictures]
    for name, changes in {
        "defaults": {},
        "without Winograd F(6,3)": {"use_winograd63_convolution": False},
        "without matrix products": {"use_sgemm_convolution": False},
    }.items():
        one = load(job.threads, changes)
        yield (
            f"num_threads={job.threads}, no fp16 or bf16, {name}"
            + (", one picture after the other" if len(pictures) > 1 else ""),
            lambda one=one: np.stack([one(picture) for picture in pictures]),
        )
        if shares_batches(job):
            yield (
                f"num_threads=1, no fp16 or bf16, {name}, a picture for each thread",
                one_each(job, load(1, changes)),
            )


def run_mnn(job: Job) -> Candidates:
    import MNN

    for memory in ("normal", "high"):
        interpreter = MNN.Interpreter(str(job.folder / "model.mnn"))
        settings = {"backend": "CPU", "numThread": job.threads, "precision": "high"}
        settings |= {"memory": memory, "power": "high"}
        session = interpreter.createSession(settings)
        entry = interpreter.getSessionInput(session)
        interpreter.resizeTensor(entry, job.pictures.shape)
        interpreter.resizeSession(session)
        source = MNN.Tensor(
            job.pictures.shape,
            MNN.Halide_Type_Float,
            job.pictures,
            MNN.Tensor_DimensionType_Caffe,
        )
        shape = interpreter.getSessionOutput(session).getShape()
        target = MNN.Tensor(
            shape,
            MNN.Halide_Type_Float,
            np.zeros(shape, np.float32),
            MNN.Tensor_DimensionType_Caffe,
        )

        def call(
            interpreter=interpreter, session=session, entry=entry, source=source, target=target
        ) -> np.ndarray:
            entry.copyFrom(source)
            interpreter.runSession(session)
            interpreter.getSessionOutput(session).copyToHostTensor(target)
            return np.array(target.getData(), np.float32).reshape(target.getShape())

        yield ", ".join(f"{key}={value}" for key, value in settings.items()), call


def torch_network(job: Job):
    import torch
    from torch.nn import functional

    torch.set_num_threads(job.threads)
    torch.set_grad_enabled(False)
    model = export_onnx.read_model(job.model)

    class Network(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            for name, tensor in model.weights.items():
                self.register_buffer(name.replace(".", "_"), torch.from_numpy(tensor))

        def forward(self, pictures):
            values = {"input": pictures}
            for node in model.graph:
                inputs = [values[name] for name in node["inputs"]]
                if "parameters" in node:
                    prefix = node["parameters"].replace(".", "_")
                    weight, bias = (getattr(self, f"{prefix}_{p}") for p in ("weight", "bias"))
                match node["operation"]:
                    case "convolution":
                        value = functional.conv2d(
                            inputs[0], weight, bias, node["stride"], node["padding"], 1,
                            node["groups"],
                        )  # fmt: skip
                        value = functional.relu(value) if node["relu"] else value
                    case "max_pool":
                        value = functional.max_pool2d(
                            inputs[0], node["kernel"], node["stride"], node["padding"]
                        )
                    case "add_relu":
                        value = functional.relu(inputs[0] + inputs[1])
                    case "global_average_pool":
                        value = functional.adaptive_avg_pool2d(inputs[0], 1)
                    case "linear":
                        value = functional.linear(torch.flatten(inputs[0], 1), weight, bias)
                values[node["name"]] = value
            return value

    return Network().eval()


def run_torch(job: Job) -> Candidates:
    import torch

    for layout in (torch.contiguous_format, torch.channels_last):
        network = torch_network(job).to(memory_format=layout)
        pictures = torch.from_numpy(job.pictures).contiguous(memory_format=layout)
        traced = torch.jit.trace(network, pictures)
        frozen = torch.jit.optimize_for_inference(torch.jit.freeze(traced))
        yield (
            f"{job.threads} threads, jit.trace, freeze, optimize_for_inference, "
            + str(layout).removeprefix("torch."),
            lambda frozen=frozen, pictures=pictures: frozen(pictures).numpy(),
        )
        if shares_batches(job):
            torch.set_num_threads(1)

            def one(picture, layout=layout, network=torch.jit.freeze(traced)):
                with torch.inference_mode():
                    pixels = torch.from_numpy(picture).contiguous(memory_format=layout)
                    return network(pixels).numpy()

            yield (
                "1 thread, jit.trace, freeze, a picture for each thread, "
                + str(layout).removeprefix("torch."),
                one_each(job, one),
            )
            torch.set_num_threads(job.threads)


def run_torch_compile(job: Job) -> Candidates:
    import torch
    import torch._inductor.config

    torch._inductor.config.freezing = True
    network = torch.compile(torch_network(job), dynamic=False)
    pictures = torch.from_numpy(job.pictures)
    yield (
        f"{job.threads} threads, torch.compile, inductor, freezing=True",
        lambda: network(pictures).numpy(),
    )


RUNNERS: dict[str, Callable[[Job], Candidates]] = {
    "onnxruntime": run_onnxruntime,
    "onnxruntime-int8": run_onnxruntime_int8,
    "openvino": run_openvino,
    "openvino-default": lambda job: run_openvino(job, {}),
    "ncnn": run_ncnn,
    "mnn": run_mnn,
    "torch": run_torch,
    "torch-compile": run_torch_compile,
}


def warmup_calls(batch: int) -> int:
    """Calls that do not count: of large batches one, which are as many pictures."""
    return max(1, WARMUP_CALLS // batch)


def times_of(call: Callable[[], object], duration: float, warmup: int) -> list[float]:
    """Milliseconds of each call within so many seconds, at least one."""
    for _ in range(warmup):
        call()
    times = []
    end = time.perf_counter() + duration
    while not times or time.perf_counter() < end:
        start = time.perf_counter()
        call()
        times.append((time.perf_counter() - start) * 1e3)
    return times


def work(peer: str) -> None:
    """The worker: a JSON job on a line of standard input, then a line for each turn."""
    # Libraries print to standard output as they like; answers go where nothing else does.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def answer(**values: object) -> None:
        print(json.dumps(values), file=answers, flush=True)

    request = json.loads(sys.stdin.readline())
    shape = request["shape"]
    job = Job(
        Path(request["folder"]),
        Path(request["model"]),
        request["threads"],
        benchmark_input(math.prod(shape)).reshape(shape),
    )
    warmup = warmup_calls(shape[0])
    best = None
    tried = {}
    try:
        for settings, call in RUNNERS[peer](job):
            logits = np.array(call(), np.float32).reshape(shape[0], -1)
            tried[settings] = median(times_of(call, request["trial"], min(2, warmup)))
            if best is None or tried[settings] < tried[best[0]]:
                best = (settings, call, logits)
    except Exception as error:  # noqa: BLE001  Any library fails in its own way; the others go on.
        answer(error=f"{type(error).__name__}: {error}")
        return
    settings, call, logits = best
    answer(settings=settings, tried=tried, logits=logits[0].tolist())
    for line in sys.stdin:
        answer(times=times_of(call, json.loads(line)["duration"], warmup))


# In the parent's process.


class PeerError(Exception):
    """A peer that cannot be run; the others go on."""


@dataclass
class Result:
    """One row: a peer on a network, with so many threads."""

    peer: Peer
    settings: str = ""
    tried: dict[str, float] = field(default_factory=dict)
    logits: np.ndarray | None = None
    top1: int = -1
    turns: list[dict] = field(default_factory=list)
    """For each turn its median_ms, p90_ms, p99_ms and number of runs."""

    @property
    def milliseconds(self) -> float:
        return median(turn["median_ms"] for turn in self.turns)


def summary(times: list[float]) -> dict:
    ordered = sorted(times)
    percentile = {p: ordered[max(math.ceil(len(ordered) * p / 100) - 1, 0)] for p in (90, 99)}
    return {
        "median_ms": median(ordered),
        "p90_ms": percentile[90],
        "p99_ms": percentile[99],
        "runs": len(ordered),
    }


class Worker:
    """A peer's process; stopped (SIGSTOP) except while it loads and at its turn."""

    def __init__(self, peer: Peer, job: dict) -> None:
        self.log = tempfile.TemporaryFile()  # noqa: SIM115  Closed by close().
        environment = os.environ | {"OMP_NUM_THREADS": str(job["threads"])}
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--worker", peer.name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            env=environment,
        )
        self.buffer = b""
        try:
            loaded = self.ask(job, LOAD_TIMEOUT)
            if "error" in loaded:
                raise PeerError(loaded["error"].splitlines()[0])
        except PeerError:
            self.close()
            raise
        logits = np.array(loaded["logits"])
        self.result = Result(
            peer, loaded["settings"], loaded["tried"], logits, int(logits.argmax())
        )
        self.stop()

    def stop(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def turn(self, duration: float) -> None:
        self.process.send_signal(signal.SIGCONT)
        times = self.ask({"duration": duration}, LOAD_TIMEOUT + duration)["times"]
        self.stop()
        self.result.turns.append(summary(times))

    def ask(self, message: dict, timeout: float) -> dict:
        try:
            self.process.stdin.write(json.dumps(message).encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise PeerError(self.last_words()) from None
        end = time.monotonic() + timeout
        while b"\n" not in self.buffer:
            output = self.process.stdout
            if not select.select([output], [], [], max(end - time.monotonic(), 0))[0]:
                raise PeerError(f"no answer within {timeout:.0f} s")
            received = os.read(output.fileno(), 1 << 16)
            if not received:
                raise PeerError(self.last_words())
            self.buffer += received
        line, self.buffer = self.buffer.split(b"\n", 1)
        return json.loads(line)

    def last_words(self) -> str:
        status = self.process.wait()
        self.log.seek(0)
        lines = self.log.read().decode(errors="replace").strip().splitlines()
        return f"ended with status {status}: {lines[-1] if lines else 'no message'}"

    def close(self) -> None:
        self.process.kill()  # also ends a stopped process
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
        self.log.close()


def orepa_environment(isa: str | None) -> dict[str, str]:
    return os.environ | ({"OREPA_ISA": isa} if isa else {})


class OrepaWorker:
    """orepa: a new process each turn, of which `orepa-infer benchmark` times only the calls."""

    def __init__(
        self, peer: Peer, job: dict, program: Path, numerics: str, isa: str | None
    ) -> None:
        self.environment = orepa_environment(isa)
        batch = job["shape"][0]
        self.command = [
            program, "benchmark", job["model"], "--batch", batch, "--threads", job["threads"],
            "--numerics", numerics, "--warmup", warmup_calls(batch), "--format", "json",
        ]  # fmt: skip
        pictures = benchmark_input(math.prod(job["shape"])).reshape(job["shape"])
        try:
            logits = export_onnx.orepa_logits(program, Path(job["model"]), pictures[:1], numerics)
        except (export_onnx.ModelError, OSError) as error:
            raise PeerError(str(error)) from None
        first = self.run(0.01)
        self.result = Result(
            peer,
            f"--threads {job['threads']} --numerics {numerics}, {first['instruction_set']}",
            logits=logits[0],
            top1=first["top1"],
        )

    def run(self, duration: float) -> dict:
        command = [*map(str, self.command), "--duration", str(duration)]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, env=self.environment
        )
        if done.returncode != 0:
            message = done.stderr.strip().splitlines() or ["no message"]
            raise PeerError(f"exit status {done.returncode}: {message[0]}")
        return json.loads(done.stdout)

    def turn(self, duration: float) -> None:
        self.result.turns.append(self.run(duration))

    def close(self) -> None:
        pass


def missing(peer: Peer, program: Path | None) -> str | None:
    """Why a peer cannot be run here, or None."""
    if peer.name == "orepa":
        return None if program else "--orepa-infer is not given, and nothing is built"
    absent = [name for name in peer.packages if importlib.util.find_spec(name) is None]
    if absent:
        return f"not installed: {', '.join(absent)}"
    if peer.name == "torch-compile" and not shutil.which(os.environ.get("CXX", "g++")):
        return "no C++ compiler"
    return None


def prepare(path: Path, model: export_onnx.Model, folder: Path, peers: list[Peer]) -> list[Peer]:
    """Writes the formats that the peers read; returns those peers whose format could be had."""
    needed = {name for peer in peers for name in peer.packages}

    def command(*words: object) -> None:
        done = subprocess.run(
            [*map(str, words)], cwd=folder, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            lines = (done.stderr or done.stdout).strip().splitlines()
            raise PeerError(lines[-1] if lines else f"exit status {done.returncode}")

    def onnx_file() -> None:
        (folder / "model.onnx").write_bytes(export_onnx.to_onnx(model).SerializeToString())

    def ncnn_file() -> None:
        program = Path(importlib.util.find_spec("pnnx").origin).parent / "pnnx"
        shape = ",".join(map(str, (1, *model.input_shape)))
        command(program, "model.onnx", f"inputshape=[{shape}]", "fp16=0")

    def mnn_file() -> None:
        # Not the command mnnconvert: that one installs packages with pip and reports each use.
        convert = "import sys, MNN, _tools; _tools.mnnconvert(sys.argv)"
        command(
            sys.executable, "-c", convert, "-f", "ONNX", "--modelFile", "model.onnx",
            "--MNNModel", "model.mnn", "--bizCode", "orepa",
        )  # fmt: skip

    failed = set()
    for package, convert in {"onnx": onnx_file, "pnnx": ncnn_file, "MNN": mnn_file}.items():
        if package in needed:
            try:
                convert()
            except (PeerError, OSError) as error:
                failed.add(package)
                say(f"{path.name}: cannot be converted with {package}: {error}")
    return [peer for peer in peers if not failed.intersection(peer.packages)]


def say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


def measure(
    path: Path, peers: list[Peer], model: export_onnx.Model, folder: Path, threads: int, batch: int,
    options: argparse.Namespace,
) -> list[Result]:  # fmt: skip
    """The rows of one network and number of threads, in the order of the peers."""
    job = {
        "folder": str(folder),
        "model": str(path.resolve()),
        "threads": threads,
        "shape": [batch, *model.input_shape],
        "trial": min(options.duration, 1.0),
    }
    workers: list[Worker | OrepaWorker] = []
    try:
        for peer in peers:
            try:
                if peer.name == "orepa":
                    worker = OrepaWorker(
                        peer, job, options.orepa_infer, options.numerics, options.isa
                    )
                else:
                    worker = Worker(peer, job)
            except PeerError as error:
                say(f"{path.stem}, {threads} threads: {peer.title} is left out: {error}")
                continue
            workers.append(worker)
            say(f"{path.stem}, {threads} threads: {peer.title}: {worker.result.settings}")
        for _ in range(options.turns):
            for worker in list(workers):
                try:
                    worker.turn(options.duration)
                except PeerError as error:
                    say(f"{path.stem}: {worker.result.peer.title} is left out: {error}")
                    worker.close()
                    workers.remove(worker)
    finally:
        for worker in workers:
            worker.close()
    return [worker.result for worker in workers]


def torchscript(path: Path, folder: Path, model: export_onnx.Model) -> None:
    """Writes the frozen network that a cold PyTorch loads, in a process of its own."""
    script = (
        "import sys, numpy, torch, bench_peers as b; from pathlib import Path;"
        "n, p = Path(sys.argv[1]), Path(sys.argv[2]);"
        "x = numpy.zeros([1, *map(int, sys.argv[3:])], numpy.float32);"
        "t = torch.jit.trace(b.torch_network(b.Job(p, n, 1, x)), torch.from_numpy(x));"
        "torch.jit.freeze(t).save(str(p / 'model.torchscript'))"
    )
    command = [sys.executable, "-c", script, path.resolve(), folder, *model.input_shape]
    done = subprocess.run(
        [*map(str, command)], cwd=Path(__file__).parent, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise PeerError((done.stderr.strip().splitlines() or ["no message"])[-1])


# Runs a command and prints its seconds and peak resident kilobytes before its output. A process of
# its own, a small one, since a command's peak begins with the memory of what started it.
LAUNCHER = """
import os, subprocess, sys, time
start = time.perf_counter()
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE)
output = process.stdout.read()
_, status, usage = os.wait4(process.pid, 0)
print(time.perf_counter() - start, usage.ru_maxrss, flush=True)
os.write(1, output)
sys.exit(os.waitstatus_to_exitcode(status) != 0)
"""


def run_process(command: list, environment: dict) -> tuple[float, int, str]:
    """Seconds from start to end of a process, its peak resident bytes, its standard output."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", LAUNCHER, *map(str, command)],
        capture_output=True, text=True, check=False, env=environment,
    )  # fmt: skip
    if done.returncode != 0:
        raise PeerError((done.stderr.strip().splitlines() or ["no message"])[-1])
    figures, output = done.stdout.split("\n", 1)
    seconds, kilobytes = figures.split()
    return float(seconds), int(kilobytes) * 1024, output


def cold_starts(
    path: Path, peers: list[Peer], model: export_onnx.Model, folder: Path, threads: int,
    options: argparse.Namespace,
) -> dict:  # fmt: skip
    """Whole processes, from start to answer, in turns; files are in the page cache."""
    commands: dict[str, list] = {}
    for peer in peers:
        if peer.name == "orepa":
            commands[peer.name] = [
                options.orepa_infer, "--model", path, "--threads", threads, "--top-k", "1",
                "--format", "csv", options.cold_start,
            ]  # fmt: skip
        elif peer.name in COLD_PEERS:
            try:
                if peer.name == "torch" and not (folder / "model.torchscript").exists():
                    torchscript(path, folder, model)
            except PeerError as error:
                say(f"{path.stem}: cold {peer.title} is left out: {error}")
                continue
            commands[peer.name] = [
                sys.executable, COLD_START, peer.name, folder, threads, options.cold_start,
            ]  # fmt: skip
    environment = orepa_environment(options.isa) | {"OMP_NUM_THREADS": str(threads)}
    samples: dict[str, list[tuple[float, int, str]]] = {name: [] for name in commands}
    for turn in range(2 * options.turns + 1):
        for name, command in list(commands.items()):
            try:
                sample = run_process(command, environment)
            except (OSError, PeerError) as error:
                say(f"{path.stem}: cold {name} is left out: {error}")
                del commands[name], samples[name]
                continue
            if turn > 0:  # the first one brings files into the page cache
                samples[name].append(sample)
    titles = {peer.name: peer.title for peer in peers}
    rows = [
        {
            "peer": name,
            "title": titles[name],
            "median_s": median(sample[0] for sample in taken),
            "lowest_s": min(sample[0] for sample in taken),
            "highest_s": max(sample[0] for sample in taken),
            "peak_memory_bytes": max(sample[1] for sample in taken),
            "top1": cold_answer(name, taken[0][2]),
        }
        for name, taken in samples.items()
    ]
    return {"network": path.stem, "threads": threads, "rows": rows}


def cold_answer(name: str, output: str) -> int:
    """The best class's index: a line of its own, or the third field of orepa's last line."""
    last = output.strip().splitlines()[-1]
    return int(last.split(",")[2] if name == "orepa" else last)


def print_cold_starts(entry: dict) -> None:
    print(f"\n{entry['network']}, threads: {entry['threads']}, one process from start to answer")
    print(f"  {'':34}{'median s':>10}{'runs':>16}{'peak MB':>9}{'class':>7}")
    for row in sorted(entry["rows"], key=lambda row: row["median_s"]):
        runs = f"{row['lowest_s']:.3f}..{row['highest_s']:.3f}"
        print(
            f"  {row['title']:34}{row['median_s']:10.3f}{runs:>16}"
            f"{row['peak_memory_bytes'] / 1e6:9.0f}{row['top1']:7}"
        )
    sys.stdout.flush()


def reachable(name: str, model: export_onnx.Model, threads: int, batch: int) -> float | None:
    """The time of REACHABLE, in ms, when it holds for this network and setting."""
    known = [key for key in REACHABLE if name == key or name.startswith(key + "-")]
    if not known or model.input_shape != (3, 224, 224) or batch != 1 or threads not in (1, 2):
        return None
    return REACHABLE[max(known, key=len)][threads - 1]


def report(
    name: str, threads: int, batch: int, results: list[Result], reference: np.ndarray,
    possible: float | None,
) -> dict:  # fmt: skip
    """One network and number of threads, as in the JSON file."""
    expected = int(reference.argmax())
    rows = []
    for result in results:
        error = largest_difference(result.logits, reference)
        rows.append(
            {
                "peer": result.peer.name,
                "title": result.peer.title,
                "reduced_precision": result.peer.reduced,
                "settings": result.settings,
                "settings_tried_ms": result.tried,
                "median_ms": result.milliseconds,
                "lowest_turn_ms": min(turn["median_ms"] for turn in result.turns),
                "highest_turn_ms": max(turn["median_ms"] for turn in result.turns),
                "p99_ms": median(turn["p99_ms"] for turn in result.turns),
                "images_per_second": batch * 1e3 / result.milliseconds,
                "logit_error": error,
                "top1": result.top1,
                "top1_agrees": result.top1 == expected,
                "turns": result.turns,
            }
        )
    own = next((row for row in rows if row["peer"] == "orepa"), None)
    others = [row for row in rows if row is not own and not row["reduced_precision"]]
    fastest = min(others, key=lambda row: row["median_ms"], default=None)
    return {
        "network": name,
        "threads": threads,
        "batch": batch,
        "reachable_ms": possible,
        "fastest_peer": fastest and fastest["peer"],
        "ratio": fastest["median_ms"] / own["median_ms"] if fastest and own else None,
        "of_reachable": own["median_ms"] / possible if own and possible else None,
        "rows": rows,
    }


def print_report(entry: dict) -> None:
    print(f"\n{entry['network']}, batch {entry['batch']}, threads: {entry['threads']}")
    print(f"  {'':34}{'median ms':>10}{'turns':>16}{'P99 ms':>9}{'images/s':>10}{'error':>9}")
    for row in sorted(entry["rows"], key=lambda row: (row["reduced_precision"], row["median_ms"])):
        title = row["title"] + (" (reduced)" if row["reduced_precision"] else "")
        turns = f"{row['lowest_turn_ms']:.2f}..{row['highest_turn_ms']:.2f}"
        remark = "" if row["top1_agrees"] else "  other top-1"
        print(
            f"  {title:34}{row['median_ms']:10.2f}{turns:>16}{row['p99_ms']:9.2f}"
            f"{row['images_per_second']:10.1f}{row['logit_error']:9.1e}{remark}"
        )
    if entry["ratio"]:
        print(f"  fastest Float32 peer ({entry['fastest_peer']}) / orepa: {entry['ratio']:.2f}")
    if entry["reachable_ms"]:
        of = entry["of_reachable"]
        times = f"; orepa takes {of:.2f} times that" if of else ""
        print(f"  reachable on an AMD EPYC (Zen 4), a model: {entry['reachable_ms']:.1f} ms{times}")
    sys.stdout.flush()


def print_ratios(entries: list[dict]) -> None:
    entries = [entry for entry in entries if entry["ratio"]]
    if not entries:
        return
    print("\n| network | threads | batch | orepa ms | fastest peer ms | ratio | reachable ms |")
    print("|---|---|---|---|---|---|---|")
    for entry in entries:
        rows = {row["peer"]: row for row in entry["rows"]}
        peer = rows[entry["fastest_peer"]]
        possible = f"{entry['reachable_ms']:.1f}" if entry["reachable_ms"] else ""
        print(
            f"| {entry['network']} | {entry['threads']} | {entry['batch']} "
            f"| {rows['orepa']['median_ms']:.2f} | {peer['median_ms']:.2f} ({peer['title']}) "
            f"| {entry['ratio']:.2f} | {possible} |"
        )


def machine(peers: list[Peer]) -> dict:
    """What the figures were measured on and with."""
    info = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    names = [line.split(":", 1)[1].strip() for line in info.splitlines() if "model name" in line]
    flags = next((line for line in info.splitlines() if line.startswith("flags")), "").split()
    packages = sorted({name for peer in peers for name in peer.packages})
    return {
        "cpu": names[0] if names else platform.processor() or "unknown",
        "cores": len(os.sched_getaffinity(0)),
        "instruction_sets": [
            flag
            for flag in ("avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16")
            if flag in flags
        ],
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "system": platform.platform(),
        "python": platform.python_version(),
        "load_average_before": os.getloadavg()[0],
        "versions": {name: importlib.metadata.version(name) for name in packages},
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        **commit(),
    }


def commit() -> dict[str, str]:
    """The commit of this tree, which orepa was built from, where git knows it."""
    command = ["git", "-C", Path(__file__).parent, "rev-parse", "--short", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return {}
    return {"commit": done.stdout.strip()}


COLOURS = {
    "orepa": "#d1495b",
    "ncnn": "#2e6f95",
    "openvino": "#5b8e7d",
    "onnxruntime": "#bc8034",
    "mnn": "#7b6d8d",
    "torch": "#8d99ae",
    "torch-compile": "#b0b7c3",
    "openvino-default": "#c9d8d2",
    "onnxruntime-int8": "#e4d2b8",
}


def svg(entries: list[dict], about: dict) -> str:
    """A bar for each row, as long as its time divided by orepa's (by the fastest's without orepa).

    A column for each number of threads, a group for each network; a tick marks the reachable time.
    """
    columns = sorted({entry["threads"] for entry in entries})
    batches = sorted({entry["batch"] for entry in entries})

    def label(entry: dict) -> str:
        return entry["network"] + (f", {entry['batch']}" if len(batches) > 1 else "")

    networks = list(dict.fromkeys(label(entry) for entry in entries))
    found = {(label(entry), entry["threads"]): entry for entry in entries}
    titles = {row["peer"]: row["title"] for entry in entries for row in entry["rows"]}
    reduced = {r["peer"] for entry in entries for r in entry["rows"] if r["reduced_precision"]}
    shown = [peer.name for peer in PEERS if peer.name in titles]

    def unit(entry: dict) -> float:
        times = {row["peer"]: row["median_ms"] for row in entry["rows"]}
        return times.get("orepa", min(times.values(), default=1))

    longest = max(
        (row["median_ms"] / unit(entry) for entry in entries for row in entry["rows"]), default=1
    )
    left, column, bar, gap, top = 130, 350, 12, 16, 66
    group = len(shown) * bar + gap
    scale = (column - 80) / longest
    legend = top + len(networks) * group + 12
    width = left + len(columns) * column + 10
    across = max(width // 270, 1)  # entries of the legend in a row
    height = legend + -(-len(shown) // across) * 18 + 34
    parts = []

    def text(x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> None:
        parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">'
            f"{escape(words)}</text>"
        )

    sizes = " or ".join(map(str, batches)) or "1"
    text(10, 22, f"Milliseconds for a batch of {sizes}; shorter is faster", "title")
    scaled = "orepa's" if "orepa" in titles else "the fastest"
    text(10, 40, f"Bars are scaled to {scaled} time of each group; black tick: reachable (a model)")
    for index, threads in enumerate(columns):
        x = left + index * column
        text(x, top - 8, f"{threads} thread{'s' if threads > 1 else ''}", "title")
        for line, network in enumerate(networks):
            entry = found.get((network, threads))
            y = top + line * group
            if index == 0:
                text(left - 8, y + (group - gap) / 2 + 4, network, "", "end")
            if entry is None:
                continue
            rows = {row["peer"]: row for row in entry["rows"]}
            for place, peer in enumerate(shown):
                if peer not in rows:
                    continue
                time_ms = rows[peer]["median_ms"]
                length = time_ms / unit(entry) * scale
                parts.append(
                    f'<rect x="{x}" y="{y + place * bar}" width="{length:.1f}" '
                    f'height="{bar - 2}" fill="{COLOURS[peer]}"/>'
                )
                kind = "value own" if peer == "orepa" else "value"
                text(x + length + 4, y + place * bar + bar - 3.5, f"{time_ms:.1f}", kind)
            if entry["reachable_ms"]:
                mark = x + entry["reachable_ms"] / unit(entry) * scale
                parts.append(
                    f'<rect x="{mark:.1f}" y="{y - 2}" width="2" height="{bar + 2}" class="mark"/>'
                )
    for place, peer in enumerate(shown):
        x = 10 + place % across * ((width - 20) / across)
        y = legend + place // across * 18
        parts.append(f'<rect x="{x:.1f}" y="{y}" width="12" height="12" fill="{COLOURS[peer]}"/>')
        text(x + 18, y + 10, titles[peer] + (" (reduced precision)" if peer in reduced else ""))
    text(10, height - 10, f"{about['cpu']}, {about['cores']} cores, {about['date'][:10]}")
    style = (
        "text{font:12px sans-serif;fill:#222}.title{font-weight:bold}.value{font-size:10px}"
        ".own{font-weight:bold}.mark{fill:#000}"
    )
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}">\n<style>{style}</style>\n'
        f'<rect width="{width}" height="{height}" fill="#fff"/>\n{body}\n</svg>\n'
    )


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )

    def numbers(text: str) -> list[int]:
        values = [int(word) for word in text.split(",")]
        if min(values) < 1:
            raise ValueError
        return values

    names = [peer.name for peer in PEERS]
    parser.add_argument("--models", type=Path, nargs="+", default=[], help="deployed model files")
    parser.add_argument("--threads", type=numbers, default=[1, 2], help="such as 1,2 (default)")
    parser.add_argument("--all", type=Path, metavar="FOLDER", help="every published network")
    parser.add_argument("--batch", type=numbers, default=[1], help="pictures in a call (1): 1,8,32")
    parser.add_argument("--duration", type=float, default=2, help="seconds of each turn (2)")
    parser.add_argument("--turns", type=int, default=5, help="turns of each peer (5)")
    parser.add_argument("--peers", default=",".join(names), help=f"some of {','.join(names)}")
    parser.add_argument("--orepa-infer", type=Path, help=f"the program ({PROGRAM})")
    parser.add_argument("--isa", choices=("portable", "avx2", "avx512"), help="of orepa (its best)")
    parser.add_argument(
        "--cold-start", type=Path, metavar="IMAGE", help="time whole processes that classify it too"
    )
    parser.add_argument("--numerics", choices=("fast", "strict"), default="fast", help="of orepa")
    parser.add_argument("--json", type=Path, help="where to write all figures and the settings")
    parser.add_argument("--svg", type=Path, help="where to write a plot")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.turns < 1 or not options.duration > 0:
        parser.error("--turns and --duration: expected more than 0")
    if options.orepa_infer is None and PROGRAM.exists():
        options.orepa_infer = PROGRAM
    if options.cold_start and not options.cold_start.is_file():
        parser.error(f"--cold-start: {options.cold_start}: no such file")
    options.peers = options.peers.split(",")
    for name in options.peers:
        if name not in names:
            parser.error(f"--peers: expected some of {', '.join(names)}, found {name}")
    return options


def main() -> None:
    options = parse()
    if options.worker:
        work(options.worker)
        return
    if options.all:
        try:
            options.models += deployed_models(options.all, options.orepa_infer or PROGRAM)
        except (OSError, subprocess.CalledProcessError) as error:
            sys.exit(f"{error}")
    peers = []
    for peer in PEERS:
        if peer.name in options.peers:
            reason = missing(peer, options.orepa_infer)
            if reason:
                say(f"{peer.title} is left out: {reason}")
            else:
                peers.append(peer)
    about = machine(peers)
    for key, value in about.items():
        print(f"{key}: {value}")
    if about["load_average_before"] > 0.5:
        say("The machine is not quiet (load average above 0.5): take no figure from this run.")
    entries: list[dict] = []
    cold_entries: list[dict] = []
    for path in options.models:
        try:
            model = export_onnx.read_model(path)
        except OSError as error:
            sys.exit(f"{path}: {error.strerror}")
        except export_onnx.ModelError as error:
            sys.exit(f"{path}: {error}")
        picture = benchmark_input(math.prod(model.input_shape)).reshape(1, *model.input_shape)
        reference = None
        if options.orepa_infer:
            try:
                reference = export_onnx.orepa_logits(options.orepa_infer, path, picture)[0]
            except (OSError, export_onnx.ModelError) as error:
                say(f"no reference from orepa-infer, NumPy instead: {error}")
        if reference is None:
            reference = export_onnx.evaluate(model, picture)[0]
        with tempfile.TemporaryDirectory() as folder:
            able = prepare(path, model, Path(folder), peers)
            for threads in options.threads:
                if options.cold_start:
                    cold = cold_starts(path, able, model, Path(folder), threads, options)
                    print_cold_starts(cold)
                    cold_entries.append(cold)
                for batch in options.batch:
                    results = measure(path, able, model, Path(folder), threads, batch, options)
                    possible = reachable(path.stem, model, threads, batch)
                    entry = report(path.stem, threads, batch, results, reference, possible)
                    print_report(entry)
                    entries.append(entry)
                    # After each, so that a run that is broken off leaves what it measured.
                    if options.json:
                        result = {"machine": about, "duration": options.duration}
                        result |= {"isa": options.isa, "results": entries}
                        result |= {"cold_starts": cold_entries}
                        options.json.write_text(json.dumps(result, indent=1) + "\n")
                    if options.svg:
                        options.svg.write_text(svg(entries, about))
    print_ratios(entries)
    wrong = [
        f"{entry['network']}, {entry['threads']} threads: {row['title']}"
        for entry in entries
        for row in entry["rows"]
        if not (row["top1_agrees"] or row["reduced_precision"])
    ]
    for entry in cold_entries:
        if len({row["top1"] for row in entry["rows"]}) > 1:
            wrong.append(f"{entry['network']}, {entry['threads']} threads: cold starts differ")
    if wrong:
        sys.exit("another most probable class than the reference: " + "; ".join(wrong))


if __name__ == "__main__":
    main()
