"""Pictures of the pages of a PDF, with the cited words marked on them.

The words are found on the page by their letters and digits alone: a text mended from a PDF has
other spaces, hyphens and line ends than the page itself.
"""

from __future__ import annotations

import io
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

from rag.errors import SourceError

WIDEST = 1_400
TALLEST = 2_800
"""Pixels of a picture at most."""
SCALE = 2.0
"""Pixels for a point, where the page is not too large for that."""
YELLOW = (253, 224, 110)

Box = tuple[float, float, float, float]
"""Left, bottom, right, top in points, from the page's lower left corner."""


def picture(path: Path, label: str, least: int, quotes: Sequence[str]) -> bytes:
    """Return one page as a PNG file, with each quote marked where its words are found.

    `label` is the page's printed number; of several pages with it the first from the page number
    `least` (from 0) on is meant.

    Raises:
        SourceError: the file is not there any more, cannot be read, or has no such page.
    """
    import pypdfium2

    from rag.documents.pdf_glyphs import LOCK

    with LOCK:  # pdfium serves one thread at a time
        try:
            opened = pypdfium2.PdfDocument(path)
        except (OSError, pypdfium2.PdfiumError) as error:
            raise SourceError("The file cannot be read any more.") from error
        try:
            page = opened[_number(opened, label, least)]
            image = _rendered(page, quotes)
        except RuntimeError as error:
            raise SourceError("This page cannot be shown.") from error
        finally:
            opened.close()
    data = io.BytesIO()
    image.save(data, "PNG", compress_level=3)
    return data.getvalue()


def _number(opened: Any, label: str, least: int) -> int:
    """Return the number (from 0) of the page that is meant."""
    for number in range(max(0, least), len(opened)):
        if (opened.get_page_label(number).strip() or str(number + 1)) == label:
            return number
    raise SourceError("There is no such page.")


def _rendered(page: Any, quotes: Sequence[str]) -> Any:
    """Return a page as an image, its marked words tinted."""
    from PIL import Image, ImageChops

    width, height = page.get_size()
    scale = min(SCALE, WIDEST / max(width, 1), TALLEST / max(height, 1))
    bitmap = page.render(scale=scale)
    image = bitmap.to_pil().convert("RGB")
    words = page.get_textpage()
    converter = bitmap.get_posconv(page)
    try:
        tint = Image.new("RGB", image.size, (255, 255, 255))
        for left, bottom, right, top in _boxes(words, quotes):
            x1, y1 = converter.to_bitmap(left, top)
            x2, y2 = converter.to_bitmap(right, bottom)
            box = (min(x1, x2) - 1, min(y1, y2) - 1, max(x1, x2) + 2, max(y1, y2) + 2)
            tint.paste(YELLOW, box)
    finally:
        words.close()
        page.close()
    return ImageChops.multiply(image, tint)


def _boxes(words: Any, quotes: Sequence[str]) -> Iterator[Box]:
    """Yield the boxes of the quotes' words on a page, a line each."""
    text = words.get_text_range()
    for start, end in places(text, quotes):
        for number in range(words.count_rects(start, end - start)):
            yield words.get_rect(number)


def places(text: str, quotes: Sequence[str]) -> list[tuple[int, int]]:
    """Return where quotes stand in a page's text, by letters and digits; what is not there: not.

    A quote that goes on from the page before, or to the next, is found by the part that is here.
    """
    ends = list(accumulate(len(_plain(char)) for char in text))
    page = "".join(_plain(char) for char in text)
    found = []
    for quote in quotes:
        wanted = "".join(_plain(char) for char in quote)
        at = page.find(wanted)
        if wanted and at >= 0:
            first, last = bisect_right(ends, at), bisect_right(ends, at + len(wanted) - 1)
            found.append((first, last + 1))
    return found


def _plain(char: str) -> str:
    return "".join(c for c in char.casefold() if c.isalnum())
