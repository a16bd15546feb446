"""Which files of a folder are sources: all but hidden ones and what plainly is no document."""

from __future__ import annotations

import os
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

from rag.types import Skipped

_FOLDERS = frozenset({"__pycache__", "__macosx", "node_modules", "venv", "lost+found"})
_FILES = (
    *("*~", "~$*", "#*#", "*.tmp", "*.temp", "*.bak", "*.swp", "*.part", "*.crdownload", "*.lock"),
    *("*.pyc", "*.pyo", "*.o", "*.so", "*.dll", "*.exe", "thumbs.db", "desktop.ini"),
)


def walk(folder: Path) -> Iterator[Path | Skipped]:
    """Yield the files under `folder`, in the order of their names, each folder where its name is.

    A linked folder is entered once, so a loop of links ends. What cannot be opened is `Skipped`.
    """
    yield from _walk(folder, set())


def _walk(folder: Path, entered: set[tuple[int, int]]) -> Iterator[Path | Skipped]:
    """Yield from one folder that may have been `entered` already (by device and inode)."""
    try:
        status = folder.stat()
        names = sorted(os.listdir(folder))  # noqa: PTH208 - names only, and it reports errors here
    except OSError as error:
        yield Skipped(str(folder), f"cannot be opened ({error.strerror})")
        return
    if (place := (status.st_dev, status.st_ino)) in entered:
        return
    entered.add(place)
    for name in names:
        path = folder / name
        if name.startswith("."):
            continue
        if path.is_dir():
            if name.lower() not in _FOLDERS:
                yield from _walk(path, entered)
        elif not any(fnmatch(name.lower(), pattern) for pattern in _FILES):
            yield path
