"""Score answers to the golden questions: right and cited, or rightly abstained.

What is right depends on the question:

- An answerable one is right when the answer is given, every group of `answers` has a member in its
  text, and a citation overlaps one of the `evidence` quotes. `enough` asks for fewer groups than
  all, `places` for citations of more than one quote (questions that need two passages).
- An overview ("what is this about?") has no one answer. Its groups are the article's main points,
  its evidence the sentences that make them. What it is about takes two of the groups and one
  citation of such a sentence; a summary three groups and two citations; what the article says
  about a topic two groups (sides of the topic) and one citation.
- To a yes/no question the fact that decides it must be said and cited, "yes" or "no" need not be
  (a quote will do); but opening with the other word (`yes`) is wrong. What the article denies
  is answerable: the denial is the evidence.
- Small talk is right when it is answered in kind: no abstention and no citations.
- An unanswerable one is right when the answer abstains.

A question with `history` is a follow-up: it is asked after those turns. Run it for the table of
failures and the share of each kind:

    python -m tests.golden.scoring
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag import words
from rag.types import Answer, Document

QUESTIONS = Path(__file__).parent / "seed.jsonl"
SMALL_TALK = "small-talk"
OVERVIEW = "overview"


@dataclass(frozen=True, slots=True)
class Golden:
    """A question with what a right answer says and cites.

    `history` are the (question, answer) turns before it, oldest first. `enough` is how many groups
    of `answers` must be said (None: all), `places` how many quotes of `evidence` must be cited.
    `yes` is what a yes/no question's answer is, None for any other question.
    """

    id: str
    kind: str
    question: str
    answerable: bool
    answers: tuple[tuple[str, ...], ...]
    evidence: tuple[str, ...]
    history: tuple[tuple[str, str], ...] = ()
    enough: int | None = None
    places: int = 1
    yes: bool | None = None

    @property
    def sought(self) -> bool:
        """Whether the article answers it: answerable, and no small talk."""
        return self.answerable and self.kind != SMALL_TALK


@dataclass(frozen=True, slots=True)
class Score:
    """One question's outcome; `verdict` is right, wrong, uncited, abstained or answered.

    `answered` is an answer where there is none, or citations in reply to small talk.
    """

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
    return [_golden(json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def _golden(row: dict[str, Any]) -> Golden:
    return Golden(
        row["id"],
        row["kind"],
        row["question"],
        row["answerable"],
        tuple(tuple(group) for group in row["answers"]),
        tuple(row["evidence"]),
        tuple((question, answer) for question, answer in row.get("history", ())),
        row.get("enough"),
        row.get("places", 1),
        row.get("yes"),
    )


def score(golden: Golden, answer: Answer, document: Document) -> Score:
    """Score one answer against the document that it should come from.

    Raises:
        ValueError: a quote of the evidence is not in the document.
    """
    spans = [(at := document.text.index(q), at + len(q)) for q in golden.evidence]
    cited = sum(
        any(
            citation.document == document.id and citation.start < end and start < citation.end
            for citation in answer.citations
        )
        for start, end in spans
    )
    recalled = any(
        hit.start <= start and end <= hit.end for hit in answer.passages[:5] for start, end in spans
    )
    return Score(golden, answer, _verdict(golden, answer, cited), recalled)


def _verdict(golden: Golden, answer: Answer, cited: int) -> str:
    if not golden.answerable:
        return "right" if answer.abstained else "answered"
    if answer.abstained:
        return "abstained"
    if not _said(golden, answer.text) or _opens_wrongly(golden, answer.text):
        return "wrong"
    if golden.kind == SMALL_TALK:
        return "answered" if answer.citations else "right"
    return "right" if cited >= golden.places else "uncited"


def _said(golden: Golden, text: str) -> bool:
    flat = words.flat(text)
    said = sum(any(words.flat(one) in flat for one in group) for group in golden.answers)
    return said >= (len(golden.answers) if golden.enough is None else golden.enough)


def _opens_wrongly(golden: Golden, text: str) -> bool:
    """Tell whether a yes/no question's answer opens with the word that it should not."""
    if golden.yes is None:
        return False
    return [words.fold(t) for t in words.tokens(text)[:1]] == ["no" if golden.yes else "yes"]


def share(scores: Sequence[Score]) -> float:
    """Return the share in [0, 1] that is right."""
    return sum(s.right for s in scores) / len(scores)


def recall(scores: Sequence[Score]) -> float:
    """Return the share in [0, 1] with a gold quote among the five first passages.

    Of questions that the article answers in some place: overviews are left out with the rest.
    """
    placed = [s for s in scores if s.golden.sought and s.golden.kind != OVERVIEW]
    return sum(s.recalled for s in placed) / len(placed)


def by_kind(scores: Sequence[Score]) -> dict[str, tuple[int, int]]:
    """Return how many are right and how many there are of each kind, kinds as they first come."""
    kinds = dict.fromkeys(s.golden.kind for s in scores)
    rights = {kind: [s.right for s in scores if s.golden.kind == kind] for kind in kinds}
    return {kind: (sum(right), len(right)) for kind, right in rights.items()}


def main() -> None:
    """Ask everything of the seed article and print what went wrong."""
    from statistics import mean

    from rag import Pipeline
    from rag.entailment import Entailment
    from rag.support import judged

    with Pipeline.open() as bot:
        (document,) = bot.documents()
        scores = [score(g, bot.ask(g.question, g.history), document) for g in questions()]
    for s in scores:
        if not s.right:
            print(f"{s.golden.id} {s.verdict:9} {s.golden.question}\n     {s.answer.text}")  # noqa: T201
    for kind, (right, total) in by_kind(scores).items():
        print(f"{kind:13} {right:3}/{total}")  # noqa: T201
    sought = [s for s in scores if s.golden.sought]
    if judge := Entailment.shipped(bot.settings.models):
        given = [s.answer for s in scores if s.answer.citations and not s.answer.abstained]
        said = [one for answer in given for one in judged(answer, judge)]
        precise = [each for one in said for each in one.precise]
        print(  # noqa: T201
            f"citations by the judge: recall {mean(one.supported for one in said):.3f} of "
            f"{len(said)} sentences, precision {mean(precise):.3f} of {len(precise)} citations"
        )
    print(  # noqa: T201
        f"right {share(scores):.3f} of {len(scores)}; answerable {share(sought):.3f}; "
        f"recall@5 {recall(scores):.3f}"
    )


if __name__ == "__main__":
    main()
