"""An update that was cut short: the index is as it was, and no vector is made twice."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from rag import documents
from rag.errors import IndexMissing
from rag.index import Index
from rag.index.staging import FILE, SECONDS, Staging
from rag.pipeline import build
from rag.settings import Settings
from tests.index_fakes import HashEmbedder

FILES = 400  # of one passage each
NOTE = "Note {n} of the weather: on day {n} it was fair, and the wind came from the west all day."


class Logging(HashEmbedder):
    """Writes each passage it embeds to a file, so that a killed process is accounted for."""

    def __init__(self, log: Path, seconds: float = 0.0, revision: str = "1") -> None:
        super().__init__(revision, seconds)
        self.log = log

    def passages(self, texts: Sequence[str]) -> np.ndarray:
        rows = super().passages(texts)
        with self.log.open("a", encoding="utf-8") as file:
            file.writelines(text.replace("\n", "|") + "\n" for text in texts)
        return rows


def written(folder: Path, count: int = FILES) -> Path:
    folder.mkdir()
    for n in range(count):
        (folder / f"{n:04}.txt").write_text(NOTE.format(n=n), encoding="utf-8")
    return folder


def update(docs: str, index: str, log: str, seconds: float) -> None:
    """Build the index: the body of the process that is killed."""
    build(Path(docs), Path(index), Settings(), embedder=Logging(Path(log), seconds))


def lines(log: Path) -> list[str]:
    return log.read_text(encoding="utf-8").splitlines() if log.exists() else []


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no such signal")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
@pytest.mark.parametrize("before", [False, True], ids=["first build", "update"])
def test_killed_in_the_middle_and_resumed(
    tmp_path: Path, how: signal.Signals, before: bool
) -> None:
    docs, index, log = written(tmp_path / "docs"), tmp_path / "index", tmp_path / "log"
    if before:
        build(docs / "0000.txt", index, Settings(), embedder=HashEmbedder())
    slow = 0.5  # seconds a batch of 64; there are 7
    process = multiprocessing.get_context("spawn").Process(
        target=update, args=(str(docs), str(index), str(log), slow)
    )
    process.start()
    deadline = time.monotonic() + 60
    while len(lines(log)) < 4 * 64 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert process.pid is not None
    os.kill(process.pid, how)
    process.join()
    assert process.exitcode != 0
    first = lines(log)
    assert 4 * 64 <= len(first) < FILES
    if before:
        with Index.open(index) as old:  # as it was
            old.verify()
            assert [d.text for d in old.documents()] == [NOTE.format(n=0)]
    else:
        with pytest.raises(IndexMissing):
            Index.open(index)

    log.unlink()
    report, skipped = build(docs, index, Settings(), embedder=Logging(log))
    again = set(first) & set(lines(log))
    lost = 64 if how == signal.SIGINT else int(64 * (SECONDS / slow + 1))
    assert len(again) <= lost  # the batch in the air, and what one second had made
    assert len(set(first) | set(lines(log))) == FILES - before
    assert report.embedded == len(lines(log)) <= FILES - len(first) + lost
    assert (report.passages, skipped) == (FILES, ())
    assert not list(index.glob(f"{FILE}*"))

    fresh = tmp_path / "fresh"
    build(docs, fresh, Settings(), embedder=HashEmbedder())
    query = HashEmbedder().query("the wind on day 77")
    with Index.open(index) as resumed, Index.open(fresh) as built:
        resumed.verify()
        assert resumed.passages() == built.passages()
        assert resumed.dense(query, 50) == built.dense(query, 50)


def interrupted(docs: Path, index: Path, embedder: HashEmbedder) -> None:
    """Run an update that ends at its third batch."""

    def stop(stage: str, done: int, total: int) -> None:
        if stage == "embed" and done >= 128:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(docs, index, Settings(), embedder=embedder, progress=stop)


class Interrupting(bytes):
    """A vector that is being written when Ctrl-C comes, the first time."""

    came = False

    def __conform__(self, protocol: object) -> bytes:
        if not self.came:
            self.came = True
            raise KeyboardInterrupt
        return bytes(self)


def test_a_write_that_is_interrupted_is_made_up_for(tmp_path: Path) -> None:
    identity = HashEmbedder().identity
    staging = Staging(tmp_path, identity, "recipe")
    before, vector = b"\x01" * 16, Interrupting(b"\x02" * 16)
    keys = [staging.key(text) for text in ("before", "interrupted")]

    def work() -> None:
        with staging.kept():
            staging.add([(keys[0], before)])  # waits for its second
            time.sleep(SECONDS)
            staging.add([(keys[1], vector)])

    with pytest.raises(KeyboardInterrupt):
        work()
    assert vector.came
    kept = Staging(tmp_path, identity, "recipe")
    with kept.kept():
        assert kept.vectors(keys) == dict(zip(keys, (before, vector), strict=True))


def test_vectors_of_another_embedder_are_not_taken(tmp_path: Path) -> None:
    docs, index = written(tmp_path / "docs", 200), tmp_path / "index"
    interrupted(docs, index, HashEmbedder("1", seconds=0.6))
    assert build(docs, index, Settings(), embedder=HashEmbedder("2"))[0].embedded == 200


@pytest.mark.parametrize("damage", ["rows", "all of it", "its end", "another version"])
def test_damaged_work_is_done_again(tmp_path: Path, damage: str) -> None:
    docs, index = written(tmp_path / "docs", 200), tmp_path / "index"
    interrupted(docs, index, HashEmbedder(seconds=0.6))
    path = index / FILE
    if damage == "rows":
        with sqlite3.connect(path) as connection:
            connection.execute("UPDATE vectors SET vector = randomblob(length(vector))")
            connection.execute("UPDATE documents SET text = 'X' || text, title = 'other'")
            connection.execute("DELETE FROM passages WHERE key % 2")
            connection.execute("UPDATE passages SET text = 'X' || text")
        connection.close()
    elif damage == "another version":
        with sqlite3.connect(path) as connection:
            connection.execute("PRAGMA user_version = 99")
        connection.close()
    elif damage == "all of it":
        path.write_bytes(os.urandom(path.stat().st_size))
    else:
        path.write_bytes(path.read_bytes()[:5000])
    embedder = HashEmbedder()
    report, _ = build(docs, index, Settings(), embedder=embedder)
    assert report.embedded == len(embedder.seen) == 200
    assert not path.exists()
    with Index.open(index) as built:
        built.verify()
        wanted = NOTE.format(n=150)
        (found, score) = built.dense(embedder.query(f"0150\n{wanted}"), 1)[0]
        assert (found.text, round(score, 6)) == (wanted, 1.0)


def test_reading_is_not_done_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    docs, index = written(tmp_path / "docs", 200), tmp_path / "index"
    (docs / "0007.txt").write_bytes(bytes(range(256)) * 20)
    (docs / "rows.jsonl").write_text('{"doc_id": "r", "text": "A row of its own."}\nno row\n')
    for path in docs.iterdir():  # older than the two seconds in which a time says little
        os.utime(path, (1_700_000_000, 1_700_000_000))
    fresh = build(docs, tmp_path / "fresh", Settings(), embedder=HashEmbedder())
    interrupted(docs, index, HashEmbedder(seconds=0.6))
    os.utime(docs / "0150.txt", (1_700_000_001, 1_700_000_001))
    (docs / "0160.txt").write_text("This one was changed in between, and has other words.")
    opened: list[str] = []
    real = documents.rows

    def watched(path: Path, source: str) -> object:
        opened.append(path.name)
        return real(path, source)

    monkeypatch.setattr(documents, "rows", watched)
    report, skipped = build(docs, index, Settings(), embedder=HashEmbedder())
    assert opened == ["0160.txt"]
    assert (report.files, skipped) == (fresh[0].files, fresh[1])
    with Index.open(index) as resumed, Index.open(tmp_path / "fresh") as whole:
        resumed.verify()
        pairs = zip(resumed.documents(), whole.documents(), strict=True)
        assert [a.source for a, b in pairs if a != b] == [str(docs / "0160.txt")]
        assert resumed.count("r") == 1


def test_an_unchanged_file_is_not_opened(tmp_path: Path) -> None:
    docs, index = written(tmp_path / "docs", 5), tmp_path / "index"
    (docs / "bad.bin").write_bytes(bytes(range(256)) * 20)
    for path in docs.iterdir():  # older than the two seconds in which a time says little
        os.utime(path, (1_700_000_000, 1_700_000_000))
    first, skipped = build(docs, index, Settings(), embedder=HashEmbedder())
    for path in docs.iterdir():
        data = path.read_bytes()
        path.write_bytes(bytes(len(data)))  # would be read as something else
        os.utime(path, (1_700_000_000, 1_700_000_000))
    second, again = build(docs, index, Settings(), embedder=HashEmbedder())
    assert (second.unchanged, second.embedded, again) == (5, 0, skipped)
    assert [one.state for one in first.files] == ["indexed"] * 5 + ["skipped"]
    assert [one.state for one in second.files] == ["unchanged"] * 5 + ["skipped"]
    os.utime(docs / "0003.txt", (1_700_000_001, 1_700_000_001))
    third, _ = build(docs, index, Settings(), embedder=HashEmbedder())
    assert {Path(o.source).name: o.state for o in third.files}["0003.txt"] == "skipped"


def test_a_file_changed_within_the_tick_of_a_clock_is_noticed(tmp_path: Path) -> None:
    docs, index = written(tmp_path / "docs", 2), tmp_path / "index"
    path = docs / "0001.txt"
    build(docs, index, Settings(), embedder=HashEmbedder())
    status = path.stat()
    path.write_text(NOTE.format(n=2), encoding="utf-8")  # the same size, and then the same time
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    report, _ = build(docs, index, Settings(), embedder=HashEmbedder())
    assert {Path(one.source).name: one.state for one in report.files} == {
        "0000.txt": "unchanged",
        "0001.txt": "updated",
    }


def test_a_moved_folder_is_read_under_its_new_name(tmp_path: Path) -> None:
    docs, index = written(tmp_path / "docs", 3), tmp_path / "index"
    build(docs, index, Settings(), embedder=HashEmbedder())
    embedder = HashEmbedder()
    moved = docs.rename(tmp_path / "moved")
    report, _ = build(moved, index, Settings(), embedder=embedder)
    assert (report.unchanged, report.embedded) == (3, 0)
    assert sorted((one.state, Path(one.source).parent.name) for one in report.files) == [
        *[("indexed", "moved")] * 3,
        *[("removed", "docs")] * 3,
    ]
    with Index.open(index) as built:
        assert {Path(d.source).parent for d in built.documents()} == {moved}
