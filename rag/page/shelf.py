"""What happens in the library: files come in, are searched, opened and deleted."""

from __future__ import annotations

from typing import Any

import gradio as gr

from rag.errors import RagError
from rag.page import library
from rag.page.sessions import Session
from rag.page.sources import Sources, number
from rag.page.state import State

FOUND = 12
"""Passages a search shows."""


class Shelf:
    """The events of the library."""

    def __init__(self, state: State, sources: Sources) -> None:
        self.state = state
        self.sources = sources

    def look(self, query: str, request: gr.Request) -> tuple[Any, ...]:
        """Show the files and the documents as they are now; go on looking while files come in."""
        visitor = self.state.visitor(request)
        files = library.files(visitor.uploads)
        return files, self.documents(query, request), gr.Timer(active=visitor.busy)

    def follow(self, request: gr.Request) -> tuple[Any, ...]:
        """Show how far the files are; leave the documents as they are."""
        return library.files(self.state.visitor(request).uploads), gr.skip(), gr.skip()

    def documents(self, query: str, request: gr.Request) -> str:
        """Return the list of documents, or what a search finds."""
        session, bot = self.state.session(request), self.state.bot(request)
        if bot is None:
            return ""
        entries = bot.index.entries()
        session.listed = tuple(entry.id for entry in entries)
        query = " ".join(query.split())[: self.state.settings.max_question_chars]
        if not query:
            return library.books(entries, self.state.visitor(request).uploads)
        named = [
            position
            for position, entry in enumerate(entries)
            if query.lower() in f"{library.name_of(entry)} {entry.source}".lower()
        ]
        session.found = tuple(passage for passage, _ in bot.index.lexical(query, FOUND))
        names = {entry.id: library.name_of(entry) for entry in entries}
        return library.results(query, entries, named[:FOUND], session.found, names)

    def select(self, query: str, event: gr.EventData, request: gr.Request) -> tuple[Any, ...]:
        """Act on a click: open a document or a passage, or delete a file."""
        session, bot = self.state.session(request), self.state.bot(request)
        chosen = event._data if isinstance(event._data, dict) else {}
        which = number(chosen.get("number"))
        act = chosen.get("act")
        if act == "remove":
            removed = self.remove(number(chosen.get("upload")), request)
            panel: Any = gr.skip()
            if bot is not None and any(id in removed for id, _ in session.view.documents):
                bot = self.state.bot(request) or bot
                panel = self.sources.show(bot, session, session.view)
            return (panel, *self.look(query, request)[:2])
        panel = gr.skip()
        if act == "own":
            panel = self.own(session, number(chosen.get("upload")), request)
        elif act == "passage":
            panel = self.sources.found(bot, session, which)
        elif act == "open" and 0 <= which < len(session.listed):
            panel = self.sources.document(bot, session, session.listed[which])
        return panel, gr.skip(), gr.skip()

    def own(self, session: Session, upload: int, request: gr.Request) -> Any:
        """Return the panel with the (first) document of a visitor's file."""
        for one in self.state.visitor(request).uploads:
            if one.number == upload and one.documents:
                return self.sources.document(self.state.bot(request), session, one.documents[0])
        return gr.skip()

    def remove(self, upload: int, request: gr.Request) -> tuple[str, ...]:
        """Delete one of the visitor's files; return the documents that went with it."""
        try:
            removed = self.state.visitor(request).remove(upload)
        except RagError:
            gr.Warning("It cannot be deleted just now; try again in a moment.")
            return ()
        return removed.documents if removed else ()
