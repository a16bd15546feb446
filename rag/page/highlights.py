"""Characters of a document that the source panel marks."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Highlight:
    """Characters to mark. `anchor` is the element id to jump to; `label` the citation's number."""

    start: int
    end: int
    anchor: str
    label: str = ""
