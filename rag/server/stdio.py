"""The tools over standard input and output, for programs that start them as a child process."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import AsyncIterator
from typing import Any

import anyio

from rag.page.bot import Opener, Opening
from rag.server import tools
from rag.server.desk import Desk
from rag.server.metrics import Metrics
from rag.settings import Settings


def run(opener: Opener, settings: Settings) -> None:
    """Serve until standard input ends.

    Nothing but the protocol goes to standard output: the transport keeps the descriptor for
    itself, and what anybody else writes there lands on standard error.
    """
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    opening = Opening(opener)
    desk = Desk(opening, settings, Metrics())

    @contextlib.asynccontextmanager
    async def lifespan(_: Any) -> AsyncIterator[None]:
        with contextlib.redirect_stdout(sys.stderr):  # nor may a buffer be written at the end
            opening.start()  # not earlier: until here standard output is everybody's
            yield

    try:
        anyio.run(tools.build(desk, lifespan).run_stdio_async)
    finally:
        desk.jobs.close()
