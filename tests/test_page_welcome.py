"""The welcome while things change: whatever it says is going on, the page comes back to finish."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr
import pytest
from page_fake import FakeBot

from rag.page.bot import Opening
from rag.page.conversation import Conversation
from rag.page.sources import Sources
from rag.page.state import State
from rag.settings import PageSettings

WAIT = 20  # seconds
LOOKING, LOADING = "Looking for questions", "Loading models"


class Held(Opening):
    """An opening that is done when it is told to."""

    def __init__(self) -> None:
        self.go = threading.Event()
        super().__init__(lambda progress: (self.go.wait(30), FakeBot())[1])

    def done(self) -> None:
        self.go.set()
        self.wait()


@pytest.fixture
def opening() -> Held:
    return Held()


@pytest.fixture
def state(opening: Held) -> Iterator[State]:
    state = State(opening, PageSettings())
    yield state
    opening.go.set()
    state.visitors.close()


def then(
    monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, happens: Callable[[], Any]
) -> None:
    """Let something happen after every call of a method, before its caller goes on."""
    method = getattr(owner, name)

    def called(*arguments: Any) -> Any:
        result = method(*arguments)
        happens()
        return result

    monkeypatch.setattr(owner, name, called)


def until_said(state: State) -> list[str]:
    """Return what the log shows, tick after tick, until the page stops to come back."""
    talk = Conversation(state, Sources(state))
    request = gr.Request(headers={}, session_hash="a")
    shown = []
    end = time.monotonic() + WAIT
    while time.monotonic() < end:
        log, more = talk.welcome(request)
        if isinstance(log, str):
            shown.append(log)
        if not more:
            return shown
        time.sleep(0.01)  # what goes on in the background needs a core as well
    raise AssertionError("it never ends")


def test_models_that_are_ready_in_the_middle_of_a_look(
    monkeypatch: pytest.MonkeyPatch, opening: Held, state: State
) -> None:
    then(monkeypatch, state, "bot", opening.done)
    said = until_said(state)
    assert LOADING in said[0]
    assert "rag-example" in said[-1]
    assert LOADING not in said[-1]


def test_questions_that_are_found_in_the_middle_of_a_look(
    monkeypatch: pytest.MonkeyPatch, opening: Held, state: State
) -> None:
    opening.done()
    bot = opening.bot
    assert isinstance(bot, FakeBot)
    of = state.suggestions.of

    def found() -> None:
        while of(bot)[1]:
            time.sleep(0.01)

    then(monkeypatch, state.suggestions, "of", found)
    said = until_said(state)
    assert LOOKING in said[0]
    assert "rag-example" in said[-1]
    assert LOOKING not in said[-1]
