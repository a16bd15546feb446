"""OpenAI's interface: chat completions and models, for the clients that exist already.

Only the checked answer goes out. A stream opens at once and names its role, then sends comments
while the answer is made, and the words once they are checked: what a client has shown, it cannot
take back.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from rag.errors import RagError
from rag.server import problems, sse
from rag.server.completions import (
    MODEL,
    BadRequest,
    Completion,
    Reply,
    Ticket,
    conversation,
    model,
)
from rag.server.desk import Desk
from rag.server.jobs import Job
from rag.server.questions import GONE, answered
from rag.server.tracing import log
from rag.types import Answer, Event

STREAM = 'data: {"object": "chat.completion.chunk", ...}\n\ndata: [DONE]\n\n'
DONE = b"data: [DONE]\n\n"


def router(desk: Desk) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/v1", tags=["openai"])

    @routes.get("/models")
    async def models() -> dict[str, Any]:
        """List the one model there is."""
        return {"object": "list", "data": [model()]}

    @routes.get("/models/{id:path}")
    async def one(id: str, request: Request) -> Any:
        """Describe the model."""
        return model() if id == MODEL else _unknown(request, id)

    @routes.post("/chat/completions", responses=sse.described(STREAM))
    async def completions(body: Completion, request: Request) -> Any:
        """Answer the last message with citations as annotations."""
        if body.model != MODEL:
            return _unknown(request, body.model)
        try:
            question, history = conversation(body.messages)
        except BadRequest as error:
            wrong = problems.problem(400, error.message, param=error.param)
            return problems.response(request.url.path, wrong)
        job = desk.ask(question, history)
        base = str(request.base_url).rstrip("/")
        if body.stream:
            return sse.EventStream(job, _events(desk, job, body, base))
        answer = await answered(job, request)
        if answer is None:
            return Response(status_code=GONE)
        return await asyncio.to_thread(_reply(desk, Ticket(), body, answer, base).whole)

    return routes


def _unknown(request: Request, id: str) -> Response:
    body = problems.problem(
        404, f"There is no model {id!r}; there is {MODEL!r}.", kind="model-not-found", param="model"
    )
    return problems.response(request.url.path, body)


def _reply(desk: Desk, ticket: Ticket, body: Completion, answer: Answer, base: str) -> Reply:
    bot = desk.library()

    def title(id: str) -> str:
        with contextlib.suppress(KeyError):  # deleted since
            return bot.document(id).title or id
        return id

    return Reply(ticket, body, answer, base, title, bot.count)


async def _events(desk: Desk, job: Job[Event], body: Completion, base: str) -> AsyncIterator[bytes]:
    """Yield the role, comments while the answer is made, the answer, and the end."""
    ticket = Ticket()
    yield sse.event(ticket.chunk({"role": "assistant", "content": ""}))
    try:
        async for event in job.items(desk.settings.server.keep_alive):
            if event is None:
                yield sse.comment("still working")
            elif event.kind == "stage":
                yield sse.comment(event.text)
            elif event.answer is not None:
                reply = _reply(desk, ticket, body, event.answer, base)
                for chunk in await asyncio.to_thread(list, reply.chunks()):
                    yield sse.event(chunk)
        yield DONE
    except RagError as error:
        yield sse.event(problems.openai_error(problems.problem_of(error)))
    except Exception:
        log.exception("answering failed")
        yield sse.event(problems.openai_error(problems.problem(500, problems.BROKEN)))
