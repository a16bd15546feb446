"""What happens in the conversation: a question is taken, answered, stopped, tried again, undone.

Events of the page as methods; the parts they fill are named in `layout`. No HTML here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr

from rag.errors import QuestionError, RagError
from rag.page import render, source
from rag.page.answering import Step, as_json, checked, converse
from rag.page.bot import Bot
from rag.page.examples import examples
from rag.page.library import name_of
from rag.page.sessions import Session
from rag.page.sources import Sources, number
from rag.page.state import State


class Conversation:
    """The events of the conversation."""

    def __init__(self, state: State, sources: Sources) -> None:
        self.state = state
        self.sources = sources
        self._examples: tuple[str, ...] | None = None

    def examples(self) -> tuple[str, ...]:
        """Return the example questions, drawn once the pipeline is open."""
        bot = self.state.opening.bot
        if self._examples is None and bot is not None:
            documents = [bot.document(entry.id) for entry in bot.index.entries()]
            self._examples = examples(documents, bot.index.passages())
        return self._examples or ()

    def transcript(self, session: Session, bot: Bot | None) -> str:
        """Return the conversation so far, or the welcome when there is none."""
        entries = bot.index.entries() if bot else ()
        if session.turns:
            return render.transcript(session.turns, {e.id: name_of(e) for e in entries})
        if session.stop is not None or session.pending:
            return render.transcript((), {})
        return render.welcome(self.state.opening.readiness, len(entries), self.examples())

    def arrive(self, request: gr.Request) -> tuple[Any, Any]:
        """Show the state of the opening; stop asking once it is over."""
        waiting = self.state.opening.readiness.state == "loading"
        return self.welcome(request), gr.Timer(active=waiting)

    def welcome(self, request: gr.Request) -> Any:
        """Return the log anew where nothing was asked yet."""
        session, bot = self.state.session(request), self.state.bot(request)
        return gr.skip() if session.turns else self.transcript(session, bot)

    def accept(self, text: str, request: gr.Request) -> tuple[Any, ...]:
        """Take a question from the box."""
        session = self.state.session(request)
        try:
            question = checked(text, self.state.settings.max_question_chars)
        except QuestionError as error:
            if text.strip():
                gr.Warning(f"{error.message} {error.hint}")
            return (gr.skip(),) * 8
        if not session.accept(question):
            return (gr.skip(),) * 8
        log = self.transcript(session, self.state.bot(request))
        return ("", log, render.live(question, "", ""), *self.buttons(session))

    def answer(self, request: gr.Request) -> Iterator[tuple[Any, ...]]:
        """Answer the question that waits, showing how it goes."""
        session = self.state.session(request)
        yield (gr.skip(),) * 8  # a generator that yields nothing would empty its outputs
        visitor = self.state.visitor(request)
        for value in converse(self.state.opening, session, visitor.over):
            if isinstance(value, Step):
                shown = render.live(value.question, value.stage, value.draft)
                yield (gr.skip(), shown, gr.skip(), *(gr.skip(),) * 5)
            else:
                bot = self.state.bot(request)
                panel = self.sources.cited(bot, session, len(session.turns) - 1)
                yield (self.transcript(session, bot), "", panel, *self.buttons(session))

    def stop(self, request: gr.Request) -> None:
        """Stop the answer being made."""
        self.state.session(request).halt()

    def retry(self, request: gr.Request) -> tuple[Any, ...]:
        """Ask the last question again."""
        session = self.state.session(request)
        return self.accept(session.undo(), request)

    def undo(self, request: gr.Request) -> tuple[Any, ...]:
        """Take the last turn back and put its question into the box."""
        session = self.state.session(request)
        question = session.undo()
        return (question, *self.emptied(session, request))

    def clear(self, request: gr.Request) -> tuple[Any, ...]:
        """Begin anew."""
        session = self.state.session(request)
        session.clear()
        return ("", *self.emptied(session, request))

    def emptied(self, session: Session, request: gr.Request) -> tuple[Any, ...]:
        """Return the log as it is, with nothing being made and no source beside it."""
        log = self.transcript(session, self.state.bot(request))
        return (log, "", source.EMPTY, *self.buttons(session))

    def select(self, event: gr.EventData, request: gr.Request) -> tuple[Any, ...]:
        """Act on a click in the conversation: an example, a citation or a retrieved passage."""
        session = self.state.session(request)
        chosen = event._data if isinstance(event._data, dict) else {}
        act = chosen.get("act")
        if act == "ask":
            which, known = number(chosen.get("example")), self.examples()
            asked = known[which] if 0 <= which < len(known) else ""
            return (gr.skip(), *self.accept(asked, request))
        turn, bot = number(chosen.get("turn")), self.state.bot(request)
        if act == "cite":
            panel = self.sources.cited(bot, session, turn, number(chosen.get("marker")))
        else:
            panel = self.sources.passage(bot, session, turn, number(chosen.get("rank")))
        return (panel, *(gr.skip(),) * 8)

    def buttons(self, session: Session) -> tuple[Any, ...]:
        """Return the states of ask, stop, retry, undo and clear."""
        busy = session.stop is not None or session.pending is not None
        again = bool(session.turns) and not busy
        return (
            gr.Button(visible=not busy),
            gr.Button(visible=busy),
            gr.Button(interactive=again),
            gr.Button(interactive=again),
            gr.Button(interactive=bool(session.turns) or busy),
        )

    def chat(self, message: str, history: list[list[str]] | None = None) -> dict[str, Any]:
        """Answer one question; `history` is a list of [question, answer], oldest first."""
        try:
            question = checked(str(message), self.state.settings.max_question_chars)
            past = [(str(q), str(a)) for q, a in (history or [])][-20:]
            bot: Bot | None = self.state.opening.wait()
            if bot is None:
                raise RagError("Stopped.")
            return as_json(bot.ask(question, past))
        except RagError as error:
            raise gr.Error(f"{error.message} {error.hint}".strip(), print_exception=False) from None
