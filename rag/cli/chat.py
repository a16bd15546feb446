"""A conversation on the terminal: the draft as it is written, then the checked answer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from typing import Protocol

from rag.cli import shown
from rag.cli.terminal import Terminal, inert
from rag.errors import QuestionError
from rag.types import Answer, Document, Event

HELP = "/clear forgets what was said · /quit (or Ctrl-D) leaves · Ctrl-C stops an answer"


class Bot(Protocol):
    """What a conversation needs of a pipeline."""

    def stream(
        self,
        question: str,
        history: Sequence[tuple[str, str]] = (),
        *,
        stop: threading.Event | None = None,
    ) -> Iterator[Event]:
        """Yield the stages, the draft in pieces, and the answer last."""
        ...

    def document(self, id: str) -> Document:
        """Return a document of the index."""
        ...


def converse(bot: Bot, terminal: Terminal, ask: Callable[[str], str] = input) -> None:
    """Answer what is typed until /quit or the end of input; what was said is kept as history."""
    history: list[tuple[str, str]] = []
    terminal.print(terminal.style(HELP, "dim"))
    while True:
        try:
            question = ask("\n> ").strip()
        except EOFError:
            terminal.print()
            return
        if question == "/quit":
            return
        if question == "/clear":
            history.clear()
            terminal.print("forgotten")
        elif question.startswith("/"):
            terminal.print(HELP)
        elif question:
            answer = _reply(bot, question, history, terminal)
            if answer:
                terminal.print(shown.answer(answer, bot.document, terminal))
                history.append((question, answer.text))


def _reply(
    bot: Bot, question: str, history: Sequence[tuple[str, str]], terminal: Terminal
) -> Answer | None:
    """Return the answer; None when it was stopped with Ctrl-C or the question refused."""
    stop = threading.Event()
    try:
        with closing(_watched(bot.stream(question, tuple(history), stop=stop), terminal)) as events:
            return next((event.answer for event in events if event.answer), None)
    except KeyboardInterrupt:
        terminal.note("stopped")
    except QuestionError as error:
        terminal.note(f"{error.message}")
    finally:
        stop.set()
    return None


def _watched(events: Iterator[Event], terminal: Terminal) -> Generator[Event]:
    """Pass the events on and show the unverified draft meanwhile; it goes when the answer comes."""
    if not terminal.live:
        yield from events
        return
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    draft = ""
    console = Console(file=terminal.err, force_terminal=True)
    with Live(console=console, transient=True) as live:
        for event in events:
            if event.kind == "stage":
                live.update(Text(f"{draft}\n({inert(event.text)} …)".strip(), style="dim"))
            elif event.kind == "token":
                draft += inert(event.text)
                live.update(Text(draft, style="dim"), refresh=True)
            yield event
