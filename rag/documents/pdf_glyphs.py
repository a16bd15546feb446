"""The characters of a PDF's pages, gathered into runs of words with their boxes, by pdfium.

Coordinates are points from the upper left corner of the page as it is shown. Pdfium serves one
thread at a time, so everything here runs under a lock. How runs make lines and columns is not
decided here.
"""

from __future__ import annotations

import ctypes
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rag.errors import SourceError

LOCK = threading.Lock()
MAX_PAGES = 10_000
APART = 1.4  # of the size: a wider gap ends a run
SPACE = 0.22  # of the size: a wider gap stands for a space
Edges = tuple[float, float, float, float]
"""Left, top, right and bottom."""
_HYPHENS = "\u00ad\u0002\ufffe"  # how a PDF, or pdfium, marks a hyphen at the end of a line
_LEADER = re.compile(r"(?:\s?[.·]){4,}\s?")  # the dots to a page's number in a table of contents
_UNPRINTED = {code: None for code in range(32) if code != 2} | {0x7F: None, 0xFEFF: None}


@dataclass(frozen=True, slots=True)
class Run:
    """Words on one line without a wide gap: their box, the size of the letters, and the weight."""

    text: str
    left: float
    top: float
    right: float
    bottom: float
    size: float
    bold: bool = False

    @property
    def width(self) -> float:
        """Points from the first letter to the last."""
        return self.right - self.left


@dataclass(frozen=True, slots=True)
class Sheet:
    """One page: its label, its size, its runs as they were drawn, whether it has a picture."""

    label: str
    width: float
    height: float
    runs: tuple[Run, ...]
    pictured: bool = False


@dataclass(frozen=True, slots=True)
class Contents:
    """A PDF's pages, what it says of itself, and its bookmarks as (page from 0, level, title)."""

    sheets: tuple[Sheet, ...]
    facts: dict[str, str]
    bookmarks: tuple[tuple[int, int, str], ...] = ()


def contents(data: bytes, source: str) -> Contents:
    """Read all pages.

    Raises `SourceError` when the file is locked, damaged or too long.
    """
    import pypdfium2

    with LOCK:
        try:
            opened = pypdfium2.PdfDocument(data)
        except pypdfium2.PdfiumError as error:
            if "password" in str(error).lower():
                raise SourceError(
                    f"{source} is locked with a password.", hint="Save it without one."
                ) from error
            raise SourceError(f"{source} is damaged or cut off ({error}).") from error
        try:
            if len(opened) > MAX_PAGES:
                raise SourceError(f"{source} has more than {MAX_PAGES} pages.", hint="Split it.")
            sheets = tuple(_sheet(opened, number) for number in range(len(opened)))
            return Contents(sheets, opened.get_metadata_dict(skip_empty=True), _bookmarks(opened))
        finally:
            opened.close()


def _sheet(opened: Any, number: int) -> Sheet:
    import pypdfium2.raw as pdfium

    label = opened.get_page_label(number).strip() or str(number + 1)
    try:
        page = opened[number]
    except RuntimeError:  # one broken page must not cost the others
        return Sheet(label, 0, 0, ())
    left, bottom, right, top = page.get_bbox()
    words = page.get_textpage()
    turn = page.get_rotation()
    runs = tuple(_runs(words, turn, (left, bottom, right, top)))
    kinds = [pdfium.FPDF_PAGEOBJ_IMAGE]
    pictured = next(iter(page.get_objects(filter=kinds, max_depth=3)), None) is not None
    width, height = page.get_size()
    words.close()
    page.close()
    return Sheet(label, width, height, tuple(run for run in runs if run.text.strip()), pictured)


def _runs(words: Any, turn: int, page: Edges) -> Iterator[Run]:
    """Yield the runs of a page in the order they were drawn."""
    import pypdfium2.raw as pdfium

    box = pdfium.FS_RECTF()
    text: list[str] = []
    now: Edges | None = None
    size, first, last = 0.0, 0, 0
    for at in range(words.count_chars()):
        code = pdfium.FPDFText_GetUnicode(words, at)
        letter = chr(code) if code < 0x110000 else "\ufffd"
        if letter in " \u00a0\t" or letter in "\r\n":
            if text and not text[-1].endswith(" "):
                text.append(" ")
            continue
        if not pdfium.FPDFText_GetLooseCharBox(words, at, ctypes.byref(box)):
            continue
        edges = _shown((box.left, box.bottom, box.right, box.top), turn, page)
        if letter in _HYPHENS and now:
            text.append("\u00ad")
            continue
        if now and _apart(now, edges, size):
            yield _run(text, now, size, _bold(words, first) and _bold(words, last))
            text, now = [], None
        last = at
        if now is None:
            now, size, first = edges, max(edges[3] - edges[1], 1.0), at
            text.append(letter)
            continue
        if edges[0] - now[2] > SPACE * size and not text[-1].endswith(" "):
            text.append(" ")
        text.append(letter)
        now = (
            min(now[0], edges[0]),
            min(now[1], edges[1]),
            max(now[2], edges[2]),
            max(now[3], edges[3]),
        )
    if now:
        yield _run(text, now, size, _bold(words, first) and _bold(words, last))


def _apart(now: Edges, edges: Edges, size: float) -> bool:
    """Judge whether a letter begins another run than the one before it."""
    middle = (edges[1] + edges[3]) / 2
    same_line = now[1] <= middle <= now[3]
    return not same_line or not -size <= edges[0] - now[2] <= APART * size


def _bold(words: Any, at: int) -> bool:
    """Judge whether a letter is bold, by its font's weight or name."""
    import pypdfium2.raw as pdfium

    if pdfium.FPDFText_GetFontWeight(words, at) >= 600:
        return True
    name = ctypes.create_string_buffer(64)
    pdfium.FPDFText_GetFontInfo(words, at, name, 64, None)
    return b"bold" in name.value.lower() or b"black" in name.value.lower()


def _run(text: list[str], box: Edges, size: float, bold: bool) -> Run:
    words = _LEADER.sub(" … ", "".join(text).translate(_UNPRINTED)).strip()
    return Run(words, *box, size, bold)


def _shown(edges: Edges, turn: int, page: Edges) -> Edges:
    """Return a letter's edges on the page as shown, from the PDF's own, which count from below.

    Given are left, bottom, right, top, of the letter and the page; `turn` is in degrees, clockwise.
    """
    left, bottom, right, top = edges
    if turn == 90:
        return bottom - page[1], left - page[0], top - page[1], right - page[0]
    if turn == 180:
        return page[2] - right, bottom - page[1], page[2] - left, top - page[1]
    if turn == 270:
        return page[3] - top, page[2] - right, page[3] - bottom, page[2] - left
    return left - page[0], page[3] - top, right - page[0], page[3] - bottom


def _bookmarks(opened: Any) -> tuple[tuple[int, int, str], ...]:
    found = []
    try:
        for one in opened.get_toc(max_depth=6):
            target = one.get_dest()
            if target is not None and target.get_index() is not None:
                found.append((target.get_index(), one.level + 1, one.get_title()))
    except (RuntimeError, ValueError):  # a table of contents is a help, not a need
        return tuple(found)
    return tuple(found)
