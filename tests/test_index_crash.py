"""Kill the indexer at any moment: the old index still opens, or none does and says what to run."""

from __future__ import annotations

import multiprocessing
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rag.errors import IndexMissing
from rag.index import Index
from tests.index_fakes import HashEmbedder, build, corpus, expected, matrix

pytestmark = pytest.mark.skipif(
    not hasattr(signal, "SIGKILL"), reason="this system has no such signal"
)

BEFORE = corpus(*(f"old line {i}\nriver {i * 7} town\ncartel {i}" for i in range(60)))
AFTER = [
    *BEFORE[10:40],  # some go, some stay, some change, some come, and the order is another
    *corpus(*(f"new line {i}\nvalley {i * 5} treaty" for i in range(10))),
    *(type(d)(f"x{d.id}", d.text + "\nmore police", "Added") for d in BEFORE),
]


def kills_itself(place: str, event: int) -> None:
    """Update the index, and die at the audit event of that number (`open`, `rename`, ...)."""
    seen = 0

    def count(name: str, arguments: tuple[Any, ...]) -> None:
        nonlocal seen
        concerned = name.startswith("sqlite3.") or any(place in str(a) for a in arguments[:2])
        if concerned:
            if seen == event:
                os.kill(os.getpid(), signal.SIGKILL)
            seen += 1

    sys.addaudithook(count)
    build(Path(place), AFTER)


def is_killed(place: str, ready: Any) -> None:
    """Update the index slowly; the parent kills this process some time after `ready`."""
    ready.set()
    build(Path(place), AFTER, HashEmbedder(seconds=0.01))


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("old") / "index"
    build(folder, BEFORE)
    return folder


@pytest.fixture(scope="module")
def processes() -> Any:
    context = multiprocessing.get_context("forkserver")  # imports once, then forks quickly
    context.set_forkserver_preload(["tests.test_index_crash"])
    return context


def state(folder: Path) -> str:
    """Say which index is there, having compared everything it holds and finds."""
    try:
        index = Index.open(folder)
    except IndexMissing as error:
        return "none" if f"rag index SOURCES... --index {folder}" in error.hint else error.hint
    with index:
        index.verify()
        name, documents = next(
            (name, documents)
            for name, documents in (("old", BEFORE), ("new", AFTER))
            if index.documents() == tuple(documents)
        )
        passages = expected(documents)
        assert index.passages() == tuple(passages)
        query = HashEmbedder().query("valley town police")
        scores = np.array(matrix(passages)) @ query.astype(np.float64)
        order = np.argsort(-scores.round(9), kind="stable")[:20]
        assert [p.id for p, _ in index.dense(query, 20)] == [passages[i].id for i in order]
        assert index.document_frequency(["police", "river"]) == {
            word: sum(word in p.text for p in passages) for word in ("police", "river")
        }
    return name


def recovers(folder: Path) -> None:
    """Update once more, undisturbed: all is new, and nothing of the killed ones is left."""
    build(folder, AFTER)
    assert state(folder) == "new"
    kinds = sorted(path.suffix for path in folder.iterdir() if path.name != "index.lock")
    assert kinds == [".faiss", ".sqlite"]


def place_of(tmp_path: Path, old: Path, first: bool, number: int) -> Path:
    folder = tmp_path / f"{number}" / "index"
    if first:
        folder.parent.mkdir()
    else:
        shutil.copytree(old, folder)
    return folder


@pytest.mark.parametrize("first", [True, False], ids=["first build", "update"])
def test_killed_at_every_step(tmp_path: Path, old: Path, processes: Any, first: bool) -> None:
    states: list[str] = []
    for event in range(200):
        folder = place_of(tmp_path, old, first, event)
        process = processes.Process(target=kills_itself, args=(str(folder), event))
        process.start()
        process.join()
        states.append(state(folder))
        if process.exitcode == 0:
            break
        assert process.exitcode == -signal.SIGKILL
        if event % 4 == 0:
            recovers(folder)
    assert states[-1] == "new"
    assert len(states) > 10
    settled = states.index("new")  # once committed, it stays
    assert set(states[:settled]) == {"none" if first else "old"}
    assert set(states[settled:]) == {"new"}


@pytest.mark.parametrize("first", [True, False], ids=["first build", "update"])
def test_killed_at_any_time(tmp_path: Path, old: Path, processes: Any, first: bool) -> None:
    start = time.perf_counter()
    build(place_of(tmp_path, old, first, 999), AFTER, HashEmbedder(seconds=0.01))
    whole = time.perf_counter() - start
    dice = random.Random(3)
    states: list[str] = []
    delays: Sequence[float] = [dice.uniform(0, 1.3 * whole) for _ in range(15)]
    for number, delay in enumerate(delays):
        folder = place_of(tmp_path, old, first, number)
        ready = processes.Event()
        process = processes.Process(target=is_killed, args=(str(folder), ready))
        process.start()
        assert ready.wait(60)
        time.sleep(delay)
        process.kill()
        process.join()
        states.append(state(folder))
    assert set(states) <= {"none" if first else "old", "new"}
    recovers(folder)
