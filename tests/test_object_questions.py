"""People's claims as questions for what stands last in them."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from training import claim_questions
from training.data import Example, Recipe
from training.edited import Vocabulary
from training.object_questions import object_group

PREMISE = "In 1931 the engineer Ana Ruiz built a bridge for the town of Arta."


def row(text: str, label: str, premise: str = PREMISE, source: str = "fever-x") -> dict[str, Any]:
    return {"hypothesis": text, "premise": premise, "label": label, "source": source}


def asked(made: dict[str, Any]) -> Example:
    (example,) = object_group(made, Random(0))
    return example


@pytest.fixture(autouse=True)
def _without_headings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claim_questions, "TITLED", 0.0)


@pytest.mark.parametrize(
    ("claim", "question", "answer"),
    [
        ("Ana Ruiz built a bridge.", "What did Ana Ruiz build?", "bridge"),
        ("Ana Ruiz built it for the town.", "What did Ana Ruiz build it for?", "town"),
        ("Ana Ruiz lived in Arta.", "Where did Ana Ruiz live?", "Arta"),
        ("Ana Ruiz was active in 1931.", "When was Ana Ruiz active?", "1931"),
        ("The bridge was built by Ana Ruiz.", "Who was the bridge built by?", "Ana Ruiz"),
        ("The bridge serves the town of Arta.", "What does the bridge serve?", "town of Arta"),
    ],
)
def test_a_supported_claim_asks_for_what_it_ends_with(
    claim: str, question: str, answer: str
) -> None:
    example = asked(row(claim, "supported"))
    assert example.question == question
    assert example.span
    assert PREMISE[slice(*example.span)] == answer
    assert (example.answerable, example.null) == (1.0, False)


@pytest.mark.parametrize("label", ["refuted", "unrelated"])
def test_a_claim_that_is_not_so_asks_what_its_premise_does_not_answer(label: str) -> None:
    example = asked(row("Ana Ruiz destroyed the bridge in 1931.", label, source="mnli-x"))
    assert example.question == "When did Ana Ruiz destroy the bridge?"
    assert (example.span, example.answerable, example.null) == (None, 0.0, True)


@pytest.mark.parametrize(
    ("claim", "label"),
    [
        ("Ana Ruiz is an engineer.", "supported"),  # what she is asks nothing particular
        ("Ana Ruiz was born in Paris.", "refuted"),  # Paris may be what is false
        ("Ana Ruiz built a bridge in 1931.", "refuted"),  # every other word is there
        ("Ana Ruiz never lived in Arta.", "refuted"),
        ("Ana Ruiz wanted to bridge.", "supported"),  # a verb
        ("Ana Ruiz came, and saw Arta.", "supported"),  # two clauses
        ("Ana Ruiz zigzagged in Arta.", "supported"),  # no verb that is known
        ("Ana Ruiz lived in Arta.", "unrelated"),  # drawn by chance
    ],
)
def test_what_makes_no_question(claim: str, label: str) -> None:
    assert object_group(row(claim, label), Random(0)) == ()
    assert object_group(row("Ana Ruiz built a bridge.", "supported", source="x"), Random(0)) == ()


def test_the_place_is_where_most_of_the_claim_is() -> None:
    premise = f"Arta is old. {'It lies by the sea and has a market. ' * 3}Ana Ruiz lived in Arta."
    span = asked(row("Ana Ruiz lived in Arta.", "supported", premise)).span
    assert span == (premise.rindex("Arta"), len(premise) - 1)


def test_a_premise_that_says_only_she_stands_below_the_name() -> None:
    example = asked(row("Ana Ruiz lived in Arta.", "supported", "She lived in Arta."))
    assert example.passage == "Ana Ruiz\nShe lived in Arta."
    assert example.span
    assert example.passage[slice(*example.span)] == "Arta"


def test_a_supported_claim_has_edits_beside_it() -> None:
    premise = "Ana Ruiz lived in Arta, and Ben Cole in Oslo."
    recipe = Recipe(typed=0.0, edited=1.0, varied=1.0)
    group = object_group(
        row("Ana Ruiz lived in Arta.", "supported", premise),
        Random(1),
        recipe,
        Vocabulary.of([premise, "Carl Lund came."]),
    )
    assert [example.answerable for example in group] == [1.0, 0.0, 1.0]
    assert group[1].passage != premise
