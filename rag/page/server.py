"""The page as a web application: the blocks inside the wall, and the server that runs them."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"

import gradio as gr
from fastapi import FastAPI

from rag.page.bot import Opener, Opening
from rag.page.layout import blocks
from rag.page.listening import address, check_free, server
from rag.page.routes import UPLOAD, routes
from rag.page.security import Wall
from rag.page.state import State
from rag.settings import PageSettings

__all__ = ["address", "build", "check_free", "serve", "server"]

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


def build(opener: Opener | Opening, settings: PageSettings | None = None) -> FastAPI:
    """Return the page as an ASGI application; it opens the pipeline in the background at start-up.

    Run it with `serve`, or with any ASGI server. An `Opening` may be shared with others.
    """
    settings = settings or PageSettings()
    opening = opener if isinstance(opener, Opening) else Opening(opener)
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
        await asyncio.to_thread(state.sweep)


def serve(opener: Opener, settings: PageSettings | None = None) -> None:
    """Serve the page until interrupted; SettingsError when its address is taken."""
    settings = settings or PageSettings()
    check_free(settings)
    with contextlib.suppress(KeyboardInterrupt):
        server(build(opener, settings), settings).run()
