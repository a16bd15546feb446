"""Yes-or-no questions about two things: what they say of each, and what is left alone."""

from __future__ import annotations

import time

import pytest

from rag.polar import Polar, one_of, polar


@pytest.mark.parametrize(
    ("question", "names", "statements"),
    [
        (
            "Are Ann Keller and Bo Falk both stage directors?",
            ("Ann Keller", "Bo Falk"),
            ("Ann Keller is a stage director.", "Bo Falk is a stage director."),
        ),
        (
            "were ann and bo both born in Lisbon",
            ("ann", "bo"),
            ("ann was born in Lisbon.", "bo was born in Lisbon."),
        ),
        (
            "Are Ice and Out of the Dark both animated features about seals?",
            ("Ice", "Out of the Dark"),
            (
                "Ice is an animated feature about seals.",
                "Out of the Dark is an animated feature about seals.",
            ),
        ),
        (
            "Are both magazines, the Lark's View and Owl Monthly, Dutch publications?",
            ("Lark's View", "Owl Monthly"),
            ("Lark's View is a Dutch publication.", "Owl Monthly is a Dutch publication."),
        ),
        (
            "Did Ann Keller and Bo Falk both study at Lund University?",
            ("Ann Keller", "Bo Falk"),
            (
                "Ann Keller did study at Lund University.",
                "Bo Falk did study at Lund University.",
            ),
        ),
        (
            "Do both “Ice” and “Salt Road” have a sequel?",
            ("Ice", "Salt Road"),
            ("Ice does have a sequel.", "Salt Road does have a sequel."),
        ),
    ],
)
def test_what_is_said_of_both_is_said_of_each(
    question: str, names: tuple[str, str], statements: tuple[str, str]
) -> None:
    assert polar(question) == Polar(names, statements)


@pytest.mark.parametrize(
    ("question", "asked"),
    [
        (
            "Are Lund and Malmö situated in the same province?",
            ("What province is Lund situated in?", "What province is Malmö situated in?"),
        ),
        (
            "Are Lark Airport and Owl Airport both airports in the same state ?",
            ("What state is Lark Airport in?", "What state is Owl Airport in?"),
        ),
        (
            "Are Ann and Bo members of the same band?",
            ("What band is Ann a member of?", "What band is Bo a member of?"),
        ),
        (
            "Were Ann Keller and Bo Falk of the same nationality?",
            ("What is the nationality of Ann Keller?", "What is the nationality of Bo Falk?"),
        ),
        (
            "did ann and bo live in the same town?",
            ("What town did ann live in?", "What town did bo live in?"),
        ),
    ],
)
def test_what_is_shared_is_asked_of_each(question: str, asked: tuple[str, str]) -> None:
    found = polar(question)
    assert found is not None
    assert (found.statements, found.shared) == (asked, True)


@pytest.mark.parametrize(
    "question",
    [
        "Was Ann Keller born in Lisbon?",
        "Are the cartels armed?",
        "Was Ann Keller or Bo Falk born in Lisbon?",
        "Did Ann Keller and Bo Falk meet?",
        "Who are Ann Keller and Bo Falk?",
        "Is it both red and blue?",
        "",
    ],
)
def test_what_is_not_said_of_two_things_is_left_alone(question: str) -> None:
    assert polar(question) is None


@pytest.mark.parametrize(
    ("several", "one"),
    [
        ("film directors", "a film director"),
        ("animated features", "an animated feature"),
        ("countries in Asia", "a country in Asia"),
        ("churches", "a church"),
        ("living people", "a living person"),
        ("the largest lakes of Norway", "the largest lake of Norway"),
        ("British", "British"),
        ("located in Paris", "located in Paris"),
        ("species of moss", "species of moss"),
    ],
)
def test_one_of_several(several: str, one: str) -> None:
    assert one_of(several) == one


def test_a_long_question_is_taken_apart_in_no_time() -> None:
    before = time.perf_counter()
    for question in ("Are " + "Ann and " * 400 + "both x?", "Are both " + "A B, " * 400 + "same"):
        polar(question)
    assert time.perf_counter() - before < 0.5
