"""A small pipeline for the page's tests: fixed words, exact offsets, chosen delays.

`python tests/page_fake.py PORT [DELAY]` serves the page over it, to look at.
"""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
import time
from collections.abc import Iterator, Sequence

from rag.settings import PageSettings
from rag.types import Answer, Citation, Document, Event, Hit, Passage, Span

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


class FakeIndex:
    def __init__(self, passages: tuple[Passage, ...]) -> None:
        self._passages = passages

    def passages(self, document: str | None = None) -> tuple[Passage, ...]:
        return tuple(p for p in self._passages if document in (None, p.document))


class FakeBot:
    """Answers by keyword; `delay` seconds pass before each token."""

    def __init__(self, texts: Sequence[tuple[str, str]] = (), delay: float = 0.0) -> None:
        given = texts or (("The Lamp on Gull Rock", TEXT), ("Port Ellery", SECOND))
        self._documents = tuple(
            Document(f"doc-{i}", text, title, metadata={"credit": "Photograph: A. Holm"})
            for i, (title, text) in enumerate(given)
        )
        self.delay = delay
        self.histories: list[list[tuple[str, str]]] = []
        self.stopped = 0
        self.index = FakeIndex(tuple(self._cut()))

    def _cut(self) -> Iterator[Passage]:
        for document in self._documents:
            start = 0
            for text in document.text.split("\n\n"):
                end = start + len(text)
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

    def documents(self) -> tuple[Document, ...]:
        return self._documents

    def document(self, id: str) -> Document:
        return {d.id: d for d in self._documents}[id]

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
