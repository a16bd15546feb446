"""One answer on its way to the page: events of the pipeline, thinned to what an eye can follow.

Knows the pipeline's events and a session; knows nothing of HTML. Also the JSON form of an answer
that the `chat` endpoint returns.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from rag.errors import QuestionError, RagError
from rag.page.bot import Bot, Opening
from rag.page.sessions import Session, Turn

INTERVAL = 0.2
"""Seconds between two updates of the draft: about five a second."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Step:
    """What to show while the answer is made: the stage, and the draft so far."""

    question: str
    stage: str = ""
    draft: str = ""


def checked(text: str, limit: int) -> str:
    """Return a question ready to ask; QuestionError when it is empty or over `limit` characters."""
    question = text.strip()
    if not question:
        raise QuestionError("The question is empty.", hint="Type a question.")
    if len(question) > limit:
        raise QuestionError(
            f"The question is too long ({len(question):,} of {limit:,} characters).",
            hint="Ask it in fewer words.",
        )
    return question


def steps(
    bot: Bot,
    question: str,
    history: Sequence[tuple[str, str]],
    stop: threading.Event,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Step | Turn]:
    """Yield a Step for each stage and at most one per INTERVAL of draft, then the Turn.

    The last value is always a Turn: answered, or stopped with the draft so far.
    """
    stage, draft, shown = "search", "", -INTERVAL
    events = bot.stream(question, history, stop=stop)  # named, so that it outlives the loop
    for event in events:
        if event.kind == "answer" and event.answer is not None and not stop.is_set():
            yield Turn(question, answer=event.answer)
            return
        if stop.is_set():
            break
        if event.kind == "token":
            draft += event.text
            if clock() - shown < INTERVAL:
                continue
        elif event.kind == "stage":
            stage = event.text
        shown = clock()
        yield Step(question, stage, draft)
    yield Turn(question, draft=draft)


def converse(
    opening: Opening, session: Session, chosen: Callable[[Bot], Bot] = lambda bot: bot
) -> Iterator[Step | Turn]:
    """Answer the session's pending question, keeping the session in step; nothing if none waits.

    `chosen` turns the common bot into the one that answers this visitor.

    However it ends (answered, stopped, failed, or the browser gone), the pipeline is told to stop
    and the session is free for the next question.
    """
    claimed = session.begin()
    if claimed is None:
        return
    question, stop = claimed
    turn: Turn | None = None
    try:
        if opening.bot is None:
            yield Step(question, "loading models")
        bot = opening.wait(stop)
        if bot is None:
            turn = Turn(question)
        else:
            running = steps(
                chosen(bot), question, session.history(), stop
            )  # closed after `stop` is set
            for value in running:
                if isinstance(value, Turn):
                    turn = value
                    break
                yield value
    except RagError as error:
        turn = Turn(question, error=error.message, hint=error.hint)
    except Exception:
        _log.exception("answering failed")
        turn = Turn(
            question,
            error="Something went wrong while answering.",
            hint="Ask again; the terminal that runs the page says more.",
        )
    finally:
        stop.set()
        session.finish(turn)
    if turn is not None:
        yield turn
