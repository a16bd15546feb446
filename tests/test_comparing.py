"""Comparisons: what is asked of each side, and what is no comparison."""

from __future__ import annotations

import time

import pytest

from rag.comparing import Comparison, comparison


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        (
            "Did more people die in the fire at Arta or in the one at Lemnos?",
            Comparison(
                "number",
                ("in the fire at Arta", "in the fire at Lemnos"),
                (
                    "How many people died in the fire at Arta?",
                    "How many people died in the fire at Lemnos?",
                ),
                True,
                "more",
            ),
        ),
        (
            "were fewer boats sunk in the flood or the storm",
            Comparison(
                "number",
                ("in the flood", "in the storm"),
                (
                    "How many boats were sunk in the flood?",
                    "How many boats were sunk in the storm?",
                ),
                False,
                "fewer",
            ),
        ),
        (
            "Which had more members, the guild or the club?",
            Comparison(
                "number",
                ("the guild", "the club"),
                ("How many members did the guild have?", "How many members did the club have?"),
                True,
                "more",
            ),
        ),
        (
            "Which one killed fewer men: the fire or the flood?",
            Comparison(
                "number",
                ("the fire", "the flood"),
                ("How many men killed in the fire?", "How many men killed in the flood?"),
                False,
                "fewer",
            ),
        ),
        (
            "Which happened first, the truce or the sale of the boats?",
            Comparison(
                "order",
                ("the truce", "the sale of the boats"),
                ("When was the truce?", "When was the sale of the boats?"),
                True,
            ),
        ),
        (
            "What came later: the truce or the treaty?",
            Comparison(
                "order",
                ("the truce", "the treaty"),
                ("When was the truce?", "When was the treaty?"),
                False,
            ),
        ),
        (
            "Did the truce happen before or after the sale of the boats?",
            Comparison(
                "order",
                ("the truce", "the sale of the boats"),
                ("When was the truce?", "When was the sale of the boats?"),
                True,
            ),
        ),
        (
            "How does Ann's account of the fire differ from what most sailors believe?",
            Comparison(
                "difference",
                ("Ann's account of the fire", "what most sailors believe"),
                (
                    "What is Ann's account of the fire?",
                    "What do most sailors believe about the fire?",
                ),
            ),
        ),
        (
            "How is Bo's view different from that of Ann?",
            Comparison(
                "difference",
                ("Bo's view", "the view of Ann"),
                ("What is Bo's view?", "What is the view of Ann?"),
            ),
        ),
        (
            "What is the difference between a sloop and a ketch?",
            Comparison(
                "difference",
                ("a sloop", "a ketch"),
                ("What is a sloop?", "What is a ketch?"),
            ),
        ),
        (
            "Compare the guilds with the clubs.",
            Comparison(
                "difference",
                ("the guilds", "the clubs"),
                ("What are the guilds?", "What are the clubs?"),
            ),
        ),
        (
            "How does the plan compare to what the mayor proposes?",
            Comparison(
                "difference",
                ("the plan", "what the mayor proposes"),
                ("What is the plan?", "What does the mayor propose?"),
            ),
        ),
        (
            "How does Ann's plan differ from what Bo proposed?",
            Comparison(
                "difference",
                ("Ann's plan", "what Bo proposed"),
                ("What is Ann's plan?", "What Bo proposed?"),
            ),
        ),
    ],
)
def test_a_question_is_asked_of_each_side(question: str, expected: Comparison) -> None:
    assert comparison(question) == expected


@pytest.mark.parametrize(
    "question",
    [
        "",
        "Who was born first, Ann Keller or Bo Falk?",
        "Is the boat red or blue?",
        "What is the first book of Ann Keller?",
        "Did more people come to Arta?",
        "How do I compare two files and merge them?",
        "What differences did Ann see?",
        "Which boat was sunk first?",
    ],
)
def test_others_are_left_alone(question: str) -> None:
    assert comparison(question) is None


def test_long_questions_take_no_long_time() -> None:
    start = time.perf_counter()
    for text in (
        "did more " + "a " * 2_000,
        "compare " + "x and " * 1_000,
        "which came first, " + "a or " * 1_000 + "b",
        "how does " + "differ from " * 800,
    ):
        comparison(text)
    assert time.perf_counter() - start < 1.0
