"""Work in threads: order, bounds, errors, and how it stops."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from rag.errors import QueueFull
from rag.server.jobs import Jobs


def counting(n: int, seconds: float = 0.0):
    def work(stop: threading.Event):
        for i in range(n):
            if stop.wait(seconds):
                return
            yield i

    return work


async def collect(job, every=None):
    return [item async for item in job.items(every)]


async def settled(jobs: Jobs) -> None:
    """Wait until nothing runs."""
    for _ in range(500):
        if not jobs.taken:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("a job still runs")


def test_items_come_in_order_and_silence_is_told():
    async def run():
        jobs = Jobs(1, 0)
        assert await collect(jobs.start(counting(5))) == [0, 1, 2, 3, 4]
        await settled(jobs)
        slow = await collect(jobs.start(counting(2, 0.2)), 0.05)
        assert [item for item in slow if item is not None] == [0, 1]
        assert slow.count(None) >= 4

    asyncio.run(run())


def test_an_error_ends_the_items_where_it_happened():
    def work(stop):
        yield 1
        raise ZeroDivisionError("here")

    async def run():
        async for item in Jobs(1, 0).start(work).items():
            seen.append(item)

    seen = []
    with pytest.raises(ZeroDivisionError, match="here"):
        asyncio.run(run())
    assert seen == [1]


def test_places_are_taken_and_given_back():
    async def run():
        jobs = Jobs(1, 1)
        first, second = jobs.start(counting(3, 0.1)), jobs.start(counting(1))
        assert (jobs.taken, jobs.waiting) == (2, 1)
        with pytest.raises(QueueFull, match="2 places"):
            jobs.start(counting(1))
        assert await collect(first) == [0, 1, 2]
        assert await collect(second) == [0]
        await settled(jobs)
        assert await collect(jobs.start(counting(1))) == [0]

    asyncio.run(run())


def test_leaving_stops_the_work_and_one_that_waits_never_begins():
    begun = []

    def work(stop):
        begun.append(1)
        yield from counting(1000, 0.01)(stop)

    async def run():
        jobs = Jobs(1, 1)
        running, waiting = jobs.start(work), jobs.start(work)
        items = running.items()
        assert await anext(items) == 0
        waiting.stop()
        assert jobs.taken == 1
        await items.aclose()
        assert running.stopped.is_set()
        await settled(jobs)

    asyncio.run(run())
    assert begun == [1]


def test_closing_stops_everything():
    async def run():
        jobs = Jobs(2, 5)
        started = [jobs.start(counting(1000, 0.01)) for _ in range(4)]
        await asyncio.sleep(0.05)
        jobs.close()
        await settled(jobs)
        assert all(job.stopped.is_set() for job in started)

    before = time.monotonic()
    asyncio.run(run())
    assert time.monotonic() - before < 5
