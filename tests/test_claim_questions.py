"""People's claims as questions that their premise answers, or just misses."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from training import claim_questions
from training.claim_questions import claim_group
from training.data import Example

PREMISE = "In 1931 the engineer Ana Ruiz built a bridge for the town of Arta."


def row(text: str, label: str, premise: str = PREMISE, source: str = "fever-x") -> dict[str, Any]:
    return {"hypothesis": text, "premise": premise, "label": label, "source": source}


def asked(made: dict[str, Any], seed: int = 0) -> Example:
    (example,) = claim_group(made, Random(seed))
    return example


@pytest.fixture(autouse=True)
def _without_headings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claim_questions, "TITLED", 0.0)


def test_a_supported_claim_asks_for_its_subject() -> None:
    example = asked(row("Ana Ruiz built a bridge.", "supported"))
    assert example.question == "What built a bridge?"
    assert example.span
    assert PREMISE[slice(*example.span)] == "Ana Ruiz"
    assert (example.answerable, example.null) == (1.0, False)


def test_a_refuted_claim_asks_what_its_premise_does_not_answer() -> None:
    example = asked(row("Ana Ruiz was born as an actress in Arta.", "refuted"))
    assert example.question == "Who was born as an actress in Arta?"
    assert (example.span, example.answerable, example.null) == (None, 0.0, True)


def test_what_a_claim_opens_with_goes_to_its_end() -> None:
    example = asked(row("In 1931, Ana Ruiz built a bridge.", "supported"))
    assert example.question == "What built a bridge in 1931?"


def test_a_premise_that_says_only_she_stands_below_the_name() -> None:
    example = asked(row("Ana Ruiz built a bridge.", "supported", premise="She built a bridge."))
    assert example.passage == "Ana Ruiz\nShe built a bridge."
    assert example.span == (0, len("Ana Ruiz"))
    refuted = asked(row("Ana Ruiz built a boat.", "refuted", premise="She built a bridge."))
    assert (refuted.passage, refuted.span) == (example.passage, None)


def test_some_premises_that_name_the_subject_stand_below_it_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(claim_questions, "TITLED", 1.0)
    example = asked(row("Ana Ruiz built a bridge.", "supported"))
    assert example.passage == f"Ana Ruiz\n{PREMISE}"
    assert example.span
    assert example.span[0] > len("Ana Ruiz\n")
    assert example.passage[slice(*example.span)] == "Ana Ruiz"


@pytest.mark.parametrize("label", ["supported", "refuted", "unrelated"])
def test_a_subject_that_is_no_name_stands_word_for_word_in_its_premise(label: str) -> None:
    text = "The village was full of violence."
    premise = "The peace of this village was well known."
    example = asked(row(text, label, premise, "mnli-x"))
    assert example.question == "What was full of violence?"
    if label == "supported":
        assert example.span
        assert premise[slice(*example.span)] == "village"
    else:
        assert (example.span, example.null) == (None, True)


def test_a_plural_is_not_taken_for_a_verb() -> None:
    premise = "Polar bears eat seals."
    example = asked(row("Polar bears are fond of seals.", "supported", premise, "mnli-x"))
    assert example.question == "What are fond of seals?"


@pytest.mark.parametrize(
    "made",
    [
        row("Ana Ruiz built a bridge.", "unrelated"),
        row("Ana Ruiz built a bridge.", "supported", source="boolq"),
        row("Ana Ruiz built a bridge.", "supported", premise="A bridge was built."),
        row("Ana Ruiz's bridge is old.", "refuted"),
        row("There is a bridge.", "refuted"),
        row("This is an old bridge.", "refuted"),
        row("Ana Ruiz with a bridge.", "refuted"),
        row("The Great Bank of Arta was built.", "refuted", premise="Arta had no bank."),
        row("He was in two minds of it.", "refuted", source="mnli"),
        row("The town is old.", "refuted", source="mnli"),
    ],
)
def test_what_makes_no_question_is_left_out(made: dict[str, Any]) -> None:
    assert claim_group(made, Random(0)) == ()
