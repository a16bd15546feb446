"""Both sides of a comparison are quoted, and said which is first or more only where it is given."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from rag import Pipeline
from rag.comparing import comparison
from rag.contrast import contrasted
from rag.deciding import Decided
from rag.types import Evidence, Passage, Reading, Span

LEAST = 0.5
FIRE = "The fire at Arta killed 14 men."
FLOOD = "The flood took three women and six children."
TEXT = f"{FIRE} Just a few days later the truce was signed. {FLOOD}"


def found(text: str, answer: str = "", score: float = 0.9, whole: str = TEXT) -> Evidence:
    start = whole.index(text)
    at = whole.find(answer, start)
    span = Span(at, at + len(answer)) if answer else None
    passage = Passage("d", "d", 0, len(whole), whole)
    return Evidence(passage, start, start + len(text), score, span)


def contrast(question: str, known: Mapping[str, tuple[float, list[Evidence]]]) -> Decided | None:
    compared = comparison(question)
    assert compared is not None

    def ask(asked: str) -> Reading:
        answerable, evidence = known[asked]
        return Reading((), tuple(evidence), answerable, answerable - 0.1)

    return contrasted(compared, ask, LEAST)


def more(
    question: str, first: list[Evidence], second: list[Evidence], able: tuple[float, float]
) -> Decided | None:
    compared = comparison(question)
    assert compared is not None
    left, right = compared.questions
    return contrast(question, {left: (able[0], first), right: (able[1], second)})


MORE = "Did more people die in the fire at Arta or in the flood?"


def test_numbers_are_compared_and_a_list_of_them_added_up() -> None:
    made = more(MORE, [found(FIRE, "14")], [found(FLOOD, "three")], (0.8, 0.7))
    assert made is not None
    assert made.opening == "More: in the fire at Arta."
    assert [one.quote for one in made.evidence] == [FIRE, FLOOD]
    assert made.short == "in the fire at Arta"
    assert made.confidence == pytest.approx(0.6)
    fewer = more(
        MORE.replace("more", "fewer"), [found(FIRE, "14")], [found(FLOOD, "three")], (0.8, 0.7)
    )
    assert fewer is not None
    assert fewer.opening == "Fewer: in the flood."


def test_nothing_is_said_of_numbers_that_are_the_same_or_not_given() -> None:
    same = "Nine boys drowned. Nine girls drowned."
    first, second = (
        found(s, "Nine", whole=same) for s in ("Nine boys drowned.", "Nine girls drowned.")
    )
    made = more("Were more drowned at the mill or at the pier?", [first], [second], (0.8, 0.8))
    assert made is not None
    assert made.opening == ""
    made = more(MORE, [found(FIRE)], [found(FLOOD, "three")], (0.8, 0.8))
    assert made is not None
    assert made.opening == ""


def test_a_side_that_is_not_answered_must_have_the_words_of_the_question() -> None:
    assert more(MORE, [found(FIRE, "14")], [found(FLOOD, "three")], (0.8, 0.1)) is not None
    quake = MORE.replace("flood", "earthquake")
    assert more(quake, [found(FIRE, "14")], [found(FLOOD, "three")], (0.8, 0.1)) is None


def test_a_side_whose_name_is_missing_is_not_spoken_of() -> None:
    question = MORE.replace("the flood", "the flood at Lemnos")
    assert more(question, [found(FIRE, "14")], [found(FLOOD, "three")], (0.9, 0.9)) is None


def test_one_side_is_answered_or_a_verdict_given() -> None:
    assert more(MORE, [found(FIRE)], [found(FLOOD)], (0.2, 0.2)) is None
    made = more(MORE, [found(FIRE, "14", 0.6)], [found(FLOOD, "three", 0.7)], (0.2, 0.2))
    assert made is not None
    assert made.confidence == pytest.approx(0.6)


def test_the_sides_have_evidence_of_their_own_and_good_enough() -> None:
    both = [found(FIRE, "14"), found(FLOOD, "three")]
    made = more(MORE, both[:1], both, (0.8, 0.8))
    assert made is not None
    assert [one.quote for one in made.evidence] == [FIRE, FLOOD]
    assert more(MORE, both[:1], both[:1], (0.8, 0.8)) is None
    assert more(MORE, both[:1], [found(FLOOD, "three", 0.1)], (0.8, 0.8)) is None


def test_evidence_counts_for_more_where_the_other_sides_is_left_out() -> None:
    rest = [found(FLOOD, "three", 0.2)]
    assert more(MORE, [found(FIRE, "14")], rest, (0.8, 0.8)) is None
    rest = [found(FIRE, "14", 0.7), *rest]
    assert more(MORE, [found(FIRE, "14")], rest, (0.8, 0.8)) is not None


def test_evidence_that_says_what_is_asked_may_be_poor() -> None:
    fire = [found(FIRE, "14")]
    made = more(MORE, fire, [found(FLOOD, "three", 0.1)], (0.8, 0.1))
    assert made is not None
    assert made.confidence == pytest.approx(0.1)
    assert more(MORE, fire, [found(FLOOD, "three", 0.04)], (0.8, 0.1)) is None


LATER = "Just a few days later the truce was signed."


@pytest.mark.parametrize(
    ("question", "verdict"),
    [
        ("Which came first, the fire or the truce?", "First: the fire."),
        ("Which came first, the truce or the fire?", "First: the fire."),
        ("Which came later, the truce or the fire?", "Later: the truce."),
        ("Was the truce before or after the fire?", "First: the fire."),
    ],
)
def test_what_is_said_to_be_later_was_not_first(question: str, verdict: str) -> None:
    known = {
        "When was the fire?": (0.2, [found(FIRE)]),
        "When was the truce?": (0.2, [found(LATER)]),
    }
    made = contrast(question, known)
    assert made is not None
    assert made.opening == verdict


def test_years_decide_an_order() -> None:
    whole = "The truce was signed in 1912. The fire was in 1905. Years earlier the mill was built."
    truce, fire = (
        found(s, whole=whole) for s in ("The truce was signed in 1912.", "The fire was in 1905.")
    )
    known = {"When was the fire?": (0.9, [fire]), "When was the truce?": (0.9, [truce])}
    made = contrast("Which happened first, the truce or the fire?", known)
    assert made is not None
    assert made.opening == "First: the fire."
    mill = found("Years earlier the mill was built.", whole=whole)
    known = {"When was the mill?": (0.9, [mill]), "When was the fire?": (0.9, [fire])}
    made = contrast("Which happened first, the fire or the mill?", known)
    assert made is not None
    assert made.opening == "First: the mill."


def test_an_order_that_is_not_given_is_not_said() -> None:
    known = {
        "When was the fire?": (0.2, [found(FIRE)]),
        "When was the flood?": (0.2, [found(FLOOD)]),
    }
    assert contrast("Which came first, the fire or the flood?", known) is None


def test_a_difference_is_two_quotes() -> None:
    known = {
        "What is the fire?": (0.9, [found(FIRE)]),
        "What is the flood?": (0.6, [found(FLOOD)]),
    }
    made = contrast("What is the difference between the fire and the flood?", known)
    assert made is not None
    assert (made.opening, len(made.evidence)) == ("", 2)


def test_a_comparison_is_answered_from_both_sides(tmp_path: Path) -> None:
    text = tmp_path / "town.txt"
    text.write_text(
        "The great fire of Arta in the spring killed 14 people and burned the mill.\n\n"
        "The flood of Lemnos that autumn killed 30 people and washed the harbour away.\n\n"
        "The town council of Patra bought a clock for its tower.\n"
    )
    with Pipeline.open(sources=[text], index=tmp_path / "index") as bot:
        answer = bot.ask("Were more people killed in the fire of Arta or in the flood of Lemnos?")
    assert answer.text.startswith("More: in the flood of Lemnos. ")
    assert not answer.abstained
    assert [("14" in c.quote, "30" in c.quote) for c in answer.citations] == [
        (True, False),
        (False, True),
    ]
