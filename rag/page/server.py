"""The page as a web application: the blocks inside the wall, and the server that runs them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import AsyncIterator, Callable

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"

import gradio as gr
import uvicorn
from fastapi import FastAPI

from rag.errors import SettingsError
from rag.page.bot import Opener, Opening
from rag.page.layout import blocks
from rag.page.routes import UPLOAD, routes
from rag.page.security import Wall
from rag.page.state import State
from rag.settings import PageSettings

HEAD = (
    '<meta name="color-scheme" content="light dark" />'
    '<link rel="stylesheet" href="./page/style.css" />'
    '<script defer src="./page/script.js"></script>'
)
MAX_BODY = 1_000_000
"""Bytes of any request but a file's: a question, its history, and nothing else."""
SWEEP = 15.0
"""Seconds between two looks at who has left."""
HEAD_START = 0.3
"""Seconds the first visitor has before the models begin to load and take the processor."""
SANS = ("ui-sans-serif", "system-ui", "Segoe UI", "Roboto", "Helvetica Neue", "sans-serif")
MONO = ("ui-monospace", "SFMono-Regular", "Consolas", "monospace")


def build(opener: Opener, settings: PageSettings | None = None) -> FastAPI:
    """Return the page as an ASGI application; it opens the pipeline in the background at start-up.

    Run it with `serve`, or with any ASGI server.
    """
    settings = settings or PageSettings()
    opening = Opening(opener)
    state = State(opening, settings)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        asyncio.get_running_loop().call_later(HEAD_START, opening.start)
        sweeping = asyncio.create_task(sweep(state))
        yield
        sweeping.cancel()
        state.visitors.close()

    app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.opening = opening

    app.include_router(routes(state))
    gr.mount_gradio_app(
        app,
        blocks(state),
        path="/",
        server_name=settings.host,
        server_port=settings.port,
        theme=gr.themes.Base(font=list(SANS), font_mono=list(MONO)),
        footer_links=[],
        run_history=False,
        allowed_paths=[],
        max_file_size=f"{settings.max_upload_mb}mb",
        show_error=False,
        ssr_mode=False,
        enable_monitoring=False,
        mcp_server=False,
        pwa=False,
    )
    app.add_middleware(
        Wall,
        hosts=settings.trusted_hosts,
        max_body=MAX_BODY,
        head=HEAD,
        bodies={UPLOAD: settings.max_upload_mb * 1_000_000},
    )
    return app


async def sweep(state: State) -> None:
    """Delete what visitors left behind, for ever."""
    while True:
        await asyncio.sleep(SWEEP)
        await asyncio.to_thread(state.visitors.sweep)


class PageServer(uvicorn.Server):
    """The server of a page, which tells its address as soon as it answers."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[str], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then announce."""
        await super().startup(sockets)
        if self.started:
            self._announce(address(self.config.host, self.config.port))


def address(host: str, port: int) -> str:
    """Return where a browser on this machine finds the page."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def say(where: str) -> None:
    """Tell the person at the terminal where the page is."""
    sys.stderr.write(f"The page is at {where} (Ctrl-C ends it).\n")


def server(
    app: FastAPI, settings: PageSettings, announce: Callable[[str], None] = say
) -> PageServer:
    """Return the server for the page; its `run()` blocks until it is told to exit."""
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_level="warning",
        server_header=False,
        proxy_headers=False,
        limit_concurrency=256,
        timeout_graceful_shutdown=2,
    )
    return PageServer(config, announce)


def check_free(settings: PageSettings) -> None:
    """Check that the address is free; SettingsError with what to do when it is not."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((settings.host, settings.port))
    except OSError as error:
        where = f"{settings.host}:{settings.port}"
        raise SettingsError(
            f"The page cannot listen on {where}: {error.strerror or error}.",
            hint="Choose another port, as in RAG_PAGE__PORT=7861.",
        ) from None


def serve(opener: Opener, settings: PageSettings | None = None) -> None:
    """Serve the page until interrupted; SettingsError when its address is taken."""
    settings = settings or PageSettings()
    check_free(settings)
    with contextlib.suppress(KeyboardInterrupt):
        server(build(opener, settings), settings).run()
