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

Role = Literal[
    "front", "title", "lead", "caption", "credit", "byline", "furniture", "heading", "body"
]

LONG = 200  # characters: a paragraph this long is the article, not its head
HEAD = 12  # blocks at most before the article proper
TAIL = 6  # blocks at most after it
MAX_TITLE = 160  # characters
MAX_LEAD = 400
MAX_LINE = 300  # a longer block is never a credit, a byline or furniture

_OPEN = r"^[\s>*_(\[|–—-]*"
_SOURCES = (
    r"(?:Getty(?: Images)?|Reuters|AFP|Associated Press|Shutterstock|EPA|Alamy|Unsplash|Pexels"
    r"|iStock|Wikimedia Commons|Flickr|Bloomberg|Magnum(?: Photos)?|Adobe Stock|Zuma(?: Press)?)"
)
_PICTURE = (
    r"(?:(?:header|cover|lead|top|main|featured?|file)\s+)?"
    r"(?:image|photo(?:graph|graphy|grapher)?|picture|pic|illustration|artwork|graphic|video)s?"
)
CREDIT = re.compile(
    rf"{_OPEN}(?:{_PICTURE}(?:\s+(?:credits?|source|courtesy(?:\s+of)?|by))?\s*:"
    rf"|{_PICTURE}\s+(?:credits?\s+)?(?:by|courtesy(?:\s+of)?)\s"
    r"|(?:credits?|courtesy)\s*:|©\s)[\s*_]*(?P<name>\S.*)$",
    re.IGNORECASE | re.DOTALL,
)
CREDIT_AFTER = re.compile(  # at the end of the caption itself
    rf"(?:[(\[]\s*(?:{_PICTURE}|credits?)\s*(?::|by\s|courtesy\s)\s*(?P<name>[^()]{{2,120}})[)\]]"
    rf"|(?P<agency>[(\[]?[\w.’'\- ]{{2,60}}(?:/| via |, via ){_SOURCES}(?:/{_SOURCES})*[)\]]?))"
    r"[\s.*_]*$",
    re.IGNORECASE,
)
BYLINE = re.compile(
    rf"{_OPEN}(?i:by|words by|written by|author\s*:|text by|reported by)[\s:*_]+"
    r"(?P<name>[A-ZÀ-Þ][\w.’'\-]*(?:\s+(?:and\s+|&\s+|de\s+|van\s+|von\s+|la\s+)?"
    r"[A-ZÀ-Þ][\w.’'\-]*){0,5})(?P<rest>[\s,|*_–—-].*)?$",
    re.DOTALL,
)
_MONTHS = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?"
    r"|Sept?(?:ember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)\.?"
)
DATE = re.compile(
    rf"(?P<iso>\d{{4}}-\d\d-\d\d)"
    rf"|(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\s+(?P<month>{_MONTHS}),?\s+(?P<year>\d{{4}})"
    rf"|(?P<month2>{_MONTHS})\s+(?P<day2>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<year2>\d{{4}})"
    r"|(?P<slashed>\d{1,2}[/.]\d{1,2}[/.]\d{4})",
    re.IGNORECASE,
)
_WEEKDAY = r"(?:Mon|Tues?|Wed(?:nes)?|Thu(?:rs)?|Fri|Sat(?:ur)?|Sun)(?:day)?,?\s+"
DATE_LINE = re.compile(
    rf"{_OPEN}(?:(?:first\s+|last\s+)?(?:published|posted|updated|date|created|written)"
    rf"(?:\s+on|\s+at)?[\s:*_]+)?(?:{_WEEKDAY})?(?:{DATE.pattern})"
    r"(?:[T,\s|·•–—-]+(?:at\s+)?\d{1,2}[:.]\d\d.{0,20})?[\s.*_)]*$",
    re.IGNORECASE,
)
TITLE_LINE = re.compile(r"^title\s*:\s*(?P<name>\S.*)$", re.IGNORECASE)
FURNITURE = re.compile(
    rf"{_OPEN}(?:"
    r"follow\s[^.]{1,80}\son\s(?:twitter|x\b|facebook|instagram|mastodon|bluesky|linkedin|threads"
    r"|youtube|tiktok|social media)"
    r"|(?:sign up|subscribe|register)\b.{0,80}\b(?:newsletter|inbox|updates|podcast|channel|emails?"
    r"|alerts|digest)\b"
    r"|get\b.{0,60}\b(?:in|to) your inbox\b"
    r"|subscribe (?:now|today|here)\b"
    r"|(?:read|see|watch|listen)\s+(?:more|also|next|on)\s*(?:[:>»…]|$|about\b|from\b|on\b|at\b|here)"
    r"|(?:more|related|recommended)(?:\s+(?:stories|articles|reading|from\b.{0,40}))?\s*(?:[:»]|$)"
    r"|(?:you (?:might|may) also like|most (?:read|popular)|trending now|(?:keep|continue) reading)"
    r"|share (?:this|on|via)\b"
    r"|(?:like|find|join) us on\b"
    r"|(?:advertisement|sponsored content|scroll to continue|skip to (?:main )?content)\b"
    r"|click here\b"
    r"|(?:copyright\s+)?(?:©|\(c\))\s*(?:copyright\s*)?\d{4}|copyright\s+(?:by\s+)?\d{4}"
    r"|.{0,80}\ball rights reserved\b"
    r"|this (?:story|article|piece|post|report)\s+(?:is part of|(?:was )?(?:first|originally)\s"
    r"(?:published|appeared|produced)|has been (?:updated|corrected|republished))\b"
    r"|(?:got|have|do you have) (?:a|any) (?:story|news )?\s?tips?\b"
    r"|(?:\d+ )?comments?\s*(?:\(\d+\))?$|leave a comment\b"
    r"|(?:this|our)\b.{0,60}\b(?:website|site) uses cookies\b"
    r"|.{2,80}\bis (?:an? |our |the )?(?:ongoing|occasional|regular|weekly|monthly|biweekly|"
    r"daily)\s(?:\w+\s)?(?:series|column|newsletter)\s(?:of|on|about|that|where|in|from|by)\b"
    r")",
    re.IGNORECASE | re.DOTALL,
)
BIOGRAPHY = re.compile(  # only after the article: in its middle this is news
    r"^[*_]*[A-ZÀ-Þ][\w’'-]+(?:\s[A-ZÀ-Þ][\w.’'-]*){1,3}\s(?:is|was)\s(?:an?|the|our)\s.{0,60}"
    r"\b(?:reporter|writer|journalist|correspondent|columnist|editor|author|contributor)\b",
    re.DOTALL,
)
_MARKUP = re.compile(r"^[ ]{0,3}#{1,6}\s+|\s+#+\s*$|\s*\n[ ]{0,3}(?:=+|-+)\s*$")
_TERMINATED = re.compile(r"[.,;:…][\s”’\"')\]*_]*$")
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
    found = blocks(text, alone=lambda line: _line_role(line) is not None)
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


def _line_role(line: str) -> Role | None:
    """Tell a line that speaks for itself by its words alone."""
    if len(line) > MAX_LINE:
        return None
    if FURNITURE.match(line):
        return "furniture"
    if CREDIT.match(line) or CREDIT_AFTER.search(line):
        return "credit"
    if (byline := BYLINE.match(line)) and len(line) <= 120 and not line.endswith("."):
        rest = (byline["rest"] or "").strip(" ,|*_–—-")
        return "byline" if not rest or not rest[0].islower() else None
    return "byline" if DATE_LINE.match(line) else None


def _first_role(text: str, block: Block) -> Role:
    """Return what a block is by its own shape and words."""
    if block.shape == "front":
        return "front"
    if block.shape == "heading":
        return "heading"
    words = text[block.start : min(block.end, block.start + MAX_LINE + 1)]
    return (_line_role(words) if block.shape == "paragraph" else None) or "body"


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
    for at, block in enumerate(found[:HEAD]):
        if roles[at] != "body":
            continue
        words = text[block.start : block.end]
        if block.end - block.start >= LONG:
            return None
        if _headline(words) and any(role == "body" for role in roles[at + 1 :]):
            captions = "credit" in roles[at + 1 : at + 2] and found[at + 1].group == block.group
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
