"""Decide what of a draft may be shown, and what each sentence cites.

A language model's sentence is a claim. It is kept only when a retrieved span supports it: every
number, date, proper name and quotation in it occurs in the span (or in the question, and then
near the span too), it negates what the span negates and keeps its exceptions and conditions, its
content words are covered, it offers what the question asks for, and a trained judge, where there is
one, finds it supported. A claim that its evidence does not support is tried on the other spans;
failing those, the evidence itself is quoted in its place; failing that, it is dropped. Markers are
attached here, from spans, never read from the model's text. This module does not know which model
wrote the draft.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from rag import words
from rag.questions import Question, analyse, counted, offers
from rag.restrictions import unrestricted
from rag.settings import VerifierSettings
from rag.tabular import asked_cell, is_row
from rag.types import Citation, Evidence, Place, Span

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

REACH = 4  # content words
ANSWER_SHARE = 0.6  # of the words of the answer span
_MARKER = re.compile(r"\s*\[\s*\d+(?:\s*[,;–-]\s*\d+)*\s*\]")
Sentences = Callable[[str], Sequence[Span]]
"""Finds the sentences of a text."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence to show and the evidence it rests on, best first."""

    text: str
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Verified:
    """What is left of a draft: claims in order, and how many of its sentences were refused."""

    claims: tuple[Claim, ...]
    rejected: int


class SupportJudge(Protocol):
    """A trained reader of premises and hypotheses."""

    def support(self, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float64]:
        """Return (n, 3) probabilities for (premise, hypothesis): supported, refuted, unrelated."""
        ...


class Verifier:
    """Test each sentence of a draft against the evidence; without a judge by rules alone."""

    def __init__(
        self, settings: VerifierSettings, sentences: Sentences, judge: SupportJudge | None = None
    ) -> None:
        self._settings = settings
        self._sentences = sentences
        self._judge = judge

    def verify(self, question: str, draft: str, evidence: Sequence[Evidence]) -> Verified:
        """Return the draft's supported sentences, each with the evidence that supports it.

        The first evidence is what the draft was written from; the others are tried in order. The
        first refused sentence is replaced by the first evidence's own words, later ones are
        dropped. No evidence: no claims.
        """
        if not evidence:
            return Verified((), len(self._split(draft)))
        claims: list[Claim] = []
        rejected = 0
        asked = analyse(question)
        for sentence in self._split(draft):
            found = None
            if answers(asked, sentence, evidence[0]):
                found = next((e for e in evidence if self.supports(question, sentence, e)), None)
            if found is not None:
                claims.append(Claim(sentence, (found,)))
            else:
                rejected += 1
        if rejected or not claims:
            claims = [*claims, Claim(quoted(evidence[0]), (evidence[0],))]
        return Verified(_distinct(claims), rejected)

    def supports(self, question: str, sentence: str, evidence: Evidence) -> bool:
        """Tell whether evidence (with the question as context) supports a sentence."""
        return not self.objections(question, sentence, evidence)

    def objections(self, question: str, sentence: str, evidence: Evidence) -> tuple[str, ...]:
        """Return why the evidence does not support the sentence; empty when it does.

        Each objection is `kind: what`, with kind one of number, name, quotation, negation,
        exception, condition, words, binding, cell, answer, support. A word, name or number of the
        sentence may come from the question instead of the span only if the passage around the span
        has it too: else the sentence would say of one thing what the document says of another. The
        judge is asked last, of what has no other objection and does not stand in the span word for
        word.
        """
        span = evidence.quote
        context = f"{evidence.passage.context} {evidence.passage.text}"
        asked, said, near = words.stems(question), words.stems(span), words.stems(context)
        known = said | (asked & near)
        numbers = words.numbers(span) | (words.numbers(question) & words.numbers(context))
        found = [f"number: {n}" for n in sorted(words.numbers(sentence) - numbers)]
        found += [f"name: {n}" for n in words.names(sentence) if words.stem(n) not in known]
        verbatim = (words.flat(span), words.flat(question))
        found += [
            f"quotation: {q}"
            for q in words.quotations(sentence)
            if not any(_bare(words.flat(q)) in text for text in verbatim)
        ]
        if words.negated(sentence) != words.negated(span):
            found.append("negation: differs")
        found += unrestricted(sentence, span)
        covered = words.coverage(words.content(sentence), known)
        if covered < self._settings.min_coverage:
            found.append(f"words: {covered:.2f} covered")
        found += [f"binding: {word}" for word in unbound(question, sentence, span)]
        found += [f"cell: {what}" for what in wrong_cell(question, sentence, evidence)]
        if not answers(analyse(question), sentence, evidence):
            found.append("answer: not in it")
        if not found and self._judge and _bare(words.flat(sentence)) not in words.flat(span):
            supported = float(self._judge.support([(span, sentence)])[0, 0])
            if supported < self._settings.min_support:
                found.append(f"support: {supported:.2f}")
        return tuple(found)

    def _split(self, draft: str) -> list[str]:
        text = _MARKER.sub("", draft).strip()
        return [text[s.start : s.end] for s in self._sentences(text)]


def unbound(question: str, sentence: str, span: str) -> tuple[str, ...]:
    """Return the stems that a sentence puts beside others than the span does.

    Of every content word that is not the question's, one neighbour in the sentence must stand
    within `REACH` content words of it in the span, whichever comes first: "killing 14" supports
    "14 were killed", not "14 gunmen attacked". A sentence of one content word has no neighbours.
    """
    said, there, asked = words.content(sentence), words.content(span), words.stems(question)
    if len(said) < 2:
        return ()
    beside = {
        frozenset((one, other))
        for i, one in enumerate(there)
        for other in there[i + 1 : i + 1 + REACH]
    }
    return tuple(
        word
        for i, word in enumerate(said)
        if word not in asked
        and not any(
            frozenset((word, n)) in beside for n in (*said[max(0, i - 1) : i], *said[i + 1 : i + 2])
        )
    )


def wrong_cell(question: str, sentence: str, evidence: Evidence) -> tuple[str, ...]:
    """Return why a sentence about a row of a table may speak of the wrong cell; nothing for prose.

    All numbers of a row stand in it, so that a wrong one passes every other check: the sentence
    must hold the cell that the question asks for by its column, or else be the row itself.
    """
    row = evidence.quote
    if not is_row(evidence.passage, Span(evidence.start, evidence.end)):
        return ()
    if _bare(words.flat(sentence)) == _bare(words.flat(row)):
        return ()
    cell = asked_cell(question, row)
    if cell is None:
        return ("no one column is asked for",)
    return () if set(words.content(cell)) <= words.stems(sentence) else (cell,)


def repeats(sentence: str) -> bool:
    """Tell whether two neighbouring content words come twice: how a small model loses its way."""
    pairs = list(itertools.pairwise(words.content(sentence)))
    return len(set(pairs)) < len(pairs)


def answers(question: Question, sentence: str, evidence: Evidence) -> bool:
    """Tell whether a sentence has something new for the question, of the kind asked for.

    It must also speak of something the question does (by a word or a pronoun), have most of the
    answer the reader points at, if it does, name what is to be counted, and not repeat itself. What
    the evidence does not offer is not asked of the sentence.
    """
    said, asked = set(words.content(sentence)), set(question.content)
    if not said - asked or repeats(sentence):
        return False
    pronouns = not words.PRONOUNS.isdisjoint(map(words.fold, words.tokens(sentence)))
    if not said & asked and not pronouns and asked & set(words.content(evidence.quote)):
        return False
    wanted = set(words.content(evidence.answer_text)) - asked
    if words.coverage(wanted, frozenset(said)) < ANSWER_SHARE:
        return False
    things = counted(question.text)
    if things and things in words.content(evidence.quote) and things not in said:
        return False  # "how many men?" is not answered by how many ships
    return offers(question, sentence) or not offers(question, evidence.quote)


def quoted(evidence: Evidence) -> str:
    """Return the evidence's own words on one line, fit to stand as an answer's sentence."""
    return " ".join(evidence.quote.split())


def standing(evidence: Evidence) -> Place:
    """Return where the evidence's passage stands."""
    return evidence.passage.place


def cite(
    claims: Sequence[Claim], place: Callable[[Evidence], Place] = standing
) -> tuple[str, tuple[Citation, ...]]:
    """Return the display text with `[n]` markers, and the citations they stand for.

    Markers count from 1 in order of first use, stand at the end of their sentence, and equal spans
    share one. `place` says where a quotation stands, where that is known better than for its whole
    passage.
    """
    numbered: dict[tuple[str, int, int], Citation] = {}
    parts = []
    for claim in claims:
        markers = []
        for evidence in claim.evidence:
            key = (evidence.document, evidence.start, evidence.end)
            if key not in numbered:
                numbered[key] = Citation(
                    marker=len(numbered) + 1,
                    document=evidence.document,
                    start=evidence.start,
                    end=evidence.end,
                    quote=evidence.quote,
                    place=place(evidence),
                )
            markers.append(f"[{numbered[key].marker}]")
        parts.append(f"{inert(claim.text)} {''.join(dict.fromkeys(markers))}")
    return " ".join(parts), tuple(numbered.values())


def inert(text: str) -> str:
    """Return the text with what looks like a marker in it made unlike one: `[1]` -> `(1)`."""
    return re.sub(r"\[(\s*\d+(?:\s*[,;–-]\s*\d+)*\s*)\]", r"(\1)", text)


def _bare(text: str) -> str:
    return text.strip(" .,;:!?'")


def _distinct(claims: Sequence[Claim]) -> tuple[Claim, ...]:
    """Drop a claim whose words another, longer claim already has."""
    bags = [frozenset(words.content(c.text)) for c in claims]
    return tuple(
        claim
        for i, claim in enumerate(claims)
        if not any(
            bags[i] < other or (bags[i] == other and j < i)
            for j, other in enumerate(bags)
            if j != i
        )
    )
