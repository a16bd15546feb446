"""Presentations (`.pptx`): a slide is a page, its title a heading; tables, charts and notes."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any

from rag.documents import archive
from rag.documents.manuscript import Manuscript
from rag.documents.numbers import number
from rag.errors import SourceError
from rag.types import Document


class Slides:
    """Load a presentation as one document."""

    def accepts(self, data: bytes, name: str) -> bool:
        """Accept an archive with a presentation in it, and any archive named `.pptx`."""
        found = archive.kind(data)
        named = PurePath(name).suffix.lower() == ".pptx" and data.startswith(b"PK")
        return found == "slides" or (not found and named)

    def load(self, data: bytes, source: str) -> list[Document]:
        """Return the text of all slides and their notes, in order."""
        import pptx

        archive.office(data, source)
        try:
            opened = pptx.Presentation(io.BytesIO(data))
        except (KeyError, ValueError) as error:
            raise SourceError(f"{source} is no presentation that can be read.") from error
        manuscript = Manuscript()
        first = ""
        for count, slide in enumerate(opened.slides, start=1):
            manuscript.page(str(count))
            _slide(slide, manuscript)
            if count == 1 and slide.shapes.title is not None:
                first = slide.shapes.title.text_frame.text
        core = opened.core_properties
        date = core.modified or core.created
        facts = {"author": core.author or "", "date": date.date().isoformat() if date else ""}
        named = core.title and core.title != "PowerPoint Presentation"
        title = core.title if named else first
        return [manuscript.document(source, title, facts)]


def _slide(slide: Any, manuscript: Manuscript) -> None:
    """Write a slide: its title, then what is on it in the order it was drawn, then its notes."""
    title = slide.shapes.title
    if title is not None:
        manuscript.heading(title.text_frame.text, 1)
    for shape in _shapes(slide.shapes):
        if title is not None and shape.shape_id == title.shape_id:
            continue
        if getattr(shape, "has_table", False) and shape.has_table:
            rows = [[cell.text for cell in row.cells] for row in shape.table.rows]
            manuscript.table(rows, "", 1 if shape.table.first_row and len(rows) > 1 else None)
        elif getattr(shape, "has_chart", False) and shape.has_chart:
            _chart(shape.chart, manuscript)
        elif shape.has_text_frame:
            lines = [p.text for p in shape.text_frame.paragraphs if p.text.strip()]
            listed = [f"- {' '.join(line.split())}" for line in lines] if len(lines) > 1 else lines
            manuscript.paragraph("\n".join(listed))
    if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
        for line in slide.notes_slide.notes_text_frame.text.splitlines():
            manuscript.paragraph(line)


def _shapes(shapes: Any) -> Iterator[Any]:
    """Yield shapes, and instead of a group what is in it."""
    for shape in shapes:
        if hasattr(shape, "shapes"):
            yield from _shapes(shape.shapes)
        else:
            yield shape


def _chart(chart: Any, manuscript: Manuscript) -> None:
    """Write a chart's numbers as a table: a row a category, a column a series."""
    plot = next(iter(chart.plots), None)
    if plot is None:
        return
    named = chart.has_title and chart.chart_title.has_text_frame
    title = chart.chart_title.text_frame.text if named else ""
    series = list(plot.series)
    rows = [["", *(one.name for one in series)]]
    for at, category in enumerate(plot.categories):
        values = [one.values[at] if at < len(one.values) else None for one in series]
        rows.append([str(category), *("" if v is None else number(v) for v in values)])
    if title:
        manuscript.paragraph(title)
    manuscript.table(rows, title, 1)
