"""The page's parts and how they are wired: the framework's components only, no HTML of texts.

Left the conversation (finished turns, then the one being made, then the box), right the library or
the source. Every event but `chat` is private: the page uses it, the API description does not list
it.
"""

from __future__ import annotations

from typing import Any

import gradio as gr

from rag.page import source
from rag.page.conversation import Conversation
from rag.page.drawer import Drawer
from rag.page.furniture import EXPORT, HEADER, KEYS, TABS, add_files
from rag.page.sessions import Session
from rag.page.shelf import Shelf
from rag.page.sources import Sources
from rag.page.state import State

PRIVATE: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
QUICK: dict[str, Any] = {**PRIVATE, "queue": False}
ONE_AT_A_TIME: dict[str, Any] = {"concurrency_limit": 1, "concurrency_id": "answer"}

SELECT = """
element.addEventListener('click', (event) => {
  const button = event.target.closest('[data-act]');
  if (button && element.contains(button) && !window.ragPage.jump(button))
    trigger('select', {...button.dataset});
});
"""
WATCH = SELECT + "watch('value', () => window.ragPage.arrived(element));"
FILES = SELECT + "watch('value', () => window.ragPage.filed(element));"
CARRY = "watch('value', () => window.ragPage.save(element));"
SENT = "document.addEventListener('rag-sent', () => trigger('upload', {}));"


class Page:
    """The components of the page, made inside a `gr.Blocks`, and the events that join them."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.sources = Sources(state)
        self.talk = Conversation(state, self.sources)
        self.shelf = Shelf(state, self.sources)
        self.drawer = Drawer(state)

    def make(self) -> None:
        """Make every component, in the order in which they stand."""
        _html(HEADER, "rag-top")
        with gr.Row(elem_id="rag-main"):
            with gr.Column(elem_id="rag-chat"):
                self._conversation()
            with gr.Column(elem_id="rag-side"):
                self._side()
        self.drawer.make()
        self.carry = _html("", "rag-carry", CARRY)
        self.kept = gr.BrowserState(None, storage_key="rag-conversation", secret="rag")
        self.tick = gr.Timer(0.5)
        self.watch = gr.Timer(0.5, active=False)

    def _conversation(self) -> None:
        self.log = _html(self.talk.transcript(Session()), "rag-log", SELECT)
        self.live = _html("", "rag-live")
        self.next = _html("", "rag-next", SELECT)
        with gr.Column(elem_id="rag-composer"):
            with gr.Row(elem_id="rag-ask"):
                self.box = gr.Textbox(
                    label="Your question",
                    show_label=False,
                    placeholder="Ask a question…",
                    lines=1,
                    max_lines=6,
                    max_length=self.state.settings.max_question_chars,
                    autofocus=True,
                    container=False,
                    elem_id="rag-box",
                )
                self.ask = gr.Button("Ask", variant="primary", elem_id="rag-send")
                self.stop = gr.Button("Stop", visible=False, elem_id="rag-stop")
            with gr.Row(elem_id="rag-tools"):
                self.retry = gr.Button("Retry", interactive=False, elem_id="rag-retry")
                self.undo = gr.Button("Undo", interactive=False, elem_id="rag-undo")
                self.clear = gr.Button("Clear", interactive=False, elem_id="rag-clear")
                self.export = _html(EXPORT, "rag-export", SELECT)
                _html(KEYS, "rag-keys")

    def _side(self) -> None:
        _html(TABS, "rag-tabs")
        with gr.Column(elem_id="rag-library"):
            self.query = gr.Textbox(
                label="Search the documents",
                show_label=False,
                placeholder="Search the documents…",
                max_length=200,
                container=False,
                elem_id="rag-search",
            )
            self.files = _html("", "rag-files", FILES)
            self.add = _html(add_files(self.state.settings), "rag-add", SENT)
            self.books = _html("", "rag-books", SELECT)
        self.panel = _html(source.EMPTY, "rag-sources", WATCH)

    def wire(self, page: gr.Blocks) -> None:
        """Join the components by events."""
        self._wire_opening(page)
        self._wire_conversation()
        self._wire_library()
        self.drawer.wire(self.talk.kept, self.kept)
        page.unload(self.state.leave)
        gr.api(self.talk.chat, api_name="chat", **ONE_AT_A_TIME)

    def _wire_opening(self, page: gr.Blocks) -> None:
        tools = [self.ask, self.stop, self.retry, self.undo, self.clear]
        shelf = [self.files, self.books, self.watch]
        drawer = self.drawer.parts

        def arrive(kept: Any, query: str, request: gr.Request) -> tuple[Any, ...]:
            """Show how far the opening is; then, once, the conversation kept and the library."""
            session = self.state.session(request)
            before = session.restored
            back = self.talk.restore(kept, request)
            log, more = self.talk.welcome(request)
            if back:
                log = self.talk.transcript(session, request)
            more = more or (not session.restored and self.state.opening.bot is not None)
            shown = (log, gr.Timer(active=more))
            if before or not session.restored:
                return (*shown, *(gr.skip(),) * (len(tools) + len(shelf) + len(drawer)))
            looked = self.shelf.look(query, request)
            return (*shown, *self.talk.buttons(session), *looked, *self.drawer.values(request))

        for happens in (page.load, self.tick.tick):
            outputs = [self.log, self.tick, *tools, *shelf, *drawer]
            happens(arrive, [self.kept, self.query], outputs, **QUICK)

    def _wire_conversation(self) -> None:
        talk = self.talk
        tools = [self.ask, self.stop, self.retry, self.undo, self.clear]
        taken = [self.box, self.log, self.live, self.next, *tools]
        emptied = [self.box, self.log, self.live, self.next, self.panel, self.kept, *tools]
        made: dict[str, Any] = {
            "fn": talk.answer,
            "outputs": [self.log, self.live, self.panel, self.kept, *tools],
            **PRIVATE,
            **ONE_AT_A_TIME,
        }
        followed: dict[str, Any] = {
            "fn": talk.follow,
            "outputs": [self.next],
            "concurrency_limit": 1,
            "concurrency_id": "follow",
            **PRIVATE,
        }
        asked = [self.box.submit, self.ask.click]
        gr.on(asked, talk.accept, [self.box], taken, **QUICK).then(**made).then(**followed)
        for part in (self.log, self.next):
            chosen = part.select(talk.select, None, [self.panel, self.kept, *taken], **QUICK)
            chosen.then(**made).then(**followed)
        self.retry.click(talk.retry, None, taken, **QUICK).then(**made).then(**followed)
        self.stop.click(talk.stop, None, None, **QUICK)
        self.undo.click(talk.undo, None, emptied, **QUICK)
        self.clear.click(talk.clear, None, emptied, **QUICK)
        self.panel.select(self.sources.select, None, [self.panel], **QUICK)
        self.export.select(talk.export, None, [self.carry], **QUICK)

    def _wire_library(self) -> None:
        shelf = self.shelf
        shown = [self.files, self.books, self.watch]

        def follow(query: str, request: gr.Request) -> tuple[Any, ...]:
            """Show how far the files are; once they are done, what can be asked about them."""
            if self.state.visitor(request).busy:
                return (*shelf.follow(request), gr.skip(), gr.skip())
            log, more = self.talk.welcome(request)
            return (*shelf.look(query, request), log, gr.Timer(active=more))

        self.add.upload(shelf.look, [self.query], shown, **QUICK)
        self.watch.tick(follow, [self.query], [*shown, self.log, self.tick], **QUICK)
        searched: dict[str, Any] = {**QUICK, "trigger_mode": "always_last"}
        self.query.change(shelf.documents, [self.query], [self.books], **searched)
        for part in (self.files, self.books):
            opened = [self.panel, self.files, self.books]
            part.select(shelf.select, [self.query], opened, **QUICK)


def _html(value: str, name: str, script: str | None = None) -> gr.HTML:
    return gr.HTML(value, elem_id=name, js_on_load=script, apply_default_css=False)


def blocks(state: State) -> gr.Blocks:
    """Return the page, wired."""
    parts = Page(state)
    with gr.Blocks(title="Ask the documents", analytics_enabled=False, fill_width=True) as page:
        parts.make()
        parts.wire(page)
    page.queue(api_open=False, max_size=state.settings.queue_size, default_concurrency_limit=1)
    return page
