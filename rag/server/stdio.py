"""The tools over standard input and output, for programs that start them as a child process."""

from __future__ import annotations

import logging
import sys

import anyio

from rag.page.bot import Opener, Opening
from rag.server import tools
from rag.server.desk import Desk
from rag.server.metrics import Metrics
from rag.settings import Settings


def run(opener: Opener, settings: Settings) -> None:
    """Serve until standard input ends.

    Nothing but the protocol goes to standard output: the transport keeps it for itself, and
    whatever else writes there lands on standard error.
    """
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    opening = Opening(opener)
    desk = Desk(opening, settings, Metrics())
    server = tools.build(desk)
    opening.start()
    try:
        anyio.run(server.run_stdio_async)
    finally:
        desk.jobs.close()
