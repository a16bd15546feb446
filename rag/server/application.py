"""The server as an ASGI application: the interfaces for programs, and the page beside them."""

from __future__ import annotations

import contextlib
import ipaddress
import logging
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from fastapi import FastAPI, Security
from fastapi.security import HTTPBearer
from starlette.applications import Starlette

from rag import __version__
from rag.page.bot import Opener, Opening
from rag.page.listening import check_free, server
from rag.page.security import Asgi, Receive, Scope, Send
from rag.server import chat, documents, health, problems, questions, tools
from rag.server.desk import Desk
from rag.server.metrics import Metrics
from rag.server.tracing import Tracing, log
from rag.server.uploads import Uploads
from rag.server.wall import PATHS, ApiWall
from rag.settings import Settings

ABOUT = """Questions over documents, answered with citations that are exact, verified spans of them,
or with a plain "the documents don't say".

Errors are problem details (RFC 9457); under `/v1` they are OpenAI's. Every answer carries an
`X-Request-Id`: the one that the request brought, or a new one.
"""
KEY = HTTPBearer(auto_error=False, description="Needed where the server has a key.")
"""Only describes the key; the wall asks for it."""


class Server:
    """ASGI application: paths of programs go to the interfaces, all others to the page."""

    def __init__(self, api: FastAPI, wall: Asgi, page: FastAPI | None) -> None:
        self.api = api
        self.wall = wall
        self.page = page
        self._life = Starlette(lifespan=self._live)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection."""
        if scope["type"] == "lifespan":
            await self._life(scope, receive, send)
        elif self.page is not None and not PATHS.fullmatch(scope["path"]):
            await self.page(scope, receive, send)
        elif scope["type"] == "http":
            await self.wall(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    @contextlib.asynccontextmanager
    async def _live(self, _: Starlette) -> AsyncIterator[None]:
        async with contextlib.AsyncExitStack() as stack:
            for app in (self.api, self.page):
                if app is not None:
                    await stack.enter_async_context(app.router.lifespan_context(app))
            yield


def build(
    opener: Opener, settings: Settings | None = None, *, uploads: Path, page: bool = True
) -> Server:
    """Return the server; it opens the pipeline in the background when it starts.

    What `opener` opens is a `rag.server.desk.Library`, such as `rag.Pipeline`. `uploads` is the
    folder that keeps uploaded files.
    """
    settings = settings or Settings()
    opening = Opening(opener)
    metrics = Metrics()
    desk = Desk(opening, settings, metrics)
    api = interfaces(desk, Uploads(uploads), start=not page)
    key = settings.server.api_key
    wall = ApiWall(
        api,
        hosts=settings.page.trusted_hosts,
        max_upload=settings.server.max_upload_mb * 1_000_000,
        changes=may_change(settings),
        key=key.get_secret_value() if key else None,
    )
    shown: FastAPI | None = None
    if page:
        from rag.page.server import build as build_page

        shown = build_page(opening, settings.page)
    return Server(api, Tracing(wall, metrics), shown)


def interfaces(desk: Desk, uploads: Uploads, *, start: bool) -> FastAPI:
    """Return the interfaces for programs, without their wall; `start`: open the pipeline too."""
    model_tools = tools.build(desk)
    over_http = model_tools.streamable_http_app(json_response=True, stateless_http=True)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        if start:
            desk.opening.start()
        async with model_tools.session_manager.run():
            yield
        desk.jobs.close()

    app = FastAPI(
        title="rag",
        version=__version__,
        description=ABOUT,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        responses=problems.DESCRIBED,
    )
    problems.install(app)
    app.include_router(questions.router(desk), dependencies=[Security(KEY)])
    app.include_router(documents.router(desk, uploads), dependencies=[Security(KEY)])
    app.include_router(chat.router(desk), dependencies=[Security(KEY)])
    app.include_router(health.router(desk))
    app.router.routes.extend(over_http.routes)
    return app


def may_change(settings: Settings) -> bool:
    """Whether programs may upload and delete."""
    if settings.server.changes != "auto":
        return settings.server.changes == "allow"
    return settings.server.api_key is not None or is_loopback(settings.page.host)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"


def serve(
    opener: Opener, settings: Settings | None = None, *, uploads: Path, page: bool = True
) -> None:
    """Serve until interrupted; SettingsError when the address is taken."""
    settings = settings or Settings()
    check_free(settings.page)
    if settings.server.access_log:
        write_log()

    def announce(where: str) -> None:
        shown = f"The page is at {where}, for" if page else "For"
        sys.stderr.write(f"{shown} programs there is {where}/openapi.json (Ctrl-C ends it).\n")

    app = build(opener, settings, uploads=uploads, page=page)
    with contextlib.suppress(KeyboardInterrupt):
        server(app, settings.page, announce).run()


def write_log() -> None:
    """Let the log of requests go to standard error, a line each."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False
