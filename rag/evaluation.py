"""Ask a dataset's questions and turn what comes back into measures.

It takes a `retrieve` or an `ask` function and knows neither how they work nor how a report is
printed. A report is a value; the same answers and seed give the same report.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from rag import metrics
from rag.dataset import Dataset, Item
from rag.metrics import Measure
from rag.outcomes import (
    MARKER,
    Outcome,
    abstaining,
    answering,
    citing,
    ranking,
    risk_curve,
    supporting,
)
from rag.support import Judge, judged
from rag.types import Answer, Document, Hit

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Report:
    """The measures of one run; `curve` is (coverage, risk), most confident answers first."""

    dataset: str
    questions: int
    seed: int
    measures: tuple[Measure, ...]
    curve: tuple[tuple[float, float], ...] = ()

    def __getitem__(self, name: str) -> Measure:
        """Return the measure of that name; KeyError when there is none."""
        for one in self.measures:
            if one.name == name:
                return one
        raise KeyError(name)

    def row(self) -> dict[str, Any]:
        """Return the report as JSON can hold it: NaN becomes None, the curve has 21 points."""
        places = np.linspace(0, len(self.curve) - 1, 21) if self.curve else np.empty(0)
        return {
            "dataset": self.dataset,
            "questions": self.questions,
            "seed": self.seed,
            "measures": {one.name: _finite(asdict(one)) for one in self.measures},
            "risk_coverage": [list(self.curve[i]) for i in np.unique(places.astype(int))],
        }


def _finite(row: dict[str, Any]) -> dict[str, Any]:
    row.pop("name")
    return {
        key: None if isinstance(value, float) and math.isnan(value) else value
        for key, value in row.items()
    }


# --- asking


def each(
    dataset: Dataset, one: Callable[[Item], Outcome], progress: Progress | None = None
) -> tuple[Outcome, ...]:
    """Return what `one` makes of every question, in order."""
    outcomes = []
    for done, item in enumerate(dataset.items, 1):
        outcomes.append(one(item))
        if progress:
            progress(done, len(dataset.items))
    return tuple(outcomes)


def rank(item: Item, retrieve: Callable[[str], Sequence[Hit]]) -> Outcome:
    """Retrieve for a question; a document ranks where its best passage does."""
    began = time.perf_counter()
    hits = retrieve(item.question)
    return Outcome(item, documents_of(hits), time.perf_counter() - began)


def answer(
    item: Item, ask: Callable[[str], Answer], document: Callable[[str], Document]
) -> Outcome:
    """Ask a question and check every citation against the document it names."""
    began = time.perf_counter()
    got = ask(item.question)
    seconds = time.perf_counter() - began
    markers = {citation.marker for citation in got.citations}
    return Outcome(
        item,
        documents_of(got.passages),
        seconds,
        got,
        exact=sum(document(c.document).text[c.start : c.end] == c.quote for c in got.citations),
        dangling=sum(int(m) not in markers for m in MARKER.findall(got.text)),
    )


def judge(
    outcomes: Sequence[Outcome], by: Judge, progress: Progress | None = None
) -> tuple[Outcome, ...]:
    """Have a judge look at every sentence of the answers given."""
    seen = []
    for done, one in enumerate(outcomes, 1):
        seen.append(one if one.answer is None else replace(one, judged=judged(one.answer, by)))
        if progress:
            progress(done, len(outcomes))
    return tuple(seen)


def documents_of(hits: Sequence[Hit]) -> tuple[str, ...]:
    """Return the distinct documents of the hits, in order of their first passage."""
    return tuple(dict.fromkeys(hit.document for hit in hits))


# --- measuring


def report(dataset: Dataset, outcomes: Sequence[Outcome], *, seed: int = 0) -> Report:
    """Return every measure that the outcomes allow, with 95 % bootstrap intervals."""
    asked = [one for one in outcomes if one.answer is not None]
    measures = ranking(outcomes, seed=seed)
    curve: tuple[tuple[float, float], ...] = ()
    if asked:
        measures += answering(asked, seed=seed) + abstaining(asked, seed=seed)
        measures += citing(asked, seed=seed) + supporting(asked, seed=seed)
        curve = risk_curve(asked)
    measures += (
        metrics.quantile("seconds median", [one.seconds for one in outcomes], 0.5, seed=seed),
        metrics.quantile("seconds p95", [one.seconds for one in outcomes], 0.95, seed=seed),
    )
    return Report(dataset.name, len(outcomes), seed, measures, curve)
