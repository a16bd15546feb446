"""Listening on an address: the server that runs an application, and what it tells at the start."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable

import uvicorn

from rag.errors import SettingsError
from rag.page.security import Asgi
from rag.settings import PageSettings


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


def server(app: Asgi, settings: PageSettings, announce: Callable[[str], None] = say) -> PageServer:
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
