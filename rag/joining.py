"""Join the answers to the parts of a question into one.

The texts follow each other and markers count on; nothing is written here that was not in an answer
or its question.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from rag.replies import declined
from rag.types import Answer, Citation, Hit

_MARKER = re.compile(r"\[(\d+)\]")


def together(question: str, answers: Sequence[Answer]) -> Answer:
    """Return one answer to `question` from the answers to its parts, at least one, in order.

    It is an abstention only where every part is. It is as sure as the least sure part that was
    answered, or of an abstention the least sure part. A span that several parts cite has one
    marker, and what two parts say alike is said once. A part that is declined beside one that is
    answered opens with its question, since it would not be clear of which it speaks.
    """
    citations: list[Citation] = []
    texts = []
    given = [answer for answer in answers if not answer.abstained]
    for answer in answers:
        numbers = {c.marker: _number(c, citations) for c in answer.citations}
        text = _MARKER.sub(lambda m, n=numbers: f"[{n[int(m[1])]}]", answer.text)  # type: ignore[misc]
        texts.append(declined(answer.question, text) if answer.abstained and given else text)
    timings: dict[str, float] = {}
    for answer in answers:
        for stage, seconds in answer.timings.items():
            timings[stage] = timings.get(stage, 0.0) + seconds
    return Answer(
        question=question,
        text=" ".join(dict.fromkeys(texts)),
        abstained=not given,
        confidence=min(answer.confidence for answer in given or answers),
        citations=tuple(citations),
        passages=_passages(answers),
        timings=timings,
        draft=" ".join(answer.draft for answer in answers if answer.draft),
        rejected=sum(answer.rejected for answer in answers),
        notice=next((answer.notice for answer in answers if answer.notice), ""),
        short=", ".join(dict.fromkeys(answer.short for answer in answers if answer.short)),
    )


def _number(citation: Citation, citations: list[Citation]) -> int:
    """Return the marker of a span among `citations`, adding it when it is new."""
    for known in citations:
        if replace(known, marker=citation.marker) == citation:
            return known.marker
    citations.append(replace(citation, marker=len(citations) + 1))
    return len(citations)


def _passages(answers: Sequence[Answer]) -> tuple[Hit, ...]:
    """Return each passage once, the best of every part before the second of any."""
    found: dict[str, Hit] = {}
    most = max(len(answer.passages) for answer in answers)
    for rank in range(most):
        for answer in answers:
            if rank < len(answer.passages):
                hit = answer.passages[rank]
                found.setdefault(hit.passage.id, hit)
    return tuple(found.values())
