"""Following folders: when changes are told, and `rag index --watch` in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rag.index import Index
from rag.watching import changes

ROOT = Path(__file__).parent.parent
PROGRAM = """
import sys
from pathlib import Path
from rag.cli.indexing import run
from rag.cli.terminal import Terminal
from rag.settings import Settings
from tests.index_fakes import HashEmbedder

run(Terminal(sys.stdout, sys.stderr), Settings(), sys.argv[2:], Path(sys.argv[1]), watch=True,
    embedder=HashEmbedder())
"""


def until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.05)


class Watch:
    """Counts what `changes` yields, in a thread."""

    def __init__(self, sources: list[Path], folder: Path) -> None:
        self.count = 0
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.run, args=(sources, folder))

    def run(self, sources: list[Path], folder: Path) -> None:
        for _ in changes(sources, folder, self.stop):
            self.count += 1

    def __enter__(self) -> Watch:
        self.thread.start()
        until(lambda: self.count == 1)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self.thread.join(30)
        assert not self.thread.is_alive()


def test_changes_are_told_when_they_have_settled(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    (docs / "deep").mkdir(parents=True)
    with Watch([docs], tmp_path / "index") as watch:
        for number in range(20):
            (docs / "deep" / f"{number}.txt").write_text("A line.")
            time.sleep(0.02)
        until(lambda: watch.count >= 2)
        time.sleep(1.5)
        assert watch.count == 2  # one for all
        (docs / "deep" / "3.txt").unlink()
        until(lambda: watch.count == 3)


def test_the_index_among_the_documents_does_not_count(tmp_path: Path) -> None:
    with Watch([tmp_path], tmp_path) as watch:
        for name in ("index.sqlite", "index.sqlite-wal", "index.lock", "vectors-1.faiss"):
            (tmp_path / name).write_text("x")
        time.sleep(2)
        assert watch.count == 1
        (tmp_path / "a.txt").write_text("x")
        until(lambda: watch.count == 2)


def test_a_file_that_is_replaced_is_still_followed(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("One.")
    with Watch([path], tmp_path / "index") as watch:
        for number in range(2, 4):
            before = watch.count
            (tmp_path / "new").write_text(f"Number {number}.")
            (tmp_path / "new").replace(path)
            until(lambda before=before: watch.count > before)  # type: ignore[misc]
            time.sleep(1.2)


class Running:
    """The program, and what it has printed so far."""

    def __init__(self, process: subprocess.Popen[str], out: Path, err: Path) -> None:
        self.process, self._out, self._err = process, out, err

    @property
    def out(self) -> str:
        return self._out.read_text(encoding="utf-8")

    @property
    def err(self) -> str:
        return self._err.read_text(encoding="utf-8")

    def ends(self, how: signal.Signals) -> int:
        self.process.send_signal(how)
        return self.process.wait(60)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    started: list[subprocess.Popen[str]] = []

    def run(*command: str) -> Running:
        out, err = tmp_path / "out.log", tmp_path / "err.log"
        with out.open("w") as stdout, err.open("w") as stderr:
            process = subprocess.Popen(
                [sys.executable, *command],
                cwd=ROOT,
                stdout=stdout,
                stderr=stderr,
                text=True,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )
        started.append(process)
        return Running(process, out, err)

    yield run
    for process in started:
        if process.poll() is None:
            process.kill()
            process.wait()


def texts(folder: Path) -> set[str]:
    with Index.open(folder) as index:
        index.verify()
        return {document.text for document in index.documents()}


def test_the_program_follows_a_folder(tmp_path: Path, start: Callable[..., Running]) -> None:
    docs, index = tmp_path / "docs", tmp_path / "index"
    docs.mkdir()
    (docs / "a.txt").write_text("The first line of all.")
    (docs / "bad.bin").write_bytes(bytes(range(256)) * 20)
    running = start("-c", PROGRAM, str(index), str(docs))
    until(lambda: "watching" in running.err)
    assert texts(index) == {"The first line of all."}
    assert "skipped             " in running.out

    (docs / "b.txt").write_text("Another file came.")
    until(lambda: "b.txt" in running.out)
    assert texts(index) == {"The first line of all.", "Another file came."}
    (docs / "a.txt").write_text("It was changed.")
    until(lambda: "\nupdated" in running.out)
    assert texts(index) == {"It was changed.", "Another file came."}
    (docs / "a.txt").unlink()
    until(lambda: "\nremoved" in running.out)
    assert texts(index) == {"Another file came."}
    (docs / "b.txt").rename(docs / "c.txt")
    until(lambda: "c.txt" in running.out)
    (docs / "c.txt").unlink()
    until(lambda: running.out.count("\nremoved") == 3)
    assert texts(index) == set()
    assert running.out.count("bad.bin") == 1  # said once
    assert running.ends(signal.SIGINT) == 0
    assert running.err.splitlines()[-1] == "stopped"
    assert "Traceback" not in running.err


def test_a_bad_moment_does_not_end_the_watch(tmp_path: Path, start: Callable[..., Running]) -> None:
    docs, index = tmp_path / "docs", tmp_path / "index"
    docs.mkdir()
    (docs / "a.txt").write_text("The first line of all.")
    running = start("-c", PROGRAM, str(index), str(docs))
    until(lambda: "watching" in running.err)
    damaged = (index / "index.sqlite").read_bytes()
    (index / "index.sqlite").write_bytes(b"not a database" * 1000)
    (docs / "b.txt").write_text("It comes at a bad moment.")
    until(lambda: "error: " in running.err)
    (index / "index.sqlite").write_bytes(damaged)
    (docs / "c.txt").write_text("All is well again.")
    until(lambda: "c.txt" in running.out)
    assert len(texts(index)) == 3
    assert running.ends(signal.SIGTERM) != 0


def test_a_source_that_is_not_there(tmp_path: Path, start: Callable[..., Running]) -> None:
    running = start("-m", "rag", "index", str(tmp_path / "none"), "--watch", "--index", "x")
    assert running.process.wait(60) == 1
    assert running.err.startswith("error: There is no file or folder")


@pytest.mark.models
def test_with_the_real_model(tmp_path: Path, start: Callable[..., Running]) -> None:
    docs, index = tmp_path / "docs", tmp_path / "index"
    docs.mkdir()
    (docs / "a.txt").write_text("The first line of all.")
    running = start("-m", "rag", "index", str(docs), "--watch", "--index", str(index))
    until(lambda: "watching" in running.err, 200)
    (docs / "b.txt").write_text("Another file came.")
    until(lambda: "b.txt" in running.out)
    assert texts(index) == {"The first line of all.", "Another file came."}
    assert running.ends(signal.SIGINT) == 0
