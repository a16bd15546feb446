"""Folders that live: tells when files under some sources have changed and then kept still.

It knows files, not what is made of them.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from rag.index import own

QUIET = 400  # milliseconds without another change, until changes count as settled
LONGEST = 10_000  # milliseconds of changes without a pause, until they are told all the same
TICK = 500  # milliseconds between two looks at files that were named themselves


def changes(
    sources: Sequence[str | Path], folder: Path, stop: threading.Event | None = None
) -> Iterator[None]:
    """Yield once when the watch has begun, and then whenever something changed and settled.

    Changes made while the caller is busy are told afterwards, all in one. Files of the index in
    `folder` do not count. Ends when `stop` is set; Ctrl-C raises KeyboardInterrupt.

    Raises:
        FileNotFoundError: a source does not exist.
    """
    from watchfiles import DefaultFilter, watch

    default = DefaultFilter()
    named = [Path(source) for source in sources]
    files = [path for path in named if not path.is_dir()]
    looks = _looks(files)
    begun = False
    for found in watch(
        *named,
        watch_filter=lambda change, path: default(change, path) and not own(Path(path), folder),
        step=QUIET,
        debounce=LONGEST,
        rust_timeout=TICK,
        yield_on_timeout=True,
        stop_event=stop,
    ):
        now = _looks(files)  # a file that is replaced, as editors do, is another to the system
        if found or now != looks or not begun:
            looks, begun = now, True
            yield


def _looks(files: Sequence[Path]) -> list[tuple[int, int] | None]:
    return [_look(path) for path in files]


def _look(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns
