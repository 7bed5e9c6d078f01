"""Offline classification: the answers of one process, whatever dies on the way."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ray", reason="needs tools/ray-data/requirements.txt")
orepa = pytest.importorskip("orepa", reason="needs the wheel of tools/build-wheel")
pa = pytest.importorskip("pyarrow")

# All of Ray's servers, also those of the cluster below, listen at 127.0.0.1. Whoever has the marker
# in its environment was started by these tests.
MARKER = f"OREPA_RAY_TEST={uuid.uuid4().hex}"
ENVIRONMENT = {
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_worker_niceness": "0",
    # The machine may be full of other things.
    "RAY_memory_monitor_refresh_ms": "0",
    **dict([MARKER.split("=")]),
}
os.environ.update(ENVIRONMENT)

import numpy as np  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402
from PIL import Image  # noqa: E402

import ray_classify  # noqa: E402

TOOL = Path(__file__).with_name("ray_classify.py")
DEFAULT_MODEL = TOOL.parents[2] / "models" / "fashion-mnist-repvgg"
MODEL = DEFAULT_MODEL / "model.safetensors"
SAMPLES = sorted((DEFAULT_MODEL / "samples").glob("*.jpg"))


def start(*arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, TOOL, *arguments, "--model", MODEL]
    return subprocess.Popen(
        [*map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def finish(process: subprocess.Popen[str], status: int = 0) -> str:
    out, err = process.communicate(timeout=150)
    assert process.returncode == status, out + err
    # Standard error is no terminal: it has nothing but what went wrong.
    assert bool(err) == (status != 0), err
    return out


def run(*arguments: object, status: int = 0) -> str:
    return finish(start(*arguments), status)


NODE = {"num_cpus": 1, "object_store_memory": 80 * 2**20, "node_ip_address": "127.0.0.1"}


@pytest.fixture(scope="module")
def two_nodes() -> Iterator[Any]:
    """A cluster of two nodes with one processor each."""
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={**NODE, "include_dashboard": False})
    cluster.add_node(**NODE)
    assert len(cluster.list_all_nodes()) == 2
    yield cluster
    cluster.shutdown()


@pytest.fixture
def cluster(two_nodes: Any) -> str:
    """The cluster's address."""
    return two_nodes.address


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of folders with 60 good pictures and five bad ones."""
    folder = tmp_path_factory.mktemp("pictures")
    generator = np.random.default_rng(5)
    for index in range(50):
        place = folder / f"set-{index % 3}"
        place.mkdir(exist_ok=True)
        size = (*generator.integers(20, 90, 2).tolist(), 3)
        pixels = generator.integers(0, 256, size, dtype=np.uint8)
        Image.fromarray(pixels).save(place / f"{index:02d}.{['png', 'JPEG'][index % 2]}")
    (folder / "samples").mkdir()
    for sample in SAMPLES:
        (folder / "samples" / sample.name).write_bytes(sample.read_bytes())
    bad = folder / "set-1"
    (bad / "empty.jpg").touch()
    (bad / "text.png").write_text("no picture")
    (bad / "cut.jpg").write_bytes(SAMPLES[0].read_bytes()[:200])
    (bad / "gone.jpg").symlink_to("nowhere.jpg")
    with open(os.fsencode(bad) + b"/caf\xe9.jpg", "wb") as file:
        file.write(b"\xff\xd8")
    (folder / "readme.txt").write_text("not a picture by its name")
    return folder


@pytest.fixture(scope="module")
def slow_pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures that take a while to decode, so that there is time to interrupt a job."""
    folder = tmp_path_factory.mktemp("slow")
    large = folder / "000.jpg"
    waves = np.add.outer(np.arange(1500), np.arange(2000))[..., None] * [1, 2, 3]
    Image.fromarray(waves.astype(np.uint8)).save(large, quality=90)
    for index in range(1, 240):
        (folder / f"{index:03d}.jpg").hardlink_to(large)
    for index in range(0, 240, 30):
        (folder / f"{index:03d}-bad.jpg").write_bytes(b"bad")
    return folder


def expected(files: list[tuple[str, Any]], top_k: int = 5) -> list[dict[str, Any]]:
    """What one process finds out, picture by picture."""
    model = orepa.Model(MODEL, threads="caller")
    rows = []
    for name, picture in files:
        row = {"path": name, "indices": None, "labels": None, "probabilities": None, "error": None}
        if isinstance(picture, Path):
            row |= {"path_bytes": os.fsencode(picture), "size": None, "modified_ns": None}
            with contextlib.suppress(FileNotFoundError):
                status = picture.stat()
                row |= {"size": status.st_size, "modified_ns": status.st_mtime_ns}
        try:
            found = model.classify(picture, top_k)
            row["indices"] = [each.index for each in found]
            row["labels"] = [each.label for each in found]
            row["probabilities"] = [each.probability for each in found]
        except orepa.Error as error:
            row["error"] = type(error).__name__
        rows.append(row)
    return rows


def files_below(folder: Path) -> list[tuple[str, Path]]:
    """Pictures by their printable paths, in the order of a walk."""
    found = []
    for root, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            if Path(name).suffix.lower() in (".jpg", ".jpeg", ".png"):
                path = Path(root, name)
                found.append((os.fsencode(path).decode("utf-8", "backslashreplace"), path))
    return found


def answers(output: Path) -> list[dict[str, Any]]:
    """All rows, in the order of the parts."""
    parts = sorted(output.glob("part-*.parquet"))
    count = json.loads((output / "_manifest.json").read_text())["shards"]
    assert [part.name for part in parts] == [f"part-{index:05d}.parquet" for index in range(count)]
    assert not list(output.glob("_unfinished-*"))
    return [row for part in parts for row in pq.read_table(part).to_pylist()]


def assert_same(found: list[dict[str, Any]], wanted: list[dict[str, Any]]) -> None:
    """Equal to the bit; of errors only their kind is in `wanted`."""
    assert len(found) == len(wanted)
    for row, other in zip(found, wanted, strict=True):
        assert (row["error"] is None) == (other["error"] is None), row
        assert {**row, "error": 0} == {**other, "error": 0}


def test_as_one_process_on_two_nodes(cluster: str, pictures: Path, tmp_path: Path) -> None:
    output = tmp_path / "two"
    out = run(pictures, output, "--address", cluster, "--actors", 2, "--shard-size", 7)
    assert out.startswith("65 images, 5 errors, 10 shards; 65 images in ")
    wanted = expected(files_below(pictures))
    assert sum(row["error"] is not None for row in wanted) == 5
    assert_same(answers(output), wanted)
    # With one worker, other batches and no cluster, every file has the same bytes.
    alone = tmp_path / "one"
    run(pictures, alone, "--actors", 1, "--shard-size", 7, "--batch-size", 3)
    for name in sorted(os.listdir(output)):
        if name.startswith("part-"):
            assert (alone / name).read_bytes() == (output / name).read_bytes()
    # A folder of parquet files is a table for any reader.
    assert pq.read_table(output).num_rows == 65


def wait_for_parts(output: Path, count: int, process: subprocess.Popen[str]) -> list[Path]:
    deadline = time.monotonic() + 100
    while len(parts := list(output.glob("part-*.parquet"))) < count:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return parts


def started_here() -> Iterator[Path]:
    """The /proc folders of processes that these tests have started."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            try:
                if MARKER.encode() in (folder / "environ").read_bytes().split(b"\0"):
                    yield folder
            except OSError:
                continue


def workers() -> list[int]:
    found = []
    for folder in started_here():
        title = (folder / "cmdline").read_bytes()
        if title.startswith(b"ray::MapWorker"):
            found.append(int(folder.name))
    return found


def test_a_worker_is_killed(cluster: str, slow_pictures: Path, tmp_path: Path) -> None:
    output = tmp_path / "answers"
    process = start(slow_pictures, output, "--address", cluster, "--shard-size", 8)
    before = wait_for_parts(output, 3, process)
    victims = workers()
    assert len(victims) == 2
    os.kill(victims[0], signal.SIGKILL)
    times = {part: part.stat().st_mtime_ns for part in before}
    assert len(list(output.glob("part-*.parquet"))) < 25, "the worker died too late to matter"
    out = finish(process)
    assert out.startswith("248 images, 8 errors, 31 shards; ")
    assert_same(answers(output), expected(files_below(slow_pictures)))
    assert {part: part.stat().st_mtime_ns for part in before} == times


def test_a_node_is_lost(two_nodes: Any, slow_pictures: Path, tmp_path: Path) -> None:
    output = tmp_path / "answers"
    third = two_nodes.add_node(**NODE)
    arguments = ("--address", two_nodes.address, "--actors", 3, "--shard-size", 8)
    process = start(slow_pictures, output, *arguments)
    wait_for_parts(output, 5, process)
    assert len(workers()) == 3
    two_nodes.remove_node(third, allow_graceful=False)
    assert len(list(output.glob("part-*.parquet"))) < 31, "the node was lost too late to matter"
    finish(process)
    assert_same(answers(output), expected(files_below(slow_pictures)))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_the_driver_is_stopped_and_started_again(
    cluster: str, slow_pictures: Path, tmp_path: Path, number: signal.Signals
) -> None:
    output = tmp_path / "answers"
    arguments = (slow_pictures, output, "--address", cluster, "--shard-size", 8)
    process = start(*arguments)
    wait_for_parts(output, 3, process)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    if number == signal.SIGINT:
        assert process.returncode == 130 and "the same command does the rest" in err
    else:
        assert process.returncode == -signal.SIGKILL
    before = {part: part.stat().st_mtime_ns for part in output.glob("part-*.parquet")}
    assert 3 <= len(before) < 31
    out = run(*arguments)
    there = int(out.split(" were there")[0].split()[-1])
    # A worker may have finished its shard after the driver was gone.
    assert len(before) <= there < 31
    assert_same(answers(output), expected(files_below(slow_pictures)))
    assert {part: part.stat().st_mtime_ns for part in before} == before
    again = run(*arguments)
    assert again == "248 images, 8 errors, 31 shards, of which 31 were there\n"


def listening_addresses() -> set[str]:
    """Where processes of these tests listen, as the kernel writes addresses."""
    inodes = set()
    for folder in started_here():
        for descriptor in (folder / "fd").iterdir():
            try:
                inodes.add(os.readlink(descriptor))
            except OSError:
                continue
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in inodes:
                found.add(fields[1].split(":")[0])
    return found


def test_nothing_listens_to_other_machines(slow_pictures: Path, tmp_path: Path) -> None:
    process = start(slow_pictures, tmp_path / "answers", "--shard-size", 8)
    wait_for_parts(tmp_path / "answers", 1, process)
    addresses = listening_addresses()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    local = {"0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000"}
    assert addresses and addresses <= local


def test_parquet(cluster: str, tmp_path: Path) -> None:
    contents = [sample.read_bytes() for sample in SAMPLES] * 3
    contents[4], contents[17] = b"", b"no picture"
    missing = {8, 20}
    inputs = tmp_path / "inputs"
    inputs.mkdir()
    # As data sets of Hugging Face have it, in two files, with row groups that are no shards.
    images = [
        None if index in missing else {"bytes": data, "path": f"{index}.jpg"}
        for index, data in enumerate(contents)
    ]
    table = pa.table({"key": [f"key-{index}" for index in range(30)], "image": images})
    pq.write_table(table[:19], inputs / "a.parquet", row_group_size=4)
    pq.write_table(table[19:], inputs / "b.parquet", row_group_size=50)
    wanted = expected(
        [(f"key-{index}", b"" if index in missing else data) for index, data in enumerate(contents)]
    )
    arguments = ("--address", cluster, "--image-column", "image.bytes", "--shard-size", 10)
    out = run(inputs, tmp_path / "keys", *arguments, "--id-column", "key")
    assert out.startswith("30 images, 4 errors, 4 shards; ")
    found = answers(tmp_path / "keys")
    assert [row["error"] for row in found if row["id"] in ("key-8", "key-20")] == [
        "there are no bytes, but null"
    ] * 2
    assert_same([{"path": row.pop("id"), **row} for row in found], wanted)
    # By file and row, and by glob.
    run(str(inputs / "*.parquet"), tmp_path / "rows", *arguments)
    found = answers(tmp_path / "rows")
    assert all(row["file_bytes"] == os.fsencode(row["file"]) for row in found)
    places = [
        (Path(row.pop("file")).name, row.pop("row")) for row in found if row.pop("file_bytes")
    ]
    assert places == [("a.parquet", row) for row in range(19)] + [
        ("b.parquet", row) for row in range(11)
    ]
    assert_same([{"path": f"key-{index}", **row} for index, row in enumerate(found)], wanted)


def test_workers_that_cannot_start(pictures: Path, tmp_path: Path) -> None:
    # The driver takes the model's file for another one than the workers find.
    script = tmp_path / "driver.py"
    script.write_text(
        "import sys\nimport ray_classify\n"
        "ray_classify.check_model = lambda path: 'another'\nsys.exit(ray_classify.main())\n"
    )
    command = [sys.executable, script, pictures, tmp_path / "answers", "--model", MODEL]
    done = subprocess.run(
        [*map(str, command)],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(TOOL.parent)},
    )
    assert done.returncode == os.EX_SOFTWARE, done.stderr
    assert "expected the same file on all nodes, found another" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not list((tmp_path / "answers").glob("part-*"))


# Without Ray: what the driver and the workers do by themselves.


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Runs a job with the worker in this process; raises what the program reports."""

    def classify_missing(
        arguments: Any, job: Any, output: Path, missing: list[int], progress: Any
    ) -> None:
        work = ray_classify.Work(job, str(output), str(MODEL), 1, 16)
        worker = ray_classify.ShardClassifier(work)
        rows = worker({"shard": np.array(missing)})
        for values in zip(*rows.values(), strict=True):
            progress.add(dict(zip(rows, values, strict=True)))

    monkeypatch.setattr(ray_classify, "classify_missing", classify_missing)

    def call(*words: object) -> Any:
        arguments = [*map(str, words)]
        if "--model" not in arguments:
            arguments += ["--model", str(MODEL)]
        return ray_classify.run(ray_classify.parse(arguments))

    return call


def failure(call: Callable[..., Any], *words: object) -> tuple[int, str]:
    with pytest.raises(ray_classify.Failure) as caught:
        call(*words)
    return caught.value.status, str(caught.value)


def test_inputs(in_process: Callable[..., Any], pictures: Path, tmp_path: Path) -> None:
    # Each file once, in the order of the inputs, whatever its name ends with if it is named itself.
    odd = tmp_path / "odd.bin"
    odd.write_bytes(SAMPLES[0].read_bytes())
    glob = str(pictures / "set-*" / "*.png")
    summary = in_process(odd, glob, pictures, odd, tmp_path / "answers")
    assert (summary.images, summary.errors, summary.shards) == (66, 5, 1)
    paths = [row["path"] for row in answers(tmp_path / "answers")]
    assert len(set(paths)) == 66 and paths[0] == str(odd)
    assert all(path.endswith(".png") for path in paths[1:27])
    # The output may be within an input, and is none.
    assert in_process(pictures, pictures / "answers").images == 65
    status, text = failure(in_process, tmp_path / "none*.jpg", tmp_path / "other")
    assert status == os.EX_NOINPUT and "none*.jpg: expected files" in text
    assert failure(in_process, tmp_path / "none.jpg", tmp_path / "other")[0] == os.EX_NOINPUT
    (tmp_path / "empty").mkdir()
    assert failure(in_process, tmp_path / "empty", tmp_path / "other")[0] == os.EX_NOINPUT
    assert not (tmp_path / "other").exists()


def test_another_job_is_refused(
    in_process: Callable[..., Any], pictures: Path, tmp_path: Path
) -> None:
    output = tmp_path / "answers"
    in_process(pictures / "samples", output, "--top-k", 2, "--shard-size", 4)
    same = (pictures / "samples", output, "--shard-size", 4)
    status, text = failure(in_process, *same)
    assert status == os.EX_USAGE
    assert "--top-k 2, now 5; --force starts anew" in text
    for arguments, what in (
        ((pictures / "samples", output, "--top-k", 2), "--shard-size 4, now 1000"),
        ((pictures, output, "--top-k", 2, "--shard-size", 4), "inputs"),
        ((*same, "--top-k", 2, "--numerics", "strict"), "--numerics 'fast', now 'strict'"),
    ):
        status, text = failure(in_process, *arguments)
        assert status == os.EX_USAGE and what in text
    before = answers(output)
    assert in_process(*same, "--top-k", 2).images_done == 0
    assert in_process(*same, "--force").images_done == 10
    assert [row["indices"][:2] for row in answers(output)] == [row["indices"] for row in before]
    # Another model under the same name.
    other = tmp_path / "model.safetensors"
    other.write_bytes(MODEL.read_bytes() + b"\0")
    status, text = failure(in_process, *same, "--model", other)
    assert status in (os.EX_USAGE, os.EX_DATAERR)


def test_files_that_came_later_are_told(in_process: Callable[..., Any], tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(SAMPLES[0].read_bytes())
    in_process(folder, tmp_path / "answers")
    (folder / "b.jpg").write_bytes(SAMPLES[1].read_bytes())
    status, text = failure(in_process, folder, tmp_path / "answers")
    assert status == os.EX_USAGE and "images 1, now 2" in text and "files found" in text


def test_parts_that_are_none_are_done_again(
    in_process: Callable[..., Any], pictures: Path, tmp_path: Path
) -> None:
    output = tmp_path / "answers"
    job = (pictures / "samples", output, "--shard-size", 2)
    in_process(*job)
    before = answers(output)
    part = output / "part-00001.parquet"
    # Cut, of another shard, of another job, gone; and what a killed worker leaves.
    part.write_bytes(part.read_bytes()[:100])
    (output / "part-00002.parquet").write_bytes((output / "part-00000.parquet").read_bytes())
    table = pq.read_table(output / "part-00003.parquet")
    pq.write_table(table.replace_schema_metadata({}), output / "part-00003.parquet")
    (output / "part-00004.parquet").unlink()
    (output / "_unfinished-part-00004.parquet-x").write_bytes(b"half")
    (output / "_inputs.parquet").unlink()
    summary = in_process(*job)
    assert (summary.shards_before, summary.images_done) == (1, 8)
    assert answers(output) == before


def test_no_rows_at_all(in_process: Callable[..., Any], tmp_path: Path) -> None:
    columns = {"image": pa.array([], pa.binary()), "key": pa.array([], pa.int16())}
    pq.write_table(pa.table(columns), tmp_path / "empty.parquet")
    columns = {"image": [SAMPLES[0].read_bytes()], "key": pa.array([3], pa.int16())}
    pq.write_table(pa.table(columns), tmp_path / "full.parquet")
    # The same columns as where there are rows, also for who reads the folder as a table.
    for name, more in (("ids", ["--id-column", "key"]), ("rows", [])):
        for kind in ("empty", "full"):
            source, output = tmp_path / f"{kind}.parquet", tmp_path / f"{kind}-{name}"
            for _ in range(2):
                summary = in_process(source, output, "--image-column", "image", *more)
                assert (summary.images, summary.shards) == (kind == "full", 1)
            assert len(answers(output)) == summary.images
        schemas = [pq.read_table(tmp_path / f"{kind}-{name}").schema for kind in ("empty", "full")]
        assert schemas[0] == schemas[1] and len(schemas[0]) >= 5
        assert len(pq.read_table([*map(str, tmp_path.glob(f"*-{name}/part-*"))])) == 1


def touch_later(path: Path) -> None:
    """Gives a file another time."""
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1))


def test_changed_files_are_classified_again(
    in_process: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, output = tmp_path / "folder", tmp_path / "answers"
    folder.mkdir()
    for sample in SAMPLES:
        (folder / sample.name).write_bytes(sample.read_bytes())
    (folder / "gone.jpg").symlink_to("../later.bin")
    names = sorted(os.listdir(folder))
    job = (folder, output, "--shard-size", 4)
    asked: list[str] = []
    classify = ray_classify.ShardClassifier.classify

    def counting(self: Any, pictures: list[Any]) -> Any:
        asked.extend(os.path.basename(picture) for picture in pictures)
        return classify(self, pictures)

    monkeypatch.setattr(ray_classify.ShardClassifier, "classify", counting)
    assert in_process(*job).images_done == 11 and asked == names
    assert_same(answers(output), expected(files_below(folder)))
    times = {part: part.stat().st_mtime_ns for part in output.glob("part-*")}
    # Another content of another size, of the same size at another time, the same content at another
    # time, and a file where there was none.
    (folder / names[1]).write_bytes(SAMPLES[5].read_bytes())
    contents = bytearray((folder / names[2]).read_bytes())
    contents[-300:] = bytes(300)
    (folder / names[2]).write_bytes(contents)
    touch_later(folder / names[2])
    (tmp_path / "later.bin").write_bytes(SAMPLES[7].read_bytes())
    asked.clear()
    summary = in_process(folder, output, "--shard-size", 4)
    again = [names[1], names[2], "gone.jpg"]
    assert sorted(asked) == sorted(again)
    assert (summary.images, summary.images_done, summary.images_changed) == (11, 3, 3)
    assert_same(answers(output), expected(files_below(folder)))
    touched = {part.name for part in times if part.stat().st_mtime_ns != times[part]}
    assert touched == {f"part-{names.index(name) // 4:05d}.parquet" for name in again}
    # What was made anew is what is made at once.
    before = [part.read_bytes() for part in sorted(output.glob("part-*"))]
    in_process(*job, "--force")
    assert [part.read_bytes() for part in sorted(output.glob("part-*"))] == before
    asked.clear()
    assert in_process(*job).images_done == 0 and not asked


def test_changed_parquet_files_are_read_again(
    in_process: Callable[..., Any], tmp_path: Path
) -> None:
    output = tmp_path / "answers"
    for name, samples in (("a", SAMPLES[:4]), ("b", SAMPLES[4:])):
        table = pa.table({"image": [sample.read_bytes() for sample in samples]})
        pq.write_table(table, tmp_path / f"{name}.parquet", row_group_size=2)
    job = (tmp_path, output, "--image-column", "image", "--shard-size", 2)
    in_process(*job)
    before = answers(output)
    table = pa.table({"image": [sample.read_bytes() for sample in reversed(SAMPLES[:4])]})
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=2)
    touch_later(tmp_path / "a.parquet")
    summary = in_process(*job)
    assert (summary.images, summary.images_done, summary.images_changed) == (10, 4, 4)
    found = [row["labels"] for row in answers(output)]
    expected = [row["labels"] for row in before]
    assert found == expected[3::-1] + expected[4:]
    assert in_process(*job).images_done == 0


def test_what_a_folder_gives(
    in_process: Callable[..., Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "folder"
    content = SAMPLES[0].read_bytes()
    taken = {
        "a.jpg": content,
        "b.jfif": content,
        "c": content,
        "d.bin": content,
        "e.JPEG": b"no picture",
        "f.dat": b"RIFF\0\0\0\0WEBPVP8 ",
        "sub/g.png": content,
        "sub/h": b"II*\0",
    }
    hidden = {"._a.jpg": content, ".DS_Store": b"x", ".cache/i.jpg": content, "sub/.j": content}
    others = {"k.txt": b"BMs are text", "l": b"", "m.json": b"{}", "n.csv": b"P1,2"}
    for name, data in {**taken, **hidden, **others}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    os.mkfifo(folder / "o")
    in_process(folder, tmp_path / "answers")
    rows = {
        str(Path(row["path"]).relative_to(folder)): row for row in answers(tmp_path / "answers")
    }
    assert set(rows) == set(taken)
    answered = {name for name, row in rows.items() if row["error"] is None}
    assert answered == {name for name, data in taken.items() if data == content}
    assert "WebP" in rows["f.dat"]["error"] and "TIFF" in rows["sub/h"]["error"]
    message = "ray_classify.py: passed over 3 hidden files and 1 hidden folder\n"
    assert capsys.readouterr().err == message
    # Globs as well; what is named itself is taken.
    (folder / "sub" / ".j").unlink()
    in_process(str(folder / "*.jpg"), folder / "._a.jpg", tmp_path / "named")
    assert [Path(row["path"]).name for row in answers(tmp_path / "named")] == ["a.jpg", "._a.jpg"]
    assert capsys.readouterr().err == "ray_classify.py: passed over 1 hidden file\n"
    in_process(str(folder / "sub" / "*"), tmp_path / "other")
    assert capsys.readouterr().err == ""


def test_names_of_any_bytes_can_be_joined_on(
    in_process: Callable[..., Any], tmp_path: Path
) -> None:
    folder = os.fsencode(tmp_path / "folder")
    os.mkdir(folder)
    names = [b"caf\xe9.jpg", b"caf\\xe9.jpg", "café.jpg".encode(), b"\xff.jpg"]
    for name, sample in zip(names, SAMPLES, strict=False):
        with open(os.path.join(folder, name), "wb") as file:
            file.write(sample.read_bytes())
    in_process(os.fsdecode(folder), tmp_path / "answers")
    rows = answers(tmp_path / "answers")
    # Two of them look the same as text.
    assert len({row["path"] for row in rows}) == 3
    table = pa.table(
        {
            "path_bytes": pa.array([os.path.join(folder, name) for name in names], pa.binary()),
            "class": [sample.stem for sample in SAMPLES[:4]],
        }
    )
    joined = table.join(
        pq.read_table(tmp_path / "answers", columns=["path_bytes", "size"]), "path_bytes"
    ).to_pylist()
    assert {row["class"]: row["size"] for row in joined} == {
        sample.stem: sample.stat().st_size for sample in SAMPLES[:4]
    }
    source = os.path.join(folder, b"\xe9.parquet")
    with open(source, "wb") as file:
        pq.write_table(pa.table({"image": [SAMPLES[0].read_bytes()]}), file)
    model = tmp_path / os.fsdecode(b"\xe9.safetensors")
    model.write_bytes(MODEL.read_bytes())
    output = tmp_path / os.fsdecode(b"rows \xe9")
    for _ in range(2):
        in_process(os.fsdecode(source), output, "--image-column", "image", "--model", model)
    with open(output / "part-00000.parquet", "rb") as part:
        (row,) = pq.read_table(part).to_pylist()
    assert row["file_bytes"] == source and row["error"] is None


def test_folders_that_are_no_outputs(
    in_process: Callable[..., Any], pictures: Path, tmp_path: Path
) -> None:
    output = tmp_path / "answers"
    output.mkdir()
    (output / "part-00000.parquet").write_bytes(b"somebody's")
    status, text = failure(in_process, pictures, output)
    assert status == os.EX_USAGE and "expected no parts without a manifest, found 1" in text
    assert (output / "part-00000.parquet").read_bytes() == b"somebody's"
    (output / "_manifest.json").write_text("{")
    assert failure(in_process, pictures, output)[0] == os.EX_USAGE
    (output / "_manifest.json").write_text("[]")
    assert failure(in_process, pictures, output)[0] == os.EX_USAGE
    assert in_process(pictures, output, "--force").images_done == 65
    with ray_classify.locked(output):
        assert failure(in_process, pictures, output)[0] == os.EX_TEMPFAIL
    assert failure(in_process, pictures, MODEL)[0] == os.EX_CANTCREAT


def test_models_and_columns_that_are_refused(
    in_process: Callable[..., Any], pictures: Path, tmp_path: Path
) -> None:
    output = tmp_path / "answers"
    model = ("--model", tmp_path / "none.safetensors")
    assert failure(in_process, pictures, output, *model)[0] == os.EX_NOINPUT
    assert failure(in_process, pictures, output, "--model", SAMPLES[0])[0] == os.EX_DATAERR
    table = pa.table({"text": ["a"], "image": [{"bytes": b"a", "width": 3}]})
    pq.write_table(table, tmp_path / "a.parquet")
    (tmp_path / "b.parquet").write_bytes(b"no parquet")
    for name, column, what in (
        ("a.parquet", "picture", "expected a column picture, found text, image"),
        ("a.parquet", "image.data", "expected a column image.data, found bytes, width"),
        ("a.parquet", "text", "expected bytes in column text, found string"),
        ("a.parquet", "image", "expected bytes in column image, found struct"),
        ("a.parquet", "text.a", "expected a column text.a"),
        ("b.parquet", "image", "expected a parquet file"),
    ):
        status, text = failure(in_process, tmp_path / name, output, "--image-column", column)
        assert status == os.EX_DATAERR and what in text
    with pytest.raises(SystemExit) as caught:
        in_process(pictures, output, "--id-column", "key")
    assert caught.value.code == os.EX_USAGE
    assert not output.exists()


def test_shards_that_fail(
    in_process: Callable[..., Any], pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "answers"
    job = (pictures / "samples", output, "--shard-size", 4)
    written = ray_classify.ShardClassifier.write_part

    def write_part(self: Any, shard: int, there: Any) -> tuple[int, int, int]:
        if shard == 1:
            raise OSError("no space left")
        return written(self, shard, there)

    with monkeypatch.context() as patch:
        patch.setattr(ray_classify.ShardClassifier, "write_part", write_part)
        status, text = failure(in_process, *job)
    assert status == os.EX_IOERR
    assert "shard 1: OSError: no space left\n1 shards failed" in text
    summary = in_process(*job)
    assert (summary.shards_before, summary.images_done, summary.images) == (2, 4, 10)


def test_a_shard_that_kills_its_workers_is_given_up(tmp_path: Path) -> None:
    for _ in range(ray_classify.MOST_ATTEMPTS):
        child = os.fork()
        if child == 0:
            with ray_classify.attempt(tmp_path, 3):
                os._exit(1)
        os.waitpid(child, 0)
    with (
        pytest.raises(RuntimeError, match="expected a worker to live to its end, 5 died"),
        ray_classify.attempt(tmp_path, 3),
    ):
        pass
    with ray_classify.attempt(tmp_path, 4):
        pass
    assert len(list(tmp_path.iterdir())) == 1


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_for_terminals(in_process: Callable[..., Any], tmp_path: Path) -> None:
    job, *_ = ray_classify.plan(ray_classify.parse([str(SAMPLES[0]), "out", "--model", str(MODEL)]))
    row = {"shard": 0, "images": 1, "errors": 1, "classified": 1, "begin": 5.0, "end": 7.0}
    row["failure"] = ""
    for stream, expected in (
        (Terminal(), "\r1/1 shards, 1/1 images, 1 errors, 0.5 images/s \x1b[K\r\x1b[K"),
        (io.StringIO(), ""),
    ):
        progress = ray_classify.Progress(job, 0, 0, 0)
        progress.terminal = stream
        progress.add(row)
        progress.close()
        assert stream.getvalue() == expected


def test_help_and_usage() -> None:
    done = subprocess.run([sys.executable, TOOL, "--help"], capture_output=True, text=True)
    assert done.returncode == 0 and "Examples:" in done.stdout
    done = subprocess.run([sys.executable, TOOL, "a", "b", "--top-k", "0"], capture_output=True)
    assert done.returncode == os.EX_USAGE


def test_a_cluster_that_is_too_small(cluster: str, pictures: Path, tmp_path: Path) -> None:
    process = start(pictures, tmp_path / "answers", "--address", cluster, "--actors", 9)
    _, err = process.communicate(timeout=60)
    assert process.returncode == os.EX_UNAVAILABLE
    assert "expected processors for 9 actors with 1 threads each, found some for 2" in err
