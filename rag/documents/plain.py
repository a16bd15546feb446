"""Plain text and Markdown files: `.txt`, `.md`, and any other file that reads as text."""

from __future__ import annotations

import re
from pathlib import PurePath

from rag.blocks import blocks
from rag.documents.encoding import binary, decode
from rag.documents.facts import facts
from rag.documents.loader import content_id
from rag.errors import SourceEmpty
from rag.layout import heading_words
from rag.types import Document, Mark

_MARKUP = re.compile(
    rb"\s*(?:<!--.{0,2000}?-->\s*)?(?:<!doctype\s+html|<html[\s>]|<\?xml\s)",
    re.IGNORECASE | re.DOTALL,
)
NAMED_TEXT = frozenset({".md", ".markdown", ".mdown"})


class PlainText:
    """Load a text file as one document."""

    def accepts(self, data: bytes, name: str) -> bool:
        """Accept anything that reads as text, but pages of HTML or XML only when named `.md`."""
        if binary(data):
            return False
        return PurePath(name).suffix.lower() in NAMED_TEXT or not _MARKUP.match(data)

    def load(self, data: bytes, source: str) -> list[Document]:
        """Decode the text, find its facts, and return the one document."""
        words, encoding = decode(data)
        text = newlines(words)
        if not text.strip():
            raise SourceEmpty(f"{source} holds no text.")
        found = facts(text, source)
        title = found.pop("title", "")
        metadata = found | {"encoding": encoding}
        return [Document(content_id(text), text, title, source, metadata, headings(text))]


def headings(text: str) -> tuple[Mark, ...]:
    """Return the headings that Markdown marks: lines with `#`, and lines underlined."""
    return tuple(
        Mark(
            "heading",
            block.start,
            block.end,
            heading_words(text[block.start : block.end]),
            _level(text[block.start : block.end]),
        )
        for block in blocks(text)
        if block.shape == "heading"
    )


def _level(heading: str) -> int:
    """Return a heading's rank: how many `#`, or 1 above `===` and 2 above `---`."""
    if heading.startswith("#"):
        return len(heading) - len(heading.lstrip("#"))
    return 1 if heading.rstrip().endswith("=") else 2


def newlines(text: str) -> str:
    r"""Turn `\r\n` and `\r` into `\n`, as Python does when it reads a text file.

    The one place where a document's characters are changed; all else stays as it is in the file,
    no-break spaces and decomposed letters too. Rows of JSON lines do not come through here.
    """
    return text.replace("\r\n", "\n").replace("\r", "\n")
