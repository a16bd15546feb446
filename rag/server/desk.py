"""Where questions come in: checked, put in line, answered in a thread, and counted.

All interfaces for programs (REST, OpenAI's, MCP) ask here, so they share one bound on how much is
worked on. It knows no HTTP.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol, cast

from rag.errors import NotReady
from rag.page.answering import checked
from rag.page.bot import Bot, Opening, Progress
from rag.server.jobs import Job, Jobs
from rag.server.metrics import Metrics, Outcome
from rag.settings import Settings
from rag.types import Answer, Document, Event, Hit, IndexReport, Skipped

History = Sequence[tuple[str, str]]


class Library(Bot, Protocol):
    """What programs use of `rag.Pipeline`: what the page does, and how documents come and go."""

    def documents(self) -> tuple[Document, ...]:
        """Return all documents, in the order they were read."""
        ...

    def search(self, question: str, more: int = 0) -> tuple[Hit, ...]:
        """Return the passages for a question, best first."""
        ...

    def count(self, text: str) -> int:
        """Return how many tokens of the language model a text has."""
        ...

    def add(
        self, sources: Sequence[str | Path], *, progress: Progress | None = None
    ) -> tuple[IndexReport, tuple[Skipped, ...]]:
        """Read files into the index, beside what it holds."""
        ...

    def remove(self, ids: Sequence[str]) -> int:
        """Take documents out; KeyError for an unknown id."""
        ...


class Desk:
    """Takes questions for a pipeline that may still be loading."""

    def __init__(self, opening: Opening, settings: Settings, metrics: Metrics) -> None:
        self.opening = opening
        self.settings = settings
        self.metrics = metrics
        self.jobs = Jobs(settings.server.max_running, settings.server.max_waiting)
        metrics.watch("rag_questions_in_work", "Questions worked on or waiting.", self._taken)
        metrics.watch("rag_questions_waiting", "Questions that wait.", self._waiting)
        metrics.watch("rag_ready", "1 once questions can be answered.", self._ready)

    def library(self) -> Library:
        """Return the pipeline.

        Raises:
            NotReady: it is still being opened, or could not be.
        """
        bot = self.opening.bot
        if bot is not None:
            return cast(Library, bot)
        how = self.opening.readiness
        if how.state == "failed":
            raise NotReady(how.message, hint=how.hint)
        raise NotReady("The models are still loading.", hint="Ask again in a moment.")

    async def opened(self) -> Library:
        """Return the pipeline as soon as it is there; RagError when it cannot be opened."""
        if self.opening.bot is None:
            await asyncio.to_thread(self.opening.wait)
        return self.library()

    def ask(self, question: str, history: History = ()) -> Job[Event]:
        """Begin to answer a question; the job's items are the pipeline's events.

        Raises:
            QuestionError: it is empty or too long.
            NotReady: see `library`.
            QueueFull: too many wait already.
        """
        question = checked(question, self.settings.page.max_question_chars)
        bot = self.library()
        return self.jobs.start(lambda stop: self._counted(bot, question, history, stop))

    def _counted(
        self, bot: Library, question: str, history: History, stop: threading.Event
    ) -> Iterator[Event]:
        answer: Answer | None = None
        try:
            events = bot.stream(question, history, stop=stop)  # named, so that it outlives the loop
            for event in events:
                if not stop.is_set():
                    answer = event.answer
                yield event
        finally:
            outcome: Outcome = "stopped" if stop.is_set() else "failed"
            if answer is not None:
                outcome = "abstained" if answer.abstained else "answered"
            self.metrics.question(outcome, answer.timings if answer else {})

    def _taken(self) -> float:
        return self.jobs.taken

    def _waiting(self) -> float:
        return self.jobs.waiting

    def _ready(self) -> float:
        return float(self.opening.bot is not None)
