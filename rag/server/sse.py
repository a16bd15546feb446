"""Server-sent events: how one is written, and a response of them that stops its job.

https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from rag.server.jobs import Job
from rag.types import Event


def event(data: object, name: str = "") -> bytes:
    """Return an event whose data is a line of JSON."""
    line = json.dumps(data, ensure_ascii=False, allow_nan=False)
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {line}\n\n".encode()


def comment(text: str) -> bytes:
    """Return a line that every client ignores; it keeps a silent connection alive."""
    return f": {text}\n\n".encode()


class EventStream(StreamingResponse):
    """A response of events about one job; however it ends, the job is told to stop."""

    media_type = "text/event-stream"

    def __init__(self, job: Job[Event], events: AsyncIterator[bytes]) -> None:
        super().__init__(events, headers={"cache-control": "no-store", "x-accel-buffering": "no"})
        self._job = job

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events until they end or the client is gone."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._job.stop()


def described(example: str) -> dict[int | str, dict[str, Any]]:
    """Return how OpenAPI describes a route that streams events like `example`."""
    return {200: {"content": {"text/event-stream": {"example": example}}}}
