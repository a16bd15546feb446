"""A real server on loopback that answers in the OpenAI way, or misbehaves as it is told."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Behaviour = Callable[[BaseHTTPRequestHandler, Any], None]
"""Answers one request, whose body comes as JSON (None for a GET)."""


@dataclass
class Request:
    path: str
    key: str | None
    body: Any


@dataclass
class Endpoint:
    """Where the server is and what it was asked; each request has the next behaviour."""

    address: str = ""
    behaviours: list[Behaviour] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)


@contextmanager
def served(*behaviours: Behaviour) -> Iterator[Endpoint]:
    """Serve on a free port; the last behaviour answers all later requests too."""
    endpoint = Endpoint(behaviours=list(behaviours))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer(None)

        def do_POST(self) -> None:
            self._answer(json.loads(self.rfile.read(int(self.headers["content-length"]))))

        def _answer(self, body: Any) -> None:
            self.close_connection = True
            endpoint.requests.append(Request(self.path, self.headers["authorization"], body))
            behaviour = endpoint.behaviours[0]
            if len(endpoint.behaviours) > 1:
                endpoint.behaviours.pop(0)
            with suppress(BrokenPipeError, ConnectionResetError):
                behaviour(self, body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.block_on_close = False
    endpoint.address = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield endpoint
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def head(handler: BaseHTTPRequestHandler, status: int, kind: str, **headers: str) -> None:
    handler.send_response(status)
    handler.send_header("content-type", kind)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()


def raw(
    data: bytes, kind: str = "application/json", status: int = 200, **headers: str
) -> Behaviour:
    """Send these bytes, and close."""

    def behave(handler: BaseHTTPRequestHandler, _: Any) -> None:
        head(handler, status, kind, content_length=str(len(data)), **headers)
        handler.wfile.write(data)

    return behave


def refuse(status: int, message: str = "no", **headers: str) -> Behaviour:
    """Refuse in the form that OpenAI's errors have."""
    return raw(json.dumps({"error": {"message": message}}).encode(), status=status, **headers)


def event(content: str | None = None, *, finish: str | None = None) -> bytes:
    delta = {} if content is None else {"content": content}
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return b"data: " + json.dumps({"choices": [choice]}).encode() + b"\n\n"


DONE = b"data: [DONE]\n\n"


def says(*pieces: str) -> Behaviour:
    """Stream a whole reply."""
    return streams([*map(event, pieces), event(finish="stop"), DONE])


def streams(parts: Sequence[bytes], pause: float = 0.0, before: float = 0.0) -> Behaviour:
    """Stream these bytes as events, with pauses (seconds) between them, and close."""

    def behave(handler: BaseHTTPRequestHandler, _: Any) -> None:
        time.sleep(before)
        head(handler, 200, "text/event-stream")
        for part in parts:
            handler.wfile.write(part)
            handler.wfile.flush()
            time.sleep(pause)

    return behave


def endless(part: bytes) -> Behaviour:
    """Stream the same bytes until nobody listens."""

    def behave(handler: BaseHTTPRequestHandler, _: Any) -> None:
        head(handler, 200, "text/event-stream")
        while True:
            handler.wfile.write(part)

    return behave


def breaks_off(parts: Sequence[bytes]) -> Behaviour:
    """Announce more bytes than come."""

    def behave(handler: BaseHTTPRequestHandler, _: Any) -> None:
        head(handler, 200, "text/event-stream", content_length="100000")
        for part in parts:
            handler.wfile.write(part)

    return behave


def embeds(vector: Callable[[str], Sequence[float]], *, turned: bool = False) -> Behaviour:
    """Answer a request for embeddings; `turned` sends the rows in another order."""

    def behave(handler: BaseHTTPRequestHandler, body: Any) -> None:
        rows = [{"index": i, "embedding": vector(text)} for i, text in enumerate(body["input"])]
        data = json.dumps({"data": rows[::-1] if turned else rows}).encode()
        raw(data)(handler, body)

    return behave


def lists(*names: str) -> Behaviour:
    """Answer with the models on offer."""
    return raw(json.dumps({"object": "list", "data": [{"id": name} for name in names]}).encode())
