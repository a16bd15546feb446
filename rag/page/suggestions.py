"""Questions worth asking: drawn from the documents, and shown only when the reader answers them.

A thread looks for them in the background, an index at a time, and lets every answer that is being
made, and every file that is taken in, go first. What was found for one content of an index is kept.
"""

from __future__ import annotations

import logging
import queue
import random
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence

from rag.errors import RagError
from rag.page.bot import Bot
from rag.page.candidates import candidates
from rag.types import Answer, Passage

SHOWN = 4
"""Questions suggested."""
FOLLOWING = 2
"""Questions suggested after an answer."""
TRIED = 20
"""Questions tried at most for one index, and a quarter of that after an answer."""
ANSWERABLE = 0.8
CONFIDENT = 0.6
"""What the reader must be sure of at least: that it is answerable, and that it found the answer."""
LOOKED = 30
"""Documents looked into; a larger library is sampled."""
PASSAGES = 400
"""Passages of one document looked into."""
KEPT = 64
"""Indexes whose questions are kept."""

_log = logging.getLogger(__name__)


class Suggestions:
    """What is known to be answerable, by the content of an index."""

    def __init__(self, busy: Callable[[], bool]) -> None:
        self._busy = busy
        self._found: OrderedDict[str, tuple[str, ...]] = OrderedDict()
        self._open: set[str] = set()
        self._waiting: queue.Queue[tuple[Bot, str, tuple[str, ...]]] = queue.Queue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def of(self, bot: Bot, first: Sequence[str] = ()) -> tuple[tuple[str, ...], bool]:
        """Return the questions found so far and whether more may be found.

        Begins to look when nobody asked before.
        `first` are the documents that matter most (a visitor's own).
        """
        content = bot.index.commit.content
        with self._lock:
            if content not in self._found:
                self._found[content] = ()
                self._open.add(content)
                self._waiting.put((bot, content, tuple(first)))
                while len(self._found) > KEPT:
                    self._found.popitem(last=False)
                if self._thread is None:
                    self._thread = threading.Thread(target=self._run, name="suggest", daemon=True)
                    self._thread.start()
            return self._found[content], content in self._open

    def _run(self) -> None:
        while True:
            bot, content, first = self._waiting.get()
            try:
                for question in answerable(bot, drawn(bot, first), TRIED, self._give_way):
                    with self._lock:
                        known = (*self._found.get(content, ()), question)
                        self._found[content] = known
                    if len(known) == SHOWN:
                        break
            except Exception:  # an index may be closed meanwhile; nobody is hurt
                _log.debug("no more suggestions", exc_info=True)
            with self._lock:
                self._open.discard(content)

    def _give_way(self) -> None:
        while self._busy():
            time.sleep(0.1)


def drawn(bot: Bot, first: Sequence[str] = ()) -> Iterator[str]:
    """Yield questions about the documents named first, then about some of the others."""
    ids = [entry.id for entry in bot.index.entries()]
    mine = [id for id in first if id in ids][-LOOKED:]
    others = [id for id in ids if id not in mine]
    if len(others) > LOOKED - len(mine):
        others = sorted(
            random.Random(0).sample(others, max(0, LOOKED - len(mine))), key=others.index
        )
    for group in (mine[::-1], others):
        passages = [p for id in group for p in bot.index.passages(id)[:PASSAGES]]
        yield from candidates(passages)


def answerable(
    bot: Bot, questions: Iterator[str], tries: int, give_way: Callable[[], None]
) -> Iterator[str]:
    """Yield those of the first `tries` questions that the reader is sure to answer."""
    for question, _ in zip(questions, range(tries), strict=False):
        give_way()
        try:
            reading = bot.read(question)
        except RagError:
            continue
        if reading.answerable >= ANSWERABLE and reading.confidence >= CONFIDENT:
            yield question


def following(
    bot: Bot, answer: Answer, asked: Sequence[str], give_way: Callable[[], None]
) -> tuple[str, ...]:
    """Return questions that what was found beside an answer's citations answers; none after a no.

    `asked` are the questions of the conversation so far.
    """
    if answer.abstained:
        return ()
    passages = [hit.passage for hit in answer.passages if not _cited(hit.passage, answer)]
    before = " ".join(asked).lower()
    fresh = (q for q in candidates(passages) if _subject(q).lower() not in before)
    found = answerable(bot, fresh, TRIED // 4, give_way)
    return tuple(question for question, _ in zip(found, range(FOLLOWING), strict=False))


def _cited(passage: Passage, answer: Answer) -> bool:
    return any(
        c.document == passage.document and c.start < passage.end and c.end > passage.start
        for c in answer.citations
    )


def _subject(question: str) -> str:
    """Return the last two words of a question: whom or what it is about."""
    return " ".join(question.rstrip("?").split()[-2:])
