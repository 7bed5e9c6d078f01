"""The documents are true: links lead somewhere, files that are named are there, commands run.

Commands are what stands after `$` in a block of README.md and docs/*.md: they run in one folder,
from the first to the last, and print what stands below them (`...` is any lines). Figures that
follow from random weights are compared as figures, whatever their values. They need orepa-infer:
`swift build -c release`, or OREPA_INFER names it. The programs in Swift, C and Python are run by
`test-examples`, `test-embedding` and `test-embedding-python`.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import make_tables

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = Path(os.environ.get("OREPA_INFER", ROOT / ".build" / "release" / "orepa-infer"))
FIXTURES = ROOT / "Tests" / "Fixtures"
SAMPLES = ROOT / "models" / "fashion-mnist-repvgg" / "samples"


def tracked(*patterns: str) -> list[Path]:
    done = subprocess.run(
        ["git", "ls-files", "-z", "--", *patterns], cwd=ROOT, capture_output=True, check=True
    )
    return [ROOT / name for name in done.stdout.decode().split("\0") if name]


PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
DOCUMENTS = [path for path in tracked("*.md") if ".docc" not in str(path)]


def names(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(ROOT)) for path in paths]


def anchors(path: Path) -> set[str]:
    """Of the headings, as GitHub makes them."""
    text = re.sub(r"^```.*?^```", "", path.read_text(), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def prose(text: str) -> str:
    """Without blocks of code."""
    return re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("path", DOCUMENTS, ids=names(DOCUMENTS))
def test_links(path: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(path.read_text())):
        if re.match(r"\w+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = path.parent / name if name else path
        assert file.exists(), f"{target}: no such file"
        if anchor:
            assert anchor in anchors(file), f"{target}: no such heading"


def test_named_files_exist() -> None:
    """Of all documents, and what begins with tools/ anywhere."""
    missing = []
    for path in tracked():
        if path.is_symlink() or path == Path(__file__).resolve():
            continue
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        folders = "tools"
        if path in DOCUMENTS:
            folders = r"tools|docs|Tests|Sources|Examples|models|\.ci"
        for name in re.findall(rf"(?<![\w/.~-])(?:{folders})/[\w./*-]+", text):
            name = name.rstrip("./-")
            if "*" in name or name.endswith("/TARGET"):
                continue
            if not any((base / name).exists() for base in (ROOT, path.parent)):
                missing.append(f"{path.relative_to(ROOT)}: {name}")
    assert not missing


def test_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150


def test_tables_are_those_of_the_figures() -> None:
    done = subprocess.run(
        [sys.executable, make_tables.__file__, "--check"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_a_changed_table_is_found() -> None:
    text = (ROOT / "README.md").read_text()
    assert make_tables.filled(text.replace("| ResNet-18 |", "| ResNet-19 |", 1)) == (
        make_tables.filled(text)
    )
    assert "| ResNet-18 |" in text


def test_readme_lists_the_exit_statuses() -> None:
    page = (ROOT / "docs" / "command-line.md").read_text()
    section = page[page.index("## Exit statuses") :].split("\n## ")[0]
    (short,) = re.findall(r"\[Exit statuses\].*?\n\n", (ROOT / "README.md").read_text(), re.DOTALL)
    expected = re.findall(r"^\| (\d+) \|", section, re.MULTILINE)
    assert len(expected) == 10 and re.findall(r"\b(\d+) [a-z]", short) == expected


def blocks(text: str) -> list[tuple[str, str]]:
    """Language and contents of each block of code."""
    return re.findall(r"^```(\w*)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def sessions(text: str) -> Iterator[tuple[str, str]]:
    """Each command, and what it prints."""
    found = blocks(text)
    for (language, contents), (_, next_one) in zip(found, [*found[1:], ("", "")], strict=True):
        if language == "" and contents.startswith("$ "):
            for part in re.split(r"^\$ ", contents, flags=re.MULTILINE)[1:]:
                command, output = re.match(
                    r"((?:[^\n]*\\\n)*[^\n]*)\n(.*)", part, re.DOTALL
                ).groups()
                yield command, output
        elif run := re.search(r"^.*swift run -c release (orepa-infer .*)$", contents, re.MULTILINE):
            yield run[1], next_one


def test_sessions_are_found() -> None:
    text = (
        "```\n$ a \\\n  b\nc\n\nd\n$ e\n```\n\n```\nx && swift run -c release orepa-infer p\n```\n"
    )
    text += "```\nq\n```\n"
    expected = [("a \\\n  b", "c\n\nd\n"), ("e", ""), ("orepa-infer p", "q\n")]
    assert list(sessions(text)) == expected


RUNNABLE = [
    path for path in PAGES if path.name in ("README.md", "command-line.md", "converting.md")
]
CHECKPOINT = "make_checkpoint.py --arch RepVGG-A0 --block OREPA_VGG --optimizer RepVGG-A0.pth.tar"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With what the commands name, and with orepa-infer on the PATH."""
    if not PROGRAM.exists():
        pytest.skip(f"{PROGRAM}: needs orepa-infer; swift build -c release, or set OREPA_INFER")
    folder = tmp_path_factory.mktemp("documents")
    for name in ("models", "tools"):
        (folder / name).symlink_to(ROOT / name)
    (folder / "bin").mkdir()
    (folder / "bin" / "orepa-infer").symlink_to(PROGRAM.resolve())
    shutil.copy(SAMPLES / "ankle-boot.jpg", folder)
    shutil.copy(FIXTURES / "assumptions" / "resnet-small.pth", folder)
    reference = FIXTURES / "assumptions" / "resnet-small.reference.safetensors"
    shutil.copy(reference, folder / "reference.safetensors")
    subprocess.run(
        [sys.executable, *f"tools/{CHECKPOINT}".split()], cwd=folder, check=True,
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    return folder


def pattern(output: str, exact: bool) -> str:
    """What output has to match. Columns may be wider or narrower where figures are not the same."""
    lines = (output if exact else masked(output)).splitlines()
    return "".join(r"(?:.*\n)*?" if line == "..." else re.escape(line) + r"\n" for line in lines)


def masked(output: str) -> str:
    output = re.sub(r"\b[0-9a-f]{64}\b", "#", output)
    output = re.sub(r"\d[\d.,]*(e[+-]?\d+)?", "#", output)
    output = re.sub(r"\(stage[\w.#]+?(\.conv#)?(?=[;)])", "(stage#", output)
    return re.sub(r" +", " ", output)


@pytest.mark.parametrize("path", RUNNABLE, ids=names(RUNNABLE))
def test_commands(path: Path, folder: Path) -> None:
    for made in ("RepVGG-A0.safetensors", "small.safetensors"):
        (folder / made).unlink(missing_ok=True)
    environment = os.environ | {
        "PATH": f"{folder / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    }
    environment.pop("OREPA_MODEL", None)
    found = list(sessions(path.read_text()))
    assert found
    for command, expected in found:
        random = "RepVGG-A0" in command or "resnet-small" in command
        errors = subprocess.STDOUT if "echo $?" in command else subprocess.DEVNULL
        done = subprocess.run(
            command, shell=True, cwd=folder, env=environment, stdout=subprocess.PIPE,
            stderr=errors, text=True, timeout=300, check=False,
        )  # fmt: skip
        output = masked(done.stdout) if random else done.stdout
        assert re.fullmatch(pattern(expected, not random), output), (
            f"{command}: expected\n{expected}\nfound\n{done.stdout}"
        )


def option_names(text: str) -> set[str]:
    return set(re.findall(r"(?<![\w-])--[a-z][a-z0-9-]+", text))


def test_options_exist() -> None:
    """Of the tools by their sources, of orepa-infer by its help."""
    scripts = [path for path in tracked("tools") if path.suffix in ("", ".py")]
    known = set().union(*(option_names(path.read_text()) for path in scripts if path.is_file()))
    for path in RUNNABLE + [ROOT / "docs" / "benchmarks.md", ROOT / "docs" / "embedding.md"]:
        for line in path.read_text().replace("\\\n", " ").splitlines():
            tool = re.match(r"(?:\$ )?(tools/[\w./-]+) .*--", line)
            if tool:
                unknown = option_names(line) - option_names((ROOT / tool[1]).read_text())
                assert not unknown, f"{path.name}: {line}"
    if not PROGRAM.exists():
        pytest.skip(f"{PROGRAM}: needs orepa-infer; swift build -c release, or set OREPA_INFER")
    for command in ("classify", "convert", "verify", "inspect", "run", "preprocess", "benchmark"):
        done = subprocess.run(
            [PROGRAM, "help", command], capture_output=True, text=True, check=True
        )
        known |= option_names(done.stdout) | {
            name.replace("--no-", "--") for name in option_names(done.stdout)
        }
    for path in RUNNABLE:
        unknown = option_names(path.read_text()) - known
        # Of other programs.
        assert unknown <= {"--null"}, f"{path.name}: {unknown}"
