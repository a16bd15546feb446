"""Conversations, one a browser tab: their turns, the question that waits, and how to stop it.

Kept on the server, so that nothing a browser sends can forge a past answer. Values in, values out;
no HTML and no Gradio here. The number of sessions and of turns in each is bounded.
"""

from __future__ import annotations

import re
import secrets
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from rag.page.highlights import Highlight
from rag.types import Answer, Passage

MAX_SESSIONS = 256
MAX_TURNS = 50
HISTORY_TURNS = 6
"""How many past turns are handed to the pipeline for follow-up questions."""

_MARKER = re.compile(r"\s*\[\d+\]")


@dataclass(frozen=True, slots=True)
class Turn:
    """One question and what became of it: an answer, or a stopped draft, or an error.

    `vote` is what the visitor thought of it ("up", "down" or ""); `restored` says that it came back
    from his browser; `id` tells it from all others.
    """

    question: str
    answer: Answer | None = None
    draft: str = ""
    error: str = ""
    hint: str = ""
    vote: str = ""
    restored: bool = False
    id: str = field(default_factory=lambda: secrets.token_hex(8), compare=False)


def plain(text: str) -> str:
    """Return an answer's text without its `[1]` markers."""
    return _MARKER.sub("", text).strip()


@dataclass(frozen=True, slots=True)
class View:
    """What the source panel shows: documents by id with their highlights, for one turn.

    `turn` is -1 for a document opened from the library. `extra` are (document, paragraph) numbers
    shown beyond those near a highlight.
    """

    documents: tuple[tuple[str, tuple[Highlight, ...]], ...] = ()
    turn: int = -1
    extra: frozenset[tuple[int, int]] = frozenset()


@dataclass(slots=True)
class Session:
    """A conversation. Only `Sessions` makes them; change them through the methods.

    `greeting` is the welcome shown last, `offered` are questions to begin with and `following` to
    go on with, `listed` the documents of the library and `found` the passages of its search, `view`
    what the source panel shows, for the `shown`th time: all as this tab shows them now, so that a
    click names them by number.
    """

    turns: tuple[Turn, ...] = ()
    pending: str | None = None
    stop: threading.Event | None = None
    restored: bool = False
    greeting: str = ""
    offered: tuple[str, ...] = ()
    following: tuple[str, ...] = ()
    listed: tuple[str, ...] = ()
    found: tuple[Passage, ...] = ()
    view: View = View()
    shown: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def accept(self, question: str) -> bool:
        """Take a question to be answered next; False while another one is being answered."""
        with self.lock:
            if self.stop is not None:
                return False
            self.pending = question
            return True

    def begin(self) -> tuple[str, threading.Event] | None:
        """Claim the pending question and the event that stops its answer; None when none waits."""
        with self.lock:
            if self.pending is None or self.stop is not None:
                return None
            question, self.pending = self.pending, None
            self.stop = threading.Event()
            return question, self.stop

    def finish(self, turn: Turn | None) -> None:
        """Add the finished turn, if any, and be free for the next question."""
        with self.lock:
            if turn is not None:
                self.turns = (*self.turns, turn)[-MAX_TURNS:]
            self.stop = None

    def halt(self) -> None:
        """Stop the answer being made and forget a question that waits."""
        with self.lock:
            self.pending = None
            if self.stop is not None:
                self.stop.set()

    def undo(self) -> str:
        """Drop the last turn and return its question ("" when there is none)."""
        with self.lock:
            if not self.turns or self.stop is not None:
                return ""
            question = self.turns[-1].question
            self.turns = self.turns[:-1]
            return question

    def clear(self) -> None:
        """Stop, and forget every turn."""
        self.halt()
        with self.lock:
            self.turns = ()

    def vote(self, number: int, vote: str) -> Turn | None:
        """Set what the visitor thinks of an answered turn; None when there is no such turn."""
        with self.lock:
            if not 0 <= number < len(self.turns) or self.turns[number].answer is None:
                return None
            voted = replace(self.turns[number], vote=vote)
            self.turns = (*self.turns[:number], voted, *self.turns[number + 1 :])
            return voted

    def restore(self, turns: Sequence[Turn]) -> bool:
        """Begin with turns of an earlier visit; False when something was asked already."""
        with self.lock:
            self.restored = True
            if self.turns or self.stop is not None or self.pending is not None:
                return False
            self.turns = tuple(turns)[-MAX_TURNS:]
            return True

    def history(self) -> list[tuple[str, str]]:
        """Return the latest answered turns as (question, answer without markers)."""
        answered = [(t.question, plain(t.answer.text)) for t in self.turns if t.answer]
        return answered[-HISTORY_TURNS:]


class Sessions:
    """Conversations by session id; the least recently used is dropped when there are too many."""

    def __init__(self) -> None:
        self._sessions: OrderedDict[str, Session] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def answering(self) -> bool:
        """Whether any answer is being made."""
        with self._lock:
            return any(session.stop is not None for session in self._sessions.values())

    def drop(self, start: str) -> None:
        """Stop and forget the sessions whose id begins so."""
        with self._lock:
            dropped = [id for id in self._sessions if id.startswith(start)]
            stopping = [self._sessions.pop(id) for id in dropped]
        for session in stopping:
            session.halt()

    def get(self, id: str | None) -> Session:
        """Return the session of that id, new when it is not known."""
        key = id or ""
        with self._lock:
            session = self._sessions.setdefault(key, Session())
            self._sessions.move_to_end(key)
            while len(self._sessions) > MAX_SESSIONS:
                _, dropped = self._sessions.popitem(last=False)
                dropped.halt()
            return session
