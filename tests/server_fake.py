"""A small library of documents behind the real server: what the tests of its interfaces ask.

`python tests/server_fake.py PORT [DELAY]` serves it with the page, to look at.
"""

from __future__ import annotations

import contextlib
import dataclasses
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
from page_fake import FakeBot

from rag.documents import read
from rag.settings import PageSettings, ServerSettings, Settings
from rag.types import Answer, Document, FileOutcome, Hit, IndexReport, Place, Skipped


class FakeLibrary(FakeBot):
    """`FakeBot`, with documents that come and go as those of a pipeline do.

    A question with "page" in it is answered from page 14, one with "boom" breaks.
    """

    def __init__(self, delay: float = 0.0) -> None:
        super().__init__(delay=delay)
        self.held = super().documents()

    def stream(self, question, history=(), *, stop=None):
        if "boom" in question:
            raise ZeroDivisionError("/secret/path")
        yield from super().stream(question, history, stop=stop)

    def answer(self, question: str) -> Answer:
        answer = super().answer(question)
        if "page" not in question:
            return answer
        place = Place(headings=("Keepers", "The first"), page="14")
        cited = tuple(dataclasses.replace(one, place=place) for one in answer.citations)
        return dataclasses.replace(answer, citations=cited)

    def search(self, question: str, more: int = 0) -> tuple[Hit, ...]:
        passages = self.index.passages()[: 10 + more]
        return tuple(Hit(p, 1.0 - i / 100) for i, p in enumerate(passages))

    def count(self, text: str) -> int:
        return len(text.split())

    def documents(self) -> tuple[Document, ...]:
        return self.held

    def document(self, id: str) -> Document:
        return {one.id: one for one in self.held}[id]

    def add(self, sources, *, progress=None):
        outcomes = []
        for source in map(str, sources):
            old = {one.id for one in self.held if one.source == source}
            self.held = tuple(one for one in self.held if one.source != source)
            (found,) = read([source])
            if isinstance(found, Skipped):
                outcomes.append(FileOutcome(source, "skipped", found.reason))
                continue
            self.held = (*self.held, found)
            state = "indexed" if not old else "unchanged" if found.id in old else "updated"
            outcomes.append(FileOutcome(source, state, documents=1))
        skipped = tuple(Skipped(o.source, o.reason) for o in outcomes if o.state == "skipped")
        return IndexReport(0, 0, 0, 0, 0, 0, tuple(outcomes)), skipped

    def remove(self, ids: Sequence[str]) -> int:
        for id in ids:
            self.document(id)
        self.held = tuple(one for one in self.held if one.id not in ids)
        return len(ids)


def settings(port: int = 7860, **chosen: Any) -> Settings:
    """Return settings with fields of the server, or of the page where only that has the name."""
    page = {key: chosen.pop(key) for key in tuple(chosen) if key not in ServerSettings.model_fields}
    return Settings(page=PageSettings(port=port, **page), server=ServerSettings(**chosen))


@contextlib.contextmanager
def served(bot: object, *, page: bool = False, uploads: Path | None = None, **chosen: Any):
    """Serve a bot (or an opener) on a free port; yields the address."""
    from rag.page.listening import server
    from rag.server import build

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    known = settings(port, **chosen)
    opener = bot if callable(bot) else lambda progress: bot
    with tempfile.TemporaryDirectory() as folder:
        app = build(opener, known, uploads=uploads or Path(folder) / "uploads", page=page)
        with running(server(app, known.page, lambda where: None)):
            url = f"http://127.0.0.1:{port}"
            while not callable(bot) and httpx.get(f"{url}/ready").status_code != 200:
                time.sleep(0.02)
            yield url


@contextlib.contextmanager
def running(server: Any) -> Iterator[None]:
    """Run a server in a thread."""
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 60
    while not server.started and thread.is_alive() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert server.started
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(15)


def main(port: int, delay: float) -> None:
    from rag.server import serve

    with tempfile.TemporaryDirectory() as folder:
        serve(lambda progress: FakeLibrary(delay=delay), settings(port), uploads=Path(folder))


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 0.08)
