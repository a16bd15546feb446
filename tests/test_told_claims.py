"""People's claims asked as they stand: whether the text says so."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from training import claim_questions
from training.told_claims import told_group

PREMISE = "In 1931 the engineer Ana Ruiz built a bridge for the town of Arta."


def row(text: str, label: str, premise: str = PREMISE, source: str = "fever-x") -> dict[str, Any]:
    return {"hypothesis": text, "premise": premise, "label": label, "source": source}


@pytest.fixture(autouse=True)
def _without_headings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claim_questions, "TITLED", 0.0)


@pytest.mark.parametrize(
    ("label", "said"), [("supported", True), ("refuted", False), ("unrelated", False)]
)
def test_a_claim_is_answered_by_what_supports_it(label: str, said: bool) -> None:
    made = row("The engineer built a bridge.", label, source="mnli-x")
    (example,) = told_group(made, Random(0))
    assert example.question == "Does the text say that the engineer built a bridge?"
    assert (example.answerable, example.null) == (float(said), not said)
    assert (example.passage, example.span, example.source) == (PREMISE, None, "mnli-x/told")


def test_a_premise_that_says_only_she_stands_below_the_name() -> None:
    (example,) = told_group(row("Ana Ruiz built a boat.", "refuted", "She built it."), Random(0))
    assert example.question == "Does the text say that Ana Ruiz built a boat?"
    assert example.passage == "Ana Ruiz\nShe built it."


def test_what_no_person_claimed_of_the_premise_is_left_out() -> None:
    assert told_group(row("Ana Ruiz built a boat.", "unrelated"), Random(0)) == ()
    assert told_group(row("Is it a boat?", "refuted", source="boolq"), Random(0)) == ()
