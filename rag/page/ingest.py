"""One thread that takes uploads into their visitors' indexes, in the order they came.

Embedding is work for the processor, and a visitor who asks should not wait for it: between two
batches the thread lets an answer that is being made finish first. Knows visitors and the bot; knows
nothing of the web.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from pathlib import Path

from rag.errors import RagError
from rag.page.bot import Opening
from rag.page.uploads import Upload
from rag.page.visitors import Visitor
from rag.types import Skipped

PATIENCE = 20.0
"""Seconds that an ingest waits for answers being made, at each batch."""

_log = logging.getLogger(__name__)


class Left(Exception):
    """The visitor went away while his file was read."""


class Ingest:
    """Uploads that wait for their turn, and the thread that takes them."""

    def __init__(self, opening: Opening, answering: Callable[[], bool]) -> None:
        self._opening = opening
        self._answering = answering
        self._waiting: queue.Queue[tuple[Visitor, int]] = queue.Queue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._working = False

    @property
    def busy(self) -> bool:
        """Whether a file is being taken in, or waits."""
        return self._working or not self._waiting.empty()

    def put(self, visitor: Visitor, number: int) -> None:
        """Line up a file that was received; starts the thread with the first one."""
        visitor.change(number, state="waiting")
        self._waiting.put((visitor, number))
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="ingest", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            visitor, number = self._waiting.get()
            self._working = True
            upload = next((u for u in visitor.uploads if u.number == number), None)
            try:
                if upload is not None:
                    self._take(visitor, upload)
            except Left:
                pass
            except RagError as error:
                visitor.skip(number, named(error.message, visitor.folder, number))
            except Exception:
                _log.exception("an upload could not be indexed")
                visitor.skip(number, "Something went wrong while it was read.")
            self._working = False

    def _take(self, visitor: Visitor, upload: Upload) -> None:
        base = self._opening.wait(visitor.gone)
        if base is None:
            raise Left
        visitor.change(upload.number, state="reading")
        bot = visitor.own(base)
        known = {entry.id for entry in bot.index.entries()}
        path = visitor.path(upload)

        def tell(stage: str, done: int, total: int) -> None:
            if stage != "read":  # which counts files, and there is one
                visitor.change(upload.number, state="indexing", done=done, total=total)
            self._give_way(visitor)

        _, skipped = bot.add([path], progress=tell)
        ids = tuple(e.id for e in bot.index.entries() if e.source == str(path))
        fresh = tuple(id for id in ids if id not in known)
        self._conclude(visitor, upload, fresh, skipped)

    def _conclude(
        self, visitor: Visitor, upload: Upload, ids: tuple[str, ...], skipped: tuple[Skipped, ...]
    ) -> None:
        """Say what became of a file: indexed (in part, perhaps), or skipped and why."""
        reasons = "; ".join(named(one.reason, visitor.folder, upload.number) for one in skipped[:3])
        more = len(skipped) - 3
        reasons += f"; and {more} more" if more > 0 else ""
        if ids:
            visitor.change(upload.number, state="indexed", documents=ids, reason=reasons)
        else:
            visitor.skip(upload.number, reasons or "Its text is in the library already.")

    def _give_way(self, visitor: Visitor) -> None:
        until = time.monotonic() + PATIENCE
        while True:
            if visitor.gone.is_set():
                raise Left
            if not self._answering() or time.monotonic() > until:
                return
            time.sleep(0.05)


def named(message: str, folder: Path | None, number: int) -> str:
    """Return a message without the place where a visitor's files lie."""
    return message.replace(f"{folder}/files/{number}/", "").replace(str(folder), "the index")
