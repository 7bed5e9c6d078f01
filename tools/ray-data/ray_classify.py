#!/usr/bin/env python3
"""Classify many pictures offline, on one machine or on a cluster, with Ray Data.

Inputs are picture files, folders and globs; or, with --image-column, parquet files, folders of them
and globs, with the bytes of a picture in each row. Of a folder's files, recursively, those are
taken that are named .jpg, .jpeg or .png, or begin as a picture does, whatever their name; hidden
files and folders, such as ._a.jpg, are passed over, and their number is told. OUTPUT is a folder.
The list of pictures is split into numbered shards, and each becomes one file there,
part-00000.parquet and so on, in the order of the list, with the columns

  path               of the picture; with --image-column: id, or file and row
  indices            list<int32>, the most probable classes, the most probable first
  labels             list<string>, their names
  probabilities      list<float>
  error              what is wrong with the picture, or null; then the others are null
  path_bytes         binary, the path as it is: a name need not be UTF-8, and path has \\xNN for
                     bytes that are none; with --image-column: file_bytes, unless there is an id
  size, modified_ns  of the picture's file when it was read: bytes, and nanoseconds since 1970;
                     null if there was none; not with --image-column

A bad picture is recorded and harms no other. A job that was interrupted goes on when it is started
again with the same arguments: shards that are there are kept, and the result is the same. Pictures
whose file has another size or time than in its row are classified again, and the new rows take the
place of the old ones; a parquet file that has another size or time is read again as a whole. All
nodes need the inputs, the model and OUTPUT under the same paths, and the orepa package.

Examples:
  tools/ray-data/ray_classify.py photos/ answers --model resnet.safetensors
  tools/ray-data/ray_classify.py 'shots/2026-*/*.jpg' answers --model resnet.safetensors --top-k 1
  tools/ray-data/ray_classify.py images.parquet answers --model resnet.safetensors \\
      --image-column image.bytes --id-column key
  tools/ray-data/ray_classify.py photos/ answers --model resnet.safetensors \\
      --address 10.0.0.1:6379 --actors 64

Exit statuses: 0 all pictures were answered or recorded as bad; 64 wrong usage, or OUTPUT holds
another job; 65 a model or a parquet file that cannot be read; 66 an input or the model is not
there; 69 no cluster, or it is too small; 70 workers kept dying; 73 OUTPUT cannot be written; 74
shards that failed, which the next run tries again; 75 another run is at work; 130 interrupted.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import glob
import hashlib
import importlib.util
import json
import os
import re
import signal
import stat
import sys
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NoReturn

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"

try:
    import pyarrow as pa
    import pyarrow.parquet as pq

    import orepa

    # Imported only where it is used: it takes a second.
    if importlib.util.find_spec("ray") is None:
        raise ModuleNotFoundError(name="ray")
except ModuleNotFoundError as missing:
    if __name__ != "__main__":
        raise
    if {"-h", "--help"} & set(sys.argv):
        print(__doc__)
    print(
        f"ray_classify.py: expected the package {missing.name}, found none; "
        "pip install -r tools/ray-data/requirements.txt, and the wheel of tools/build-wheel",
        file=sys.stderr,
    )
    sys.exit(os.EX_UNAVAILABLE)

FORMAT = 2
"""Of the manifest and the parts."""
MANIFEST = "_manifest.json"
"""Written last: where it is, the list of inputs is whole. Readers of a folder of parquet files pass
over names that begin with an underscore."""
INPUT_LIST = "_inputs.parquet"
"""The list of inputs: row group n is shard n."""
LOCK = "_lock"
LOG = "_log"
"""What Ray reports during the last run."""
MOST_ATTEMPTS = 5
"""How many workers may die of a shard."""
OBJECT_STORE_BYTES = 100 * 2**20
"""Only numbers of shards go through it."""


class Failure(Exception):
    """Ends the program with a sentence and a status of sysexits.h."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Job:
    """What determines the result, to the bit; kept in the manifest."""

    format: int
    inputs: list[str]
    image_column: str | None
    id_column: str | None
    shard_size: int
    model_sha256: str
    library_version: str
    numerics: str
    exif_orientation: bool
    top_k: int
    images: int
    shards: int
    list_sha256: str

    @property
    def identity(self) -> str:
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Work:
    """What a worker needs to know."""

    job: Job
    output: str
    model: str
    threads: int
    batch_size: int


@dataclass(frozen=True)
class Summary:
    """What a run did."""

    images: int
    errors: int
    shards: int
    shards_before: int
    images_done: int
    images_changed: int
    begin: float
    end: float
    """The start of the first shard and the end of the last one, which leaves out starting workers:
    seconds since 1970."""

    @property
    def seconds(self) -> float:
        return self.end - self.begin


# Inputs


@dataclass
class PassedOver:
    """What is hidden, and so no input unless it is named itself."""

    files: int = 0
    folders: int = 0

    def __str__(self) -> str:
        counts = [(self.files, "file"), (self.folders, "folder")]
        texts = [f"{count} hidden {kind}{'s' * (count > 1)}" for count, kind in counts if count]
        return " and ".join(texts)


def expand(inputs: list[str], kind: InputKind, output: Path, passed: PassedOver) -> list[str]:
    """The files that the inputs name, absolute, each once: of folders and globs in the order of
    their names, whatever order the file system has."""
    found: dict[str, None] = {}
    for name in inputs:
        paths = [name]
        if not os.path.exists(name) and glob.has_magic(name):
            paths = sorted(glob.glob(name, recursive=True))
            for hidden in set(glob.glob(name, recursive=True, include_hidden=True)) - set(paths):
                count_hidden(hidden, passed)
        count = len(found)
        for path in paths:
            if not os.path.exists(path):
                raise Failure(os.EX_NOINPUT, f"{name}: expected files, found nothing")
            if os.path.isdir(path):
                found.update(dict.fromkeys(files_in(path, kind, output, passed)))
            elif not is_within(path, output):
                found[os.path.abspath(path)] = None
        if len(found) == count and not any(os.path.isfile(path) for path in paths):
            raise Failure(os.EX_NOINPUT, f"{name}: expected {kind.name}, found none")
    return list(found)


def count_hidden(path: str, passed: PassedOver) -> None:
    """Counts a path that only a search with hidden names has found: not what is in a folder that is
    hidden, nor what is no file."""
    folder, name = os.path.split(path)
    if not name.startswith(".") or any(part.startswith(".") for part in folder.split(os.sep)):
        return
    if os.path.isdir(path):
        passed.folders += 1
    else:
        passed.files += 1


def is_within(path: str, output: Path) -> bool:
    """Whether `path` is the job's own output, whatever links lead there."""
    return Path(path).resolve().is_relative_to(output.resolve())


def files_in(folder: str, kind: InputKind, output: Path, passed: PassedOver) -> Iterator[str]:
    def refuse(error: OSError) -> None:
        # Passed over, its pictures would be missing without a word.
        raise Failure(os.EX_NOINPUT, f"{error.filename}: cannot read: {error.strerror}")

    for root, folders, names in os.walk(os.path.abspath(folder), onerror=refuse):
        if is_within(root, output):
            folders.clear()
            continue
        visible = sorted(name for name in folders if not name.startswith("."))
        passed.folders += len(folders) - len(visible)
        folders[:] = visible
        for name in sorted(names):
            path = os.path.join(root, name)
            if name.startswith("."):
                passed.files += 1
            elif kind.takes(path):
                yield path


@dataclass(frozen=True)
class InputKind:
    """What is taken of a folder's files."""

    name: str
    suffixes: tuple[str, ...]
    by_content: bool

    def takes(self, path: str) -> bool:
        return path.lower().endswith(self.suffixes) or (self.by_content and begins_a_picture(path))


PICTURES = InputKind("files that are pictures", (".jpg", ".jpeg", ".png"), True)
PARQUET = InputKind("files (.parquet)", (".parquet",), False)


def begins_a_picture(path: str) -> bool:
    """Whether a file begins as those of a known format do: also of formats that the library refuses
    by name, which is then told in the picture's row."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb", buffering=0) as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return False
            head = file.read(64) or b""
    except OSError:
        # What is wrong with it, its row is to say, if it may be a picture.
        return os.path.isfile(path) and os.path.splitext(path)[1].lower() in ("", ".jfif")
    return PICTURE_SIGNATURES.match(head) is not None


PICTURE_SIGNATURES = re.compile(
    b"|".join(
        [
            rb"\xFF\xD8\xFF",  # JPEG
            rb"\x89PNG",
            rb"RIFF.{4}WEBP",
            rb"GIF8[79]a",
            rb"II[\x2A\x2B]\0|MM\0[\x2A\x2B]",  # TIFF
            rb"\xFF\x0A|.{3}\x0CJXL \r\n",  # JPEG XL
            rb".{3}\x0CjP  \r\n|\xFF\x4F\xFF\x51",  # JPEG 2000
            rb".{4}ftyp(?:.{4}){0,12}(?:hei[cmsx]|hev[cmsx]|mif1|msf1|avi[fs])",  # HEIC, AVIF
            rb"BM.{12}[\x0C\x10\x28\x34\x38\x40\x6C\x7C]\0\0\0",  # BMP
            rb"\0\0\x01\0",  # ICO
            rb"8BPS",
            rb"P[1-6][ \t\r\n][0-9#]",  # Netpbm
            rb"qoif",
            rb"\x76\x2F\x31\x01",  # OpenEXR
        ]
    ),
    re.DOTALL,
)
"""How files of formats begin that the library knows, by the first 64 bytes."""


def shards_of_files(paths: list[str], size: int) -> Iterator[pa.Table]:
    """Shards of `size` pictures. A path is kept as bytes: it need not be UTF-8."""
    for start in range(0, len(paths), size):
        chunk = [os.fsencode(path) for path in paths[start : start + size]]
        yield pa.table({"path": pa.array(chunk, pa.binary())})


def shards_of_parquet(
    paths: list[str], size: int, image_column: str, id_column: str | None
) -> Iterator[pa.Table]:
    """Shards of whole row groups of one file, up to `size` rows: a row group is the least that can
    be read by itself, and one that is larger is a shard of its own."""
    for path in paths:
        try:
            file = parquet_file(path)
        except (OSError, pa.ArrowException) as error:
            raise Failure(
                os.EX_DATAERR, f"{path}: expected a parquet file, found: {error}"
            ) from None
        check_columns(path, file.schema_arrow, image_column, id_column)
        groups: list[tuple[int, int, int]] = []
        first_row = 0
        for index in range(file.metadata.num_row_groups):
            rows = file.metadata.row_group(index).num_rows
            if groups and sum(group[2] for group in groups) + rows > size:
                yield shard_of_groups(path, groups)
                groups = []
            if rows > 0:
                groups.append((index, first_row, rows))
            first_row += rows
        if groups:
            yield shard_of_groups(path, groups)


def shard_of_groups(path: str, groups: list[tuple[int, int, int]]) -> pa.Table:
    indices, first_rows, rows = zip(*groups, strict=True)
    return pa.table(
        {
            "file": pa.array([os.fsencode(path)] * len(groups), pa.binary()),
            "row_group": pa.array(indices, pa.int32()),
            "first_row": pa.array(first_rows, pa.int64()),
            "rows": pa.array(rows, pa.int64()),
        }
    )


def parquet_file(path: str | Path) -> pq.ParquetFile:
    """Opens a parquet file, whose name need not be UTF-8, as pyarrow's are."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return pq.ParquetFile(pa.PythonFile(open(path, "rb"), mode="r"))  # noqa: SIM115
    return pq.ParquetFile(path)


def check_columns(path: str, schema: pa.Schema, image_column: str, id_column: str | None) -> None:
    kind = column_type(path, schema, image_column)
    if not (pa.types.is_binary(kind) or pa.types.is_large_binary(kind)):
        raise Failure(
            os.EX_DATAERR, f"{path}: expected bytes in column {image_column}, found {kind}"
        )
    if id_column is not None:
        column_type(path, schema, id_column)


def column_type(path: str, schema: pa.Schema, column: str) -> pa.DataType:
    """The type of a column, or of a struct's field: struct.field."""
    fields: Any = schema
    kind = None
    for name in column.split("."):
        names = [fields.field(index).name for index in range(column_count(fields))]
        if name not in names:
            raise Failure(
                os.EX_DATAERR, f"{path}: expected a column {column}, found {', '.join(names)}"
            )
        kind = fields = fields.field(names.index(name)).type
    return kind


def column_count(fields: Any) -> int:
    if isinstance(fields, pa.Schema):
        return len(fields)
    return fields.num_fields if pa.types.is_struct(fields) else 0


def column_of(batch: pa.RecordBatch, column: str) -> pa.Array:
    outer, *fields = column.split(".")
    values = batch.column(outer)
    for field in fields:
        # flatten hands a missing struct on to its fields as a missing value.
        index = values.type.get_field_index(field)
        values = values.flatten()[index]
    return values


# The output folder


def part_name(shard: int) -> str:
    return f"part-{shard:05d}.parquet"


@contextlib.contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """A file beside `path` to write, which then takes its place: at any time, also after a crash of
    the machine, `path` is whole or not there."""
    unfinished = path.with_name(f"_unfinished-{path.name}-{uuid.uuid4().hex}")
    try:
        yield unfinished
        with open(unfinished, "rb") as file:
            os.fsync(file.fileno())
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@dataclass(frozen=True)
class Part:
    """What a part holds."""

    images: int
    errors: int
    changed: list[int]
    """The rows of pictures whose file is not as it was when they were classified."""


def finished_part(output: Path, job: Job, shard: int) -> Part | None:
    """The part of a shard, if it is there and of this job."""
    try:
        with parquet_file(output / part_name(shard)) as file:
            keys = file.metadata.metadata or {}
            if keys.get(b"orepa.job") != job.identity.encode():
                return None
            if keys.get(b"orepa.shard") != str(shard).encode():
                return None
            images = file.metadata.num_rows
            return Part(images, int(keys[b"orepa.errors"]), changed_rows(job, file, keys))
    except (OSError, pa.ArrowException):
        return None


State = tuple[int | None, int | None]
"""A file's size and the time of its last change, in nanoseconds since 1970; None: there is none."""


def state_of(path: bytes) -> State:
    try:
        status = os.stat(path)
    except OSError:
        return None, None
    return status.st_size, status.st_mtime_ns


def changed_rows(job: Job, part: pq.ParquetFile, keys: dict[bytes, bytes]) -> list[int]:
    if job.image_column is not None:
        same = keys[b"orepa.state"] == repr(state_of(keys[b"orepa.file"])).encode()
        return [] if same else list(range(part.metadata.num_rows))
    columns = part.read(["path_bytes", "size", "modified_ns"]).to_pydict()
    rows = zip(columns["path_bytes"], columns["size"], columns["modified_ns"], strict=True)
    return [row for row, (path, *state) in enumerate(rows) if state_of(path) != tuple(state)]


@contextlib.contextmanager
def locked(output: Path) -> Iterator[None]:
    """Keeps other runs from a folder."""
    with open(output / LOCK, "a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Failure(os.EX_TEMPFAIL, f"{output}: another run is at work there") from None
        yield


@contextlib.contextmanager
def attempt(output: Path, shard: int) -> Iterator[None]:
    """Counts the workers that a shard has outlived: one that always kills its worker fails instead
    of being tried for ever."""
    path = output / f"_unfinished-attempts-{shard:05d}"
    with open(path, "ab") as file:
        if file.tell() >= MOST_ATTEMPTS:
            raise RuntimeError(
                f"expected a worker to live to its end, {file.tell()} died before it"
            )
        file.write(b".")
    yield
    path.unlink(missing_ok=True)


def remove_unfinished_files(output: Path) -> None:
    """What killed workers have left."""
    for path in output.glob("_unfinished-*"):
        path.unlink(missing_ok=True)


def prepare_output(output: Path, job: Job, shards: list[pa.Table], force: bool) -> None:
    """Leaves a folder with this job's manifest, and with parts of no other job."""
    path = output / MANIFEST
    parts = list(output.glob("part-*.parquet"))
    if path.exists() and not force:
        try:
            found = json.loads(path.read_text())
        except ValueError:
            raise Failure(
                os.EX_USAGE, f"{path}: expected a manifest, found none; --force starts anew"
            ) from None
        if found != asdict(job):
            raise Failure(os.EX_USAGE, f"{output}: {differences(job, found)}; --force starts anew")
        if not (output / INPUT_LIST).exists():
            write_input_list(output, shards)
        return
    if parts and not force:
        raise Failure(
            os.EX_USAGE,
            f"{output}: expected no parts without a manifest, found {len(parts)}; "
            "--force starts anew",
        )
    # In this order whoever is interrupted leaves no manifest beside parts of another job.
    path.unlink(missing_ok=True)
    for part in parts:
        part.unlink()
    write_input_list(output, shards)
    with replaced(path) as unfinished:
        unfinished.write_text(json.dumps(asdict(job), indent=2) + "\n")


def write_input_list(output: Path, shards: list[pa.Table]) -> None:
    schema = shards[0].schema if shards else pa.schema([])
    with (
        replaced(output / INPUT_LIST) as unfinished,
        open(unfinished, "wb") as file,
        pq.ParquetWriter(file, schema) as writer,
    ):
        for shard in shards:
            if shard.num_rows > 0:
                writer.write_table(shard, row_group_size=shard.num_rows)


def differences(job: Job, found: Any) -> str:
    """What is not as in the manifest, in the words of the command line."""
    names = {"list_sha256": "files found", "model_sha256": "--model (SHA-256)"}
    if not isinstance(found, dict):
        return f"{MANIFEST} is none"
    expected = asdict(job)
    texts = []
    for key in expected:
        if found.get(key) != expected[key]:
            name = names.get(key) or "--" + key.replace("_", "-")
            if key in ("inputs", "images", "shards", "format", "library_version"):
                name = key.replace("_", " ")
            texts.append(f"{name} {found.get(key)!r}, now {expected[key]!r}")
    return "its manifest is of another job: " + "; ".join(texts)


def part_schema(job: Job, id_type: pa.DataType | None = None) -> pa.Schema:
    """The columns of all parts; `id_type` is that of the job's id column."""
    answer = [
        ("indices", pa.list_(pa.int32())),
        ("labels", pa.list_(pa.string())),
        ("probabilities", pa.list_(pa.float32())),
        ("error", pa.string()),
    ]
    if job.image_column is None:
        more = [("path_bytes", pa.binary()), ("size", pa.int64()), ("modified_ns", pa.int64())]
        return pa.schema([("path", pa.string()), *answer, *more])
    if job.id_column is None:
        place = [("file", pa.string()), ("row", pa.int64())]
        return pa.schema([*place, *answer, ("file_bytes", pa.binary())])
    return pa.schema([("id", id_type), *answer])


def save_part(
    output: Path,
    job: Job,
    shard: int,
    table: pa.Table,
    errors: int,
    keys: dict[str, Any],
) -> None:
    metadata = {
        "orepa.job": job.identity,
        "orepa.shard": str(shard),
        "orepa.errors": str(errors),
        **keys,
    }
    with replaced(output / part_name(shard)) as unfinished, open(unfinished, "wb") as file:
        pq.write_table(table.replace_schema_metadata(metadata), file)


def save_empty_part(output: Path, job: Job, file: bytes) -> None:
    """What there is of inputs without rows: the columns."""
    id_type = None
    if job.id_column is not None:
        path = os.fsdecode(file)
        with parquet_file(path) as source:
            id_type = column_type(path, source.schema_arrow, job.id_column)
    table = part_schema(job, id_type).empty_table()
    keys = {"orepa.file": file, "orepa.state": repr(state_of(file))}
    save_part(output, job, 0, table, 0, keys)


# Workers


class ShardClassifier:
    """A worker: one loaded model, which writes the parts of the shards that it is given."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.job = work.job
        self.output = Path(work.output)
        if file_sha256(work.model) != self.job.model_sha256:
            raise RuntimeError(f"{work.model}: expected the same file on all nodes, found another")
        self.model = orepa.Model(
            work.model,
            threads=work.threads,
            numerics=self.job.numerics,  # type: ignore[arg-type]
            exif_orientation=self.job.exif_orientation,
        )
        self.inputs = parquet_file(self.output / INPUT_LIST)

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        rows: dict[str, list[Any]] = {
            key: []
            for key in ("shard", "images", "errors", "classified", "begin", "end", "failure")
        }
        for shard in batch["shard"].tolist():
            begin = time.time()
            failure = ""
            images = errors = classified = 0
            try:
                # A worker that died after its last step has left a part.
                there = finished_part(self.output, self.job, shard)
                if there is None or there.changed:
                    with attempt(self.output, shard):
                        images, errors, classified = self.write_part(shard, there)
                else:
                    images, errors = there.images, there.errors
            except Exception as error:
                failure = f"{type(error).__name__}: {error}"
            result = (shard, images, errors, classified, begin, time.time(), failure)
            for key, value in zip(rows, result, strict=True):
                rows[key].append(value)
        return rows

    def write_part(self, shard: int, there: Part | None = None) -> tuple[int, int, int]:
        """Writes the part of a shard; of one that is there the rows of unchanged pictures are kept.
        How many pictures and errors it has, and how many pictures were classified."""
        entries = self.inputs.read_row_group(shard)
        if self.job.image_column is None:
            kept = None if there is None else self.kept_rows(shard, there)
            table, classified = self.answer_files(entries.column("path").to_pylist(), kept)
            keys = {}
        else:
            (file,) = set(entries.column("file").to_pylist())
            # Looked at before it is read: what changes meanwhile is read again by the next run.
            keys = {"orepa.file": file, "orepa.state": repr(state_of(file))}
            batches = [batch for row in entries.to_pylist() for batch in self.answer_row_group(row)]
            table = pa.Table.from_batches(batches)
            classified = len(table)
        errors = len(table) - table.column("error").null_count
        save_part(self.output, self.job, shard, table, errors, keys)
        return len(table), errors, classified

    def kept_rows(self, shard: int, there: Part) -> pa.Table | None:
        """The rows of unchanged pictures in the part that is there; None: it cannot be read."""
        try:
            with parquet_file(self.output / part_name(shard)) as file:
                table = file.read()
        except (OSError, pa.ArrowException):
            return None
        changed = set(there.changed)
        return table.take([row for row in range(len(table)) if row not in changed])

    def answer_files(self, paths: list[bytes], kept: pa.Table | None) -> tuple[pa.Table, int]:
        """The rows of all pictures, in the order of the paths, and how many are not from `kept`."""
        places: dict[bytes, int] = {}
        if kept is not None:
            places = {path: row for row, path in enumerate(kept.column("path_bytes").to_pylist())}
        missing = [path for path in paths if path not in places]
        batches = []
        for start in range(0, len(missing), self.work.batch_size):
            chunk = missing[start : start + self.work.batch_size]
            states = [state_of(path) for path in chunk]
            # Names that are no UTF-8 are written with their bytes as \xNN.
            names = [path.decode("utf-8", "backslashreplace") for path in chunk]
            keys = {
                "path": pa.array(names, pa.string()),
                "path_bytes": pa.array(chunk, pa.binary()),
                "size": pa.array([size for size, _ in states], pa.int64()),
                "modified_ns": pa.array([modified for _, modified in states], pa.int64()),
            }
            batches.append(self.answers(keys, [os.fsdecode(path) for path in chunk]))
        table = pa.Table.from_batches(batches, part_schema(self.job))
        if kept is not None:
            places |= {path: len(kept) + row for row, path in enumerate(missing)}
            table = pa.concat_tables([kept.cast(table.schema), table])
            table = table.take([places[path] for path in paths])
        return table, len(missing)

    def answer_row_group(self, group: dict[str, Any]) -> Iterator[pa.RecordBatch]:
        image_column, id_column = self.job.image_column, self.job.id_column
        assert image_column is not None
        file = os.fsdecode(group["file"])
        columns = [image_column] + ([] if id_column is None else [id_column])
        row = group["first_row"]
        with parquet_file(file) as source:
            batches = source.iter_batches(
                self.work.batch_size, row_groups=[group["row_group"]], columns=columns
            )
            for batch in batches:
                values = column_of(batch, image_column)
                pictures = [
                    memoryview(value.as_buffer()) if value.is_valid else None for value in values
                ]
                if id_column is None:
                    name = group["file"].decode("utf-8", "backslashreplace")
                    keys = {
                        "file": pa.array([name] * len(batch), pa.string()),
                        "row": pa.array(range(row, row + len(batch)), pa.int64()),
                        "file_bytes": pa.array([group["file"]] * len(batch), pa.binary()),
                    }
                else:
                    keys = {"id": column_of(batch, id_column)}
                row += len(batch)
                yield self.answers(keys, pictures)

    def answers(self, keys: dict[str, pa.Array], pictures: list[Any]) -> pa.RecordBatch:
        results = self.classify(pictures)
        good = [None if isinstance(result, str) else result for result in results]

        def column(field: str, kind: pa.DataType) -> pa.Array:
            lists = [
                None if result is None else [getattr(each, field) for each in result]
                for result in good
            ]
            return pa.array(lists, pa.list_(kind))

        errors = [result if isinstance(result, str) else None for result in results]
        columns = {
            **keys,
            "indices": column("index", pa.int32()),
            "labels": column("label", pa.string()),
            "probabilities": column("probability", pa.float32()),
            "error": pa.array(errors, pa.string()),
        }
        schema = part_schema(self.job, keys["id"].type if "id" in keys else None)
        return pa.RecordBatch.from_pydict({name: columns[name] for name in schema.names}, schema)

    def classify(self, pictures: list[Any]) -> list[list[orepa.Prediction] | str]:
        """The predictions for each picture, or what is wrong with it."""
        results: list[list[orepa.Prediction] | str] = ["there are no bytes, but null"] * len(
            pictures
        )
        present = [index for index, picture in enumerate(pictures) if picture is not None]
        top_k = self.job.top_k
        try:
            found = self.model.classify_batch(
                [pictures[index] for index in present], top_k, errors="return"
            )
        except orepa.Error:
            # What one picture needs too much of, such as memory, the others shall not lack.
            found = []
            for index in present:
                try:
                    found += self.model.classify_batch([pictures[index]], top_k, errors="return")
                except orepa.Error as error:
                    found.append(error)
        for index, result in zip(present, found, strict=True):
            results[index] = str(result) if isinstance(result, orepa.Error) else result
        return results


# The driver


def file_sha256(path: str) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def plan(arguments: argparse.Namespace) -> tuple[Job, list[pa.Table], PassedOver]:
    """The job that the arguments describe, its shards, and what of its inputs is hidden."""
    model = check_model(arguments.model)
    output = Path(os.path.abspath(arguments.output))
    columns = arguments.image_column, arguments.id_column
    passed = PassedOver()
    if arguments.image_column is None:
        paths = expand(arguments.inputs, PICTURES, output, passed)
        shards = list(shards_of_files(paths, arguments.shard_size))
        images = len(paths)
    else:
        paths = expand(arguments.inputs, PARQUET, output, passed)
        shards = list(shards_of_parquet(paths, arguments.shard_size, *columns))
        images = sum(sum(shard.column("rows").to_pylist()) for shard in shards)
        # Inputs without rows have a part too, which says what its columns are.
        shards = shards or [shard_of_groups(paths[0], [(0, 0, 0)])]
    digest = hashlib.sha256()
    for shard in shards:
        digest.update(repr(shard.to_pydict()).encode())
    job = Job(
        format=FORMAT,
        inputs=[os.fsencode(name).decode("utf-8", "backslashreplace") for name in arguments.inputs],
        image_column=arguments.image_column,
        id_column=arguments.id_column,
        shard_size=arguments.shard_size,
        model_sha256=model,
        library_version=orepa.library_version(),
        numerics=arguments.numerics,
        exif_orientation=arguments.exif_orientation,
        top_k=arguments.top_k,
        images=images,
        shards=len(shards),
        list_sha256=digest.hexdigest(),
    )
    return job, shards, passed


def check_model(path: str) -> str:
    """Loads the model once here, where a mistake is told at once; its SHA-256."""
    try:
        orepa.Model(path, threads="caller", memory="small")
        return file_sha256(path)
    except (orepa.NotFound, FileNotFoundError) as error:
        raise Failure(os.EX_NOINPUT, str(error)) from None
    except (orepa.Error, OSError) as error:
        raise Failure(os.EX_DATAERR, str(error)) from None


@contextlib.contextmanager
def reports_in(path: Path) -> Iterator[Any]:
    """Sends what Ray and its processes write to standard output and error to a file instead.
    Yields what standard error was."""
    sys.stdout.flush()
    sys.stderr.flush()
    saved_output = os.dup(1)
    with open(os.dup(2), "w") as terminal:
        with open(path, "ab") as file:
            file.truncate(0)
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        try:
            yield terminal
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os.dup2(saved_output, 1)
            os.dup2(terminal.fileno(), 2)
            os.close(saved_output)


def start_ray(arguments: argparse.Namespace) -> int:
    """Connects to the cluster, or starts one of this machine; how many workers there are to be."""
    if arguments.address is None:
        # This keeps all of Ray's servers at 127.0.0.1, which _node_ip_address alone does not.
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
        # Workers otherwise give way to all other processes of the machine.
        os.environ.setdefault("RAY_worker_niceness", "0")
    import ray

    options: dict[str, Any] = {"log_to_driver": False}
    threads = arguments.threads_per_actor
    if arguments.address is None:
        actors = arguments.actors or max(1, len(os.sched_getaffinity(0)) // threads)
        options |= {
            "address": "local",
            "num_cpus": actors * threads,
            "include_dashboard": False,
            "object_store_memory": OBJECT_STORE_BYTES,
            "_node_ip_address": "127.0.0.1",
        }
        ray.init(**options)
        return actors
    try:
        ray.init(address=arguments.address, **options)
    except (ConnectionError, ValueError) as error:
        raise Failure(os.EX_UNAVAILABLE, f"{arguments.address}: {error}") from None
    there = int(ray.cluster_resources().get("CPU", 0)) // threads
    if there < max(1, arguments.actors or 1):
        raise Failure(
            os.EX_UNAVAILABLE,
            f"{arguments.address}: expected processors for {arguments.actors or 1} actors with "
            f"{threads} threads each, found some for {there}",
        )
    return arguments.actors or there


class Progress:
    """Tells how far the job is, on standard error, if that is a terminal."""

    def __init__(self, job: Job, shards: int, images: int, errors: int) -> None:
        self.job = job
        self.terminal = sys.stderr
        self.interrupted = False
        self.shards, self.images, self.errors = shards, images, errors
        self.images_done = 0
        self.begin = self.end = 0.0
        self.failures: list[str] = []

    def interrupt(self, *_signal: object) -> None:
        # Where Ray calls back, Python drops exceptions: the next row raises it again.
        self.interrupted = True
        raise KeyboardInterrupt

    def add(self, row: dict[str, Any]) -> None:
        if self.interrupted:
            raise KeyboardInterrupt
        if row["failure"]:
            self.failures.append(f"shard {row['shard']}: {row['failure']}")
            return
        self.shards += 1
        self.images += row["images"]
        self.images_done += row["classified"]
        self.errors += row["errors"]
        self.begin = min(self.begin or row["begin"], row["begin"])
        self.end = max(self.end, row["end"])
        if self.terminal.isatty():
            rate = self.images_done / max(1e-9, self.end - self.begin)
            self.terminal.write(
                f"\r{self.shards}/{self.job.shards} shards, {self.images}/{self.job.images} "
                f"images, {self.errors} errors, {rate:.1f} images/s \x1b[K"
            )
            self.terminal.flush()

    def close(self) -> None:
        if self.terminal.isatty():
            self.terminal.write("\r\x1b[K")
            self.terminal.flush()


def run_shards(work: Work, shards: list[int], actors: int, progress: Progress) -> None:
    import ray

    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    # Each block of the data set is one shard. Ray starts workers that died anew, without limit, and
    # gives them their shards again.
    dataset = ray.data.from_items(
        [{"shard": shard} for shard in shards], override_num_blocks=len(shards)
    ).map_batches(
        ShardClassifier,
        batch_size=1,
        fn_constructor_args=[work],
        # One shard waits at each worker while it does another. More would be shards that others,
        # which have none left, cannot take over.
        compute=ray.data.ActorPoolStrategy(
            size=min(actors, len(shards)), max_tasks_in_flight_per_actor=2
        ),
        num_cpus=work.threads,
    )
    for batch in dataset.iter_batches(batch_size=None, prefetch_batches=0, batch_format="pyarrow"):
        for row in batch.to_pylist():
            progress.add(row)


def run(arguments: argparse.Namespace) -> Summary:
    """Does what is missing of the job."""
    job, shards, passed = plan(arguments)
    if str(passed):
        print(f"ray_classify.py: passed over {passed}", file=sys.stderr)
    output = Path(os.path.abspath(arguments.output))
    with contextlib.ExitStack() as stack:
        try:
            output.mkdir(parents=True, exist_ok=True)
            stack.enter_context(locked(output))
            remove_unfinished_files(output)
            prepare_output(output, job, shards, arguments.force)
            if job.images == 0:
                save_empty_part(output, job, shards[0].column("file")[0].as_py())
        except OSError as error:
            raise Failure(os.EX_CANTCREAT, f"{output}: {error.strerror}") from None
        return run_prepared(arguments, job, output)


def run_prepared(arguments: argparse.Namespace, job: Job, output: Path) -> Summary:
    # A file's size and time come from another machine, maybe: many are asked at a time.
    with ThreadPoolExecutor(16) as executor:
        parts = list(
            executor.map(lambda shard: finished_part(output, job, shard), range(job.shards))
        )
    there = [part for part in parts if part is not None and not part.changed]
    missing = [shard for shard, part in enumerate(parts) if part is None or part.changed]
    progress = Progress(
        job, len(there), sum(part.images for part in there), sum(part.errors for part in there)
    )
    if missing:
        classify_missing(arguments, job, output, missing, progress)
    if progress.failures:
        listed = "\n".join(progress.failures[:10])
        raise Failure(
            os.EX_IOERR,
            f"{listed}\n{len(progress.failures)} shards failed; the same command tries them again",
        )
    if progress.images != job.images or progress.shards != job.shards:
        raise Failure(
            os.EX_SOFTWARE,
            f"expected {job.images} images in {job.shards} shards, "
            f"found {progress.images} in {progress.shards}",
        )
    remove_unfinished_files(output)
    return Summary(
        images=job.images,
        errors=progress.errors,
        shards=job.shards,
        shards_before=len(there),
        images_done=progress.images_done,
        images_changed=sum(len(part.changed) for part in parts if part is not None),
        begin=progress.begin,
        end=progress.end,
    )


def classify_missing(
    arguments: argparse.Namespace, job: Job, output: Path, missing: list[int], progress: Progress
) -> None:
    work = Work(
        job=job,
        output=str(output),
        model=os.path.abspath(arguments.model),
        threads=arguments.threads_per_actor,
        batch_size=arguments.batch_size,
    )
    with reports_in(output / LOG) as progress.terminal:
        actors = start_ray(arguments)
        import ray

        before = signal.signal(signal.SIGINT, progress.interrupt)
        try:
            run_shards(work, missing, actors, progress)
        except ray.exceptions.RayError as error:
            lines = str(error).strip().splitlines() or [repr(error)]
            raise Failure(
                os.EX_SOFTWARE, f"workers failed: {lines[-1].strip()}; more in {output / LOG}"
            ) from None
        finally:
            signal.signal(signal.SIGINT, before)
            progress.close()
            ray.shutdown()


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(os.EX_USAGE, f"{self.prog}: {message}\n")


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected at least 1, found {number}")
    return number


def parse(words: list[str] | None = None) -> argparse.Namespace:
    parser = Parser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        prog="ray_classify.py",
    )
    parser.add_argument("inputs", nargs="+", metavar="INPUT", help="files, folders, globs")
    parser.add_argument("output", metavar="OUTPUT", help="a folder, made if it is not there")
    parser.add_argument("--model", required=True, metavar="F", help="a deployed model file")
    parser.add_argument("--top-k", type=positive, default=5, metavar="K", help="default: 5")
    parser.add_argument(
        "--image-column",
        metavar="C",
        help="inputs are parquet; C, or S.C in a struct, has the bytes",
    )
    parser.add_argument(
        "--id-column", metavar="C", help="what to call the pictures of parquet files"
    )
    parser.add_argument("--numerics", choices=["fast", "strict"], default="fast")
    parser.add_argument("--exif-orientation", action="store_true", help="turn pictures upright")
    parser.add_argument(
        "--shard-size", type=positive, default=1000, metavar="N", help="pictures; default: 1000"
    )
    parser.add_argument("--force", action="store_true", help="drop what OUTPUT has and start anew")
    parser.add_argument(
        "--address", help="of a Ray cluster; default: one of this machine, for the job"
    )
    parser.add_argument(
        "--actors", type=positive, metavar="N", help="workers, each with a model; default: all fit"
    )
    parser.add_argument("--threads-per-actor", type=positive, default=1, metavar="N")
    parser.add_argument(
        "--batch-size",
        type=positive,
        default=16,
        metavar="N",
        help="pictures in a call; default: 16",
    )
    arguments = parser.parse_args(words)
    if arguments.id_column is not None and arguments.image_column is None:
        parser.error("--id-column: expected --image-column too, found none")
    return arguments


def main() -> int:
    arguments = parse()
    try:
        summary = run(arguments)
    except Failure as failure:
        print(f"ray_classify.py: {failure}", file=sys.stderr)
        return failure.status
    except KeyboardInterrupt:
        print("ray_classify.py: interrupted; the same command does the rest", file=sys.stderr)
        return 130
    text = f"{summary.images} images, {summary.errors} errors, {summary.shards} shards"
    if summary.shards_before:
        text += f", of which {summary.shards_before} were there"
    if summary.images_changed:
        text += f"; {summary.images_changed} images had changed"
    if summary.images_done:
        rate = summary.images_done / max(1e-9, summary.seconds)
        text += f"; {summary.images_done} images in {summary.seconds:.1f} s, {rate:.1f} images/s"
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
