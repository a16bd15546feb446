"""HTML to a manuscript: everything a person would see, in order, with headings and tables.

Reads events, so that nesting of any depth and tags that are never closed do no harm. Which part of
a web page is its main text is not decided here. Nothing is fetched and no script is run.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

from rag.documents.manuscript import Manuscript

UNSEEN = frozenset(
    "script style noscript template svg math object iframe audio video canvas select button "
    "textarea datalist dialog".split()
)
AROUND = frozenset("nav footer aside form header menu".split())
"""What stands around the text of a page."""
_VOID = frozenset("area base br col embed hr img input link meta source track wbr".split())
_BLOCKS = frozenset(
    "address article aside blockquote body caption center dd details div dl dt fieldset figcaption "
    "figure footer form header hgroup hr html legend li main menu nav ol p pre section summary "
    "table tbody td tfoot th thead title tr ul".split()
)
_SELF_CLOSING = frozenset("p dt dd".split())  # the next one ends it
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_HEADING = re.compile(r"h([1-6])")
_SECTION = re.compile(r"<!\[[^<>]{0,200}>|\]\]>")
MAX_OPEN = 50  # of `<` without a `>` between them; more is no HTML
MAX_SPAN = 200  # columns or rows that one cell may claim


@dataclass(slots=True)
class _Table:
    """A table being read; `layout` when its cells turn out to hold more than a cell's words."""

    rows: list[list[str]] = field(default_factory=list)
    names: list[bool] = field(default_factory=list)  # a row: all its cells are `th`
    spans: dict[int, tuple[int, str]] = field(default_factory=dict)  # column -> rows left, words
    cell: tuple[int, int] | None = None  # the open one: how many columns and rows it takes
    caption: str = ""
    layout: bool = False

    def begin_row(self) -> None:
        """Start a row with what cells above it reach down."""
        self.add("")
        self.rows.append([])
        self.names.append(True)
        self._reach_down()

    def add(self, words: str) -> None:
        """Write the open cell's words into each column it takes."""
        if self.cell is None:
            return
        columns, deep = self.cell
        self.cell = None
        for _ in range(columns):
            if deep > 1:
                self.spans[len(self.rows[-1])] = (deep - 1, words)
            self.rows[-1].append(words)
        self._reach_down()

    def _reach_down(self) -> None:
        row = self.rows[-1]
        while len(row) in self.spans and len(row) < 10 * MAX_SPAN:
            left, words = self.spans.pop(len(row))
            if left > 1:
                self.spans[len(row)] = (left - 1, words)
            row.append(words)


class _Reader(HTMLParser):
    """Writes what it is fed into a manuscript."""

    def __init__(self, manuscript: Manuscript, skipped: frozenset[str]) -> None:
        super().__init__(convert_charrefs=True)
        self.manuscript = manuscript
        self.skipped = skipped
        self.title = ""
        self.hidden: list[str] = []  # the open tag that hides, once for each of its name inside
        self.words: list[str] = []
        self.level = 0  # of the open heading
        self.items: list[str] = []  # the open lists' marks
        self.list: list[str] = []  # items waiting to be written
        self.item = ""
        self.preformatted = 0
        self.tables: list[_Table] = []
        self.in_title = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open an element."""
        if self.hidden and tag == self.hidden[0] and tag in _SELF_CLOSING:
            self.hidden = []
        if self.hidden:
            if tag == self.hidden[0]:
                self.hidden.append(tag)
            return
        given = dict(attrs)
        unseen = "hidden" in given or _HIDDEN.search(given.get("style") or "")
        if tag == "title":
            self.in_title = True
        elif (tag in self.skipped or unseen) and tag not in _VOID:
            self.hidden.append(tag)
        elif tag == "br":
            self.words.append("\n")
        elif tag == "img":
            self.words.append(f" {given.get('alt') or ''} ")
        elif tag in _BLOCKS or _HEADING.fullmatch(tag):
            self.flush()
            self._open(tag, given)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open and close an element without content."""
        if tag in _VOID or tag in _BLOCKS:
            self.handle_starttag(tag, attrs)
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close an element."""
        if self.hidden:
            if tag == self.hidden[0]:
                self.hidden.pop()
            return
        if tag == "title":
            self.in_title = False
        elif tag in _BLOCKS or _HEADING.fullmatch(tag):
            self.flush()
            self._close(tag)

    def handle_data(self, data: str) -> None:
        """Take words."""
        if self.in_title:
            self.title += data
        elif not self.hidden:
            self.words.append(data if self.preformatted else re.sub(r"\s+", " ", data))

    def _open(self, tag: str, given: dict[str, str | None]) -> None:
        table = self.tables[-1] if self.tables else None
        if tag == "table":
            if table:
                self._as_layout(table)
            self._write_list()
            self.tables.append(_Table())
        elif tag == "tr" and table and not table.layout:
            table.begin_row()
        elif tag in ("td", "th") and table and not table.layout:
            if not table.rows:
                table.begin_row()
            table.add("")
            table.names[-1] &= tag == "th"
            table.cell = (_number(given.get("colspan")), _number(given.get("rowspan")))
        elif found := _HEADING.fullmatch(tag):
            if table:
                self._as_layout(table)
            self._write_list()
            self.level = int(found[1])
        elif tag in ("ul", "ol", "menu", "dl"):
            self.items.append(tag)
        elif tag in ("li", "dt", "dd"):
            self.item = "- " if tag == "li" else ""
        elif tag == "pre":
            self.preformatted += 1

    def _close(self, tag: str) -> None:
        if tag == "table" and self.tables:
            self._write_table(self.tables.pop())
        elif _HEADING.fullmatch(tag):
            self.level = 0
        elif tag in ("ul", "ol", "menu", "dl") and self.items:
            self.items.pop()
            if not self.items:
                self._write_list()
        elif tag in ("li", "dt", "dd"):
            self.item = ""
        elif tag == "pre":
            self.preformatted = max(0, self.preformatted - 1)
        elif tag in ("td", "th") and self.tables and not self.tables[-1].layout:
            self.tables[-1].add("")

    def flush(self) -> None:
        """Write the words read since the last block began or ended."""
        words = "".join(self.words).strip()
        self.words = []
        if not words:
            return
        table = self.tables[-1] if self.tables else None
        if table and not table.layout:
            self._into(table, words)
        elif self.level:
            self.manuscript.heading(words, self.level)
        elif self.items:
            self.list.append(self.item + " ".join(words.split()))
            self.item = ""
        else:
            self.manuscript.paragraph(words)

    def _into(self, table: _Table, words: str) -> None:
        """Put words into the open cell; a second block of them joins the first."""
        if table.cell is not None:
            table.add(words)
        elif table.rows and table.rows[-1]:
            table.rows[-1][-1] = f"{table.rows[-1][-1]} {words}".strip()
        else:
            table.caption = f"{table.caption} {words}".strip()

    def _as_layout(self, table: _Table) -> None:
        """Take a table for a means of arranging things: write what it holds as paragraphs."""
        if table.layout:
            return
        table.layout, table.cell = True, None
        for words in [table.caption, *(cell for row in table.rows for cell in row)]:
            self.manuscript.paragraph(words)
        table.rows, table.caption = [], ""

    def _write_table(self, table: _Table) -> None:
        if table.layout:
            return
        headers = 0
        while headers < len(table.rows) and table.names[headers] and table.rows[headers]:
            headers += 1
        if table.caption:
            self.manuscript.paragraph(table.caption)
        self.manuscript.table(table.rows, table.caption, headers or None)

    def _write_list(self) -> None:
        self.manuscript.paragraph("\n".join(self.list))
        self.list = []

    def finish(self) -> None:
        """Write what is still open."""
        self.close()
        self.flush()
        self._write_list()
        while self.tables:
            self._write_table(self.tables.pop())


def write(html: str, manuscript: Manuscript, skipped: frozenset[str] = UNSEEN) -> str:
    """Write the visible words of some HTML; return the words of its `title` element."""
    reader = _Reader(manuscript, skipped)
    reader.feed(_harmless(html))
    reader.finish()
    return " ".join(reader.title.split())


def _harmless(html: str) -> str:
    """Return the HTML without what the parser stumbles over, or takes time in the square for.

    These are marked sections, comments that are never closed, and many `<` before one `>`.
    """
    html = _SECTION.sub(" ", html.replace("<![CDATA[", " ")).replace("<![", "&lt;![")
    closed = html.rfind("-->") + 1
    html = html[:closed] + html[closed:].replace("<!--", "&lt;!--")
    *parts, last = html.split(">")
    parts = [part.replace("<", "&lt;") if part.count("<") > MAX_OPEN else part for part in parts]
    return ">".join([*parts, last.replace("<", "&lt;")])


def _number(given: str | None) -> int:
    return min(max(int(given), 1), MAX_SPAN) if given and given.isdecimal() else 1
