"""What a visitor adds: its name made harmless, the bounds it must keep, and what became of it.

Values and checks only; nothing is read or indexed here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from rag.settings import PageSettings

State = Literal["sending", "waiting", "reading", "indexing", "indexed", "skipped"]
NAME_BYTES = 180
"""Longest name of a stored file; file systems take 255."""
ROWS = 2
"""Rows kept for a visitor, as a multiple of the files allowed: the others were turned away."""

_UNSAFE = re.compile(r'[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069<>:"|?*]')


@dataclass(frozen=True, slots=True)
class Upload:
    """A file a visitor sent, and how far it is; `done` of `total` passages where that is known.

    `documents` are the ids of what it became (a JSON-lines file becomes several).
    """

    number: int
    name: str
    size: int = 0
    state: State = "waiting"
    reason: str = ""
    done: int = 0
    total: int = 0
    documents: tuple[str, ...] = ()

    @property
    def over(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state in ("indexed", "skipped")


def clean_name(name: str) -> str:
    """Return the name of a file as it may stand on disk: no folders, no controls, no leading dot.

    What it is called is kept as far as possible, and its ending always: loaders look at it.
    """
    last = re.split(r"[\\/]", name)[-1]
    last = _UNSAFE.sub("", last).encode("utf-8", "ignore").decode().strip(" .")
    suffix = PurePosixPath(last).suffix
    if len(suffix.encode()) > 20:
        suffix = ""
    room = NAME_BYTES - len(suffix.encode())
    stem = last[: len(last) - len(suffix)].encode()[:room].decode("utf-8", "ignore").strip()
    return f"{stem or 'file'}{suffix}"


def megabytes(size: int) -> str:
    """Return bytes for people: "3.2 MB", "14 kB"."""
    if size >= 1_000_000:
        return f"{size / 1_000_000:.1f} MB"
    return f"{max(1, round(size / 1_000))} kB"


def refusal(name: str, size: int, there: Sequence[Upload], settings: PageSettings) -> str:
    """Return why a file of `size` bytes is not taken beside what is `there`; "" when it is."""
    if PurePosixPath(name).suffix.lower() not in settings.upload_types:
        kinds = ", ".join(kind.lstrip(".") for kind in settings.upload_types)
        return f"This kind of file is not read; these are: {kinds}."
    if size > settings.max_upload_mb * 1_000_000:
        return f"Too large ({megabytes(size)}); up to {settings.max_upload_mb} MB are taken."
    if size == 0:
        return "The file is empty."
    kept = [upload for upload in there if upload.state != "skipped"]
    if len(kept) >= settings.max_uploads:
        return f"No more than {settings.max_uploads} files can be added; delete some first."
    if sum(upload.size for upload in kept) + size > settings.max_visitor_mb * 1_000_000:
        return f"All files together may have {settings.max_visitor_mb} MB; delete some first."
    return ""
