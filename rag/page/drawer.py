"""The drawer of settings: what a visitor may change for himself, each with what it does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from rag.page.furniture import DRAWER, EFFECT
from rag.page.preferences import PASSAGES, STRICTNESS, Preferences
from rag.page.render import models
from rag.page.state import State

QUICK: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden", "queue": False}


class Drawer:
    """The components of the drawer and their events."""

    def __init__(self, state: State) -> None:
        self.state = state

    def make(self) -> None:
        """Make the components, closed; the script opens the drawer."""
        with gr.Column(elem_id="rag-drawer"):
            gr.HTML(DRAWER, js_on_load=None, apply_default_css=False)
            self.passages = gr.Slider(
                *PASSAGES,
                value=10,
                step=1,
                label="Passages read",
                info="How many passages are read for an answer. More finds what stands in an "
                "unexpected place, and takes longer: the time grows with them.",
                elem_id="rag-passages",
            )
            self.strictness = gr.Slider(
                *(100 * bound for bound in STRICTNESS),
                value=50,
                step=5,
                label="How sure it must be (%)",
                info="Below this probability of an answer it says that the documents don’t say. "
                "Higher answers less and errs less; lower answers more and errs more.",
                elem_id="rag-strictness",
            )
            self.reset = gr.Button("Back to the defaults", elem_id="rag-reset")
            self.about = gr.HTML("", js_on_load=None, apply_default_css=False)
            gr.HTML(EFFECT, js_on_load=None, apply_default_css=False)

    @property
    def parts(self) -> list[Any]:
        """The components that `values` fills."""
        return [self.passages, self.strictness, self.about]

    def values(self, request: gr.Request) -> tuple[Any, ...]:
        """Return the visitor's settings, and which models answer."""
        base = self.state.opening.bot
        if base is None:
            return (gr.skip(),) * 3
        chosen = self.state.visitor(request).preferences
        passages = chosen.passages or base.settings.retriever.top_k
        least = base.settings.reader.min_answerable
        strictness = least if chosen.strictness is None else chosen.strictness
        return passages, round(100 * strictness), models(base.settings)

    def wire(self, kept: Callable[[gr.Request], Any], store: gr.BrowserState) -> None:
        """Join the events; `kept` returns what the browser keeps in `store`."""

        def choose(passages: float, strictness: float, request: gr.Request) -> Any:
            base = self.state.opening.bot
            if base is None:
                return gr.skip()
            found = Preferences.checked(
                {"passages": passages, "strictness": float(strictness or 0) / 100}
            )
            visitor = self.state.visitor(request)
            visitor.preferences = found.beside(base.settings)
            return kept(request)

        def reset(request: gr.Request) -> tuple[Any, ...]:
            self.state.visitor(request).preferences = Preferences()
            return (*self.values(request)[:2], kept(request))

        both = [self.passages, self.strictness]
        gr.on(
            [self.passages.input, self.strictness.input],
            choose,
            both,
            [store],
            trigger_mode="always_last",
            **QUICK,
        )
        self.reset.click(reset, None, [*both, store], **QUICK)
