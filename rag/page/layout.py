"""The page's parts and what happens between them: Gradio only, no HTML of its own.

Left the conversation (finished turns, then the one being made, then the box), right the source.
Every event but `chat` is private: the page uses it, the API description does not list it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr

from rag.errors import QuestionError, RagError
from rag.page import render, source
from rag.page.answering import Step, as_json, checked, converse
from rag.page.bot import Bot, Opening
from rag.page.examples import examples
from rag.page.sessions import Session, Sessions
from rag.settings import PageSettings

HEADER = (
    '<header class="rag-header"><h1>Ask the documents</h1>'
    "<p>Every answer cites the exact words it rests on.</p>"
    '<button type="button" class="rag-theme" data-theme-toggle="1" '
    'aria-label="Switch between light and dark">◐</button></header>'
)
KEYS = (
    '<p class="rag-keys"><kbd>Enter</kbd> asks · <kbd>Shift</kbd>+<kbd>Enter</kbd> new line · '
    "<kbd>Esc</kbd> stops · <kbd>/</kbd> to the box</p>"
)
PRIVATE: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
QUICK: dict[str, Any] = {**PRIVATE, "queue": False}
ONE_AT_A_TIME: dict[str, Any] = {"concurrency_limit": 1, "concurrency_id": "answer"}


class Conversation:
    """What the events of the page do. Stateless but for the sessions and the opening."""

    def __init__(self, opening: Opening, settings: PageSettings) -> None:
        self.opening = opening
        self.settings = settings
        self.sessions = Sessions()
        self._examples: tuple[str, ...] | None = None

    def session(self, request: gr.Request) -> Session:
        """Return the conversation of the tab a request comes from."""
        return self.sessions.get(request.session_hash)

    def examples(self) -> tuple[str, ...]:
        """Return the example questions, drawn once the pipeline is open."""
        bot = self.opening.bot
        if self._examples is None and bot is not None:
            self._examples = examples(bot.documents(), bot.index.passages())
        return self._examples or ()

    def transcript(self, session: Session) -> str:
        """Return the conversation so far, or the welcome when there is none."""
        bot = self.opening.bot
        documents = bot.documents() if bot else ()
        if session.turns:
            return render.transcript(session.turns, {d.id: d.title for d in documents})
        if session.stop is not None or session.pending:
            return render.transcript((), {})
        return render.welcome(self.opening.readiness, len(documents), self.examples())

    def arrive(self, request: gr.Request) -> tuple[str, Any]:
        """Show the state of the opening; stop asking once it is over."""
        waiting = self.opening.readiness.state == "loading"
        return self.transcript(self.session(request)), gr.Timer(active=waiting)

    def accept(self, text: str, request: gr.Request) -> tuple[Any, ...]:
        """Take a question from the box."""
        session = self.session(request)
        try:
            question = checked(text, self.settings.max_question_chars)
        except QuestionError as error:
            if text.strip():
                gr.Warning(f"{error.message} {error.hint}")
            return (gr.skip(),) * 8
        if not session.accept(question):
            return (gr.skip(),) * 8
        return ("", self.transcript(session), render.live(question, "", ""), *self.buttons(session))

    def answer(self, request: gr.Request) -> Iterator[tuple[Any, ...]]:
        """Answer the question that waits, showing how it goes."""
        session = self.session(request)
        yield (gr.skip(),) * 8  # a generator that yields nothing would empty its outputs
        for value in converse(self.opening, session):
            if isinstance(value, Step):
                shown = render.live(value.question, value.stage, value.draft)
                yield (gr.skip(), shown, gr.skip(), *(gr.skip(),) * 5)
            else:
                panel = self.cited(session, len(session.turns) - 1)
                yield (self.transcript(session), "", panel, *self.buttons(session))

    def stop(self, request: gr.Request) -> None:
        """Stop the answer being made."""
        self.session(request).halt()

    def retry(self, request: gr.Request) -> tuple[Any, ...]:
        """Ask the last question again."""
        session = self.session(request)
        return self.accept(session.undo(), request)

    def undo(self, request: gr.Request) -> tuple[Any, ...]:
        """Take the last turn back and put its question into the box."""
        session = self.session(request)
        question = session.undo()
        return (question, self.transcript(session), "", source.EMPTY, *self.buttons(session))

    def clear(self, request: gr.Request) -> tuple[Any, ...]:
        """Begin anew."""
        session = self.session(request)
        session.clear()
        return ("", self.transcript(session), "", source.EMPTY, *self.buttons(session))

    def select(self, event: gr.EventData, request: gr.Request) -> tuple[Any, ...]:
        """Act on a click in the conversation: an example, a citation or a retrieved passage."""
        session = self.session(request)
        chosen = event._data if isinstance(event._data, dict) else {}
        act = chosen.get("act")
        if act == "ask":
            number = _number(chosen.get("example"))
            known = self.examples()
            asked = known[number] if 0 <= number < len(known) else ""
            return (gr.skip(), *self.accept(asked, request))
        turn = _number(chosen.get("turn"))
        if act == "cite":
            panel = self.cited(session, turn, _number(chosen.get("marker")))
        else:
            panel = self.passage(session, turn, _number(chosen.get("rank")))
        return (panel, *(gr.skip(),) * 8)

    def cited(self, session: Session, turn: int, marker: int = 0) -> Any:
        """Return the panel with what a turn cites, at one of its markers (0: don't move)."""
        answer = session.turns[turn].answer if 0 <= turn < len(session.turns) else None
        bot = self.opening.bot
        if answer is None or bot is None or not answer.citations:
            return gr.skip() if marker else source.EMPTY
        marks: dict[str, list[source.Mark]] = {}
        for c in answer.citations:
            mark = source.Mark(c.start, c.end, f"rag-cite-{turn}-{c.marker}", str(c.marker))
            marks.setdefault(c.document, []).append(mark)
        focus = f"rag-cite-{turn}-{marker}" if marker else ""
        return source.panel([(bot.document(id), m) for id, m in marks.items()], turn, focus)

    def passage(self, session: Session, turn: int, rank: int) -> Any:
        """Return the panel with one retrieved passage of a turn."""
        answer = session.turns[turn].answer if 0 <= turn < len(session.turns) else None
        bot = self.opening.bot
        if answer is None or bot is None or not 0 <= rank < len(answer.passages):
            return gr.skip()
        hit = answer.passages[rank]
        mark = source.Mark(hit.start, hit.end, f"rag-passage-{turn}-{rank}")
        return source.panel([(bot.document(hit.document), [mark])], turn, mark.anchor)

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
            question = checked(str(message), self.settings.max_question_chars)
            past = [(str(q), str(a)) for q, a in (history or [])][-20:]
            bot: Bot | None = self.opening.wait()
            if bot is None:
                raise RagError("Stopped.")
            return as_json(bot.ask(question, past))
        except RagError as error:
            raise gr.Error(f"{error.message} {error.hint}".strip(), print_exception=False) from None


def _number(value: object) -> int:
    """Return a whole number sent by a browser; -1 for anything else."""
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else -1


SELECT = """
element.addEventListener('click', (event) => {
  const button = event.target.closest('[data-act]');
  if (button && element.contains(button) && !window.ragPage.jump(button))
    trigger('select', {...button.dataset});
});
"""
WATCH = "watch('value', () => window.ragPage.arrived(element));"


def blocks(talk: Conversation) -> gr.Blocks:
    """Return the page, wired."""
    limit = talk.settings.max_question_chars
    with gr.Blocks(title="Ask the documents", analytics_enabled=False, fill_width=True) as page:
        gr.HTML(HEADER, elem_id="rag-top", js_on_load=None, apply_default_css=False)
        with gr.Row(elem_id="rag-main"):
            with gr.Column(elem_id="rag-chat"):
                log = gr.HTML(
                    talk.transcript(Session()),
                    elem_id="rag-log",
                    js_on_load=SELECT,
                    apply_default_css=False,
                )
                live = gr.HTML("", elem_id="rag-live", js_on_load=None, apply_default_css=False)
                with gr.Column(elem_id="rag-composer"):
                    with gr.Row(elem_id="rag-ask"):
                        box = gr.Textbox(
                            label="Your question",
                            show_label=False,
                            placeholder="Ask a question…",
                            lines=1,
                            max_lines=6,
                            max_length=limit,
                            autofocus=True,
                            container=False,
                            elem_id="rag-box",
                        )
                        ask = gr.Button("Ask", variant="primary", elem_id="rag-send")
                        stop = gr.Button("Stop", visible=False, elem_id="rag-stop")
                    with gr.Row(elem_id="rag-tools"):
                        retry = gr.Button("Retry", interactive=False, elem_id="rag-retry")
                        undo = gr.Button("Undo", interactive=False, elem_id="rag-undo")
                        clear = gr.Button("Clear", interactive=False, elem_id="rag-clear")
                        gr.HTML(KEYS, elem_id="rag-keys", js_on_load=None, apply_default_css=False)
            with gr.Column(elem_id="rag-side"):
                panel = gr.HTML(
                    source.EMPTY, elem_id="rag-sources", js_on_load=WATCH, apply_default_css=False
                )
        tick = gr.Timer(0.5)

        tools = [ask, stop, retry, undo, clear]
        taken = [box, log, live, *tools]
        made: dict[str, Any] = {
            "fn": talk.answer,
            "outputs": [log, live, panel, *tools],
            **PRIVATE,
            **ONE_AT_A_TIME,
        }
        page.load(talk.arrive, None, [log, tick], **QUICK)
        tick.tick(talk.arrive, None, [log, tick], **QUICK)
        gr.on([box.submit, ask.click], talk.accept, [box], taken, **QUICK).then(**made)
        log.select(talk.select, None, [panel, *taken], **QUICK).then(**made)
        retry.click(talk.retry, None, taken, **QUICK).then(**made)
        stop.click(talk.stop, None, None, **QUICK)
        undo.click(talk.undo, None, [box, log, live, panel, *tools], **QUICK)
        clear.click(talk.clear, None, [box, log, live, panel, *tools], **QUICK)
        page.unload(talk.stop)
        gr.api(talk.chat, api_name="chat", **ONE_AT_A_TIME)
    page.queue(api_open=False, max_size=talk.settings.queue_size, default_concurrency_limit=1)
    return page
