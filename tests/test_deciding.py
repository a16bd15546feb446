"""What is asked of two things is decided from the evidence of each, or left open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from rag import Pipeline
from rag.deciding import agree, decided
from rag.polar import polar
from rag.types import Evidence, Hit, Passage, Reading, Span

ANN = "Ann Keller (1931-1999) was a painter from Lisbon."
BO = "He was a painter of boats."
CY = "Cy Holm sold rope."


def evidence(title: str, text: str, answer: str = "") -> Evidence:
    at = text.find(answer)
    span = Span(at, at + len(answer)) if answer else None
    return Evidence(Passage(title, title, 0, len(text), text, title=title), 0, len(text), 0.5, span)


def reading(*found: Evidence, answerable: float = 0.1, confidence: float = 0.1) -> Reading:
    return Reading(tuple(Hit(e.passage, e.score) for e in found), found, answerable, confidence)


class Judge:
    """Says what it was told of a premise: (supported, refuted), and nothing of any other."""

    def __init__(self, known: Mapping[str, tuple[float, float]]) -> None:
        self.known = known
        self.asked: list[tuple[str, str]] = []

    def support(self, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float64]:
        self.asked += pairs
        found = [self.known.get(premise, (0.0, 0.0)) for premise, _ in pairs]
        return np.array([(yes, no, 1 - yes - no) for yes, no in found])


def unread(question: str, hits: Sequence[Hit]) -> Reading:
    raise AssertionError(question)


def of(names: str, judge: Judge, *found: Evidence):
    both = polar(f"Were {names} both painters?")
    assert both is not None
    return decided(both, reading(*found), judge, unread)


def test_both_must_be_supported_for_a_yes() -> None:
    judge = Judge({ANN: (0.9, 0.0), f"Bo Falk: {BO}": (0.8, 0.1)})
    ann, bo, cy = evidence("Ann Keller", ANN), evidence("Bo Falk", BO), evidence("Cy", CY)
    found = of("Ann Keller and Bo Falk", judge, cy, ann, bo)
    assert found is not None
    assert (found.opening, found.confidence) == ("Yes.", pytest.approx(0.8))
    assert set(found.evidence) == {ann, bo}
    assert judge.asked == [
        (ANN, "Ann Keller was a painter."),
        (f"Bo Falk: {BO}", "Bo Falk was a painter."),
    ]


def test_one_that_is_refuted_decides_and_comes_first() -> None:
    judge = Judge({ANN: (0.9, 0.0), CY: (0.05, 0.85)})
    ann, cy = evidence("Ann Keller", ANN), evidence("Cy Holm", CY)
    found = of("Ann Keller and Cy Holm", judge, ann, cy)
    assert found is not None
    assert (found.opening, found.confidence) == ("No.", pytest.approx(0.85))
    assert found.evidence == (cy, ann)


@pytest.mark.parametrize("sure", [(0.6, 0.1), (0.1, 0.7), (0.0, 0.0)])
def test_what_is_open_for_one_is_left_open(sure: tuple[float, float]) -> None:
    judge = Judge({ANN: (0.9, 0.0), CY: sure})
    ann, cy = evidence("Ann Keller", ANN), evidence("Cy Holm", CY)
    assert of("Ann Keller and Cy Holm", judge, ann, cy) is None
    assert of("Ann Keller and Bo Falk", judge, ann) is None


def test_names_typed_without_capitals_are_found() -> None:
    judge = Judge({ANN: (0.9, 0.0), CY: (0.9, 0.0)})
    found = of("ann keller and cy holm", judge, evidence("", ANN), evidence("", CY))
    assert found is not None
    assert (found.opening, found.short) == ("Yes.", "yes")


def shared(
    one: tuple[str, float], other: tuple[str, float]
) -> tuple[list[str], tuple[str, float] | None]:
    """Ask for the town of two, whose readings answer so and so surely."""
    asked: list[str] = []
    told = {"Ann": one, "Bo": other}

    def read(question: str, hits: Sequence[Hit]) -> Reading:
        asked.append(question)
        (hit,) = hits
        answer, answerable = told[hit.passage.title]
        text = f"{hit.passage.title} lived in {answer}."
        return reading(
            evidence(hit.passage.title, text, answer), answerable=answerable, confidence=0.75
        )

    both = polar("Did Ann and Bo live in the same town?")
    assert both is not None
    whole = reading(*(evidence(name, f"{name} lived.") for name in told))
    found = decided(both, whole, Judge({}), read)
    return asked, found and (found.opening.rstrip("."), found.confidence)


def test_what_is_shared_is_asked_of_each_things_own_passages() -> None:
    asked, found = shared(("Lund", 0.9), ("Lund", 0.6))
    assert asked == ["What town did Ann live in?", "What town did Bo live in?"]
    assert found == ("Yes", 0.75)
    assert shared(("Lund", 0.9), ("Oslo", 0.6))[1] == ("No", 0.75)
    assert shared(("Lund", 0.9), ("Oslo", 0.3))[1] is None


def test_a_sentence_that_says_so_counts_before_one_that_seems_to_deny_it() -> None:
    born = "Bo Falk was born in Lund."
    judge = Judge({ANN: (0.9, 0.0), f"Bo Falk: {BO}": (0.8, 0.1), born: (0.0, 0.95)})
    found = of(
        "Ann Keller and Bo Falk",
        judge,
        evidence("Ann Keller", ANN),
        evidence("Bo Falk", born),
        evidence("Bo Falk", BO),
    )
    assert found is not None
    assert (found.opening, found.confidence) == ("Yes.", pytest.approx(0.8))
    judge.known = {**judge.known, f"Bo Falk: {BO}": (0.6, 0.1)}
    found = of(
        "Ann Keller and Bo Falk", judge, evidence("Ann Keller", ANN), evidence("Bo Falk", born)
    )
    assert found is not None
    assert found.opening == "No."


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Louisiana", "Louisiana, United States", True),
        ("United States", "Louisiana, United States", None),
        ("the New York", "New York", True),
        ("Lund, Sweden", "Malmö, Sweden", False),
        ("", "Lund", None),
    ],
)
def test_when_answers_agree(one: str, other: str, same: bool | None) -> None:
    assert agree(one, other) is same
    assert agree(other, one) is same


@pytest.mark.models
def test_two_things_are_compared_by_the_real_models(tmp_path: Path) -> None:
    texts = {
        "Ann Keller": "Ann Keller was a Portuguese painter. She lived in Porto and liked boats.",
        "Bo Falk": "Bo Falk is a Swedish painter and actor. He was born in Malmö.",
        "Cy Holm": "Cy Holm was a Norwegian ship owner, who sold rope and tar in Bergen.",
        "Dover Light": "Dover Light is a lighthouse of white stone.",
    }
    for name, text in texts.items():
        (tmp_path / f"{name}.txt").write_text(f"{name}\n\n{text}\n", encoding="utf-8")
    bot = Pipeline.open(tmp_path, tmp_path / "index")
    yes = bot.ask("Are Ann Keller and Bo Falk both painters?")
    no = bot.ask("Are Ann Keller and Cy Holm both painters?")
    assert (yes.short, no.short) == ("yes", "no")
    for answer, opening, cited in (
        (yes, "Yes. ", {"Ann Keller", "Bo Falk"}),
        (no, "No. ", {"Ann Keller", "Cy Holm"}),
    ):
        assert answer.text.startswith(opening)
        assert not answer.abstained
        assert {bot.document(c.document).title for c in answer.citations} == cited
        for c in answer.citations:
            assert bot.document(c.document).text[c.start : c.end] == c.quote
    bot.close()
