"""Text to blocks: the runs of lines that belong together, with exact offsets.

A block is a paragraph, a heading, a fenced listing or the front matter. Every non-blank line is in
exactly one block. What a block is *for* (title, credit, ...) is not decided here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

Shape = Literal["paragraph", "heading", "fence", "front"]

UNWRAPPED = 160  # characters: nobody wraps lines by hand this wide, so each is a paragraph

_LINE = re.compile(r"[^\r\n]+")
_BREAK = re.compile(r"\r\n|\r|\n")
_HEADING = re.compile(r"[ ]{0,3}#{1,6}[ \t]+\S")
_UNDERLINE = re.compile(r"[ ]{0,3}(={3,}|-{3,})\s*\Z")
_FENCE = re.compile(r"[ ]{0,3}(```+|~~~+)")
_KEY = re.compile(r"[\w-]+\s*[:=]")
_UNDER_KEY = re.compile(r"#|\s+\S|-\s|[\]})]")  # a comment, or the rest of the value above


@dataclass(frozen=True, slots=True)
class Block:
    """Characters `start:end` of a text, trimmed of white space.

    `group` numbers the runs of lines between blank lines: blocks of one group stand directly under
    each other.
    """

    start: int
    end: int
    shape: Shape = "paragraph"
    group: int = 0


@dataclass(frozen=True, slots=True)
class _Line:
    """A non-blank line: its trimmed characters, whether a blank one came before, the raw start."""

    start: int
    end: int
    after_blank: bool
    raw: int


def blocks(text: str, alone: Callable[[str], bool] = lambda line: False) -> tuple[Block, ...]:
    """Cut `text` into blocks, in order; a line that is `alone` gets a block of its own."""
    lines = _lines(text)
    found: list[Block] = []
    position, group = _front(text, lines), 0
    if position:
        found.append(Block(lines[0].start, lines[position - 1].end, "front"))
    while position < len(lines):
        group += 1
        stop, shape = _run(text, lines, position)
        if shape == "fence":
            found.append(Block(lines[position].start, lines[stop - 1].end, "fence", group))
        else:
            found.extend(_cut(text, lines[position:stop], alone, group))
        position = stop
    return tuple(found)


def _lines(text: str) -> list[_Line]:
    """Return the non-blank lines of `text`."""
    found: list[_Line] = []
    last = -1  # end of the last non-blank line
    for match in _LINE.finditer(text):
        words = match.group().strip()
        if not words:
            continue
        start = match.start() + len(match.group()) - len(match.group().lstrip())
        blank = last < 0 or len(_BREAK.findall(text, last, match.start())) > 1
        found.append(_Line(start, start + len(words), blank, match.start()))
        last = match.end()
    return found


def _front(text: str, lines: Sequence[_Line]) -> int:
    """Return how many of the first lines are front matter (between two `---`)."""
    if len(lines) < 3 or (fence := text[lines[0].start : lines[0].end]) not in ("---", "+++"):
        return 0
    keys = 0
    for number, line in enumerate(lines[1:200], start=1):
        words = text[line.raw : line.end]
        if words in (fence, "..."):
            return number + 1 if keys else 0
        if _KEY.match(words):
            keys += 1
        elif not _UNDER_KEY.match(words):
            return 0
    return 0


def _run(text: str, lines: Sequence[_Line], position: int) -> tuple[int, Shape]:
    """Return where the run of lines that starts at `position` stops, and whether it is a fence."""
    opening = _FENCE.match(text, lines[position].raw)
    if opening:
        for stop in range(position + 1, min(len(lines), position + 1_000)):
            if text[lines[stop].start : lines[stop].end].startswith(opening.group(1)):
                return stop + 1, "fence"
    stop = position + 1
    while stop < len(lines) and not lines[stop].after_blank:
        if _FENCE.match(text, lines[stop].raw):
            break
        stop += 1
    return stop, "paragraph"


def _cut(
    text: str, run: Sequence[_Line], alone: Callable[[str], bool], group: int
) -> Iterator[Block]:
    """Cut lines without a blank one between them into headings, lone lines and paragraphs."""
    unwrapped = any(line.end - line.start > UNWRAPPED for line in run)
    pending: _Line | None = None  # first line of the paragraph being gathered
    end = position = 0
    while position < len(run):
        line = run[position]
        underlined = (
            position + 1 < len(run)
            and line.end - line.start <= UNWRAPPED
            and bool(_UNDERLINE.match(text, run[position + 1].raw, run[position + 1].end))
        )
        heading = bool(_HEADING.match(text, line.raw, line.end)) or (underlined and pending is None)
        single = heading or unwrapped or alone(text[line.start : line.end])
        if single:
            if pending:
                yield Block(pending.start, end, "paragraph", group)
                pending = None
            last = run[position + 1] if heading and underlined else line
            yield Block(line.start, last.end, "heading" if heading else "paragraph", group)
            position += 2 if heading and underlined else 1
            continue
        pending, end = pending or line, line.end
        position += 1
    if pending:
        yield Block(pending.start, end, "paragraph", group)
