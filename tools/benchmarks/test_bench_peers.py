"""Figures are put together rightly, the plot is an SVG, and what is missing is named."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from bench_peers import (
    COLD_PEERS, PEERS, PeerError, Result, cold_answer, missing, reachable, report, run_process,
    summary, svg,
)  # fmt: skip
from cold_start import RUNNERS, picture
from export_onnx import Model
from published_models import PROGRAM

TOOL = Path(__file__).with_name("bench_peers.py")
BY_NAME = {peer.name: peer for peer in PEERS}
MACHINE = {"cpu": "A & B", "cores": 2, "date": "2026-11-24T00:00:00"}


def result(name: str, logits: list[float], *medians: float) -> Result:
    turns = [{"median_ms": ms, "p90_ms": ms, "p99_ms": ms + 1, "runs": 9} for ms in medians]
    return Result(BY_NAME[name], "", {}, np.array(logits), int(np.argmax(logits)), turns)


def entry() -> dict:
    results = [
        result("orepa", [0, 4.0], 10, 9, 30),
        result("ncnn", [0, 4.0], 15, 16, 14),
        result("mnn", [4.2, 4.0], 20),
        result("openvino-default", [0, 3.9], 5),
    ]
    return report("RepVGG-A0", 1, 8, results, np.array([0, 4.0]), 8.0)


def test_summary_has_nearest_rank_percentiles() -> None:
    times = summary([float(value) for value in range(100, 0, -1)])
    assert times == {"median_ms": 50.5, "p90_ms": 90, "p99_ms": 99, "runs": 100}
    assert summary([3.0])["p99_ms"] == 3


def test_ratio_is_to_the_fastest_float32_peer() -> None:
    found = entry()
    assert found["fastest_peer"] == "ncnn"
    assert found["ratio"] == 1.5 and found["of_reachable"] == 1.25
    rows = {row["peer"]: row for row in found["rows"]}
    assert rows["orepa"]["images_per_second"] == 800
    assert [row["top1_agrees"] for row in found["rows"]] == [True, True, False, True]
    assert rows["mnn"]["logit_error"] == pytest.approx(4.2 / 4)


def test_nothing_is_compared_without_orepa() -> None:
    found = report("a", 1, 1, [result("ncnn", [0, 4.0], 15)], np.array([0, 4.0]), None)
    assert found["ratio"] is None and found["of_reachable"] is None


def test_reachable_times_hold_for_their_setting_only() -> None:
    model = Model([], {}, (3, 224, 224))
    assert reachable("ResNet-18-OREPA", model, 2, 1) == 6.8
    assert reachable("ResNet-18-2x", model, 1, 1) == 45.6
    assert reachable("ResNet-18", model, 1, 8) is None
    assert reachable("ResNet-18", model, 4, 1) is None
    assert reachable("ResNet-180", model, 1, 1) is None
    assert reachable("ResNet-18", Model([], {}, (3, 160, 160)), 1, 1) is None


def test_plot_is_well_formed_and_has_a_bar_for_each_row() -> None:
    root = ElementTree.fromstring(svg([entry(), entry() | {"threads": 2}], MACHINE))
    texts = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert texts.count("15.0") == 2 and "A & B, 2 cores, 2026-11-24" in texts


def test_plot_names_the_batch_when_there_are_several() -> None:
    entries = [entry(), entry() | {"batch": 1}]
    root = ElementTree.fromstring(svg(entries, MACHINE))
    texts = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert "RepVGG-A0, 8" in texts and "RepVGG-A0, 1" in texts
    assert "Milliseconds for a batch of 1 or 8; shorter is faster" in texts


def test_cold_answers_are_read() -> None:
    assert set(COLD_PEERS) == set(RUNNERS) <= set(BY_NAME)
    assert cold_answer("ncnn", "some log\n17\n") == 17
    csv = "image,rank,index,label,probability,error\nboot.jpg,1,321,admiral,0.5,\n"
    assert cold_answer("orepa", csv) == 321


def test_a_process_is_measured_by_itself() -> None:
    ballast = bytearray(200_000_000)  # of this process, not of the one it starts
    seconds, peak, output = run_process([sys.executable, "-S", "-c", "print('a\\nb')"], {})
    assert seconds > 0 and output == "a\nb\n"
    assert 1_000_000 < peak < 100_000_000 < len(ballast)
    with pytest.raises(PeerError, match="boom"):
        run_process([sys.executable, "-c", "raise ValueError('boom')"], {})


def test_cold_picture_is_normalised() -> None:
    boot = TOOL.parents[2] / "models" / "fashion-mnist-repvgg" / "samples" / "ankle-boot.jpg"
    pixels = picture(str(boot))
    assert pixels.shape == (1, 3, 224, 224) and pixels.dtype == np.float32
    assert -2.2 < pixels.min() < pixels.max() < 2.7


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert missing(BY_NAME["ncnn"], None) == "not installed: ncnn, pnnx, onnx"
    assert missing(BY_NAME["orepa"], None).startswith("--orepa-infer is not given")


def test_peers_run_in_turns(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    model = TOOL.parents[2] / "models" / "fashion-mnist-repvgg" / "model.safetensors"
    command = [sys.executable, TOOL, "--models", model, "--peers", "onnxruntime,orepa"]
    command += ["--threads", "1", "--turns", "2", "--duration", "0.02"]
    command += ["--svg", tmp_path / "a.svg", "--json", tmp_path / "a.json"]
    done = subprocess.run(
        [*map(str, command)], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert "orepa is left out: --orepa-infer is not given" in done.stderr or PROGRAM.exists()
    assert re.search(r"onnxruntime +\d+\.\d\d", done.stdout)
    ElementTree.parse(tmp_path / "a.svg")
