"""REST: a question and its answer, whole or as it is made, and a search without an answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response, StreamingResponse

from rag.errors import RagError
from rag.server import problems, sse
from rag.server.bodies import AnswerBody, Found, FoundBody, Question, Search
from rag.server.desk import Desk
from rag.server.jobs import Job
from rag.server.tracing import log
from rag.types import Answer, Event

LOOK = 0.2
"""Seconds between two looks at whether the client is still there."""
GONE = 499
"""The status of a request whose client left: nobody reads it but the log and the counters."""
STREAM = (
    'event: stage\ndata: {"stage": "search"}\n\n'
    'event: token\ndata: {"text": "The Zetas were"}\n\n'
    'event: answer\ndata: {"question": "Who founded the Zetas?", "text": "...", ...}\n\n'
)


def router(desk: Desk) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/api", tags=["questions"])

    @routes.post("/ask", response_model=AnswerBody, response_model_exclude_defaults=True)
    async def ask(body: Question, request: Request) -> Any:
        """Answer a question with its citations, or say that the documents don't.

        A client that hangs up stops the answer.
        """
        answer = await answered(desk.ask(body.question, body.history), request)
        return Response(status_code=GONE) if answer is None else AnswerBody.of(answer)

    @routes.post("/ask/stream", response_class=StreamingResponse, responses=sse.described(STREAM))
    async def stream(body: Question) -> Response:
        """Answer a question as server-sent events.

        `stage` names what is being done (search, read, write, verify). `token` carries a piece of
        the draft, which nobody has checked yet. The last event is `answer`, with the checked
        answer as `/api/ask` gives it: it replaces the draft; or it is `error`, with a problem.
        """
        job = desk.ask(body.question, body.history)
        return sse.EventStream(job, events(job, desk.settings.server.keep_alive))

    @routes.post("/search", response_model=Found, response_model_exclude_defaults=True)
    def search(body: Search) -> Found:
        """Return the passages for a question, best first, without answering it."""
        return found(desk, body.question, body.limit)

    return routes


def found(desk: Desk, question: str, limit: int) -> Found:
    """Search; at most `limit` passages."""
    more = max(0, limit - desk.settings.retriever.top_k)
    hits = desk.library().search(question, more)
    return Found(passages=[FoundBody.of(hit) for hit in hits[:limit]])


async def answered(job: Job[Event], request: Request) -> Answer | None:
    """Return the answer a job comes to; None when the client left, which stops it."""
    async for event in job.items(LOOK):
        if event is not None and event.answer is not None:
            return event.answer
        if await request.is_disconnected():
            break
    job.stop()
    return None


async def events(job: Job[Event], keep_alive: float) -> AsyncIterator[bytes]:
    """Yield a job's events as they are sent; the last is an answer or an error."""
    try:
        async for event in job.items(keep_alive):
            if event is None:
                yield sse.comment("still working")
            elif event.answer is not None:
                body = AnswerBody.of(event.answer).model_dump(exclude_defaults=True, mode="json")
                yield sse.event(body, "answer")
            elif event.kind == "stage":
                yield sse.event({"stage": event.text}, "stage")
            else:
                yield sse.event({"text": event.text}, "token")
    except RagError as error:
        yield sse.event(problems.problem_of(error), "error")
    except Exception:
        log.exception("answering failed")
        yield sse.event(problems.problem(500, problems.BROKEN), "error")
