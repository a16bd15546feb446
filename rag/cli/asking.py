"""`rag ask`: one question, or a batch of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from rag.cli import rows, shown
from rag.cli.terminal import Terminal
from rag.errors import QuestionError
from rag.pipeline import Pipeline

Opened = Callable[[], Pipeline]
"""Opens the pipeline, which takes seconds: after what was asked has been checked."""


def one(
    terminal: Terminal, question: str, where: Mapping[str, str], opened: Opened, *, json: bool
) -> None:
    """Print the answer to a question, for a person or as a row."""
    if not question.strip():
        raise QuestionError("the question is empty", hint="ask something")
    bot = opened()
    answer = bot.ask(question.encode(errors="replace").decode(), where=where)
    if json:
        terminal.print(rows.dump(rows.answer_row(answer)))
    else:
        terminal.print(shown.answer(answer, bot.document, terminal))


def batch(
    terminal: Terminal, path: str, output: str, where: Mapping[str, str], opened: Opened
) -> None:
    """Answer a file of questions into another."""
    asked = rows.read_batch(path)
    with rows.written(output) as file:
        bot = opened()
        with terminal.progress() as progress:
            rows.answer_batch(asked, partial(bot.ask, where=where), file, progress)
