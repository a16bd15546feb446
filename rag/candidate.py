"""A sentence of a hit that is up for evidence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rag.types import Evidence, Hit, Span


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence up for evidence, its features (f,), and the judge's best answer span in it.

    `span` and `answer` are characters of the document.
    """

    hit: Hit
    span: Span
    text: str
    features: NDArray[np.float64]
    answer: Span | None = None

    def evidence(self, score: float) -> Evidence:
        """Return it as evidence with a score in [0, 1]."""
        return Evidence(self.hit.passage, self.span.start, self.span.end, score, self.answer)
