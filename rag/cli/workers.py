"""Work dealt out to processes: each opens what it needs once, then does one item at a time.

Results come in the order of the items, whichever process is quicker. An error of a worker is
raised here; however this ends, no process is left.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import TypeVar, cast

from rag.cli import edge, signals
from rag.errors import RagError

PATIENCE = 5.0  # seconds that workers have to end by themselves
Item = TypeVar("Item")
Result = TypeVar("Result")
Opener = Callable[[], AbstractContextManager[Callable[[Item], Result]]]
"""Opens a worker's own models and gives what does one item; it is sent, so it must pickle."""


def deal(
    items: Sequence[Item],
    opener: Opener[Item, Result],
    jobs: int,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Result, ...]:
    """Return the result of each item, done in `jobs` processes (1: in this one).

    Raises:
        RagError, OSError: as the worker raised it; RagError also where a worker died.
    """
    if jobs == 1 or len(items) < 2:
        with opener() as one:
            done = []
            for item in items:
                done.append(one(item))
                if progress:
                    progress(len(done), len(items))
            return tuple(done)
    with _workers(opener, min(jobs, len(items))) as connections:
        return _collected(items, connections, progress)


def _collected(
    items: Sequence[Item],
    connections: Sequence[Connection],
    progress: Callable[[int, int], None] | None,
) -> tuple[Result, ...]:
    """Send each idle worker the next item until every result is there."""
    results: dict[int, Result] = {}
    todo = iter(enumerate(items))
    for connection in connections:
        with suppress(BrokenPipeError):  # it could not open its models: its error is read below
            connection.send(next(todo))
    while len(results) < len(items):
        for connection in cast(list[Connection], wait(connections)):
            try:
                place, result = connection.recv()
            except (EOFError, ConnectionResetError):
                raise RagError(
                    "a worker process ended early",
                    hint="it may have run out of memory: try fewer with --jobs",
                ) from None
            if isinstance(result, Exception):
                raise result
            results[place] = result
            if progress:
                progress(len(results), len(items))
            if (following := next(todo, None)) is not None:
                connection.send(following)
    return tuple(results[place] for place in range(len(items)))


@contextmanager
def _workers(opener: Opener[Item, Result], jobs: int) -> Iterator[list[Connection]]:
    """Start the workers, and end them whatever happens.

    They are born deaf to Ctrl-C, which a terminal sends to all: the first process ends them.
    """
    context = get_context("spawn")
    started: list[BaseProcess] = []
    connections: list[Connection] = []
    hears = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        for _ in range(jobs):
            ours, theirs = context.Pipe()
            process: BaseProcess = context.Process(target=_work, args=(theirs, opener), daemon=True)
            process.start()
            theirs.close()
            started.append(process)
            connections.append(ours)
        signal.signal(signal.SIGINT, hears)
        yield connections
        _end(started, connections, politely=True)
    finally:
        signal.signal(signal.SIGINT, hears)
        _end(started, connections, politely=False)


def _end(
    processes: Sequence[BaseProcess], connections: Sequence[Connection], *, politely: bool
) -> None:
    """Let idle workers go, or stop busy ones; what does not end within seconds is killed."""
    for connection in connections:
        connection.close()
    for process in processes:
        if not politely:
            process.terminate()
    until = time.monotonic() + PATIENCE
    for process in processes:
        process.join(max(0.0, until - time.monotonic()))
        if process.is_alive():
            process.kill()
            process.join()


def _work(connection: Connection, opener: Opener[Item, Result]) -> None:
    """Do what is sent until nobody sends any more. The first thing sent back may be an error."""
    edge.quieten()
    signals.unwind(signal.SIGTERM)  # so that nothing is left behind
    place = -1
    try:
        with opener() as one:
            while True:
                place, item = connection.recv()
                connection.send((place, one(item)))
    except (EOFError, BrokenPipeError):
        return  # the first process is gone
    except (RagError, OSError) as error:
        with suppress(OSError):  # another's error came first: nobody reads this one
            connection.send((place, error))
