"""The lines of a PDF's pages as paragraphs, headings and tables.

What comes again at the edge of page after page (running heads, feet, page numbers) is left out
first. Knows boxes and words, nothing of files.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median
from typing import Literal

from rag.documents.pdf_columns import Line, ordered
from rag.documents.pdf_glyphs import Contents, Sheet

EDGE = 0.12  # of a page's height: how far in heads and feet stand
OFTEN = 0.3  # of the pages, and 3 at least: how many a head or foot is on
GREATER = 1.12  # of the usual size: what a heading's letters have
MAX_HEADING = 200  # characters
SPACED = 1.45  # of the usual distance of lines: where a paragraph ends

_NUMBER = re.compile(r"\d+")
_PAGE = re.compile(
    r"\W*(?:(?:page|p\.|seite|página)\s*)?(?:\d{1,4}|[ivxlc]{1,7})(?:\s*(?:of|/|von|de)\s*\d{1,4})?\W*",
    re.IGNORECASE,
)
_BULLET = re.compile(r"(?:[-*•‣▪◦–]|\(?\d{1,3}[.)]|\(?[a-z][.)])\s")
_CONTENTS = re.compile(r"…\s*(?:\d+|[ivxlc]+)$")  # a line of a table of contents
_ENDED = re.compile(r"[.!?:;…。][\"”’)\]]*$")

Known = Mapping[tuple[int, str], int]
"""The level of each bookmark, by its page and its letters."""


@dataclass(slots=True)
class Block:
    """A paragraph, a heading or a table; `lines` with the number of the page each is on, from 0."""

    kind: Literal["text", "heading", "table"]
    lines: list[tuple[int, Line]] = field(default_factory=list)
    level: int = 0

    @property
    def words(self) -> str:
        """The words of all lines."""
        return " ".join(line.text for _, line in self.lines)


def blocks(contents: Contents) -> list[Block]:
    """Return the blocks of all pages in reading order."""
    pages = [ordered(sheet.runs) for sheet in contents.sheets]
    body = Counter[float]()
    for page in pages:
        for line in page:
            body[round(line.size, 1)] += len(line.text)
    if not body:
        return []
    usual = body.most_common(1)[0][0]
    pages = _without_edges(contents.sheets, pages, GREATER * usual)
    steps = [
        below.top - line.top
        for page in pages
        for line, below in pairwise(page)
        if line.column == below.column and below.top > line.top
    ]
    step = median(steps) if steps else usual
    bold = sum(len(line.text) for page in pages for line in page if line.bold)
    plain = 2 * bold < body.total()  # else bold tells nothing
    known = {(page, _bare(title)): level for page, level, title in contents.bookmarks}
    found: list[Block] = []
    for number, page in enumerate(pages):
        for kind, part in _runs_of_rows(page):
            if kind == "table":
                found.append(Block("table", [(number, line) for line in part]))
            else:
                _paragraphs(part, number, found, step, known)
    _headings(found, usual, plain, known)
    return found


def _without_edges(
    sheets: Sequence[Sheet], pages: Sequence[list[Line]], great: float
) -> list[list[Line]]:
    """Return each page's lines without running heads, feet and page numbers.

    Letters of a `great` size are no running head: that is the title it repeats.
    """
    edges = [
        [line for line in page if _outer(line, sheet) and line.size < great]
        for sheet, page in zip(sheets, pages, strict=True)
    ]
    seen = Counter(key for edge in edges for key in {_key(line) for line in edge})
    written = sum(map(bool, pages))
    least = max(3, OFTEN * written)
    return [
        [
            line
            for line in page
            if line not in edge
            or not (seen[_key(line)] >= least or (written > 1 and _PAGE.fullmatch(line.text)))
        ]
        for page, edge in zip(pages, edges, strict=True)
    ]


def _outer(line: Line, sheet: Sheet) -> bool:
    return line.bottom < EDGE * sheet.height or line.top > (1 - EDGE) * sheet.height


def _key(line: Line) -> str:
    return _NUMBER.sub("#", line.text).casefold()


def _runs_of_rows(page: Sequence[Line]) -> Iterator[tuple[Literal["text", "table"], list[Line]]]:
    """Part a page's lines into tables (two lines or more of cells under each other) and text."""
    part: list[Line] = []
    table: list[Line] = []
    for line in [*page, None]:
        if line is not None and len(line.runs) > 1 and (not table or _under(table, line)):
            table.append(line)
            continue
        if line is not None and len(table) > 1 and _continues(table, line):
            table.append(line)
            continue
        if len(table) > 1 and len(columns(table)) > 1:
            if part:
                yield "text", part
            yield "table", table
            part = []
        else:
            part += table
        table = [line] if line is not None and len(line.runs) > 1 else []
        if line is not None and not table:
            part.append(line)
    if part:
        yield "text", part


def _under(table: Sequence[Line], line: Line) -> bool:
    """Judge whether a line of cells belongs to the table above it."""
    above = table[-1]
    near = line.column == above.column and line.top - above.bottom < 2.5 * line.size
    return near and len(columns([*table, line])) > 1


def _continues(table: Sequence[Line], line: Line) -> bool:
    """Judge whether a line is the rest of a cell above it that is not in the first column."""
    found = columns(table)
    tight = 0 <= line.top - table[-1].top < 1.3 * line.size
    inside = [at for at, (left, right) in enumerate(found) if left - 2 <= line.left <= right]
    return (
        tight and bool(inside) and inside[0] > 0 and line.right <= found[inside[0]][1] + line.size
    )


def columns(table: Sequence[Line]) -> list[tuple[float, float]]:
    """Return a table's columns as (left, right): its cells' extents, those that overlap joined."""
    found: list[tuple[float, float]] = []
    for left, right in sorted((run.left, run.right) for line in table for run in line.runs):
        if found and left <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], right))
        else:
            found.append((left, right))
    return found


def cells(table: Sequence[Line]) -> list[list[str]]:
    """Return the rows of a table."""
    found = columns(table)
    rows: list[list[str]] = []
    for line in table:
        row = [""] * len(found)
        for run in line.runs:
            at = next(i for i, (left, right) in enumerate(found) if left <= run.left <= right)
            row[at] = f"{row[at]} {run.text}".strip()
        if len(line.runs) == 1 and rows and not row[0]:
            rows[-1] = [f"{a} {b}".strip() for a, b in zip(rows[-1], row, strict=True)]
        else:
            rows.append(row)
    return rows


def _paragraphs(
    page: Sequence[Line], number: int, found: list[Block], step: float, known: Known
) -> None:
    """Add a page's lines of text to the blocks found, the first ones to a paragraph left open."""
    edges = {line.column: max(o.right for o in page if o.column == line.column) for line in page}
    for at, line in enumerate(page):
        last = found[-1] if found and found[-1].kind == "text" else None
        before = page[at - 1] if at else None
        apart = (number, _bare(line.text)) in known or (
            last is not None and len(last.lines) == 1 and (number, _bare(last.words)) in known
        )
        if last is None or apart or not _goes_on(last, before, line, edges[line.column], step):
            found.append(Block("text"))
        found[-1].lines.append((number, line))


def _goes_on(last: Block, before: Line | None, line: Line, edge: float, step: float) -> bool:
    """Judge whether a line continues the paragraph above it, or before the column or page."""
    above = last.lines[-1][1]
    if abs(above.size - line.size) > 0.08 * line.size or above.bold != line.bold:
        return False
    if _BULLET.match(line.text) or _CONTENTS.search(above.text):
        return False
    if before is None or before.column != line.column or before is not above:
        return line.text[:1].islower() and not _ENDED.search(above.text)
    distance = line.top - above.top
    if distance > SPACED * max(min(step, 1.6 * line.size), line.size):
        return False
    short = above.right < edge - 0.2 * (edge - above.left)
    indented = line.left > above.left + 0.8 * line.size and not _BULLET.match(above.text)
    return not (short and _ENDED.search(above.text)) and not (indented and len(last.lines) > 1)


def _headings(found: Sequence[Block], usual: float, plain: bool, known: Known) -> None:
    """Tell headings: by the document's own bookmarks, else by the size and weight of letters."""
    sized = []
    for block in found:
        if block.kind != "text" or len(block.words) > MAX_HEADING or len(block.lines) > 3:
            continue
        page, line = block.lines[0]
        if level := known.get((page, _bare(block.words)), 0):
            block.kind, block.level = "heading", level
        elif _titled(block.words) and (line.size >= GREATER * usual or (plain and line.bold)):
            sized.append((round(line.size, 0), block))
    sizes = sorted({size for size, _ in sized}, reverse=True)
    for size, block in sized:
        block.kind = "heading"
        block.level = min(sizes.index(size) + 1, 6)


def _titled(words: str) -> bool:
    return any(map(str.isalpha, words)) and not re.search(r"[.;,:\u00ad-]$|… ", words)


def _bare(words: str) -> str:
    return re.sub(r"\W+", "", words).casefold()
