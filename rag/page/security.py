"""The wall around the page: which requests get in, and what a browser may do with the answer.

The first wall is `render.escape`: text of documents, model and user never becomes markup. This is
the second, for the day the first has a hole, and for everything that is not the page itself: other
sites (a foreign `Origin`, a rebound `Host`), other endpoints of the web framework (only the paths
the page uses are answered), and bodies of any size. It also gives each browser the cookie that
tells one visitor from another.

The policy forbids inline scripts but for the served page's own (by nonce), all inline event
handlers, every address but our own, and being framed. It has to allow `unsafe-eval`: the
framework's HTML component compiles its (constant) template with `Function`. Inline styles are
allowed because the framework sets them.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable, Callable, Container, Iterable, Mapping, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from rag.page.visitors import COOKIE, new_token, token_of

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]

PATHS = re.compile(
    r"/(?:|config/?|theme\.css|favicon\.ico|robots\.txt|page/[\w.-]+"
    r"|assets/[\w./-]+|static/(?:img|js)/[\w./-]+"
    r"|gradio_api/(?:info/?|app_id/?|startup-events|theme\.css|cancel|reset/?|queue/(?:join|data)"
    r"|heartbeat/[\w-]+|(?:run|api)/(?:predict|chat)/?|call/(?:v2/)?chat(?:/[\w-]+)?/?))"
)
"""Every path that is answered; the framework's uploads, files, proxies and tools are not."""

_OPENING = re.compile(r"<(script|style)\b")
_PREVIEW = re.compile(r'\s*<meta\s+(?:property="og:|name="twitter:)[^>]*>')


def policy(nonce: str) -> str:
    """Return the content-security policy of a page whose own scripts carry `nonce`."""
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' 'nonce-{nonce}' 'unsafe-eval'",
            "script-src-attr 'none'",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data:",
            "font-src 'self'",
            "connect-src 'self'",
            "manifest-src 'self'",
            "base-uri 'self'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )


def dress(page: str, nonce: str, head: str) -> str:
    """Return the framework's page with our `head`, a nonce on its scripts, and no preview tags.

    Data in the page holds no literal `<` (it is JSON with every `<` escaped), so every `<script`
    is the template's own.
    """
    page = _PREVIEW.sub("", page).replace('<link rel="manifest" href="/manifest.json" />', "")
    page = page.replace("</head>", f"{head}</head>", 1)
    return _OPENING.sub(lambda m: f'<{m[1]} nonce="{nonce}"', page)


def host_name(value: str) -> str:
    """Return a Host header's name, lower case, without port ("[::1]:80" gives "[::1]")."""
    match = re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[^:\[\]/@\s]+)(?::\d{1,5})?", value)
    return match[1].lower() if match else ""


def trusted(host: str, hosts: Container[str]) -> bool:
    """Whether a Host header has one of these names ("*": any)."""
    return "*" in hosts or host_name(host) in hosts


def stranger(hosts: Container[str], method: str, headers: Mapping[str, str]) -> tuple[int, str]:
    """Return the status and reason to refuse a request by where it comes from; (0, "") lets it in.

    It must name a host that is served here, and no browser may have sent it for another site.
    """
    names = [headers.get("host", "")]
    if "x-forwarded-host" in headers:
        names += headers["x-forwarded-host"].split(",")
    if not all(trusted(name.strip(), hosts) for name in names):
        return 400, "This host name is not served here."
    origin = headers.get("origin")
    if origin is not None and not trusted(urlsplit(origin).netloc, hosts):
        return 403, "Requests from other sites are not answered."
    if headers.get("sec-fetch-site") == "cross-site" and method != "GET":
        return 403, "Requests from other sites are not answered."
    return 0, ""


class Wall:
    """ASGI middleware, the outermost: lets in what belongs to the page, and sets its headers."""

    def __init__(
        self,
        app: Asgi,
        *,
        hosts: Iterable[str],
        max_body: int,
        head: str = "",
        bodies: Mapping[str, int] | None = None,
    ) -> None:
        self.app = app
        self.hosts = frozenset(host.lower() for host in hosts)
        self.max_body = max_body
        self.head = head
        self.bodies = bodies or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in scope["headers"]}
        status, reason = self.refusal(scope, headers)
        if scope["type"] != "http":  # the page uses no web sockets
            await send({"type": "websocket.close", "code": 1008})
        elif status:
            await self._refuse(send, status, reason)
        else:
            await self._serve(scope, receive, send)

    def refusal(self, scope: Scope, headers: MutableMapping[str, str]) -> tuple[int, str]:
        """Return the status and reason to refuse with; (0, "") lets it in."""
        status, reason = stranger(self.hosts, scope.get("method", ""), headers)
        if status:
            return status, reason
        if not PATHS.fullmatch(scope["path"]) or ".." in scope["path"]:
            return 404, "There is nothing here."
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > self.longest(scope["path"]):
            return 413, "That is too long."
        return 0, ""

    def longest(self, path: str) -> int:
        """Return how many bytes a body sent to a path may have."""
        return self.bodies.get(path, self.max_body)

    def trusts(self, host: str) -> bool:
        """Whether a Host header names this page."""
        return trusted(host, self.hosts)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        nonce = secrets.token_urlsafe(16)
        page = scope["path"] == "/"
        if page:  # rewritten below, so it must come uncompressed
            kept = [(k, v) for k, v in scope["headers"] if k.lower() != b"accept-encoding"]
            scope = {**scope, "headers": kept}
        sent: list[Message] = []
        cookies = [v.decode("latin-1") for k, v in scope["headers"] if k.lower() == b"cookie"]
        visitor = b"" if token_of("; ".join(cookies)) else fresh_cookie()

        async def outgoing(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": with_headers(message["headers"], nonce)}
            if not page:
                await send(message)
                return
            sent.append(message)
            if message["type"] == "http.response.body" and not message.get("more_body"):
                await self._send_page(sent, nonce, visitor, send)

        await self.app(scope, limited(receive, self.longest(scope["path"])), outgoing)

    async def _send_page(self, sent: list[Message], nonce: str, visitor: bytes, send: Send) -> None:
        body = b"".join(m.get("body", b"") for m in sent[1:])
        text = dress(body.decode(), nonce, self.head).encode() if body else b""
        kept = [(k, v) for k, v in sent[0]["headers"] if k.lower() != b"content-length"]
        kept += [(b"content-length", str(len(text)).encode()), (b"cache-control", b"no-store")]
        kept += [(b"set-cookie", visitor)] if visitor else []
        await send({**sent[0], "headers": kept})
        await send({"type": "http.response.body", "body": text})

    async def _refuse(self, send: Send, status: int, reason: str) -> None:
        body = reason.encode()
        headers = with_headers([(b"content-type", b"text/plain; charset=utf-8")], "")
        headers.append((b"content-length", str(len(body)).encode()))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def fresh_cookie() -> bytes:
    """Return a Set-Cookie header that makes a browser a new visitor.

    No script can read it, no request of another site that changes anything carries it, and it ends
    with the browser.
    """
    return f"{COOKIE}={new_token()}; Path=/; HttpOnly; SameSite=Lax".encode()


def with_headers(headers: Iterable[tuple[bytes, bytes]], nonce: str) -> list[tuple[bytes, bytes]]:
    """Return response headers with the security headers added."""
    added = {
        "content-security-policy": policy(nonce),
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "referrer-policy": "no-referrer",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    }
    kept = [(k, v) for k, v in headers if k.lower().decode("latin-1") not in added]
    return kept + [(k.encode(), v.encode()) for k, v in added.items()]


def limited(receive: Receive, limit: int) -> Receive:
    """Return `receive` that hangs up on a body longer than `limit` bytes, declared or not."""
    taken = 0

    async def counted() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        return message if taken <= limit else {"type": "http.disconnect"}

    return counted
