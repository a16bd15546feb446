"""What a text says of itself: title, credit of the picture, author and date.

Reads the front matter of a Markdown file and the blocks that `rag.layout` tells apart. Says nothing
it did not find: a missing fact is a missing key.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePath

from rag.layout import Piece, heading_words, layout
from rag.lines import BYLINE, CREDIT, CREDIT_AFTER, DATE

_KEY = re.compile(r"^(?P<key>[\w-]+)\s*[:=][ \t]*(?P<value>[^\r\n]*)$", re.MULTILINE)
_KEYS = {
    "title": "title",
    "author": "author",
    "authors": "author",
    "byline": "author",
    "date": "date",
    "published": "date",
    "pubdate": "date",
    "credit": "credit",
    "image_credit": "credit",
    "photo_credit": "credit",
}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def facts(text: str, source: str = "") -> dict[str, str]:
    """Return the facts found, under `title`, `credit`, `author` and `date`.

    The title is that of the front matter, else a heading or headline, else (given a `source`) the
    words of the file's name. A date is ISO 8601 where day, month and year are beyond doubt.
    """
    pieces = layout(text)
    found = _front_matter(text, pieces)
    for piece in pieces:
        for key, value in _stated(text[piece.start : piece.end], piece):
            if value and key not in found:
                found[key] = value
    if not found.get("title") and source:
        found["title"] = name_words(source)
    if "date" in found:
        found["date"] = iso_date(found["date"])
    return found


def name_words(source: str) -> str:
    """Return a title made of a file's name: `annual_report-2020.txt` is `annual report 2020`."""
    stem = PurePath(source).stem
    return " ".join(re.sub(r"[_\-\s]+", " ", stem).split()) or PurePath(source).name


def iso_date(words: str) -> str:
    """Return the first date in `words` as YYYY-MM-DD, or `words` when it names none for sure."""
    match = DATE.search(words)
    if match is None or match["slashed"]:
        return " ".join(match.group().split()) if match else words
    if match["iso"]:
        return match["iso"]
    day, month, year = (match[name] or match[f"{name}2"] for name in ("day", "month", "year"))
    return f"{year}-{_MONTHS.index(month[:3].lower()) + 1:02}-{int(day):02}"


def _front_matter(text: str, pieces: Sequence[Piece]) -> dict[str, str]:
    """Read `key: value` lines (and the lists under `key:`) of the front matter."""
    found: dict[str, str] = {}
    if not pieces or pieces[0].role != "front":
        return found
    block = text[pieces[0].start : pieces[0].end]
    for match in _KEY.finditer(block):
        key = _KEYS.get(match["key"].lower())
        value = match["value"].strip()
        if not value:
            listed = re.match(r"(?:\s*\n\s*-[ \t]+[^\n]+)+", block[match.end() :])
            items = re.findall(r"-[ \t]+([^\n]+)", listed.group()) if listed else []
        elif value[0] == "[" and value[-1] == "]":
            items = value[1:-1].split(",")
        else:
            items = [value]
        words = ", ".join(item.strip().strip("\"'") for item in items)
        if key and words and key not in found:
            found[key] = words
    return found


def _stated(words: str, piece: Piece) -> list[tuple[str, str]]:
    """Return what one block states, as (key, value) pairs."""
    if piece.role == "title":
        return [("title", heading_words(words))]
    if piece.role == "credit":
        return [("credit", _credit(words))]
    if piece.role != "byline":
        return []
    said = []
    if byline := BYLINE.match(words):
        said.append(("author", " ".join(byline["name"].split())))
    if date := DATE.search(words):
        said.append(("date", date.group()))
    return said


def _credit(words: str) -> str:
    """Return who made the picture, without `Image:` before it or marks around it."""
    match = CREDIT.match(words) or CREDIT_AFTER.search(words)
    if match is None:
        return ""
    name = match["name"] or match.groupdict().get("agency") or ""
    return " ".join(name.split()).strip(" *_()[]|").removesuffix(".")
