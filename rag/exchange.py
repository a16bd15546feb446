"""Wait for another program so that the waiting can be broken off.

A blocking read cannot be told to stop, and an answer must stop within 200 ms. So the reading is a
coroutine in a thread of its own, which is cancelled; who asked for it looks at a queue meanwhile.
This module knows nothing of HTTP.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Generator
from contextlib import suppress
from queue import Empty, SimpleQueue

LOOK = 0.05  # seconds between two looks at `stop`

Put = Callable[[bytes], None]
Work = Callable[[Put], Awaitable[None]]
"""Reads something and hands over what it gets, a piece at a time."""


def received(work: Work, stop: threading.Event) -> Generator[bytes]:
    """Yield what `work` hands over, until it is done or soon after `stop` is set.

    What it raises is raised here. It is cancelled, and its thread has ended, when this iterator is
    closed, whichever way.
    """
    if stop.is_set():
        return
    arrived: SimpleQueue[bytes | BaseException | None] = SimpleQueue()

    async def run() -> None:
        try:
            await work(arrived.put)
        except Exception as error:
            arrived.put(error)
        else:
            arrived.put(None)

    loop = asyncio.new_event_loop()
    task = loop.create_task(run())
    thread = threading.Thread(target=_finish, args=(loop, task), name="rag-exchange", daemon=True)
    thread.start()
    try:
        while not stop.is_set():
            with suppress(Empty):
                item = arrived.get(timeout=LOOK)
                if item is None:
                    return
                if isinstance(item, BaseException):
                    raise item
                yield item
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join()
        loop.close()


def _finish(loop: asyncio.AbstractEventLoop, task: asyncio.Task[None]) -> None:
    """Run a task to its end or its cancellation."""
    with suppress(asyncio.CancelledError):
        loop.run_until_complete(task)
    loop.run_until_complete(loop.shutdown_asyncgens())
