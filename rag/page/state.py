"""What all events of the page share: the opening, conversations, visitors and their uploads."""

from __future__ import annotations

import gradio as gr

from rag.page.bot import Bot, Opening
from rag.page.feedback import Feedback
from rag.page.ingest import Ingest
from rag.page.sessions import Session, Sessions
from rag.page.suggestions import Suggestions
from rag.page.visitors import Visitor, Visitors, token_of
from rag.settings import PageSettings


class State:
    """Everything that outlives a request."""

    def __init__(self, opening: Opening, settings: PageSettings) -> None:
        self.opening = opening
        self.settings = settings
        self.sessions = Sessions()
        self.visitors = Visitors(settings)
        self.ingest = Ingest(opening, self.answering)
        self.suggestions = Suggestions(lambda: self.answering() or self.ingest.busy)
        self.feedback = Feedback(settings.data)

    def answering(self) -> bool:
        """Whether any visitor's question is being answered."""
        return self.sessions.answering

    def session(self, request: gr.Request) -> Session:
        """Return the conversation of the tab a request comes from."""
        return self.sessions.get(f"{_token(request)}:{_tab(request)}")

    def visitor(self, request: gr.Request) -> Visitor:
        """Return who a request comes from."""
        return self.visitors.enter(_token(request), _tab(request))

    def leave(self, request: gr.Request) -> None:
        """Note that a tab was closed (or cut off for a while), and stop what it asked."""
        self.session(request).halt()
        self.visitors.leave(_token(request), _tab(request))

    def sweep(self) -> None:
        """Delete what visitors who left, or are idle, have left behind."""
        for token in self.visitors.sweep():
            self.sessions.drop(f"{token}:")

    def bot(self, request: gr.Request) -> Bot | None:
        """Return the bot that answers this visitor; None while the pipeline opens."""
        base = self.opening.bot
        return None if base is None else self.visitor(request).over(base)


def _tab(request: gr.Request) -> str:
    return str(request.session_hash or "")


def _token(request: gr.Request) -> str:
    """Return the visitor's token; who has none is a visitor of one tab."""
    return token_of(request.headers.get("cookie") or "") or f"tab-{_tab(request)}"
