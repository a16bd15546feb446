"""Score answers to the golden questions: right and cited, or rightly abstained.

An answerable question is right when the answer is given, every group of `answers` has a member in
its text, and a citation overlaps one of the `evidence` quotes. An unanswerable one is right when
the answer abstains. Run it for the table of failures:

    python -m tests.golden.scoring
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rag import words
from rag.types import Answer, Document

QUESTIONS = Path(__file__).parent / "seed.jsonl"


@dataclass(frozen=True, slots=True)
class Golden:
    """A question with what a right answer says and cites."""

    id: str
    kind: str
    question: str
    answerable: bool
    answers: tuple[tuple[str, ...], ...]
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Score:
    """One question's outcome; `verdict` is right, wrong, uncited, abstained or answered."""

    golden: Golden
    answer: Answer
    verdict: str
    recalled: bool  # a gold quote is in the five first passages

    @property
    def right(self) -> bool:
        """Whether it counts."""
        return self.verdict == "right"


def questions(path: Path = QUESTIONS) -> list[Golden]:
    """Read the golden questions."""
    rows = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
    return [
        Golden(
            row["id"],
            row["kind"],
            row["question"],
            row["answerable"],
            tuple(tuple(group) for group in row["answers"]),
            tuple(row["evidence"]),
        )
        for row in rows
    ]


def score(golden: Golden, answer: Answer, document: Document) -> Score:
    """Score one answer against the document that it should come from."""
    spans = [(at, at + len(q)) for q in golden.evidence if (at := document.text.index(q)) >= 0]
    cited = any(
        citation.document == document.id and citation.start < end and start < citation.end
        for citation in answer.citations
        for start, end in spans
    )
    recalled = any(
        hit.start <= start and end <= hit.end for hit in answer.passages[:5] for start, end in spans
    )
    return Score(golden, answer, _verdict(golden, answer, cited), recalled)


def _verdict(golden: Golden, answer: Answer, cited: bool) -> str:
    if not golden.answerable:
        return "right" if answer.abstained else "answered"
    if answer.abstained:
        return "abstained"
    text = words.flat(answer.text)
    said = all(any(words.flat(one) in text for one in group) for group in golden.answers)
    if not said:
        return "wrong"
    return "right" if cited else "uncited"


def share(scores: Sequence[Score]) -> float:
    """Return the share in [0, 1] that is right."""
    return sum(s.right for s in scores) / len(scores)


def main() -> None:
    """Ask everything of the seed article and print what went wrong."""
    from rag import Pipeline

    with Pipeline.open() as bot:
        (document,) = bot.documents()
        scores = [score(g, bot.ask(g.question), document) for g in questions()]
    for s in scores:
        if not s.right:
            print(f"{s.golden.id} {s.verdict:9} {s.golden.question}\n     {s.answer.text}")  # noqa: T201
    answerable = [s for s in scores if s.golden.answerable]
    print(  # noqa: T201
        f"right {share(scores):.3f} of {len(scores)}; answerable {share(answerable):.3f}; "
        f"recall@5 {sum(s.recalled for s in answerable) / len(answerable):.3f}"
    )


if __name__ == "__main__":
    main()
