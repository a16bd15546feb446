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
from typing import Literal, Protocol

from rag.errors import RagError
from rag.types import Answer, Document, Event, Passage

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is."""


class Passages(Protocol):
    """The part of an index the page reads."""

    def passages(self, document: str | None = None) -> tuple[Passage, ...]:
        """Return the passages of one document, or of all, in order."""
        ...


class Bot(Protocol):
    """Whatever answers questions: `rag.Pipeline`, or a fake in the tests."""

    @property
    def index(self) -> Passages:
        """The passages that can be found."""
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

    def document(self, id: str) -> Document:
        """Return a document; KeyError when there is none of that id."""
        ...

    def documents(self) -> tuple[Document, ...]:
        """Return all documents."""
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
