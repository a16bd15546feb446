"""What the page needs of a pipeline, as Protocols, and the one background opening of it.

Models take seconds to load and an index may have to be built; the page must answer at once. So the
pipeline is opened in a thread, exactly once, and everybody who needs it waits here. This module
knows nothing of Gradio and nothing of how a pipeline is made.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from rag.errors import RagError
from rag.settings import Settings
from rag.types import (
    Answer,
    Document,
    Entry,
    Event,
    IndexReport,
    Passage,
    Reading,
    Skipped,
)

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is."""


class Store(Protocol):
    """The part of an index the page reads."""

    @property
    def commit(self) -> Commit:
        """What it holds, by its digest."""
        ...

    def entries(self) -> tuple[Entry, ...]:
        """Return all documents without their texts, in order."""
        ...

    def passages(self, document: str | None = None) -> tuple[Passage, ...]:
        """Return the passages of one document, or of all, in order."""
        ...

    def lexical(self, question: str, k: int) -> list[tuple[Passage, float]]:
        """Return the k passages whose words match best, best first."""
        ...


class Commit(Protocol):
    """What tells one content of an index from another."""

    @property
    def content(self) -> str:
        """A digest of the documents and passages."""
        ...

    @property
    def embedder(self) -> str:
        """The name of the embedder."""
        ...

    @property
    def revision(self) -> str:
        """Its revision."""
        ...


class Bot(Protocol):
    """Whatever answers questions: `rag.Pipeline`, or a fake in the tests."""

    @property
    def settings(self) -> Settings:
        """What it was opened with."""
        ...

    @property
    def index(self) -> Store:
        """What it answers from, as of the newest commit it knows."""
        ...

    def ask(self, question: str, history: Sequence[tuple[str, str]] = ()) -> Answer:
        """Return one answer."""
        ...

    def stream(
        self,
        question: str,
        history: Sequence[tuple[str, str]] = (),
        *,
        stop: threading.Event | None = None,
    ) -> Iterator[Event]:
        """Yield the steps of one answer; `stop` ends it early."""
        ...

    def read(self, question: str) -> Reading:
        """Return what the reader makes of a question, without answering it."""
        ...

    def document(self, id: str) -> Document:
        """Return a document; KeyError when there is none of that id."""
        ...

    def fork(self, folder: Path) -> Bot:
        """Copy the index to a folder, and return a bot over the copy that shares the models."""
        ...

    def tuned(self, *, passages: int | None, min_answerable: float | None) -> Bot:
        """Return a bot over the same index and models that reads and abstains otherwise."""
        ...

    def add(
        self, sources: Sequence[str | Path], *, progress: Progress | None = None
    ) -> tuple[IndexReport, tuple[Skipped, ...]]:
        """Read files into the index beside what it holds."""
        ...

    def remove(self, ids: Sequence[str]) -> int:
        """Take documents out of the index; return how many."""
        ...

    def close(self) -> None:
        """Let go of the index."""
        ...


Opener = Callable[[Progress], Bot]
"""Opens the pipeline (slowly), telling its progress."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """How far the opening is; `done` of `total` steps of `stage`, where total is known (> 0)."""

    state: Literal["loading", "ready", "failed"]
    stage: str = ""
    done: int = 0
    total: int = 0
    message: str = ""
    hint: str = ""


class Opening:
    """Opens a bot once, in the background, and hands it to whoever waits."""

    def __init__(self, opener: Opener) -> None:
        self._opener = opener
        self._finished = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._bot: Bot | None = None
        self._readiness = Readiness("loading", "loading models")

    def start(self) -> None:
        """Begin opening; a second call does nothing."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._open, name="open-bot", daemon=True)
                self._thread.start()

    @property
    def readiness(self) -> Readiness:
        """How far it is, now."""
        return self._readiness

    @property
    def bot(self) -> Bot | None:
        """The bot, once it is ready."""
        return self._bot

    def wait(self, stop: threading.Event | None = None, timeout: float = 600.0) -> Bot | None:
        """Return the bot when it is ready; None when `stop` is set first.

        Raises RagError when the opening failed, or is not done after `timeout` seconds.
        """
        self.start()
        deadline = time.monotonic() + timeout
        while not self._finished.wait(0.1):
            if stop is not None and stop.is_set():
                return None
            if time.monotonic() > deadline:
                raise RagError("The models are still loading.", hint="Ask again in a moment.")
        if self._bot is None:
            raise RagError(self._readiness.message, hint=self._readiness.hint)
        return self._bot

    def _open(self) -> None:
        try:
            self._bot = self._opener(self._tell)
            self._readiness = Readiness("ready")
        except RagError as error:
            self._readiness = Readiness("failed", message=error.message, hint=error.hint)
        except Exception as error:
            self._readiness = Readiness(
                "failed",
                message=f"The pipeline could not be opened ({type(error).__name__}).",
                hint="Run `rag doctor` to see what is missing.",
            )
            raise
        finally:
            self._finished.set()

    def _tell(self, stage: str, done: int, total: int) -> None:
        self._readiness = Readiness("loading", stage, done, total)
