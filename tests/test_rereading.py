"""The second reading: what is shown, what its words change, and its doubts."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from rag.candidate import Candidate
from rag.passages import sentences
from rag.rereading import (
    BONUS,
    REFUSED,
    UNSAID,
    reconsider,
    reread,
    shown,
    window,
    within,
)
from rag.types import Evidence, Hit, Passage, Rereading, Span

BRIDGE = "The bridge was opened in 1931. Ana Ruiz built it. It cost a fortune."
HARBOUR = "Ana Ruiz was born in Lima. The harbour is old."


def passage(name: str, text: str, start: int = 0, title: str = "") -> Passage:
    spans = tuple(Span(start + s.start, start + s.end) for s in sentences(text))
    return Passage(name, name, start, start + len(text), text, spans, title=title)


FIRST, SECOND = passage("bridge", BRIDGE, 100), passage("harbour", HARBOUR, title="Lima")


def candidates() -> list[Candidate]:
    """Every sentence of both passages; the reader points at the year."""
    found = [
        Candidate(Hit(p, 1.0), span, p.sentence(span), np.zeros(1))
        for p in (FIRST, SECOND)
        for span in p.sentences
    ]
    year = 100 + BRIDGE.index("1931")
    return [replace(found[0], answer=Span(year, year + 4)), *found[1:]]


class Saying:
    """A language model that answers as it is told to, and remembers what it was shown."""

    def __init__(self, words: str, own: float, given: float | None, refusal: float = -1.0) -> None:
        self.said = Rereading(refusal, words, own, given)
        self.asked: list[tuple[str, str, str]] = []

    def reread(self, question: str, text: str, answer: str) -> Rereading:
        self.asked.append((question, text, answer))
        return self.said


LOGITS = np.array([2.0, 1.0, -3.0, 0.5, -4.0])


def test_it_is_shown_the_best_passage_and_a_sentence_of_the_next() -> None:
    model = Saying("1931", -0.1, -0.1)
    assert reread(model, "Who?", candidates(), LOGITS) == model.said
    assert model.asked == [("Who?", f"{BRIDGE}\nLima: {HARBOUR}", "1931")]
    alone = [c.evidence(0.5) for c in candidates()[:3]]
    assert shown(alone) == BRIDGE


def test_its_words_raise_the_sentences_that_hold_them() -> None:
    seen = reconsider(Saying("ana  ruiz", -0.5, -2.0).said, candidates(), LOGITS)
    raised = BONUS * math.exp(-0.5)
    assert seen.logits - LOGITS == pytest.approx([0, raised, 0, raised, 0])
    at = 100 + BRIDGE.index("Ana")
    assert seen.candidates[1].answer == Span(at, at + len("Ana Ruiz"))
    assert seen.candidates[0] == candidates()[0]
    assert seen.verdict == {"refusal": -1.0, "given": -2.0}


def test_the_readers_words_stay_where_they_are_likelier() -> None:
    text = "in 1931"
    surer = reconsider(Saying(text, -1.0, -0.5).said, candidates(), LOGITS)
    assert surer.candidates[0].answer == candidates()[0].answer
    longer = reconsider(Saying(text, -0.5, -1.6).said, candidates(), LOGITS)
    answer = longer.candidates[0].answer
    assert answer is not None
    assert BRIDGE[answer.start - 100 : answer.end - 100] == text


def test_words_that_are_nowhere_change_nothing() -> None:
    for words in ("Diego", "", "931"):
        seen = reconsider(Saying(words, -0.1, None, 50.0).said, candidates(), LOGITS)
        assert (seen.logits == LOGITS).all()
        assert seen.candidates == tuple(candidates())
        assert seen.verdict == {"refusal": REFUSED, "given": UNSAID}


def test_figures_have_bounds_and_tell_of_agreement() -> None:
    seen = reconsider(Saying("1931", -90.0, -80.0, -70.0).said, candidates(), LOGITS)
    assert seen.verdict == {"refusal": -REFUSED, "given": UNSAID}


def test_a_window_grows_by_whole_sentences_on_both_sides() -> None:
    text = "One is here. Two is here. Three is here. Four is here. Five is here."
    taken = passage("p", text, 10)
    middle = taken.sentences[2]
    assert window(taken, middle, 5) == "Three is here."
    assert window(taken, middle, 30) == "Three is here. Four is here."
    assert window(taken, middle, 45) == "Two is here. Three is here. Four is here."
    assert window(taken, middle, 500) == text
    assert window(taken, taken.sentences[4], 30) == "Four is here. Five is here."


def test_words_are_found_over_line_breaks_and_never_within_a_word() -> None:
    text = "He paid 40\nmillion (in all) for it."
    one = passage("p", text)
    candidate = Candidate(Hit(one, 1.0), one.sentences[0], text, np.zeros(1))
    assert within(candidate, "40 million (in all)") == Span(8, 27)
    assert within(candidate, "0 million") is None
    assert within(candidate, "") is None


def test_evidence_of_one_document_in_two_passages_is_two() -> None:
    later = replace(SECOND, document="bridge")
    both = [Evidence(p, p.start, p.start + 26, 0.5) for p in (FIRST, later)]
    assert shown(both) == f"{BRIDGE}\nLima: {HARBOUR}"
