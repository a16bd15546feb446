"""The wall around the interfaces for programs: who gets in, and with how much.

The same rules as the page's (`rag.page.security`): only known host names, nothing from other
sites, bounded bodies; and the key, where one is set. Refusals are problem details.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable, Mapping

from starlette.exceptions import HTTPException

from rag.errors import ChangesForbidden, KeyMissing
from rag.page.security import Asgi, Message, Receive, Scope, Send, stranger
from rag.server import problems

PATHS = re.compile(r"/(?:(?:api|v1)(?:/.*)?|mcp/?|health|ready|metrics|openapi\.json)", re.DOTALL)
"""Every path that belongs to programs; all others are the page's."""
GUARDED = re.compile(r"/(?:api|v1|mcp)(?:/.*)?", re.DOTALL)
"""Those that need the key, where one is set."""
MAX_BODY = 1_000_000
"""Bytes of any request but an upload."""
HEADERS = (
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
)


class ApiWall:
    """ASGI middleware: lets in what may come in, and sets the security headers."""

    def __init__(
        self,
        app: Asgi,
        *,
        hosts: Iterable[str],
        max_upload: int,
        changes: bool,
        key: str | None = None,
    ) -> None:
        self.app = app
        self.changes = changes
        self.hosts = frozenset(host.lower() for host in hosts)
        self.max_upload = max_upload
        self.key = key.encode() if key else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        path: str = scope["path"]

        async def outgoing(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *HEADERS]}
            await send(message)

        headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in scope["headers"]}
        limit = self.limit(scope["method"], path)
        status, reason = self.refusal(scope["method"], headers, limit)
        if status:
            answer = problems.response(path, problems.problem(status, reason))
        elif not self.knows(path, headers):
            answer = problems.response_of(path, _no_key())
        elif not self.changes and is_change(scope["method"], path):
            answer = problems.response_of(path, _no_change())
        else:
            await self.app(scope, limited(receive, limit), outgoing)
            return
        await answer(scope, receive, outgoing)

    def limit(self, method: str, path: str) -> int:
        """Return how many bytes a request may bring."""
        upload = method == "POST" and is_change(method, path)
        return self.max_upload if upload else MAX_BODY

    def refusal(self, method: str, headers: Mapping[str, str], limit: int) -> tuple[int, str]:
        """Return the status and reason to refuse with; (0, "") lets it in."""
        status, reason = stranger(self.hosts, method, headers)
        if status:
            return status, reason
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > limit:
            return 413, too_long(limit)
        return 0, ""

    def knows(self, path: str, headers: Mapping[str, str]) -> bool:
        """Whether a request needs no key, or carries it."""
        if self.key is None or not GUARDED.fullmatch(path):
            return True
        scheme, _, given = headers.get("authorization", "").partition(" ")
        right = hmac.compare_digest(given.strip().encode("latin-1"), self.key)
        return right and scheme.lower() == "bearer"


def is_change(method: str, path: str) -> bool:
    """Whether a request adds or deletes documents."""
    return method not in ("GET", "HEAD", "OPTIONS") and path.startswith("/api/documents")


def _no_key() -> KeyMissing:
    return KeyMissing(
        "The key is missing or wrong.", hint="Send it as a header: Authorization: Bearer KEY."
    )


def _no_change() -> ChangesForbidden:
    return ChangesForbidden(
        "Documents may be neither added nor deleted here.",
        hint="Whoever runs the server allows it with RAG_SERVER__CHANGES or a key.",
    )


def too_long(limit: int) -> str:
    """Return what is said of a body over its limit."""
    return f"A request of this kind may have {limit:,} bytes."


def limited(receive: Receive, limit: int) -> Receive:
    """Return `receive` that refuses a body longer than `limit` bytes as soon as it is."""
    taken = 0

    async def counted() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > limit:
            raise HTTPException(413, too_long(limit))
        return message

    return counted
