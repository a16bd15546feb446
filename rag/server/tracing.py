"""Each request's id, its line in the log, and its count."""

from __future__ import annotations

import logging
import re
import time
import uuid

from rag.page.security import Asgi, Message, Receive, Scope, Send
from rag.server.metrics import Metrics

log = logging.getLogger("rag.server")
QUIET = {"/health", "/ready", "/metrics"}
"""Paths that are asked for every few seconds: not a line each."""
_ID = re.compile(rb"[\x21-\x7e]{1,128}")


class Tracing:
    """ASGI middleware, the outermost: gives each request an id, logs it and counts it.

    The id is the one the request brings in `X-Request-Id`, where that is printable and not long;
    it goes back in the same header.
    """

    def __init__(self, app: Asgi, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        started = time.perf_counter()
        brought = dict(scope["headers"]).get(b"x-request-id", b"")
        id = brought if _ID.fullmatch(brought) else uuid.uuid4().hex.encode()
        status = 500

        async def outgoing(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": [*message["headers"], (b"x-request-id", id)]}
            await send(message)

        try:
            await self.app(scope, receive, outgoing)
        finally:
            seconds = time.perf_counter() - started
            self.metrics.request(scope["method"], pattern(scope), status, seconds)
            self._write(scope, id.decode(), status, seconds)

    def _write(self, scope: Scope, id: str, status: int, seconds: float) -> None:
        level = logging.DEBUG if scope["path"] in QUIET else logging.INFO
        level = logging.ERROR if status == 500 else level
        path = ascii(scope["path"])[1:-1]  # one line, whatever is in it
        log.log(level, "%s %s %s %d %.3f s", id, scope["method"], path, status, seconds)


def pattern(scope: Scope) -> str:
    """Return the pattern of the route that answered; "other" where none did."""
    return getattr(scope.get("route"), "path", "other")
