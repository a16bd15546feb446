"""Which row of a table a question is about: the one that holds what tells the rows apart.

Every row repeats the names of the columns, so "dinner in Norway" matches them all by "dinner" and
one by "Norway". A reader trained on prose sees little difference; counted, it is plain. Knows rows
only by their place and their words.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rag import words
from rag.features import Candidate
from rag.questions import Question
from rag.types import Passage, Span


def is_row(passage: Passage, span: Span) -> bool:
    """Tell whether a unit of a passage is a row of a table: a line of cells, `name: value`."""
    if not passage.place.table:
        return False
    text = passage.sentence(span)
    return "\n" not in text and ("; " in text or ": " in text)


def standing_out(question: Question, candidates: Sequence[Candidate]) -> NDArray[np.float64]:
    """Return (n,) in [-1, 1]: how much of what tells the rows apart each row has.

    What tells them apart are the question's words and numbers that some rows of a table hold and
    others do not: 1 for a row with all of them, -1 for one with none, and 0 where there are none
    or the candidate is no row.
    """
    asked = set(question.content)
    tables: dict[tuple[str, str], list[int]] = defaultdict(list)
    for at, candidate in enumerate(candidates):
        passage = candidate.hit.passage
        if is_row(passage, candidate.span):
            tables[passage.document, passage.place.table].append(at)
    found = np.zeros(len(candidates))
    for rows in tables.values():
        held = [asked & words.stems(candidates[at].text) for at in rows]
        telling = held[0].union(*held) - held[0].intersection(*held)
        for at, mine in zip(rows, held, strict=True):
            if telling:
                found[at] = 2 * len(telling & mine) / len(telling) - 1
    return found
