"""Work in threads, watched from the event loop: how much runs, how much waits, and how it stops.

It knows nothing of questions: a job is an iterator that a thread goes through, and that ends soon
after its `stop` is set.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

from rag.errors import QueueFull

T = TypeVar("T")
Work = Callable[[threading.Event], Iterator[T]]
"""Returns what a thread goes through; it should end soon once the event is set."""


class _End:
    """Marks the end of a job's items, with the error it ended in, if any."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


class Job(Generic[T]):
    """One piece of work in a thread; `Jobs.start` makes them. Belongs to one event loop."""

    def __init__(self, work: Work[T]) -> None:
        self.stopped = threading.Event()
        self._work = work
        self._loop = asyncio.get_running_loop()
        self._items: asyncio.Queue[T | _End] = asyncio.Queue()
        self._future: Future[None] | None = None

    def stop(self) -> None:
        """Let it end: at once if it still waits, else as soon as the work notices."""
        self.stopped.set()
        if self._future is not None:
            self._future.cancel()

    async def items(self, every: float | None = None) -> AsyncGenerator[T | None]:
        """Yield what the work yields, and None whenever nothing came for `every` seconds.

        Raises what the work raised. Left early, it stops the work.
        """
        getting: asyncio.Task[T | _End] | None = None
        try:
            while True:
                getting = getting or asyncio.ensure_future(self._items.get())
                await asyncio.wait({getting}, timeout=every)
                if not getting.done():
                    yield None
                    continue
                item, getting = getting.result(), None
                if isinstance(item, _End):
                    if item.error is not None:
                        raise item.error
                    return
                yield item
        finally:
            self.stop()
            if getting is not None:
                getting.cancel()

    def _run(self) -> None:
        end = _End()
        try:
            items = self._work(self.stopped)  # named: it is closed only after `stopped` is set
            for item in items:
                if self.stopped.is_set():
                    break
                self._put(item)
        except Exception as error:
            end = _End(error)
        self._put(end)

    def _put(self, item: T | _End) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody listens any more
            self._loop.call_soon_threadsafe(self._items.put_nowait, item)


class Jobs:
    """Threads for jobs: `running` at once, and `waiting` more may wait for their turn."""

    def __init__(self, running: int, waiting: int) -> None:
        self.places = running + waiting
        self._pool = ThreadPoolExecutor(running, thread_name_prefix="answer")
        self._running = running
        self._jobs: set[Job[object]] = set()
        self._lock = threading.Lock()

    @property
    def taken(self) -> int:
        """How many jobs run or wait."""
        return len(self._jobs)

    @property
    def waiting(self) -> int:
        """How many jobs wait for their turn."""
        return max(0, self.taken - self._running)

    def start(self, work: Work[T]) -> Job[T]:
        """Begin a job, or let it wait for its turn.

        Raises:
            QueueFull: all places are taken.
        """
        job: Job[T] = Job(work)
        with self._lock:
            if self.taken >= self.places:
                raise QueueFull(
                    f"All {self.places} places for questions are taken.",
                    hint="Ask again in a moment.",
                )
            self._jobs.add(job)  # type: ignore[arg-type]  # only kept and stopped
        job._future = self._pool.submit(job._run)
        job._future.add_done_callback(lambda _: self._leave(job))
        return job

    def close(self) -> None:
        """Stop every job, and start no more."""
        for job in tuple(self._jobs):
            job.stop()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _leave(self, job: Job[T]) -> None:
        with self._lock:
            self._jobs.discard(job)
