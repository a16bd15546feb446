"""What the blocks of a text are for: title, standfirst, credit, byline, furniture or body.

General rules over the words and the order of blocks; nothing here knows of files or passages. The
rules lean towards `body`, since a paragraph taken for furniture is ranked down.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from rag.blocks import Block, blocks
from rag.lines import BIOGRAPHY, CREDIT, MAX_LINE, TITLE_LINE, line_role

Role = Literal[
    "front", "title", "lead", "caption", "credit", "byline", "furniture", "heading", "body", "table"
]

LONG = 200  # characters: a paragraph this long is the article, not its head
HEAD = 12  # blocks at most before the article proper
TAIL = 6  # blocks at most after it
MAX_TITLE = 160  # characters
MAX_LEAD = 400

_MARKUP = re.compile(r"^[ ]{0,3}#{1,6}\s+|\s+#+\s*$|\s*\n[ ]{0,3}(?:=+|-+)\s*$")
_TERMINATED = re.compile(r"[.,;:…。、][\s”’\"')\]*_]*$")
_LIST = re.compile(r"^(?:[-*+•]|\d+[.)])\s")


@dataclass(frozen=True, slots=True)
class Piece:
    """A block of a text and what it is for."""

    start: int
    end: int
    role: Role
    group: int = 0


def layout(text: str, title: str | None = None) -> tuple[Piece, ...]:
    """Say what each block of `text` is for, in order.

    With `title` given, the block that reads so is the title (if any does); otherwise one is looked
    for: the first heading, a `Title:` line, or a headline.
    """
    found = blocks(text, alone=lambda line: line_role(line) is not None)
    roles = [_first_role(text, block) for block in found]
    _biographies(text, found, roles)
    at = _given_title(text, found, title) if title is not None else _title(text, found, roles)
    if at is not None:
        roles[at] = "title"
    _captions(text, found, roles, at)
    if at is not None:
        _lead(text, found, roles, at)
    if "body" not in roles and "lead" not in roles:  # what is left is the document
        roles = ["body" if role == "furniture" else role for role in roles]
    pairs = zip(found, roles, strict=True)
    return tuple(Piece(block.start, block.end, role, block.group) for block, role in pairs)


def heading_words(block: str) -> str:
    """Return the words of a heading or title block, without its marks or line breaks."""
    line = _MARKUP.sub("", _MARKUP.sub("", block))
    if named := TITLE_LINE.match(line):
        line = named["name"]
    line = " ".join(line.split())
    stripped = re.sub(r"^(\*{1,3}|_{1,3})(.+)\1$", r"\2", line)
    return stripped.strip()


def _first_role(text: str, block: Block) -> Role:
    """Return what a block is by its own shape and words."""
    if block.shape == "front":
        return "front"
    if block.shape == "heading":
        return "heading"
    words = text[block.start : min(block.end, block.start + MAX_LINE + 1)]
    return (line_role(words) if block.shape == "paragraph" else None) or "body"


def _biographies(text: str, found: Sequence[Block], roles: list[Role]) -> None:
    """Mark what is said of the author after the last paragraphs."""
    for at in reversed(range(max(1, len(found) - TAIL), len(found))):
        rest = all(role in ("furniture", "credit", "byline") for role in roles[at + 1 :])
        block = found[at]
        short = block.end - block.start <= MAX_LINE
        if (
            rest
            and short
            and roles[at] == "body"
            and BIOGRAPHY.match(text[block.start : block.end])
        ):
            roles[at] = "furniture"


def _given_title(text: str, found: Sequence[Block], title: str) -> int | None:
    """Find the block that reads as the title does."""
    wanted = " ".join(title.split()).casefold()
    for at, block in enumerate(found[:HEAD] if wanted else ()):
        if block.end - block.start <= 2 * len(title) + 40 and wanted == (
            heading_words(text[block.start : block.end]).casefold()
        ):
            return at
    return None


def _title(text: str, found: Sequence[Block], roles: Sequence[Role]) -> int | None:
    """Find the title in the head of a text: a heading, a `Title:` line, or a headline."""
    for at, role in enumerate(roles[:HEAD]):
        if role == "heading" or TITLE_LINE.match(text[found[at].start : found[at].end][:MAX_TITLE]):
            return at
    first = True  # a headline further down must look more like one: it may be a subheading
    for at, block in enumerate(found[:HEAD]):
        if roles[at] != "body":
            continue
        captioned = roles[at + 1 : at + 2] == ["credit"]
        opening, first = first, first and captioned
        words = text[block.start : block.end]
        if block.end - block.start >= LONG:
            return None
        if not opening and not _title_case(words):
            continue
        if _headline(words) and any(role == "body" for role in roles[at + 1 :]):
            captions = captioned and found[at + 1].group == block.group
            others = any(
                role == "body" and _headline(text[later.start : later.end])
                for later, role in zip(found[at + 2 : HEAD], roles[at + 2 : HEAD], strict=True)
            )
            if not (captions and others):
                return at
    return None


def _headline(words: str) -> bool:
    """Judge whether a block reads as a headline: one short line that does not end as a sentence."""
    if not 3 <= len(words) <= MAX_TITLE or "\n" in words or "\r" in words:
        return False
    if _TERMINATED.search(words) or _LIST.match(words) or words[0] in "|<{[\\`$@#":
        return False
    letters = [word for word in words.split() if word[0].isalpha() or word[0] in "“‘\"'¿¡"]
    if not letters or len(words.split()) > 24:
        return False
    return words[0].isupper() or words[0].isdigit() or words[0] in "“‘\"'¿¡«" or _scriptless(words)


def _title_case(words: str) -> bool:
    """Judge whether most longer words have a capital, and nothing is asked or shouted."""
    long = [word for word in words.split() if len(word) > 3 and word[0].isalpha()]
    capitals = sum(word[0].isupper() for word in long)
    return capitals * 10 >= len(long) * 6 and words[-1] not in "?!" and not words.isupper()


def _scriptless(words: str) -> bool:
    """Tell writing that has no capitals (Arabic, Chinese, ...)."""
    return words.upper() == words.lower()


def _captions(text: str, found: Sequence[Block], roles: list[Role], title: int | None) -> None:
    """Mark the block that a credit stands under as its caption.

    Directly above it (no blank line between), or, in the head of the article, as a short
    paragraph of its own that is not the standfirst.
    """
    body = next(
        (at for at, b in enumerate(found) if roles[at] == "body" and b.end - b.start >= LONG),
        len(found),
    )
    for at in range(1, len(found)):
        above, block = found[at - 1], found[at]
        short = above.end - above.start <= MAX_LINE
        if roles[at] != "credit" or roles[at - 1] != "body" or not short:
            continue
        if not CREDIT.match(text[block.start : block.end]):
            continue  # the line is a caption already, with the credit at its end
        head = at < body and at - 2 != title and text[above.start : above.end].endswith((".", "”"))
        if above.group == block.group or head:
            roles[at - 1] = "caption"


def _lead(text: str, found: Sequence[Block], roles: list[Role], title: int) -> None:
    """Mark the standfirst: the short paragraph right after the title, with more to come."""
    for at in range(title + 1, min(len(found), title + HEAD)):
        if roles[at] in ("credit", "caption", "byline", "furniture"):
            continue
        block = found[at]
        if (
            roles[at] == "body"
            and block.shape == "paragraph"
            and block.end - block.start <= MAX_LEAD
            and not _LIST.match(text[block.start : block.start + 8])
            and "body" in roles[at + 1 :]
        ):
            roles[at] = "lead"
        return
