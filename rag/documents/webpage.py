"""Web pages: the main text, without navigation, adverts, comments and what else stands around it.

Trafilatura finds the main text. A page that it finds none in, and a page that has nothing around
its text (an exported document, say), gives everything a person would see.
"""

from __future__ import annotations

import re
from pathlib import PurePath

from rag.documents.encoding import binary, decode, mark
from rag.documents.manuscript import Manuscript
from rag.documents.markup import AROUND, UNSEEN, write
from rag.documents.plain import NAMED_TEXT
from rag.errors import SourceEmpty
from rag.types import Document

_START = re.compile(
    rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.{0,4000}?-->\s*)*(?:<!doctype\s+html|<html[\s>]|<head[\s>]|<body[\s>])",
    re.IGNORECASE | re.DOTALL,
)
_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]{2,40})", re.IGNORECASE)
_AROUND = re.compile(
    r"<(?:nav|aside|footer|form|iframe)[\s>]|<script[^>]{0,500}\ssrc\s*=|role\s*=\s*[\"']navigation",
    re.IGNORECASE,
)
_WESTERN = ("iso-8859-1", "latin1", "us-ascii", "ascii")  # what browsers read as Windows-1252
_NAMED = (".html", ".htm", ".xhtml")
_LEAST = 0.02  # of the visible words: a main text shorter than that was missed
_SHORT = 200  # characters: a main text shorter than that must be half of what is not around it
_FACTS = {"author": "author", "date": "date", "sitename": "site", "url": "url"}


class WebPage:
    """Load a web page as one document."""

    def accepts(self, data: bytes, name: str) -> bool:
        """Accept what begins as a page does, unless it is Markdown, and what is named `.html`."""
        suffix = PurePath(name).suffix.lower()
        if binary(data) or suffix in NAMED_TEXT:
            return False
        return suffix in _NAMED or bool(_START.match(data.removeprefix(b"\xef\xbb\xbf")))

    def load(self, data: bytes, source: str) -> list[Document]:
        """Return the page's main text, with its title, author and date."""
        html, encoding = decoded(data)
        whole = Manuscript()
        title = write(html, whole, UNSEEN)
        main, facts = Manuscript(), {}
        if found := _main_text(html):
            write(found, main)
            facts = _facts(found)
            title = facts.pop("title", "") or title
        inner = Manuscript()
        write(html, inner, UNSEEN | AROUND)
        least = max(_LEAST * len(whole), min(_SHORT, len(inner) / 2))
        if not _AROUND.search(html) or len(main) < least:
            main = inner if len(inner) >= _LEAST * len(whole) else whole
        if len(main) == 0:
            raise SourceEmpty(f"{source} holds no text that a reader would see.")
        return [main.document(source, title, {**facts, "encoding": encoding})]


def decoded(data: bytes) -> tuple[str, str]:
    """Return a page's text and encoding: by its mark, as UTF-8, as it says itself, or by guess."""
    if not mark(data):
        try:
            return data.decode("utf-8"), "utf-8"
        except UnicodeDecodeError:
            said = _CHARSET.search(data[:4096])
            name = said[1].decode("ascii").lower() if said else "utf-8"
            name = {"iso-8859-1": "cp1252", "latin1": "cp1252", "us-ascii": "cp1252"}.get(
                name, name
            )
            if not name.startswith("utf"):
                try:
                    return data.decode(name, errors="replace"), name
                except (LookupError, UnicodeError):
                    pass
    return decode(data)


def _main_text(html: str) -> str:
    """Return the main text as simple HTML; "" where none is found."""
    import trafilatura

    return (
        trafilatura.extract(
            html,
            output_format="html",
            with_metadata=True,
            include_comments=False,
            include_formatting=True,
            favor_precision=True,
        )
        or ""
    )


def _facts(found: str) -> dict[str, str]:
    """Return what the head of the main text's HTML says: title, author, date, site."""
    from lxml import html

    facts: dict[str, str] = {}
    for element in html.document_fromstring(found).iter("meta"):
        key = "title" if element.get("name") == "title" else _FACTS.get(element.get("name") or "")
        if key and (words := (element.get("content") or "").strip()):
            facts[key] = words
    return facts
