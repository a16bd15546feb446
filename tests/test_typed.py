"""Questions as people type them."""

from __future__ import annotations

from random import Random

from rag.spelling import distance
from training import typed

QUESTION = "Who built the Arta bridge?"


def test_a_slip_is_one_error_in_a_word_of_four_letters_or_more() -> None:
    for seed in range(300):
        made = typed.slip(QUESTION, Random(seed))
        pairs = list(zip(QUESTION.split(), made.split(), strict=True))
        changed = [(one, other) for one, other in pairs if one != other]
        assert len(changed) <= 1  # a vowel may be replaced by itself
        for one, other in changed:
            assert one not in ("Who", "the")
            assert distance(one, other) == 1
            assert one[0] == other[0]


def test_without_a_long_word_nothing_is_mistyped() -> None:
    assert typed.slip("Who is he?", Random(0)) == "Who is he?"


def test_a_share_is_typed_and_a_group_alike() -> None:
    manners = [typed.manner(0.3, Random(seed)) for seed in range(400)]
    made = [manner(QUESTION) for manner in manners]
    assert 80 < sum(one != QUESTION for one in made) < 140
    assert "who built the arta bridge" in made
    small = [one == one.lower() for one in made]
    again = [manner(QUESTION) for manner in manners]
    assert [one == one.lower() for one in again] == small
