"""The folder that keeps uploaded files, so that a document has a source to come back to.

A file keeps its name: uploaded again, it takes the place of the earlier one, which comes back if
the new one turns out to be unreadable.
"""

from __future__ import annotations

import re
import shutil
import threading
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

MAX_NAME = 200
"""Bytes of a file's name."""
_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"|?*\ud800-\udfff]')


@dataclass(frozen=True, slots=True)
class Kept:
    """An uploaded file at its place, and the one that stood there before."""

    path: Path
    previous: Path | None


def safe_name(given: str) -> str:
    """Return a file's name without folders and without what a file system or shell minds.

    "" when nothing is left.
    """
    name = _UNSAFE.sub("", re.split(r"[/\\]", given)[-1]).strip().lstrip(".")
    stem, suffix = Path(name).stem, Path(name).suffix
    room = MAX_NAME - len(suffix.encode())
    if room < 1:
        return ""
    return stem.encode()[:room].decode(errors="ignore") + suffix


class Uploads:
    """Keeps uploaded files under one folder, made when the first one comes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lock = threading.Lock()
        """Held by whoever changes the folder and the index together."""

    def keep(self, name: str, data: BinaryIO) -> Kept:
        """Put a file at its place; `name` comes from `safe_name`."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / name
        fresh = self.folder / f".new-{uuid.uuid4().hex}"
        try:
            with fresh.open("xb") as file:
                shutil.copyfileobj(data, file)
            previous = None
            if path.exists():
                previous = self.folder / f".old-{uuid.uuid4().hex}"
                path.replace(previous)
            fresh.replace(path)
        finally:
            fresh.unlink(missing_ok=True)
        return Kept(path, previous)

    def accept(self, kept: Kept) -> None:
        """Let the earlier file go."""
        if kept.previous is not None:
            kept.previous.unlink(missing_ok=True)

    def undo(self, kept: Kept) -> None:
        """Take a file away again, and bring the earlier one back."""
        if kept.previous is not None:
            kept.previous.replace(kept.path)
        else:
            kept.path.unlink(missing_ok=True)

    def drop(self, source: str) -> None:
        """Delete the file a document came from, if it was uploaded."""
        path = Path(source)
        if path.parent == self.folder:
            path.unlink(missing_ok=True)
