"""What a line says of itself: a credit, a byline, a date, furniture, or nothing special.

Patterns over the words alone; where the line stands in its text is not known here. They would
rather miss than take a sentence of the text for something else.
"""

from __future__ import annotations

import re
from typing import Literal

MAX_LINE = 300  # characters: a longer line is never a credit, a byline or furniture

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


def names_maker(line: str) -> bool:
    """Tell whether a line says who made a picture: "Image: Ana Ruiz", "Boats. Ana Ruiz/AFP"."""
    return bool(CREDIT.match(line) or CREDIT_AFTER.search(line))


def line_role(line: str) -> Literal["credit", "byline", "furniture"] | None:
    """Tell a line that speaks for itself by its words alone."""
    if len(line) > MAX_LINE:
        return None
    if FURNITURE.match(line):
        return "furniture"
    if names_maker(line):
        return "credit"
    if (byline := BYLINE.match(line)) and len(line) <= 120 and not line.endswith("."):
        rest = (byline["rest"] or "").strip(" ,|*_–—-")
        return "byline" if not rest or not rest[0].islower() else None
    return "byline" if DATE_LINE.match(line) else None
