"""Values laid out as text for a person: pure functions, nothing is printed here."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Sequence

from rag.cli.terminal import Terminal, inert
from rag.doctor import Check
from rag.evaluation import Report
from rag.models import ModelStatus
from rag.places import spoken
from rag.types import Answer, Citation, Document, Hit, Place

NEAREST = 3
EXCERPT_CHARS = 160
_LINED = (".txt", ".md", ".markdown", ".rst")

Lookup = Callable[[str], Document]


def answer(got: Answer, document: Lookup, terminal: Terminal) -> str:
    """Lay out an answer: its text, then each quote with its place, or the nearest passages."""
    parts = [terminal.wrap(got.text), ""]
    if got.abstained and not got.citations and got.passages:
        parts.append(terminal.style("Nearest passages", "bold"))
        parts += [_nearest(hit, document, terminal) for hit in got.passages[:NEAREST]]
    parts += [_quoted(citation, document, terminal) for citation in got.citations]
    parts.append(terminal.style(_footer(got), "dim"))
    return "\n".join(parts)


def _quoted(citation: Citation, document: Lookup, terminal: Terminal) -> str:
    marker = f"[{citation.marker}] "
    source = place(document(citation.document), citation.start, citation.end, citation.place)
    body = terminal.wrap(f"“{citation.quote}”", " " * len(marker))[len(marker) :]
    where = terminal.style(terminal.wrap(source, " " * len(marker)), "dim")
    return f"{terminal.style(marker, 'cyan')}{body}\n{where}\n"


def _nearest(hit: Hit, document: Lookup, terminal: Terminal) -> str:
    excerpt = textwrap.shorten(inert(hit.text), EXCERPT_CHARS, placeholder=" …")
    where = terminal.wrap(
        place(document(hit.document), hit.start, hit.end, hit.passage.place), "  "
    )
    return f"{terminal.wrap(excerpt, '  ')}\n{terminal.style(where, 'dim')}\n"


def place(document: Document, start: int, end: int, where: Place = Place()) -> str:  # noqa: B008
    """Say where a span is: title, source, then page and headings, or line, or characters."""
    known = spoken(where, document.title)
    if document.source.lower().endswith(_LINED):
        line = document.text.count("\n", 0, start) + 1
        spot = ", ".join([f"{document.source}, line {line}", *([known] if known else [])])
    else:
        spot = f"{document.source or document.id}, {known or f'characters {start}-{end}'}"
    return inert(f"{document.title} · {spot}" if document.title else spot)


def _footer(got: Answer) -> str:
    parts = [] if got.abstained else [f"confidence {got.confidence:.0%}"]
    if "total" in got.timings:
        parts.append(f"{got.timings['total']:.1f} s")
    if got.rejected:
        parts.append(f"{got.rejected} unsupported sentence{'s' * (got.rejected > 1)} left out")
    return " · ".join(parts)


def count(number: int, noun: str) -> str:
    """Return a number of things: "1 document", "2,000 documents"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def checks(found: Sequence[Check], terminal: Terminal) -> str:
    """Lay out a doctor's findings: one line each, and under a problem what to do about it."""
    width = max(len(check.name) for check in found)
    lines = []
    for check in found:
        mark = terminal.style("ok     ", "green") if check.ok else terminal.style("problem", "red")
        lines.append(f"{mark}  {check.name:<{width}}  {inert(check.detail)}")
        if not check.ok and check.remedy:
            lines.append(f"{'':{width + 11}}{inert(check.remedy)}")
    return "\n".join(lines)


def models(statuses: Sequence[ModelStatus]) -> str:
    """Lay out the models as a table, and under one that is not ready what to do about it."""
    rows = [("model", "role", "state", "size", "where")]
    rows += [(s.name, s.role, s.state, _megabytes(s.size), str(s.path or "-")) for s in statuses]
    notes = [f"{s.name}: {s.message}; {s.hint}" for s in statuses if s.state != "ready"]
    return "\n".join([table(rows), *map(inert, notes)])


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.0f} MB" if size else "-"


def report(done: Report) -> str:
    """Lay out an evaluation as a table: the figure, its 95 % interval, and over how many."""
    rows = [("measure", "value", "95 % interval", "n")]
    for one in done.measures:
        interval = "-" if math.isnan(one.low) else f"{one.low:.3f} to {one.high:.3f}"
        value = "-" if math.isnan(one.value) else f"{one.value:.3f}"
        rows.append((one.name, value, interval, str(one.n)))
    return f"{inert(done.dataset)}: {done.questions} questions\n{table(rows)}"


def table(rows: Sequence[Sequence[str]]) -> str:
    """Lay out rows in columns, the first row underlined; the last column keeps its width."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [
        "  ".join(f"{inert(c):<{w}}" for c, w in zip(row, widths, strict=True)) for row in rows
    ]
    rule = "  ".join("-" * width for width in widths)
    return "\n".join(line.rstrip() for line in [lines[0], rule, *lines[1:]])
