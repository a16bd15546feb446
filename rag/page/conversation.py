"""What happens in the conversation: a question is taken, answered, stopped, tried again, undone.

Events of the page as methods that return what the parts of the page become; `layout` names the
parts. No HTML here.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import gradio as gr

from rag.errors import QuestionError, RagError
from rag.page import export, greeting, render, source
from rag.page.answering import Step, checked, converse
from rag.page.bot import Bot
from rag.page.preferences import Preferences
from rag.page.saved import packed, unpacked
from rag.page.sessions import Session
from rag.page.sources import Sources, number
from rag.page.state import State
from rag.page.suggestions import following
from rag.public import answer_keys

TAKEN = 9
"""Parts that taking a question changes: box, log, live, next, and five buttons."""
KEPT_WAITING = 10.0
"""Seconds that looking for a follow-up waits for others' answers before it is given up."""


class Conversation:
    """The events of the conversation."""

    def __init__(self, state: State, sources: Sources) -> None:
        self.state = state
        self.sources = sources

    def transcript(self, session: Session, request: gr.Request | None = None) -> str:
        """Return the conversation so far, or the welcome when there is none."""
        if session.turns:
            bot = self.state.bot(request) if request else None
            entries = bot.index.entries() if bot else ()
            return render.transcript(session.turns, {entry.id: entry for entry in entries})
        if session.stop is not None or session.pending:
            return render.transcript((), {})
        return self._greeted(session, request)[0]

    def welcome(self, request: gr.Request) -> tuple[Any, bool]:
        """Return the log anew where nothing was asked yet and it says something new.

        And whether it will say more in a moment: models load, or questions are looked for.
        """
        session = self.state.session(request)
        if session.turns or session.stop is not None or session.pending:
            return gr.skip(), self.state.opening.readiness.state == "loading"
        shown, more = self._greeted(session, request)
        if shown == session.greeting:
            return gr.skip(), more
        session.greeting = shown
        return shown, more

    def _greeted(self, session: Session, request: gr.Request | None) -> tuple[str, bool]:
        """Return the welcome, and whether what it says is on the way to something else.

        Both from one look at what changes meanwhile: a second look could find done what the
        first has just shown as going on, and nobody would come back to say so.
        """
        readiness = self.state.opening.readiness  # first: once it is ready, the bot is there
        bot = self.state.bot(request) if request else None
        looking = False
        if bot is not None and request is not None:
            own = [id for one in self.state.visitor(request).uploads for id in one.documents]
            session.offered, looking = self.state.suggestions.of(bot, own)
        documents = len(bot.index.entries()) if bot else 0
        shown = greeting.welcome(readiness, documents, session.offered, looking=looking)
        return shown, looking or readiness.state == "loading"

    def restore(self, kept: Any, request: gr.Request) -> bool:
        """Take up the conversation the browser kept, once, when the pipeline can check it."""
        session, bot = self.state.session(request), self.state.bot(request)
        if session.restored or bot is None:
            return False
        turns, preferences = unpacked(kept, bot)
        visitor = self.state.visitor(request)
        if visitor.preferences == Preferences():
            visitor.preferences = preferences
        return session.restore(turns) and bool(turns)

    def accept(self, text: str, request: gr.Request) -> tuple[Any, ...]:
        """Take a question from the box."""
        session = self.state.session(request)
        try:
            question = checked(text, self.state.settings.max_question_chars)
        except QuestionError as error:
            if text.strip():
                gr.Warning(f"{error.message} {error.hint}")
            return (gr.skip(),) * TAKEN
        if not session.accept(question):
            return (gr.skip(),) * TAKEN
        log = self.transcript(session, request)
        return ("", log, render.live(question, "", ""), "", *self.buttons(session))

    def answer(self, request: gr.Request) -> Iterator[tuple[Any, ...]]:
        """Answer the question that waits, showing how it goes."""
        session, visitor = self.state.session(request), self.state.visitor(request)
        yield (gr.skip(),) * 9  # a generator that yields nothing would empty its outputs
        for value in converse(self.state.opening, session, visitor.over):
            if isinstance(value, Step):
                shown = render.live(value.question, value.stage, value.draft)
                yield (gr.skip(), shown, *(gr.skip(),) * 7)
            else:
                bot = self.state.bot(request)
                panel = self.sources.cited(bot, session, len(session.turns) - 1)
                log = self.transcript(session, request)
                yield (log, "", panel, self.kept(request), *self.buttons(session))

    def follow(self, request: gr.Request) -> str:
        """Return questions to go on with, once the answer is there; nothing when others wait."""
        session, bot = self.state.session(request), self.state.bot(request)
        turns = session.turns
        if bot is None or not turns or turns[-1].answer is None or session.stop is not None:
            return ""
        until = time.monotonic() + KEPT_WAITING

        def give_way() -> None:
            while self.state.answering() and time.monotonic() < until:
                time.sleep(0.1)
            busy = self.state.answering() or self.state.ingest.busy
            if busy or session.turns is not turns:
                raise RagError("Others come first.")

        try:
            found = following(bot, turns[-1].answer, [t.question for t in turns], give_way)
        except RagError:
            return ""
        if session.turns is not turns or session.pending or session.stop is not None:
            return ""
        session.following = found
        return greeting.follow_ups(found)

    def stop(self, request: gr.Request) -> None:
        """Stop the answer being made."""
        self.state.session(request).halt()

    def retry(self, request: gr.Request) -> tuple[Any, ...]:
        """Ask the last question again."""
        return self.accept(self.state.session(request).undo(), request)

    def undo(self, request: gr.Request) -> tuple[Any, ...]:
        """Take the last turn back and put its question into the box."""
        session = self.state.session(request)
        return (session.undo(), *self.emptied(session, request))

    def clear(self, request: gr.Request) -> tuple[Any, ...]:
        """Begin anew."""
        session = self.state.session(request)
        session.clear()
        return ("", *self.emptied(session, request))

    def emptied(self, session: Session, request: gr.Request) -> tuple[Any, ...]:
        """Return the log as it is, with nothing being made and no source beside it."""
        log, kept = self.transcript(session, request), self.kept(request)
        return (log, "", "", source.EMPTY, kept, *self.buttons(session))

    def select(self, event: gr.EventData, request: gr.Request) -> tuple[Any, ...]:
        """Act on a click in the conversation: a question, a citation, a passage, a vote."""
        session, bot = self.state.session(request), self.state.bot(request)
        chosen = event._data if isinstance(event._data, dict) else {}
        act, turn = chosen.get("act"), number(chosen.get("turn"))
        if act in ("ask", "next"):
            which = number(chosen.get("example"))
            known = session.offered if act == "ask" else session.following
            asked = known[which] if 0 <= which < len(known) else ""
            return (gr.skip(), gr.skip(), *self.accept(asked, request))
        panel, kept = gr.skip(), gr.skip()
        if act == "cite":
            panel = self.sources.cited(bot, session, turn, number(chosen.get("marker")))
        elif act == "passage":
            panel = self.sources.passage(bot, session, turn, number(chosen.get("rank")))
        elif act == "vote" and bot is not None:
            self.vote(session, turn, str(chosen.get("vote")), bot)
            kept = self.kept(request)
        return (panel, kept, *(gr.skip(),) * TAKEN)

    def vote(self, session: Session, turn: int, vote: str, bot: Bot) -> None:
        """Keep what the visitor thinks of an answer; the same vote again takes it back."""
        before = session.turns[turn].vote if 0 <= turn < len(session.turns) else ""
        if vote not in ("up", "down"):
            return
        voted = session.vote(turn, "" if vote == before else vote)
        if voted is None:
            return
        try:
            self.state.feedback.store(voted, bot)
        except RagError as error:
            session.vote(turn, before)
            gr.Warning(f"{error.message} {error.hint}".strip())

    def kept(self, request: gr.Request) -> dict[str, Any]:
        """Return what the visitor's browser keeps of this conversation."""
        visitor, session = self.state.visitor(request), self.state.session(request)
        return packed(session.turns, visitor.preferences)

    def export(self, event: gr.EventData, request: gr.Request) -> str:
        """Return the conversation as a file, for the browser to save."""
        chosen = event._data if isinstance(event._data, dict) else {}
        turns = self.state.session(request).turns
        bot = self.state.bot(request)
        entries = {entry.id: entry for entry in bot.index.entries()} if bot else {}
        names = {id: render.name_of(entries, id) for id in entries}
        if chosen.get("kind") == "json":
            return render.carried("conversation.json", export.rows(turns, names))
        return render.carried("conversation.md", export.markdown(turns, names))

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
            return answer_keys(bot.ask(question, past))
        except RagError as error:
            raise gr.Error(f"{error.message} {error.hint}".strip(), print_exception=False) from None
