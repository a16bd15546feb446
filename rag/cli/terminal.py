"""What the program prints to: its width, its colours, its progress bars, and what may pass.

Document text and model output are data. Control characters in them could move the cursor, recolour
the screen or reverse the reading order, so `inert` takes them out before anything is shown.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TextIO

Progress = Callable[[str, int, int], None]

_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


def inert(text: str) -> str:
    """Return `text` without terminal controls and direction overrides; tab and newline stay."""
    return _UNPRINTABLE.sub("", text.replace("\r\n", "\n"))


@dataclass(frozen=True, slots=True)
class Terminal:
    """Where text goes. `width` in columns; `colour` False prints no escape code at all."""

    out: TextIO
    err: TextIO
    width: int = 80
    colour: bool = False
    live: bool = False

    @classmethod
    def open(cls) -> Terminal:
        """Look at this process's streams: colour only on a terminal, and not under NO_COLOR."""
        tty = sys.stdout.isatty()
        plain = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
        width = min(shutil.get_terminal_size((80, 24)).columns, 100)
        return cls(sys.stdout, sys.stderr, max(width, 40), tty and not plain, sys.stderr.isatty())

    def style(self, text: str, *names: str) -> str:
        """Return `text` in the named styles, or as it is without colour."""
        if not self.colour:
            return text
        return f"\x1b[{';'.join(_CODES[name] for name in names)}m{text}\x1b[0m"

    def wrap(self, text: str, indent: str = "") -> str:
        """Return `text` inert and wrapped to the width, its own line breaks kept."""
        lines = inert(text).splitlines() or [""]
        return "\n".join(
            textwrap.fill(
                line,
                self.width,
                initial_indent=indent,
                subsequent_indent=indent,
                break_long_words=False,
                break_on_hyphens=False,
            )
            for line in lines
        )

    def print(self, text: str = "") -> None:
        """Print a line to standard output."""
        print(text, file=self.out, flush=True)

    def note(self, text: str) -> None:
        """Print a line to standard error."""
        print(text, file=self.err, flush=True)

    @contextmanager
    def progress(self) -> Iterator[Progress | None]:
        """Give a bar per stage, with the time left, on standard error; None when nobody watches."""
        if not self.live:
            yield None
            return
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bars
        from rich.progress import TimeRemainingColumn as TimeLeft

        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left:"),
            TimeLeft(),
        )
        tasks = {}
        with Bars(
            *columns, console=Console(file=self.err, force_terminal=True), transient=True
        ) as bars:

            def show(stage: str, done: int, total: int) -> None:
                if stage not in tasks:
                    tasks[stage] = bars.add_task(inert(stage), total=total or None)
                bars.update(tasks[stage], completed=done, total=total or None)

            yield show
