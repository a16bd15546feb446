import pytest

from rag.conversation import standalone

HISTORY = [("Who is Ana Ruiz?", "An engineer."), ("Did Pedro Gomez hire her?", "Yes.")]


@pytest.mark.parametrize("question", ["How old is he?", "And why?", "What did they pay?", "When?"])
def test_a_follow_up_is_given_what_it_points_back_to(question: str) -> None:
    assert standalone(question, HISTORY) == f"Pedro Gomez: {question}"


@pytest.mark.parametrize(
    "question", ["Who built the bridge at Arta?", "How many boats sank in the harbour?"]
)
def test_a_question_that_stands_alone_is_left_alone(question: str) -> None:
    assert standalone(question, HISTORY) == question


def test_the_first_question_has_nothing_to_point_back_to() -> None:
    assert standalone("How old is he?", []) == "How old is he?"


def test_without_names_the_words_of_the_last_question_serve() -> None:
    assert standalone("And why?", [("what sank the boats?", "Rust.")]) == "sank boats: And why?"
