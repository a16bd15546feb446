"""A small pipeline for the page's tests: fixed words, exact offsets, chosen delays.

`python tests/page_fake.py PORT [DELAY]` serves the page over it, to look at.
"""

from __future__ import annotations

import contextlib
import copy
import hashlib
import re
import socket
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import rag.documents
from rag.settings import PageSettings, Settings
from rag.types import (
    Answer,
    Citation,
    Document,
    Entry,
    Event,
    Evidence,
    Hit,
    IndexReport,
    Passage,
    Reading,
    Skipped,
    Span,
)  # fmt: skip

TEXT = (
    "The Lamp on Gull Rock\n\n"
    "Marta Lindqvist, a former ship's pilot, lit the lamp on Gull Rock in 1874. She kept it for "
    "thirty-one years, and never once let it go out.\n\n"
    "The tower stands 23 metres high. Its stones were brought by sea from Port Ellery, two at a "
    "time, because the landing could bear no more.\n\n"
    "In the winter of 1881 the keeper rowed out to the wreck of the Aurelia Dane and brought back "
    "nine of her crew. The Aurelia Dane had struck the reef in fog.\n\n"
    + "".join(
        f"Entry {n} of the log speaks of wind from the west, a falling glass, and oil enough for "
        f"{n} nights.\n\n"
        for n in range(3, 33)
    )
    + "The lamp was made electric in 1962. Nobody has lived on the rock since."
)
SECOND = (
    "Port Ellery\n\nPort Ellery is a quarry town of 800 people. Its grey stone built the tower."
)


@dataclass(frozen=True)
class FakeCommit:
    content: str
    embedder: str = "fake"
    revision: str = "1"


class FakeIndex:
    """Documents cut at blank lines."""

    def __init__(self, documents: tuple[Document, ...]) -> None:
        self.documents = documents
        self._passages = tuple(p for d in documents for p in _cut(d))
        joined = "\0".join(f"{d.id}\0{d.text}" for d in documents)
        self.commit = FakeCommit(hashlib.sha256(joined.encode("utf-8", "replace")).hexdigest())

    def entries(self) -> tuple[Entry, ...]:
        return tuple(Entry(d.id, d.title, d.source, len(d.text)) for d in self.documents)

    def passages(self, document: str | None = None) -> tuple[Passage, ...]:
        return tuple(p for p in self._passages if document in (None, p.document))

    def lexical(self, question: str, k: int) -> list[tuple[Passage, float]]:
        asked = set(re.findall(r"\w+", question.lower()))
        scored = [
            (p, float(len(asked & set(re.findall(r"\w+", p.text.lower()))))) for p in self._passages
        ]
        return sorted((s for s in scored if s[1]), key=lambda s: -s[1])[:k]


def _cut(document: Document) -> Iterator[Passage]:
    start = 0
    for text in document.text.split("\n\n"):
        end = start + len(text)
        if text.strip():
            yield Passage(
                f"{document.id}-{start}",
                document.id,
                start,
                end,
                text,
                (Span(start, end),),
                title=document.title,
            )
        start = end + 2


class FakeBot:
    """Answers by keyword; `delay` seconds pass before each token, and before each passage added.

    A question that holds "find" is answered by the passage of the index that shares most words.
    """

    def __init__(
        self, texts: Sequence[tuple[str, str]] = (), delay: float = 0.0, pace: float = 0.0
    ) -> None:
        given = texts or (("The Lamp on Gull Rock", TEXT), ("Port Ellery", SECOND))
        self.index = FakeIndex(
            tuple(
                Document(f"doc-{i}", text, title, metadata={"credit": "Photograph: A. Holm"})
                for i, (title, text) in enumerate(given)
            )
        )
        self.settings = Settings()
        self.delay = delay
        self.pace = pace
        self.histories: list[list[tuple[str, str]]] = []
        self.used: list[tuple[int | None, float | None]] = []
        self.stopped = 0
        self.closed = False

    @property
    def _documents(self) -> tuple[Document, ...]:
        return self.index.documents

    def documents(self) -> tuple[Document, ...]:
        return self._documents

    def document(self, id: str) -> Document:
        return {d.id: d for d in self._documents}[id]

    def fork(self, folder: Path) -> FakeBot:
        folder.mkdir(parents=True)
        other = copy.copy(self)
        other.histories = []
        return other

    def tuned(self, *, passages: int | None, min_answerable: float | None) -> FakeBot:
        self.used.append((passages, min_answerable))
        return self

    def add(self, sources, *, progress=None):
        before = self.index.documents
        fresh, skipped = [], []
        for item in rag.documents.read(sources):
            (skipped if isinstance(item, Skipped) else fresh).append(item)
        ids = {d.id for d in fresh}
        index = FakeIndex((*(d for d in before if d.id not in ids), *fresh))
        total = sum(len(index.passages(d.id)) for d in fresh)
        for done in range(total + 1):
            if progress:
                progress("embed", done, total)
            time.sleep(self.pace)
        self.index = index
        return IndexReport(len(fresh), 0, 0, 0, total, total), tuple(skipped)

    def remove(self, ids: Sequence[str]) -> int:
        for id in ids:
            self.document(id)
        self.index = FakeIndex(tuple(d for d in self._documents if d.id not in ids))
        return len(ids)

    def close(self) -> None:
        self.closed = True

    def read(self, question: str) -> Reading:
        hits = tuple(Hit(p, s) for p, s in self.index.lexical(question, 3))
        evidence = tuple(Evidence(h.passage, h.start, h.end, 0.9) for h in hits)
        return Reading(hits, evidence, 0.95 if hits else 0.0, 0.9 if hits else 0.0)

    def ask(self, question: str, history: Sequence[tuple[str, str]] = ()) -> Answer:
        return next(e.answer for e in self.stream(question, history) if e.answer)

    def stream(
        self,
        question: str,
        history: Sequence[tuple[str, str]] = (),
        *,
        stop: threading.Event | None = None,
    ) -> Iterator[Event]:
        self.histories.append(list(history))
        answer = self.answer(question)
        try:
            for stage in ("search", "read", "write"):
                yield Event("stage", stage)
                time.sleep(self.delay)
            for word in answer.draft.split(" "):
                if stop is not None and stop.is_set():
                    return
                time.sleep(self.delay)
                yield Event("token", word + " ")
            yield Event("stage", "verify")
            time.sleep(self.delay)
            yield Event("answer", answer=answer)
        finally:
            if stop is not None and stop.is_set():
                self.stopped += 1

    def cite(self, marker: int, quote: str) -> Citation:
        for document in self._documents:
            start = document.text.find(quote)
            if start >= 0:
                return Citation(marker, document.id, start, start + len(quote), quote)
        raise AssertionError(quote)

    def answer(self, question: str) -> Answer:
        hits = tuple(
            Hit(p, 0.0328 - i / 1000, dense=0.71 - i / 20, lexical=None if i == 2 else 6.4 - i)
            for i, p in enumerate(self.index.passages()[1:6])
        )
        asked = question.lower()
        if "find" in asked and (found := self.index.lexical(question, 1)):
            passage = found[0][0]
            cited = (self.cite(1, passage.text),)
            text = f"{passage.text} [1]"
            return Answer(question, text, False, 0.8, cited, hits, {"total": 0.1}, passage.text)
        if "moon" in asked:
            return Answer(
                question,
                "The documents do not say who walked on the moon.",
                True,
                0.86,
                passages=hits,
                timings={"total": 0.4},
                draft="It may have been",
            )
        if "everything" in asked:
            quotes = [
                "Marta Lindqvist, a former ship's pilot, lit the lamp on Gull Rock in 1874.",
                "The tower stands 23 metres high.",
                "In the winter of 1881 the keeper rowed out to the wreck of the Aurelia Dane and "
                "brought back nine of her crew.",
                "The lamp was made electric in 1962.",
                "Port Ellery is a quarry town of 800 people.",
            ]
            cites = tuple(self.cite(i, q) for i, q in enumerate(quotes, 1))
            text = " ".join(f"{q} [{i}]" for i, q in enumerate(quotes, 1))
            return Answer(question, text, False, 0.62, cites, hits, {"total": 2.1}, text, 1)
        quote = "Marta Lindqvist, a former ship's pilot, lit the lamp on Gull Rock in 1874."
        late = "The lamp was made electric in 1962."
        text = "Marta Lindqvist lit the lamp in 1874. [1] It was made electric in 1962. [2] [7]"
        cites = (self.cite(1, quote), self.cite(2, late))
        draft = "Marta Lindqvist lit the lamp on Gull Rock in 1874 and it was made electric in 1962"
        return Answer(question, text, False, 0.91, cites, hits, {"total": 1.3}, draft)


@contextlib.contextmanager
def served(bot: object, **settings: object) -> Iterator[str]:
    """Serve the page over `bot` (or over an opener) on a free port; yields its address."""
    from rag.page.server import build, server

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    chosen = PageSettings(port=port, **settings)
    opener = bot if callable(bot) else lambda progress: bot
    running = server(build(opener, chosen), chosen)
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 30
    while not running.started and time.monotonic() < deadline:
        time.sleep(0.02)
    assert running.started
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        running.should_exit = True
        thread.join(10)


def main(port: int, delay: float) -> None:
    from rag.page import serve

    def opener(progress):
        progress("loading models", 1, 2)
        time.sleep(1.0)
        return FakeBot(delay=delay)

    serve(opener, PageSettings(port=port))


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 0.08)
