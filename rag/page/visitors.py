"""Visitors, one a browser: what each added, the index of his own that holds it, his settings.

A visitor is known by a random token in a cookie that no script and no other site can read. Who
added nothing uses the common index; with the first file he gets a copy of it in a temporary folder
of his own, which goes when his last tab is closed, when he is idle, and when the page ends.
"""

from __future__ import annotations

import contextlib
import re
import secrets
import shutil
import tempfile
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from rag.errors import RagError
from rag.page.bot import Bot
from rag.page.preferences import Preferences
from rag.page.uploads import ROWS, State, Upload, clean_name, refusal
from rag.settings import PageSettings

COOKIE = "rag-visitor"
LEAVE = 120.0
"""Seconds after the last tab is closed until a visitor's files go: time to load the page again."""
MOST = 1_024
"""Visitors remembered; the least recently seen without files is forgotten first."""
PREFIX = "rag-page-"

_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


def new_token() -> str:
    """Return a token that nobody can guess (256 random bits)."""
    return secrets.token_urlsafe(32)


def token_of(cookies: str) -> str:
    """Return the visitor's token in a Cookie header; "" when there is none of the right form."""
    with contextlib.suppress(CookieError):
        found = SimpleCookie(cookies).get(COOKIE)
        if found is not None and _TOKEN.fullmatch(found.value):
            return found.value
    return ""


class Visitor:
    """One browser. Only `Visitors` makes them; safe to use from any thread."""

    def __init__(self, folder: Callable[[], Path], settings: PageSettings, now: float) -> None:
        self._make_folder = folder
        self._settings = settings
        self._lock = threading.Lock()  # of the list of uploads; never held for long
        self._indexing = threading.Lock()  # of the index; held while it is copied or changed
        self._uploads: dict[int, Upload] = {}
        self._number = 0
        self.folder: Path | None = None
        self.bot: Bot | None = None
        self.preferences = Preferences()
        self.tabs: set[str] = set()
        self.seen = now
        self.gone = threading.Event()

    @property
    def uploads(self) -> tuple[Upload, ...]:
        """What was sent, in that order."""
        with self._lock:
            return tuple(self._uploads.values())

    @property
    def busy(self) -> bool:
        """Whether a file is on its way into the index."""
        return any(not upload.over for upload in self.uploads)

    def take(self, name: str, size: int) -> Upload:
        """Note a file that is to come; it is `skipped` at once when it may not.

        Raises RagError when nothing more of this visitor can be noted.
        """
        with self._lock:
            if len(self._uploads) >= ROWS * max(self._settings.max_uploads, 5):
                raise RagError("No more files are taken.", hint="Delete some first.")
            self._number += 1
            name = clean_name(name)
            why = refusal(name, size, tuple(self._uploads.values()), self._settings)
            state: State = "skipped" if why else "sending"
            upload = Upload(self._number, name, size, state, why)
            self._uploads[upload.number] = upload
            return upload

    def change(self, number: int, **fields: Any) -> None:
        """Set fields of an upload; nothing happens when it was deleted meanwhile."""
        with self._lock:
            if number in self._uploads:
                self._uploads[number] = replace(self._uploads[number], **fields)

    def skip(self, number: int, reason: str) -> None:
        """Say that a file was not taken, and delete it."""
        self.change(number, state="skipped", reason=reason)
        self.discard(number)

    def path(self, upload: Upload) -> Path:
        """Return where an upload's file is, in a folder of its own; makes the folder."""
        with self._lock:
            if self.gone.is_set():
                raise RagError("The session is over.", hint="Load the page again.")
            if self.folder is None:
                self.folder = self._make_folder()
            place = self.folder / "files" / str(upload.number)
            place.mkdir(parents=True, exist_ok=True)
            return place / upload.name

    def discard(self, number: int) -> None:
        """Delete an upload's file."""
        if self.folder is not None:
            shutil.rmtree(self.folder / "files" / str(number), ignore_errors=True)

    def over(self, base: Bot) -> Bot:
        """Return the visitor's own bot, or the common one, with his settings."""
        return self.preferences.applied(self.bot or base)

    def own(self, base: Bot) -> Bot:
        """Return the visitor's own bot, copying the common index when he has none."""
        with self._indexing:
            if self.gone.is_set() or self.folder is None:
                raise RagError("The session is over.", hint="Load the page again.")
            if self.bot is None:
                self.bot = base.fork(self.folder / "index")
            return self.bot

    def remove(self, number: int) -> Upload | None:
        """Take an upload out of the index and delete its file; None when it is not there.

        Raises StoreError when the index is being written; nothing was deleted.
        """
        with self._indexing:
            upload = self._uploads.get(number)
            if upload is None or not upload.over:
                return None
            if self.bot is not None and upload.documents:
                self.bot.remove(upload.documents)
        with self._lock:
            del self._uploads[number]
        self.discard(number)
        return upload

    def close(self) -> None:
        """Close the visitor's index and delete everything of his."""
        self.gone.set()
        with self._indexing, self._lock:
            if self.bot is not None:
                self.bot.close()
            self.bot = None
            self._uploads.clear()
            if self.folder is not None:
                shutil.rmtree(self.folder, ignore_errors=True)
                self.folder = None


class Visitors:
    """Visitors by token."""

    def __init__(self, settings: PageSettings, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._clock = clock
        self._visitors: OrderedDict[str, Visitor] = OrderedDict()
        self._lock = threading.Lock()
        self._making = threading.Lock()
        self._root: Path | None = None
        self._mine: FileLock | None = None

    def get(self, token: str) -> Visitor:
        """Return the visitor of a token, new when it is not known, and note that he is here."""
        with self._lock:
            visitor = self._visitors.get(token)
            if visitor is None:
                visitor = Visitor(self._folder, self._settings, self._clock())
                self._visitors[token] = visitor
                self._forget()
            visitor.seen = self._clock()
            self._visitors.move_to_end(token)
            return visitor

    def enter(self, token: str, tab: str) -> Visitor:
        """Return the visitor whose tab this is."""
        visitor = self.get(token)
        visitor.tabs.add(tab)
        return visitor

    def leave(self, token: str, tab: str) -> None:
        """Note that a tab was closed."""
        visitor = self.get(token)
        visitor.tabs.discard(tab)

    def sweep(self) -> tuple[str, ...]:
        """Close the visitors who left, and those who are idle; return the tokens of who left."""
        now, idle = self._clock(), 60 * self._settings.idle_minutes
        with self._lock:
            left = [
                token
                for token, visitor in self._visitors.items()
                if not visitor.tabs and now - visitor.seen > min(idle, LEAVE)
            ]
            resting = [
                token
                for token, visitor in self._visitors.items()
                if visitor.tabs and now - visitor.seen > idle and not visitor.busy
            ]
            closing = [self._visitors.pop(token) for token in (*left, *resting)]
        for visitor in closing:
            visitor.close()
        return tuple(left)

    def close(self) -> None:
        """Close all of them and delete every file."""
        with self._lock:
            closing = list(self._visitors.values())
            self._visitors.clear()
        for visitor in closing:
            visitor.close()
        with self._making:
            if self._mine is not None and self._root is not None:
                self._mine.release()
                shutil.rmtree(self._root, ignore_errors=True)
            self._mine = self._root = None

    def _forget(self) -> None:
        for token in list(self._visitors)[: max(0, len(self._visitors) - MOST)]:
            if self._visitors[token].folder is None:
                del self._visitors[token]

    def _folder(self) -> Path:
        """Make a folder for one visitor, in one that only this process may use."""
        with self._making:
            owners = sum(visitor.folder is not None for visitor in list(self._visitors.values()))
            if owners >= self._settings.max_visitors:
                raise RagError(
                    "Too many visitors have files here at the moment.", hint="Try again later."
                )
            if self._root is None:
                sweep_leftovers()
                self._root = Path(tempfile.mkdtemp(prefix=PREFIX))
                self._mine = FileLock(self._root / "lock")
                self._mine.acquire(timeout=0)
            return Path(tempfile.mkdtemp(dir=self._root))


def sweep_leftovers() -> None:
    """Delete the folders of pages that were killed before they could do it themselves."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError, Timeout):
            if (folder / "lock").is_file():
                with FileLock(folder / "lock", timeout=0):
                    shutil.rmtree(folder, ignore_errors=True)
