"""What the source panel shows: what a turn cites, a passage found, a document of the library.

What a tab shows is kept with its session, so that a click (more of a document, another citation)
names things by number and never by text of the browser's.
"""

from __future__ import annotations

from typing import Any

import gradio as gr

from rag.page import source
from rag.page.bot import Bot
from rag.page.highlights import Highlight
from rag.page.sessions import Session, View
from rag.page.state import State
from rag.types import Document


class Sources:
    """The events of the source panel."""

    def __init__(self, state: State) -> None:
        self.state = state

    def cited(self, bot: Bot | None, session: Session, turn: int, marker: int = 0) -> Any:
        """Return the panel with what a turn cites, at one of its markers (0: don't move)."""
        answer = session.turns[turn].answer if 0 <= turn < len(session.turns) else None
        if answer is None or bot is None or not answer.citations:
            return gr.skip() if marker else source.EMPTY
        marks: dict[str, list[Highlight]] = {}
        for c in answer.citations:
            mark = Highlight(c.start, c.end, f"rag-cite-{turn}-{c.marker}", str(c.marker))
            marks.setdefault(c.document, []).append(mark)
        view = View(tuple((id, tuple(found)) for id, found in marks.items()), turn)
        return self.show(bot, session, view, f"rag-cite-{turn}-{marker}" if marker else "")

    def passage(self, bot: Bot | None, session: Session, turn: int, rank: int) -> Any:
        """Return the panel with one retrieved passage of a turn."""
        answer = session.turns[turn].answer if 0 <= turn < len(session.turns) else None
        if answer is None or bot is None or not 0 <= rank < len(answer.passages):
            return gr.skip()
        hit = answer.passages[rank]
        mark = Highlight(hit.start, hit.end, f"rag-passage-{turn}-{rank}")
        return self.show(bot, session, View(((hit.document, (mark,)),), turn), mark.anchor)

    def found(self, bot: Bot | None, session: Session, rank: int) -> Any:
        """Return the panel with one passage that the library's search found."""
        if bot is None or not 0 <= rank < len(session.found):
            return gr.skip()
        passage = session.found[rank]
        mark = Highlight(passage.start, passage.end, f"rag-found-{rank}")
        return self.show(bot, session, View(((passage.document, (mark,)),)), mark.anchor)

    def document(self, bot: Bot | None, session: Session, id: str) -> Any:
        """Return the panel with one document, from its beginning."""
        if bot is None:
            return gr.skip()
        return self.show(bot, session, View(((id, ()),)))

    def select(self, event: gr.EventData, request: gr.Request) -> Any:
        """Act on a click in the panel: show more of a document."""
        chosen = event._data if isinstance(event._data, dict) else {}
        session, bot = self.state.session(request), self.state.bot(request)
        first, which = number(chosen.get("from")), number(chosen.get("document"))
        if bot is None or chosen.get("act") != "more" or min(first, which) < 0:
            return gr.skip()
        more = {(which, first + n) for n in range(source.MORE)}
        view = View(session.view.documents, session.view.turn, session.view.extra | more)
        return self.show(bot, session, view, f"rag-paragraph-{which}-{first + 1}")

    def show(self, bot: Bot, session: Session, view: View, focus: str = "") -> str:
        """Return the panel for a view and keep it; documents that are gone are left out."""
        there = [(found, marks) for id, marks in view.documents if (found := _document(bot, id))]
        session.view = view
        if not there:
            return source.GONE
        session.shown += 1
        return source.panel(there, view.turn, focus, view.extra, session.shown)


def _document(bot: Bot, id: str) -> Document | None:
    try:
        return bot.document(id)
    except KeyError:
        return None


def number(value: object) -> int:
    """Return a whole number sent by a browser; -1 for anything else."""
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else -1
